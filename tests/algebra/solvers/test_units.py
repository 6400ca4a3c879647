"""Every noise level times three: the noise has another unit, and a step is the same step.

The anchors go to a level where alpha and sigma are equal; here they are not, so a form that takes one for the other
shows. A data prediction keeps its weight, a noise prediction has three times the weight, whatever the grid.
"""

from fractions import Fraction as F
from typing import Any

import pytest

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import SOLVERS, Inner, Past, Solver
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import RATIONAL
from tests.algebra.solvers.anchors import HALVES, PAST, THIRDS, T, at, numbers, past
from tests.algebra.solvers.guided import pair

LONGER = (*PAST, at(64, 11))
# PNDM prints its transfer for the circle, where alpha and sigma have no units of their own.
NO_UNIT = {"s_pndm", "f_pndm"}
SAME = sorted(n for n, s in SOLVERS.items() if s.space in ("x0", "eps") and s.path != "flow" and n not in NO_UNIT)


def in_another_unit(p: Point) -> Point:
    return point(RATIONAL, p.alpha, 3 * p.sigma)


def prediction(solver: Solver, label: str) -> Any:
    return pair(label) if solver.branches else unknown(f"m{label}", F(1))


def latents(solver: Solver, s: tuple[Point, ...], t: Point, nodes: tuple[Point, ...]) -> list[Combination]:
    """The latents of a step with this past, those inside it first, and that of the corrector last."""
    found: list[Combination] = []

    def net(z: Combination, here: Point) -> Any:
        found.append(z)
        return prediction(solver, "abcd"[len(found) - 1])

    seen = tuple(Past(p, unknown(f"z{k}", F(1)), prediction(solver, str(k))) for k, p in enumerate(s))
    found.append(solver.step(RATIONAL, seen, t, net, nodes))
    if solver.correct:
        found.append(solver.corrected(RATIONAL, seen, Past(t, found[-1], prediction(solver, "t"))))
    return found


@pytest.mark.parametrize("name", SAME)
def test_the_unit_of_the_noise(name):
    solver = SOLVERS[name]
    unit = 3 if solver.space == "eps" else 1
    for depth in range(1, solver.memory + 1):
        form = solver.predict[min(depth, len(solver.predict)) - 1]
        inner = len(form.nodes) if isinstance(form, Inner) else 0
        s, *nodes = {0: LONGER[:1], 1: HALVES, 2: THIRDS}[inner]
        grid = (s, *LONGER[1:depth])
        once = latents(solver, grid, T, tuple(nodes))
        levels = (tuple(map(in_another_unit, grid)), in_another_unit(T), tuple(map(in_another_unit, nodes)))
        assert [numbers(one) for one in latents(solver, *levels)] == [
            {label: c if label.startswith("z") else unit * c for label, c in numbers(one).items()} for one in once
        ]


def test_spaces_that_mix_data_and_noise_are_computed_by_hand():
    # alpha 2 and 5, sigma 12 and 15: the scales add up to 14 and 20, and 2*15 - 5*12 = -30
    s, t = at(6, 2), at(3, 5)
    for name in ("adams_2_flow", "dpm_2_flow", "vab_2"):
        end = SOLVERS[name].step(RATIONAL, past(s), t)
        assert numbers(end) == {"z": F(10, 7), "m0": F(-15, 7)}


# The angles of (3, 4) and (12, 5): cos(s - t) = 56/65, sin(s - t) = 33/65.
S, NEXT = point(RATIONAL, F(3, 5), F(4, 5)), point(RATIONAL, F(12, 13), F(5, 13))


@pytest.mark.parametrize("name", ["adams_2_v", "dpm_2_v", "v_reverse", "ipndm_v_space", "ddim_inverse_v"])
def test_v_turns_the_latent(name):
    end = SOLVERS[name].step(RATIONAL, past(S), NEXT, lambda z, here: unknown("m0", F(1)))
    assert numbers(end) == {"z": F(56, 65), "m0": F(-33, 65)}


def test_v_of_two_branches():
    # 12/13*(3/5*z - 4/5*g) + 5/13*(4/5*z + 3/5*u)
    end = SOLVERS["v_ddim_cfg_pp"].step(RATIONAL, (Past(S, unknown("z", F(1)), pair("")),), NEXT)
    assert numbers(end) == {"z": F(56, 65), "g": F(-48, 65), "u": F(15, 65)}


@pytest.mark.parametrize("name", ["s_pndm", "f_pndm", "plms", "prk"])
def test_on_the_circle_the_transfer_of_pndm_is_that_of_ddim(name):
    solver = SOLVERS[name]
    known = past(*(point(RATIONAL, F(a, c), F(b, c)) for a, b, c in ((3, 4, 5), (5, 12, 13), (7, 24, 25), (8, 15, 17))))
    same = tuple(one._replace(pred=unknown("m", F(1))) for one in known)
    end = solver.step(RATIONAL, same, NEXT, lambda z, here: unknown("m", F(1)), (at(1, 1),))
    assert numbers(end) == {"z": F(20, 13), "m": F(5, 13) - F(20, 13) * F(4, 5)}
