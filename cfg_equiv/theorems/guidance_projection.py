r"""G10: projected guidance that commutes. What it projects on is the prediction without its part along the latent.

A change of parameterization adds ``B*z`` to a prediction and scales the rest by ``A``. The part perpendicular to z is
scaled, as a difference is: the ratio of their inner products does not move.
"""

from collections.abc import Iterator
from typing import Any

from cfg_equiv.algebra.convert import amplification, convert
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.apg import z_projected_apg
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import off_latent
from cfg_equiv.algebra.points import Row, det
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.guidance_rigidity import each, free
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Differs, Statement


def shift_forgotten(g: Env, power: int = 1) -> Iterator[Statement]:
    """A conversion is ``y -> A*y + B*z``, and of the part perpendicular to z it is the factor ``A``."""
    at, z, pred = g.point(), free(g, "z"), free(g, "y")
    P, Q = Row(g.p_1, g.q_1), Row(g.p_2, g.q_2)
    factor, moved = amplification(at, P, Q), convert(z, pred, at, P, Q)
    yield from each("A*y + B*z", moved, pred * factor + z * (det(Q, P) / det(at, P)))
    yield from each("perpendicular part", off_latent(RATIONAL, z, moved), off_latent(RATIONAL, z, pred) * factor**power)


def projected(g: Env, formula: Any = z_projected_apg) -> Iterator[Statement]:
    """Guide and move, or move and guide: the same for every ``A*y + B*z``, all latents and predictions in space.

    The rule is affine in ``eta`` and in ``w``, and CFG at ``eta = 1`` and at ``w = 1``: one more value decides.
    """
    z, branches = free(g, "z"), (free(g, "c"), free(g, "u"))
    before = formula(RATIONAL, *branches, 2, 0, z) * g.a + z * g.b
    after = formula(RATIONAL, *(y * g.a + z * g.b for y in branches), 2, 0, z)
    yield from each("guided", before, after)


def ends(g: Env, eta: int = 1) -> Iterator[Statement]:
    """At eta = 1 it is CFG. Else it is not, though it knows no coordinates: theorem G4 is about rules blind to z."""
    z, cond, uncond = (free(g, name, 2) for name in "zcu")
    plain = cfg(cond, uncond, g.w)
    yield from each("eta = 1 is CFG", z_projected_apg(RATIONAL, cond, uncond, g.w, eta, z), plain)
    first, second = z_projected_apg(RATIONAL, cond, uncond, g.w, 0, z) - uncond
    d_1, d_2 = cond - uncond
    yield Differs("eta = 0 is no multiple of the difference", first * d_2, second * d_1)


PLANE = ("z_1**2 + z_2**2 > 0", "c_1*z_2 != c_2*z_1")
OBLIQUE = ("(c_1 - u_1)*z_1 + (c_2 - u_2)*z_2 != 0", "(c_1 - u_1)*z_2 != (c_2 - u_2)*z_1")
LENGTH = "z_1**2 + z_2**2 + z_3**2 > 0"
# The square of the part of c perpendicular to z, by Lagrange's identity, is not zero.
OFF_Z = "(c_1*z_2 - c_2*z_1)**2 + (c_2*z_3 - c_3*z_2)**2 + (c_3*z_1 - c_1*z_3)**2 > 0"

THEOREMS = (
    Theorem(
        "G10",
        r"c + (w-1)\bigl(d - (1-\eta)\,\mathrm{pr}_{P_z c}\,d\bigr),\ P_z c = c - \mathrm{pr}_z c, "
        r"\text{ commutes};\ \mathrm{pr}_c \text{ in its place does not}",
        "arXiv:2410.02416 (the projection on c); derived here",
        "field",
        (
            Part(
                shift_forgotten,
                {"scaled twice": {"power": 2}},
                {"": "free"},
                ("alpha*q_1 != sigma*p_1", LENGTH),
            ),
            Part(
                projected,
                {"projected on the prediction": {"formula": RULES["z-projected APG"].twin.formula}},
                conditions=("a != 0", LENGTH, OFF_Z),
            ),
            Part(ends, {"eta = 0": {"eta": 0}}, conditions=(*PLANE, *OBLIQUE, "w != 1")),
        ),
    ),
)
