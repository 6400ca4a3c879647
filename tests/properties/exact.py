"""Rational draws for the exact properties: levels as Fractions, one element, and what rows and samplers take."""

from fractions import Fraction

from hypothesis import strategies as st

from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.strategies import schedules, weights

FAMILIES = {"any": st.sampled_from(("vp", "flow", "ve", "free")), "vp": "vp", "flow": "flow"}


def quarters(low, high):
    return st.integers(low, high).map(lambda k: Fraction(k, 4))


def levels(sampler, steps):
    """The points of a schedule on which the sampler's native form is valid, away from the ends."""
    path = schedules(family=FAMILIES[SAMPLERS[sampler].path], steps=steps, ends="none")
    return path.map(lambda drawn: [point(RATIONAL, Fraction(a), Fraction(s)) for a, s in drawn])


# x0 and eps are different and not zero from the simplest draw on; eta is what exact powers allow.
VALUES = st.fixed_dictionaries(
    {
        "x0": quarters(1, 16),
        "eps": quarters(-16, -1),
        "noise": quarters(2, 16),
        "eta": st.sampled_from((Fraction(1, 2), Fraction(1), Fraction(0))),
        "w": weights().map(Fraction),
        "sigma_data": st.sampled_from((Fraction(1, 2), Fraction(1), Fraction(2))),
        "dalpha": quarters(-8, -1),
        "dsigma": quarters(1, 8),
    }
)
