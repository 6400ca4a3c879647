"""Guidance commutes with conversion: before it or after it, within the bound of each order's own operations."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.convert import convert as convert_rows
from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond
from cfg_equiv.algebra.guidance.composable import composable
from cfg_equiv.algebra.guidance.instruct_pix2pix import instruct_pix2pix as two_weights
from cfg_equiv.algebra.guidance.interval import interval_weight
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.case import DTYPES, GuidanceCase, exact_enclosure
from cfg_equiv.conversion import convert
from cfg_equiv.guidance import (
    compose,
    guide,
    guide_from_negative,
    guide_in_interval,
    guide_learned_variance,
    instruct_pix2pix,
    split_learned_variance,
)
from cfg_equiv.rounding import assert_within
from cfg_equiv.strategies import guidance_cases, row_pairs
from tests.properties.subject import falsified, share


@dataclass(frozen=True, kw_only=True, repr=False)
class Commuting(GuidanceCase):
    """A linear rule applied to three predictions in one row, and its result in another; converted first or last."""

    target: str
    rule: str = "cfg"
    first: str = "guide"
    other: float = -0.75  # the second weight of the rules that have two

    @property
    def third(self):
        """A third prediction: the conditional one, upside down."""
        return self.tensor(tuple(reversed(self.conditional)))

    @property
    def both(self):
        """What either row needs beside the point."""
        needed = {need for row in (self.source, self.target) for need in PARAMETERIZATIONS[row].needs}
        return {name: self.scalar(getattr(self, name)) for name in sorted(needed)}

    @property
    def rational(self):
        return "sigma_data" not in self.both

    def evaluate(self, xp, lift):
        given = {name: lift(x) for name, x in self.both.items()}
        at, z = Point(lift(self.alpha), lift(self.sigma)), lift(self.z)
        rows = [PARAMETERIZATIONS[name].at(xp, at, **given) for name in (self.source, self.target)]
        return self.ordered([lift(x) for x in (self.cond, self.uncond, self.third)], FORMULAS[self.rule](self, lift),
                            lambda pred: convert_rows(z, pred, at, *rows))  # fmt: skip

    def ordered(self, preds, rule, converted):
        """The rule before the conversion or after it."""
        return converted(rule(*preds)) if self.first == "guide" else rule(*map(converted, preds))


def _cfg(case, lift):
    return lambda c, u, t: cfg(c, u, lift(case.w))


def _interval(case, lift):
    lam = torch.log(case.alpha / case.sigma).item()
    chosen = lift(case.scalar(interval_weight(case.w.item(), lam, -1.0, 1.0)))
    return lambda c, u, t: cfg(c, u, chosen)


FORMULAS: dict[str, Any] = {
    "cfg": _cfg,
    "cfg_from_cond": lambda case, lift: lambda c, u, t: cfg_from_cond(c, u, lift(case.w)),
    "negative": lambda case, lift: lambda c, u, t: cfg(c, t, lift(case.w)),
    "composable": lambda case, lift: (
        lambda c, u, t: composable((c, t), u, (lift(case.w), lift(case.scalar(case.other))))
    ),
    "instruct_pix2pix": lambda case, lift: (
        lambda c, u, t: two_weights(c, t, u, lift(case.w), lift(case.scalar(case.other)))
    ),
    "interval": _interval,
    "learned_variance": _cfg,
}


def _variance(case):
    """Guidance of networks with variance channels: what comes back are the prediction channels."""

    def guided(c, u, t):
        doubled = [torch.cat([x.unsqueeze(1), y.unsqueeze(1)], 1) for x, y in ((c, t), (u, c))]
        mean, variance = split_learned_variance(guide_learned_variance(*doubled, case.w))
        assert torch.equal(variance.squeeze(1), t)  # those of the conditional branch, untouched
        return mean.squeeze(1)

    return guided


RULES: dict[str, Any] = {
    "cfg": lambda case: lambda c, u, t: guide(c, u, case.w),
    "cfg_from_cond": lambda case: lambda c, u, t: guide(c, u, case.w, convention="c+w(c-u)"),
    "negative": lambda case: lambda c, u, t: guide_from_negative(c, t, case.w),
    "composable": lambda case: lambda c, u, t: compose((c, t), u, (case.w, case.other)),
    "instruct_pix2pix": lambda case: lambda c, u, t: instruct_pix2pix(c, t, u, case.w, case.other),
    "interval": lambda case: (
        lambda c, u, t: guide_in_interval(c, u, case.w, alpha=case.alpha, sigma=case.sigma, low=-1.0, high=1.0)
    ),
    "learned_variance": _variance,
}


def public(case, rule=None):
    """The same by the public functions."""
    level = {"alpha": case.alpha, "sigma": case.sigma, **case.both}
    converted = partial(_converted, case, level)
    return case.ordered([case.cond, case.uncond, case.third], (rule or RULES[case.rule])(case), converted)


def _converted(case, level, pred):
    return convert(case.z, pred, source=case.source, target=case.target, **level)


def cases(name):
    """A case of a rule; the order of its operations and the dtype are looped over."""
    drawn = st.tuples(guidance_cases(dtype="float64", ends="none"), row_pairs())
    return drawn.map(lambda d: Commuting(**vars(d[0]) | {"source": d[1][0], "target": d[1][1], "rule": name}))


def check(case, take=public, dtypes=tuple(DTYPES)):
    orders = [replace(case, first=first) for first in ("guide", "convert")]
    (one, one_off), (other, other_off) = map(exact_enclosure, orders)
    if any(abs(a - b) > r + q for a, r, b, q in zip(one, one_off, other, other_off, strict=True)):
        raise AssertionError(f"{case.rule} does not commute with conversion: {case}")
    for each in orders:
        for dtype in dtypes:
            drawn = replace(each, dtype=dtype)
            vacuous = assert_within(take(drawn), drawn.exact(), drawn.bound())
            assert dtype == "float16" or not vacuous


@pytest.mark.parametrize("name", RULES)
@share(10)
@given(data=st.data())
def test_it_commutes_with_conversion(name, data):
    check(data.draw(cases(name), label="case"))


def _wrong(wrong):
    return lambda case: public(case, wrong)


# Rules that are affine with weights that do not sum to one, or that are not linear, and one that is right elsewhere.
WRONG = {
    "weights sum to w": lambda case: lambda c, u, t: case.w * c + u - u,
    "weights sum to 1 + 1/64": lambda case: lambda c, u, t: guide(c, u, case.w) + u / 64,
    "branches swapped": lambda case: lambda c, u, t: guide(u, c, case.w),
    "the other convention": lambda case: lambda c, u, t: guide(c, u, case.w, convention="c+w(c-u)"),
    "std rescale": lambda case: lambda c, u, t: guide(c, u, case.w) * ((c.std() + 1) / (guide(c, u, case.w).std() + 1)),
    "clip": lambda case: lambda c, u, t: guide(c, u, case.w).clamp(-1, 1),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_rule_that_does_not_is_noticed(wrong):
    falsified(lambda case: check(case, _wrong(WRONG[wrong]), ("float32",)), cases("cfg"), examples=50)


def test_guided_variance_channels_are_noticed():
    def all_channels(case):
        def guided(c, u, t):
            doubled = [torch.cat([x.unsqueeze(1), y.unsqueeze(1)], 1) for x, y in ((c, t), (u, c))]
            mean, variance = split_learned_variance(guide(*doubled, case.w))
            assert torch.equal(variance.squeeze(1), t)
            return mean.squeeze(1)

        return guided

    falsified(lambda case: check(case, _wrong(all_channels), ("float64",)), cases("learned_variance"))


def test_a_formula_that_does_not_commute_is_noticed_exactly(monkeypatch):
    monkeypatch.setitem(FORMULAS, "cfg", lambda case, lift: lambda c, u, t: cfg(c, u, lift(case.w)) + u)
    falsified(lambda case: check(case, dtypes=()), cases("cfg"), match="does not commute", examples=50)
