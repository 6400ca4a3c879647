"""What a comparison with released code is, and how its outcome becomes a record.

A comparison is data: a name, the distributions it needs and a claim. The claim raises :class:`AssertionError` where the
released code does not do what it says, and returns one line of detail otherwise. Two more outcomes are failures and not
crashes: a released module that cannot be imported, and a proof that the exact oracle cannot decide
(:class:`~cfg_equiv.exact.element.ExactError`). Nothing else is caught.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from cfg_equiv.exact.element import ExactError
from cfg_equiv.results import PeerResult

INSTALL = {
    # These two pin or pull what would break the others, and need little of what they declare.
    "k-diffusion": "pip install --no-deps k-diffusion==0.1.1.post1",
    "stable-audio-tools": "pip install --no-deps stable-audio-tools==0.0.19",
}


@dataclass(frozen=True)
class Comparison:
    """One claim about released code; call it for the record. The first of ``needs`` is the peer itself."""

    name: str
    needs: tuple[str, ...]
    claim: Callable[[], str]
    holds: Literal["agrees", "differs_as_proved"] = "agrees"

    def __call__(self) -> PeerResult:
        """Run the claim."""
        missing = [name for name in self.needs if installed(name) is None]
        peer = installed(self.needs[0]) or ""
        if missing:
            return PeerResult(
                self.name, peer, "not_run", f"not installed: {', '.join(missing)}; run: {command(missing)}"
            )
        try:
            return PeerResult(self.name, peer, self.holds, self.claim())
        except AssertionError as error:
            return PeerResult(self.name, peer, "failed", str(error))
        except ExactError as error:
            return PeerResult(self.name, peer, "failed", f"the proof does not close: {error}")
        except ImportError as error:
            return PeerResult(
                self.name, peer, "failed", f"the released code of {self.needs[0]} cannot be imported: {error}"
            )


def installed(distribution: str) -> str | None:
    """The version of a distribution, or ``None``."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def command(missing: Sequence[str]) -> str:
    """The shell command that installs what is missing."""
    plain = [name for name in missing if name not in INSTALL]
    commands = [INSTALL[name] for name in missing if name in INSTALL]
    return " && ".join(([f"pip install {' '.join(plain)}"] if plain else []) + commands)
