r"""Which guidance convention a function follows, from calls alone.

Every linear rule is :math:`u + a(w)\,(c - u)`. On predictions that are quarters, with :math:`c - u` a power of two,
:math:`a = (r - u)/(c - u)` comes out exactly, element by element, and tells the laws apart: :math:`a = w` is
``u+w(c-u)``, :math:`a = 1 + w` is ``c+w(c-u)``, :math:`1 - w` and :math:`-w` are the two with their branches swapped. A
channel in which :math:`a` is always 1 or 0 is not guided; a weight at which it is, against the law, is behind a gate.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.errors import ParameterError, sentence
from cfg_equiv.rounding import BoundMode
from cfg_equiv.testing.guard import guarded

WEIGHTS = (-1.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 7.5)
_TOLD = 1.0  # gates sit at 0 or 1: the law is read above

Law = Callable[[Fraction], Fraction]
_LAWS: tuple[tuple[str, bool, str, Law], ...] = (
    ("u+w(c-u)", False, "w", lambda w: w),
    ("c+w(c-u)", False, "1 + w", lambda w: 1 + w),
    ("u+w(c-u)", True, "1 - w", lambda w: 1 - w),
    ("c+w(c-u)", True, "-w", lambda w: -w),
)
Slopes = dict[float, Fraction | None]  # a(w) of one channel; None where it is no single number


@dataclass(frozen=True)
class Identification:
    """What the calls showed.

    ``convention`` is ``"u+w(c-u)"``, ``"c+w(c-u)"`` or ``None``; ``evidence`` the numbers that say so, and ``findings``
    what is wrong with the function in that convention: swapped branches, channels left out, a gate.
    """

    convention: str | None
    evidence: tuple[str, ...]
    findings: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"convention: {self.convention or 'none of the two'}"]
        return "\n".join(lines + [f"  {text}" for text in self.evidence] + [f"  ! {text}" for text in self.findings])


def identify_convention(fn: Callable[[Tensor, Tensor, float], Tensor]) -> Identification:
    """Find out what ``fn(cond, uncond, w)`` does with its weight."""
    if not callable(fn):
        raise ParameterError(
            sentence("a function fn(cond, uncond, w)", type(fn).__name__, "pass it without calling it")
        )
    cond, uncond = _predictions()
    results: dict[float, tuple[Tensor, Tensor]] = {}
    for w in WEIGHTS:
        try:
            with guarded():
                results[w] = _call(fn, cond, uncond, w)
        except Exception as error:  # whatever the function raises is the answer
            text = " ".join(str(error).split())
            return Identification(None, (f"at w = {w:g} the function raised {type(error).__name__}: {text}",))
        problem = _problem(results[w][0], cond)
        if problem:
            return Identification(None, (f"at w = {w:g}: {problem}",))
    slopes = [_slopes(results, cond, uncond, k) for k in range(cond.shape[1])]
    for convention, swapped, formula, law in _LAWS:
        guided = [k for k, a in enumerate(slopes) if _follows(a, law, (w for w in WEIGHTS if w > _TOLD))]
        if guided:
            evidence = (_example(results, cond, uncond, guided[0], convention, swapped, formula, law),)
            return Identification(convention, evidence, _findings(slopes, guided, swapped, law))
    return Identification(None, _no_law(results, slopes, cond, uncond))


def _predictions() -> tuple[Tensor, Tensor]:
    """Two image-shaped predictions in quarters whose difference is plus or minus a power of two, all items distinct."""
    n = torch.arange(32, dtype=torch.float64)
    uncond = (n % 7 - 3) / 4
    gap = torch.tensor([1.0, -0.5, 2.0, 0.5, -1.0], dtype=torch.float64).repeat(7)[:32]
    return (uncond + gap).reshape(2, 4, 2, 2), uncond.reshape(2, 4, 2, 2)


def _call(fn: Callable[..., Any], cond: Tensor, uncond: Tensor, w: float) -> tuple[Any, Tensor]:
    """The result, and the bound of its rounding; nothing is granted to an operation without a rule."""
    with BoundMode() as mode:
        result = fn(cond.clone(), uncond.clone(), w)
    if not isinstance(result, Tensor):
        return result, torch.zeros(())
    error = mode.error(result)
    return result.detach().clone(), torch.where(error.isfinite(), error, 0.0)


def _problem(result: Any, cond: Tensor) -> str:
    if not isinstance(result, Tensor):
        return f"expected a tensor, got {type(result).__name__}: return the guided prediction alone"
    if result.shape != cond.shape:
        return f"expected a result of shape {tuple(cond.shape)}, got {tuple(result.shape)}"
    if not result.is_floating_point():
        return f"expected a floating-point result, got {result.dtype}"
    return "" if bool(result.isfinite().all()) else "the result is not finite"


def _slopes(results: dict[float, tuple[Tensor, Tensor]], cond: Tensor, uncond: Tensor, channel: int) -> Slopes:
    found: Slopes = {}
    for w, (result, error) in results.items():
        gap = (cond - uncond)[:, channel]
        slope = (result.double() - uncond)[:, channel] / gap
        nearest = (slope.flatten()[0] * 8).round() / 8  # the laws take eighths to eighths
        off = (result.double()[:, channel] - (uncond[:, channel] + nearest * gap)).abs()
        found[w] = Fraction(float(nearest)) if bool((off <= error[:, channel]).all()) else None
    return found


def _follows(slopes: Slopes, law: Law, weights: Iterable[float]) -> bool:
    return all(slopes[w] == law(Fraction(w)) for w in weights)


def _example(
    results: dict[float, tuple[Tensor, Tensor]],
    cond: Tensor,
    uncond: Tensor,
    channel: int,
    convention: str,
    swapped: bool,
    formula: str,
    law: Law,
) -> str:
    at, w = (0, channel, 0, 0), 3.0
    c, u, r = (float(x[at]) for x in (cond, uncond, results[w][0]))
    others = [
        f"{name}{' with branches swapped' if other else ''} gives {u + float(rule(Fraction(w))) * (c - u):g}"
        for name, other, _, rule in _LAWS
        if (name, other) != (convention, swapped)
    ]
    return (
        f"at w = {w:g}, cond = {c:g}, uncond = {u:g} the result is {r:g} = u + ({formula})(c - u); {', '.join(others)}"
    )


def _findings(slopes: list[Slopes], guided: list[int], swapped: bool, law: Law) -> tuple[str, ...]:
    found = []
    if swapped:
        found.append("the branches are swapped: the first argument is treated as uncond, the second as cond")
    for name, value in (("cond", 1), ("uncond", 0)):
        left = [k for k, a in enumerate(slopes) if all(slope == value for slope in a.values())]
        if left:
            found.append(f"channel(s) {left} of {len(slopes)} are not guided: they are {name} at every weight")
    odd = [k for k, a in enumerate(slopes) if k not in guided and len(set(a.values())) > 1]
    if odd:
        found.append(f"channel(s) {odd} follow another rule than channel(s) {guided}")
    off = {w for k in guided for w in WEIGHTS if slopes[k][w] != law(Fraction(w))}
    for name, value in (("cond", 1), ("uncond", 0)):
        gated = sorted(w for w in off if all(slopes[k][w] == value for k in guided))
        if gated:
            shown = ", ".join(f"{w:g}" for w in gated)
            found.append(f"a gate: at w = {shown} the result is {name}, against the formula it follows above 1")
            off -= set(gated)
    if off:
        found.append(f"at w = {', '.join(f'{w:g}' for w in sorted(off))} it follows neither its formula nor one branch")
    return tuple(found)


def _no_law(
    results: dict[float, tuple[Tensor, Tensor]], slopes: list[Slopes], cond: Tensor, uncond: Tensor
) -> tuple[str, ...]:
    first = results[WEIGHTS[0]][0]
    if all(torch.equal(result, first) for result, _ in results.values()):
        for name, branch in (("cond", cond), ("uncond", uncond)):
            if torch.equal(first.double(), branch):
                return (f"the result is {name} at every weight tried ({', '.join(f'{w:g}' for w in WEIGHTS)})",)
        return ("the result does not depend on the weight",)
    r, c, u = (float(x[0, 0, 0, 0]) for x in (results[3.0][0], cond, uncond))
    numbers = f"at w = 3, cond = {c:g}, uncond = {u:g} the result is {r:.6g}"
    if any(slope is None for a in slopes for slope in a.values()):
        return (f"{numbers}; the result is not u + a(c - u) with one number a for a whole channel",)
    shown = ", ".join(f"a({w:g}) = {float(slope):g}" for w, slope in slopes[0].items() if slope is not None)
    return (f"{numbers}; it is u + a(c - u) with {shown}, which is neither a = w nor a = 1 + w",)
