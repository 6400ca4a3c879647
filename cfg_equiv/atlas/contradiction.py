"""What the documentation of a released library says and a verdict or a proved order refutes: one such place."""

import importlib.util
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Contradiction:
    """A sentence of a documentation, what is the case instead, and the shortest program that shows it.

    ``code`` needs the library and torch alone, and prints ``expected``.
    """

    library: str  # the distribution
    symbol: str
    file: str  # below the folder that packages are installed in
    says: str  # word for word, but for white space
    rule_or_solver: str  # of the catalogue
    instead: str
    code: str
    expected: str

    @property
    def version(self) -> str | None:
        """The version that is installed; None if none is."""
        try:
            return version(self.library)
        except PackageNotFoundError:
            return None

    @property
    def line(self) -> int | None:
        """Where the quotation starts in the installed file; None where it is not in it.

        The file is read and not imported: most libraries take seconds, and some need more than is installed.
        """
        package, _, below = self.file.partition("/")
        found = importlib.util.find_spec(package)
        for folder in (found and found.submodule_search_locations) or ():
            path = Path(folder) / below
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            quoted = re.search(r"\s+".join(map(re.escape, self.says.split())), text)
            if quoted:
                return text.count("\n", 0, quoted.start()) + 1
        return None

    def record(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "library": self.library,
            "version": self.version,
            "symbol": self.symbol,
            "file": self.file,
            "line": self.line,
            "says": self.says,
            "instead": self.instead,
            "code": self.code,
            "prints": self.expected,
        }
