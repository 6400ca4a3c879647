r"""RT: round trips, anchored.

A conversion is compared with the exact value of :func:`cfg_equiv.algebra.convert.convert` at the very floats it was
given; what it may be off by is the running bound of its own roundings. Two errors that cancel on the way back do not
hide from that, as they would from a trip there and back.

On a declared path the floats given are off that path by :math:`d = |\alpha^2+\sigma^2-1|` (or
:math:`|\alpha+\sigma-1|`), known exactly, and a form that is right there only may use the relation. Whether it takes
1 for :math:`\alpha^2+\sigma^2`, which scales :math:`x_0` and :math:`\epsilon` by :math:`1 \pm d`, or finds one
coordinate from the other, which moves it by :math:`d/\sigma` or :math:`d/\alpha`, each of the two comes out wrong by
no more than

.. math:: \frac{d\,(|x_0|+|\epsilon|)}{\alpha\sigma},

and a prediction :math:`p x_0 + q\epsilon` by :math:`|p|+|q|` times that: of the size of a rounding.

A schedule lies on its path, runs strictly from noise to data, and its inverse inverts.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import inf, nextafter
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.case import DTYPES, ConversionCase, exact_enclosure
from cfg_equiv.rounding import BoundMode, assert_within
from cfg_equiv.rounding.rerun import NotDeterministicError, calibrated_spread
from cfg_equiv.testing.cases import TimeCase
from cfg_equiv.testing.combine import returned
from cfg_equiv.testing.draw import conversion_cases, single_times, whole_schedules
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.levels import EXCESS, level_at, off_path
from cfg_equiv.testing.narrow import Narrowing
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Conversion, Schedule


def anchored(subject: Conversion, case: ConversionCase) -> str | None:
    """The conversion of the case; then all others that start from its source, and all that end at its target."""
    pairs = [(case.source, case.target)]
    pairs += [(case.source, name) for name in subject.spaces] + [(name, case.target) for name in subject.spaces]
    vacuous = [
        _one(subject, replace(case, source=source, target=target))
        for source, target in dict.fromkeys(pairs)
        if source != target or source == case.source == case.target
    ]
    return vacuous[0] if all(vacuous) else None


def _one(subject: Conversion, case: ConversionCase) -> str | None:
    """Compare one conversion with its exact value, within the bound of the subject's own roundings."""
    where = (
        f"{case.source} -> {case.target} at alpha = {float(case.alpha):.6g}, sigma = {float(case.sigma):.6g} "
        f"in {case.dtype}"
    )
    inputs = case.z, case.pred, case.alpha, case.sigma
    with BoundMode() as mode, Narrowing(DTYPES[case.dtype]) as narrowing:
        result = _converted(subject, case, *inputs)
    if narrowing.lost is not None:
        came = str(narrowing.lost).removeprefix("torch.")
        raise CheckFailure(f"{where}: values are rounded to {came} on the way")
    if not bool(result.isfinite().all()):
        raise CheckFailure(f"{where}: the result is not finite, the exact value is")
    slack = [a + b for a, b in zip(exact_enclosure(case)[1], _consequence(subject, case), strict=True)]
    extra, exact = _upward(slack).reshape(case.shape), case.exact()
    own = mode.error(result)
    if bool(own.isfinite().all()) and _message(result, exact, own + extra) == "":
        return None
    # The bound is not finite where an operation has no rule, and too small where numbers leave torch on the way.
    seen = torch.where(own.isfinite(), own, 0.0)
    allowed = torch.maximum(seen, _calibrated(subject, case, inputs)) + extra
    if message := _message(result, exact, allowed):
        raise CheckFailure(f"{where}: {message}")
    return None if bool(allowed.isfinite().any()) else "no finite bound"


def _message(result: Tensor, exact: Any, allowed: Tensor) -> str:
    try:
        assert_within(result, exact, allowed)
    except AssertionError as error:
        return str(error)
    return ""


def _converted(subject: Conversion, case: ConversionCase, *inputs: Tensor) -> Tensor:
    z, pred, alpha, sigma = inputs
    return returned("convert", subject.convert(z, pred, case.source, case.target, alpha, sigma), z)


def _calibrated(subject: Conversion, case: ConversionCase, inputs: tuple[Tensor, ...]) -> Tensor:
    def again(nudge: Callable[[Tensor], Tensor], *moved: Tensor) -> Tensor:
        return _converted(subject, case, *moved)

    try:
        bound: Tensor = calibrated_spread(again, inputs).bound.double()
    except NotDeterministicError as error:
        raise SubjectError(str(error)) from error
    return bound


def _consequence(subject: Conversion, case: ConversionCase) -> list[Fraction]:
    """How far a form that is exact on the declared path may be off, as the given floats are off the path."""
    at = Point(*(Fraction(float(x)) for x in (case.alpha, case.sigma)))
    d = abs(EXCESS[subject.path](*at[:2])) if subject.path in EXCESS else 0
    if d == 0:
        return [Fraction(0)] * case.z.numel()
    x0, eps = (exact_enclosure(replace(case, target=target))[0] for target in ("x0", "eps"))
    values = {name: x.double() for name, x in case.parameters.items()}
    row = PARAMETERIZATIONS[case.target].at(torch, Point(case.alpha.double(), case.sigma.double()), **values)
    size = sum(Fraction(abs(float(x))) for x in row)
    return [size * d * (abs(a) + abs(b)) / (at.alpha * at.sigma) for a, b in zip(x0, eps, strict=True)]


def _upward(values: list[Fraction]) -> Tensor:
    return torch.tensor([nextafter(float(x), inf) if x else 0.0 for x in values], dtype=torch.float64)


