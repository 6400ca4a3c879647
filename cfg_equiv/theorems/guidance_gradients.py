r"""G8: what a shift of the score is in every space. A gradient is no prediction: it has no level of its own."""

from collections.abc import Iterator
from typing import Any

from cfg_equiv.algebra.convert import amplification
from cfg_equiv.algebra.guidance.classifier import classifier_guidance, gradient_shift
from cfg_equiv.algebra.points import Point, ve_point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Equal, Statement
from cfg_equiv.theorems.values import parameters


def every_row(g: Env, sign: int = 1) -> Iterator[Statement]:
    """Shift the score, convert: every row moves by the shift that its definition says."""
    at = g.point()
    for name, row in PARAMETERIZATIONS.items():
        p = parameters(g, name)
        plain, shifted = (to_space(g.xp, g.z, s, at, "score", name, **p) for s in (g.score, g.score + g.w * g.grad))
        yield Equal(name, shifted - plain, sign * gradient_shift(g.grad, g.w, at, row.at(g.xp, at, **p)))


def named_amounts(g: Env, scale: int = 1) -> Iterator[Statement]:
    """The amounts, in the spaces people guide in."""
    at = g.point()
    alpha, sigma = at.alpha, at.sigma
    amounts = {
        "score": scale + 0 * alpha,
        "eps": -sigma,
        "x0": sigma * sigma / alpha,
        "v": -sigma * (sigma * sigma + alpha * alpha) / alpha,
        "flow": -sigma * (alpha + sigma) / alpha,
    }
    for name, amount in amounts.items():
        row = PARAMETERIZATIONS[name].at(g.xp, at)
        yield Equal(name, gradient_shift(g.grad, g.w, at, row), amount * g.w * g.grad)
    score = PARAMETERIZATIONS["score"].at(g.xp, at)
    for name in amounts:  # the shift moves as a difference of two predictions does
        row = PARAMETERIZATIONS[name].at(g.xp, at)
        by_factor = amplification(at, score, row) * gradient_shift(g.grad, g.w, at, score)
        yield Equal(f"{name} by the factor of the conversion", by_factor, gradient_shift(g.grad, g.w, at, row))


def printed_form(g: Env, space: str = "eps") -> Iterator[Statement]:
    """The formula of classifier guidance, ``eps - w*sigma*g``, is that shift in eps, and in no other space."""
    at = g.point()
    shift = gradient_shift(g.grad, g.w, at, PARAMETERIZATIONS[space].at(g.xp, at))
    yield Equal(f"as printed, in {space}", classifier_guidance(g.xp, g.pred, g.grad, g.w, at.sigma), g.pred + shift)


def state_of_the_gradient(g: Env, ve: bool = True) -> Iterator[Statement]:
    """A gradient by ``x = z/alpha`` is alpha times that by ``z``: the shift of x0 is then ``kappa**2``."""
    at = g.point()
    moved: Point = ve_point(at) if ve else at
    row = PARAMETERIZATIONS["x0"].at(g.xp, at)
    by_x = gradient_shift(at.alpha * g.grad, g.w, moved, row)
    yield Equal("x0", by_x, gradient_shift(g.grad, g.w, at, row))


POSITIVE = ("alpha > 0", "sigma > 0")
ROWS: dict[str, Any] = {
    "points": {"": "free"},
    "conditions": (*POSITIVE, "sd > 0", "sigma**2 + alpha**2*sd**2 > 0"),
}

THEOREMS = (
    Theorem(
        "G8",
        r"s \to s + w\,g:\quad p\,x_0 + q\,\epsilon \to p\,x_0 + q\,\epsilon "
        r"+ w\,g\,\sigma\,(p\,\sigma - q\,\alpha)/\alpha",
        "arXiv:2105.05233 (eps); derived here for every row",
        "field",
        (
            Part(every_row, {"the other sign": {"sign": -1}}, **ROWS),
            Part(named_amounts, {"twice the score": {"scale": 2}}, {"": "free"}, POSITIVE),
            Part(printed_form, {"in x0": {"space": "x0"}, "in flow": {"space": "flow"}}, {"": "free"}, POSITIVE),
            Part(state_of_the_gradient, {"the level of z": {"ve": False}}, {"": "free"}, POSITIVE),
        ),
    ),
)
