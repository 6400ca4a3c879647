"""Plain records of what ran, and their JSON. The command line fills them, ``report/`` only reads them."""

import builtins
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from unittest import SkipTest

Method = Literal["field", "exact_counterexample", "bound", "limit", "argued"]
PeerStatus = Literal["agrees", "differs_as_proved", "failed", "not_run"]
CheckStatus = Literal["passed", "failed", "error", "expected", "not_applicable"]
CHECK_STATUSES: tuple[CheckStatus, ...] = ("passed", "failed", "error", "expected", "not_applicable")


@dataclass(frozen=True)
class TheoremResult:
    """One theorem: what was claimed, under which conditions, and what came of the claim and of its twin."""

    id: str
    statement: str
    source: str
    conditions: tuple[str, ...]
    method: Method
    status: Literal["proved", "argued", "failed"]
    twin_refuted: bool
    calls: tuple[str, ...]
    ms: float
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the claim stands and its twin fell."""
        return self.status != "failed" and self.twin_refuted


@dataclass(frozen=True)
class GridResult:
    """The exact grid: every sampler from every parameterization over one to three steps."""

    cases: int
    failed: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class PeerResult:
    """One comparison with released code. ``detail`` says what was compared and by how much it differed."""

    name: str
    version: str
    status: PeerStatus
    detail: str

    @property
    def holds(self) -> bool:
        """Whether the comparison ran and came out as claimed."""
        return self.status in ("agrees", "differs_as_proved")


@dataclass(frozen=True)
class VerifyReport:
    """Everything ``cfg-equiv verify`` found."""

    theorems: tuple[TheoremResult, ...] = ()
    exact_grid: GridResult = field(default_factory=lambda: GridResult(0, 0))
    peers: tuple[PeerResult, ...] = ()
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every theorem holds, every twin is refuted, the grid is clean and every peer ran and agreed."""
        theorems, peers = (all(record.holds for record in records) for records in (self.theorems, self.peers))
        return theorems and peers and self.exact_grid.failed == 0

    def to_json(self) -> str:
        """The report as JSON text, one key per field."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "VerifyReport":
        """The report that :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        theorems = tuple(
            TheoremResult(**{**t, "conditions": tuple(t["conditions"]), "calls": tuple(t["calls"])})
            for t in data["theorems"]
        )
        grid = data["exact_grid"]
        return cls(
            theorems,
            GridResult(grid["cases"], grid["failed"], tuple(grid["failures"])),
            tuple(PeerResult(**p) for p in data["peers"]),
            data["seconds"],
        )


@dataclass(frozen=True)
class SolverComparison:
    """Two names, the catalogue entries they stand for, and whether those are one map, with the proof or the gap.

    ``leading`` is the leading term of the difference in the step's size ``h`` in half-log-SNR, if there is one.
    """

    first: str
    second: str
    first_solver: str
    second_solver: str
    same: bool
    detail: str
    leading: str = ""


@dataclass(frozen=True)
class CheckRecord:
    """One check of one subject.

    ``examples`` counts the cases tried until the first failure, ``vacuous`` those of them that could not have shown a
    fault; ``case`` is the ``repr`` of the smallest failing case found, and pastes back; ``measured`` are the numbers
    behind the message, where there are more than it says: of an order, ``claimed``, ``steps`` and ``errors``.
    """

    name: str
    property: str
    status: CheckStatus
    examples: int
    vacuous: int
    message: str
    case: str
    options: Mapping[str, Any]
    measured: Mapping[str, Any] = field(default_factory=dict)

    @builtins.property  # "property" is a field here
    def holds(self) -> bool:
        """Whether nothing is wrong: it passed, failed as expected, or does not apply."""
        return self.status not in ("failed", "error")

    def require(self) -> None:
        """Raise ``AssertionError`` if it failed, ``unittest.SkipTest`` if it does not apply: for ``subTest``."""
        if not self.holds:
            raise AssertionError(
                f"{self.property} {self.status}: {self.message}" + f" at {self.case}" * bool(self.case)
            )
        if self.status == "not_applicable":
            raise SkipTest(self.message)


@dataclass(frozen=True)
class SubjectReport:
    """What came of the checks of one subject; ``counts`` says how much ran, as a green report alone does not."""

    subject: str
    version: str
    checks: tuple[CheckRecord, ...]
    counts: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        counts = {status: sum(record.status == status for record in self.checks) for status in CHECK_STATUSES}
        ran = len(self.checks) - counts["not_applicable"]
        examples, vacuous = (sum(getattr(record, name) for record in self.checks) for name in ("examples", "vacuous"))
        object.__setattr__(self, "counts", {"ran": ran, **counts, "examples": examples, "vacuous": vacuous})

    @property
    def holds(self) -> bool:
        """Whether no check failed or broke, and at least one ran."""
        return self.counts["ran"] > 0 and all(record.holds for record in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON's types."""
        return {**asdict(self), "checks": [asdict(record) for record in self.checks]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SubjectReport":
        """The report that :meth:`to_dict` gave."""
        return cls(data["subject"], data["version"], tuple(CheckRecord(**record) for record in data["checks"]))
