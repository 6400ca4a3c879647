"""The main job: prove the theorems, run the exact grid, run the released libraries. Returns records, prints nothing."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from cfg_equiv.errors import unknown_name
from cfg_equiv.results import GridResult, PeerResult, VerifyReport
from cfg_equiv.theorems import THEOREMS
from cfg_equiv.theorems.pool import prove_all
from cfg_equiv.theorems.solver_grid import run_grids

if TYPE_CHECKING:
    from cfg_equiv.peers.compare import Comparison

GROUPS = ("theorems", "grid", "peers")

Progress = Callable[[str], object]


def _silent(text: str) -> None:
    """The default progress: none."""


def verify(only: Collection[str] = (), progress: Progress = _silent, workers: int = 1) -> VerifyReport:
    """Run everything, or what ``only`` names.

    Parameters
    ----------
    only
        Theorem ids (``Q1``), ``theorems``, ``grid``, ``peers``, or the name of one comparison with released code.
        Empty means all.
    progress
        Told what starts, one short text at a time.
    workers
        How many processes decide theorems and run comparisons. With more than one, a script needs the usual
        ``if __name__ == "__main__":``.

    Raises
    ------
    UnknownNameError
        If ``only`` has a name that is none of these.
    """
    start = time.perf_counter()
    for name in only:
        if name not in _names(only):
            raise unknown_name("theorem, group or comparison", name, _names(only))

    asked = [theorem for theorem in THEOREMS if not only or "theorems" in only or theorem.id in only]
    theorems = tuple(prove_all(asked, progress, workers)) if asked else ()

    grid = GridResult(0, 0)
    if not only or "grid" in only:
        grid = run_grids(progress)

    peers = _run_peers(only, progress, workers) if _needs_peers(only) else []
    seconds = round(time.perf_counter() - start, 2)
    return VerifyReport(theorems, grid, tuple(peers), seconds)


def _own_names() -> tuple[str, ...]:
    return (*GROUPS, *(theorem.id for theorem in THEOREMS))


def _needs_peers(only: Collection[str]) -> bool:
    """Whether released code is asked for: everything is, or the group, or a name that is not one of ours."""
    return not only or "peers" in only or any(name not in _own_names() for name in only)


def _names(only: Collection[str]) -> tuple[str, ...]:
    """All names ``--only`` knows; those of the comparisons cost an import of torch, so only where they are needed."""
    if not _needs_peers(only):
        return _own_names()
    from cfg_equiv.peers import COMPARISONS

    return (*_own_names(), *(comparison.name for comparison in COMPARISONS))


def _run_peers(only: Collection[str], progress: Progress, workers: int) -> list[PeerResult]:
    from cfg_equiv.peers import COMPARISONS  # torch is imported only when the peers are asked for

    asked = [one for one in COMPARISONS if not only or "peers" in only or one.name in only]
    if workers == 1 or len(asked) == 1:
        results = (comparison() for comparison in asked)
        return list(_told(results, asked, progress))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(_told(pool.map(_compared, [one.name for one in asked]), asked, progress))


def _told(results: Iterator[PeerResult], asked: Sequence["Comparison"], progress: Progress) -> Iterator[PeerResult]:
    for comparison in asked:
        progress(f"peer {comparison.name}")
        yield next(results)


def _compared(name: str) -> PeerResult:
    from cfg_equiv.peers import COMPARISONS

    return next(comparison for comparison in COMPARISONS if comparison.name == name)()
