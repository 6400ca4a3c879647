r"""Every coefficient of every solver, changed by a small factor or taken for another: which test turns red?

The coefficients and the change are those of :mod:`cfg_equiv.bench.scaling`. The oracle is the test suite itself: its
tests are collected once, each is run once to see which functions of the family it calls, and a mutant runs those, one
after another, in a forked child, until one turns red. A mutant that survives is equivalent where
:data:`~cfg_equiv.bench.equivalent.EQUIVALENT` says why, and a gap in the tests otherwise.

Run ``python -m cfg_equiv.bench.coefficients [FAMILY ...]`` in a checkout. It exits with 1 if there is a gap.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import _lru_cache_wrapper
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cfg_equiv.bench.equivalent import EQUIVALENT
from cfg_equiv.bench.mutation import Mutant, Outcome, _wait
from cfg_equiv.bench.scaling import FOLDER, PACKAGE, families, family_of, install, live, module_of, sites
from cfg_equiv.errors import sentence, unknown_name

TESTS = (
    "tests/algebra/solvers",
    "tests/algebra/stochastic",
    *(f"tests/algebra/test_{name}.py" for name in ("hand_computed", "lagrange", "linear", "moments")),
)
LIMIT = 60
NO_COEFFICIENT = "no coefficient"


class Tests:
    """The tests, as functions to call; which functions of the solvers each calls; and how long it takes."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.items: list[Any] = []
        sink = io.StringIO()
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *paths], plugins=[self])
        if status:
            text = sentence("tests that can be collected", ", ".join(paths), "run pytest --collect-only on them")
            raise RuntimeError(f"{text}\n{sink.getvalue()}")
        self.calls: dict[str, set[tuple[str, str]]] = {}
        self.seconds: dict[str, float] = {}
        for item in self.items:
            self._trace(item)
        caches = (one for one in gc.get_objects() if type(one) is _lru_cache_wrapper)  # isinstance asks each object
        #: What the tests remember, to be forgotten in a mutant; the numbers themselves do not change.
        self.caches = [one for one in caches if str(one.__module__).startswith(("cfg_equiv.theorems", "tests"))]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what can be called without fixtures and is expected to pass."""
        for item in session.items:
            params = getattr(getattr(item, "callspec", None), "params", {})
            marked = any(item.get_closest_marker(mark) for mark in ("skip", "skipif", "xfail"))
            if not marked and set(getattr(item, "fixturenames", ())) <= {*params, "request"}:
                self.items.append(item)

    def _trace(self, item: Any) -> None:
        called = self.calls.setdefault(item.nodeid, set())
        folder = str(FOLDER)

        def note(frame: FrameType, event: str, argument: Any) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(folder):
                called.add((family_of(code.co_filename), code.co_qualname.replace(".<locals>", "")))

        start = time.perf_counter()
        sys.setprofile(note)
        try:
            run(item)
        finally:
            sys.setprofile(None)
        self.seconds[item.nodeid] = time.perf_counter() - start

    def of(self, family: str, function: str) -> list[Any]:
        """The tests that call the function; the quickest first."""
        hit = [item for item in self.items if (family, function) in self.calls[item.nodeid]]
        return sorted(hit, key=lambda item: self.seconds[item.nodeid])

    def of_entries(self, family: str) -> list[Any]:
        """All tests, for what a family declares of its entries; those first that call any of its functions."""

        def far(item: Any) -> tuple[bool, float]:
            calls = any(name == family for name, _ in self.calls[item.nodeid])
            return not calls, self.seconds[item.nodeid]

        return sorted(self.items, key=far)


def run(item: Any) -> None:
    """The test, called with its parameters."""
    item.obj(**getattr(getattr(item, "callspec", None), "params", {}))


def verdict(mutant: Mutant, tests: Tests) -> str:
    """What turns red first, in this process; ``survived``, or that the change was none."""
    family = family_of(mutant.module)
    direct = tests.of(family, mutant.function)
    try:
        scale = install(mutant, rebuild=not direct)
    except TypeError:  # while the entries are built: a form, a table of names, a whole entry, and no number
        return NO_COEFFICIENT
    for cached in tests.caches:
        cached.cache_clear()
    for item in direct or tests.of_entries(family):
        try:
            run(item)
        except BaseException as error:  # whatever goes wrong is red
            if not scale.scaled or isinstance(error, TypeError):  # a count: no list has 65/64 of a place
                return NO_COEFFICIENT
            kind = "" if isinstance(error, AssertionError) else f" ({type(error).__name__})"
            return f"{item.nodeid}{kind}"
    return "survived" if scale.scaled else NO_COEFFICIENT if scale.called else "survived (not run)"


def run_one(mutant: Mutant, tests: Tests) -> Outcome:
    """The verdict of a forked child. One that does not end in time is killed, and so counts as red."""
    start = time.perf_counter()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        gc.disable()
        try:
            text = verdict(mutant, tests)
        except BaseException as error:  # the child must report and end, whatever happened
            text = f"error {type(error).__name__}: {error}"
        os.write(write, text.encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode() if _wait(child, start + LIMIT) else "timeout"
    return Outcome(mutant, text or "crash", round(time.perf_counter() - start, 2))


def key(mutant: Mutant) -> str:
    """What :data:`EQUIVALENT` calls a mutant: no line numbers."""
    return f"{family_of(mutant.module)}.{mutant.function}: {mutant.after}"


def report(family: str, outcomes: Sequence[Outcome]) -> int:
    """Print one line for the family and one for every survivor; the number of gaps, or of children that broke."""
    outcomes = [one for one in outcomes if one.killer != NO_COEFFICIENT]
    # No test turned red there: the tool itself failed, and what it says of the mutant counts for nothing.
    broken = [one for one in outcomes if one.killer == "crash" or one.killer.startswith("error ")]
    outcomes = [one for one in outcomes if one not in broken]
    survivors = [one for one in outcomes if one.killer.startswith("survived")]
    gaps = [one for one in survivors if key(one.mutant) not in EQUIVALENT]
    killed, equivalent = len(outcomes) - len(survivors), len(survivors) - len(gaps)
    factors = sum("SCALED" in one.mutant.after for one in outcomes)
    refused = sum(one.killer.endswith("Error)") for one in outcomes)
    print(
        f"{family}: {factors} factors and {len(outcomes) - factors} exchanges, "
        f"{killed} killed ({refused} by an error), {equivalent} equivalent, {len(gaps)} gaps"
        + f", {len(broken)} NOT decided"
        * bool(broken)
    )
    for one in survivors:
        print(f"  {EQUIVALENT.get(key(one.mutant), 'GAP')}: {one.killer}: {one.mutant}")
    for one in broken:
        print(f"  NOT DECIDED: {one.killer}: {one.mutant}")
    return len(gaps) + len(broken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the families and print the figures, the survivors under each; 1 if there is a gap."""
    parser = argparse.ArgumentParser(description="Change every coefficient of the solvers by a small factor.")
    parser.add_argument("family", nargs="*", help=f"files of {PACKAGE}.solvers, or names below {PACKAGE}")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="what pytest collects")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    chosen, known = options.family or families(), families()
    for family in chosen:
        if family not in known:
            parser.error(str(unknown_name("family", family, known)))
    for family in chosen:
        module_of(family)
    tests = Tests(options.tests)
    for family in chosen:
        live(str(module_of(family).__file__))
    gc.freeze()  # the children share it as long as the collector does not touch it
    gaps, everything = 0, []
    for family in chosen:
        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(lambda mutant: run_one(mutant, tests), sites(family)))
        gaps += report(family, outcomes)
        everything += outcomes
        sys.stdout.flush()
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(one) for one in everything], indent=1), encoding="utf-8")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
