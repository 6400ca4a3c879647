r"""Are two solvers, by any of their names, one map? The proof, or how their steps differ: where first, and by how much.

What is compared is the step, for every network, history and level: not the levels a library picks by default, nor what
its options do to them.
"""

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.exact.element import ExactError
from cfg_equiv.naming import resolve_solver
from cfg_equiv.results import SolverComparison
from cfg_equiv.theorems.classes import one_map, partition, trace


def compare(first: str, second: str) -> SolverComparison:
    """The verdict on two names of the catalogue or of libraries (``k_diffusion:dpmpp_2m``).

    Raises
    ------
    UnknownNameError
        If a name stands for no entry.
    """
    a, b = resolve_solver(first).solver, resolve_solver(second).solver
    if a == b:
        return SolverComparison(first, second, a, b, True, "one entry of the catalogue")
    paths = {SOLVERS[name].path for name in (a, b)} - {"any"}
    if len(paths) > 1:
        return SolverComparison(first, second, a, b, False, f"no path in common: {' and '.join(sorted(paths))}")
    path = next(iter(paths), "any")
    where = "on any path" if path == "any" else f"on the {path} path"
    gap = one_map(a, b, path)
    if not gap:
        return SolverComparison(first, second, a, b, True, f"proved {where}: one tableau at every depth of the past")
    # Nodes without a rational place on this path: then the proof goes through members that share another one.
    if trace(a, path) == trace(b, path) is not None and any({a, b} <= set(one) for one in partition().classes):
        return SolverComparison(first, second, a, b, True, "proved through other members of their class")
    logs = " (L0, L1, ... are the logarithms of kappa, in the order the step takes them)" * ("L0" in gap)
    return SolverComparison(first, second, a, b, False, f"{where}, {gap}{logs}", _leading(a, b))


def _leading(a: str, b: str) -> str:
    """The leading term of the difference of one step, in words; what tells them apart where it is none."""
    from cfg_equiv.theorems.alike import alike
    from cfg_equiv.theorems.order import difference_order

    if apart := alike(SOLVERS[a], SOLVERS[b]):  # series of equal steps would never end
        return f"leading term of the difference: {apart}"
    try:
        found = difference_order(a, b)
    except ExactError as error:
        return f"leading term of the difference: not decided, {error}"
    return f"one step in z/alpha from one past differs by {found.leading} + O(h^{found.power + 1})" if found else ""