def on_path(subject: Schedule, case: TimeCase) -> str | None:
    """Every level lies on the declared path, as near as single precision puts it."""
    for t, at in _levels(subject, case):
        excess, allowed = off_path(subject.path, at)
        if bool(excess.abs() > allowed):
            raise CheckFailure(
                f"alpha = {float(at.alpha):.6g}, sigma = {float(at.sigma):.6g} at t = {t} is off the declared path "
                f"{subject.path!r} by {float(excess):.3g}"
            )
    return None


def decreasing(subject: Schedule, case: TimeCase) -> str | None:
    """``sigma/alpha`` falls strictly from each listed time to the next."""
    levels = _levels(subject, case)
    if len(levels) < 2:
        return "a single time has no next one"
    for (t, s), (t_next, then) in pairwise(levels):
        a, b = (Fraction(float(x)) for x in s[:2])
        c, d = (Fraction(float(x)) for x in then[:2])
        if not b * c > d * a:  # sigma/alpha compared without a division: it may be infinite
            raise CheckFailure(
                f"sigma/alpha does not fall from t = {t} to t = {t_next}: (alpha, sigma) is ({float(a):.6g}, "
                f"{float(b):.6g}), then ({float(c):.6g}, {float(d):.6g})"
            )
    return None


def inverted(subject: Schedule, case: TimeCase) -> str | None:
    """``time_of`` returns the time whose ``sigma/alpha`` it is given, within what one ulp on the way explains."""
    assert subject.time_of is not None
    inverse, vacuous = subject.time_of, "sigma/alpha is 0 or infinite there"
    for t, at in _levels(subject, case):
        if not bool(at.alpha > 0) or not bool(at.sigma > 0):
            continue
        vacuous = ""
        plain = not any(isinstance(x, Tensor) for x in subject.level(t))

        def trip(nudge: Callable[[Tensor], Tensor], alpha: Tensor, sigma: Tensor, plain: bool = plain) -> Tensor:
            kappa = nudge(sigma.double() / alpha.double())
            return _number(inverse(float(kappa) if plain else kappa))

        found = calibrated_spread(trip, [at.alpha, at.sigma])
        if not bool((found.result - float(t)).abs() <= found.bound):
            raise CheckFailure(
                f"time_of(sigma/alpha) is {float(found.result):.9g} where sigma/alpha is that of t = {float(t):.9g}; "
                f"one ulp explains {float(found.bound):.3g}"
            )
    return vacuous or None


def finite_ends(subject: Schedule, case: TimeCase) -> str | None:
    """Every level is finite, not negative and not (0, 0); above all the two at the ends."""
    for position in sorted({case.first, case.last}) + list(range(case.first + 1, case.last)):
        t = subject.times[position]
        at = level_at(subject.level, t)
        ok = all(bool(x.isfinite() & (x >= 0)) for x in at[:2]) and bool(at.alpha + at.sigma > 0)
        if not ok:
            raise CheckFailure(
                f"alpha = {float(at.alpha):.6g}, sigma = {float(at.sigma):.6g} at t = {t}, position {position}: "
                "no level"
            )
    return None


def _levels(subject: Schedule, case: TimeCase) -> list[tuple[Any, Point]]:
    if case.last >= len(subject.times):
        raise SubjectError(f"expected a case of the {len(subject.times)} times listed, got position {case.last}")
    levels = [(t, level_at(subject.level, t)) for t in subject.times[case.first : case.last + 1]]
    for t, at in levels:
        if not all(bool(x.isfinite()) for x in at[:2]):
            raise CheckFailure(f"alpha = {float(at.alpha):.6g}, sigma = {float(at.sigma):.6g} at t = {t} is no level")
    return levels


def _number(t: Any) -> Tensor:
    try:
        return torch.tensor(float(t), dtype=torch.float64)
    except (TypeError, ValueError) as error:
        raise SubjectError(f"expected time_of() to return one number, got {type(t).__name__}") from error


CHECKS = (
    Check(
        name="rt",
        property="RT",
        summary="a converted prediction is the exact one, within the subject's own roundings",
        hint="a sign, a form of another path (1 for alpha^2 + sigma^2), alpha-bar for alpha, a cast on the way",
        kind=Conversion,
        body=anchored,
        strategy=conversion_cases,
        inapplicable=lambda subject: (
            "" if len(subject.spaces) > 1 else f"only one parameterization is declared: {subject.spaces[0]}"
        ),
    ),
    Check(
        name="rt_path",
        property="RT",
        summary="every level lies on the declared path",
        hint="a missing root, alpha-bar for alpha, another path than declared",
        kind=Schedule,
        body=on_path,
        strategy=whole_schedules,
        inapplicable=lambda subject: "a free path has no relation to check" if subject.path == "free" else "",
    ),
    Check(
        name="rt_order",
        property="RT",
        summary="sigma/alpha falls strictly from noise to data",
        hint="times rounded to duplicates, a list in the other direction, a bump in the formula",
        kind=Schedule,
        body=decreasing,
        strategy=whole_schedules,
    ),
    Check(
        name="rt_time",
        property="RT",
        summary="the inverse gives back the time",
        hint="sigma, log-SNR or an index where a time is wanted; a shift that is applied once",
        kind=Schedule,
        body=inverted,
        strategy=single_times,
        inapplicable=lambda subject: "" if subject.time_of is not None else "no inverse time_of is declared",
    ),
    Check(
        name="nan",
        property="NAN",
        summary="every level is finite, the ends included",
        hint="the root of a rounded negative, a division by the last time, beta past 1",
        kind=Schedule,
        body=finite_ends,
        strategy=whole_schedules,
    ),
)
