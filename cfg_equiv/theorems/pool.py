"""Theorems decided in several processes: the parts are what is shared out, as one theorem can have hundreds."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

from cfg_equiv.results import TheoremResult
from cfg_equiv.theorems.prove import Outcome, decide, result
from cfg_equiv.theorems.record import Theorem


@cache
def _theorems() -> dict[str, Theorem]:
    from cfg_equiv.theorems import THEOREMS  # in the process that needs them: claims are closures, which do not travel

    return {theorem.id: theorem for theorem in THEOREMS}


def _decide(theorem: str, part: int) -> Outcome:
    return decide(_theorems()[theorem].parts[part])


def prove_all(
    theorems: Sequence[Theorem], progress: Callable[[str], object], workers: int = 1
) -> Iterator[TheoremResult]:
    """Decide theorems of the catalogue one after the other, their parts in this many processes.

    With more than one worker, a script that calls this needs the usual ``if __name__ == "__main__":``, as each process
    starts by importing it.
    """
    if workers == 1:
        for theorem in theorems:
            progress(f"theorem {theorem.id}")
            yield result(theorem, map(decide, theorem.parts))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # The last parts are the longest: they begin first, and all is done at about the same time.
        jobs = {
            (theorem.id, k): pool.submit(_decide, theorem.id, k)
            for theorem in reversed(theorems)
            for k in reversed(range(len(theorem.parts)))
        }
        try:
            for theorem in theorems:
                progress(f"theorem {theorem.id}")
                yield result(theorem, [jobs[theorem.id, k].result() for k in range(len(theorem.parts))])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
