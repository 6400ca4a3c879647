"""The main job: prove the theorems, run the exact grid, run the released libraries. Returns records, prints nothing."""

import time
from collections.abc import Callable, Collection

from cfg_equiv.errors import unknown_name
from cfg_equiv.results import GridResult, PeerResult, TheoremResult, VerifyReport
from cfg_equiv.theorems import THEOREMS, prove
from cfg_equiv.theorems.grid import run_grid

GROUPS = ("theorems", "grid", "peers")

Progress = Callable[[str], object]


def _silent(text: str) -> None:
    """The default progress: none."""


def verify(only: Collection[str] = (), progress: Progress = _silent) -> VerifyReport:
    """Run everything, or what ``only`` names.

    Parameters
    ----------
    only
        Theorem ids (``Q1``), ``theorems``, ``grid``, ``peers``, or the name of one comparison with released code.
        Empty means all.
    progress
        Told what starts, one short text at a time.

    Raises
    ------
    UnknownNameError
        If ``only`` has a name that is none of these.
    """
    start = time.perf_counter()
    comparison_names = _peer_names() if only else []
    for name in only:
        known = (*GROUPS, *(theorem.id for theorem in THEOREMS), *comparison_names)
        if name not in known:
            raise unknown_name("theorem, group or comparison", name, known)

    theorems: list[TheoremResult] = []
    for theorem in THEOREMS:
        if not only or "theorems" in only or theorem.id in only:
            progress(f"theorem {theorem.id}")
            theorems.append(prove(theorem))

    grid = GridResult(0, 0)
    if not only or "grid" in only:
        grid = run_grid(progress)

    peers = []
    if not only or "peers" in only or any(name in only for name in comparison_names):
        peers = _run_peers(only, progress)
    seconds = round(time.perf_counter() - start, 2)
    return VerifyReport(tuple(theorems), grid, tuple(peers), seconds)


def _peer_names() -> list[str]:
    from cfg_equiv.peers import COMPARISONS  # torch is imported only when the peers are asked for

    return [comparison.name for comparison in COMPARISONS]


def _run_peers(only: Collection[str], progress: Progress) -> list[PeerResult]:
    from cfg_equiv.peers import COMPARISONS

    results = []
    for comparison in COMPARISONS:
        if not only or "peers" in only or comparison.name in only:
            progress(f"peer {comparison.name}")
            results.append(comparison())
    return results
