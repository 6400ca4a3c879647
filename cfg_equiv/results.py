"""Plain records of what ran, and their JSON. The command line fills them, ``report/`` only reads them."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Method = Literal["field", "exact_counterexample", "bound", "limit", "argued"]
PeerStatus = Literal["agrees", "differs_as_proved", "failed", "not_run"]


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
