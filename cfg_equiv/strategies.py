r"""Hypothesis strategies for levels, schedules, weights, latents and whole cases. Each argument is a value or a strategy.

Scalars are lattice integers over 4: exact in float64, float32, bfloat16, float16 and as rationals, and they shrink to
small readable numbers. Levels come from four families, so that a formula which silently assumes one of them is caught:

- ``vp``: :math:`\alpha = \frac{1-t^2}{1+t^2}`, :math:`\sigma = \frac{2t}{1+t^2}`, points of the circle with rational t;
- ``ve``: :math:`\alpha = 1`; ``flow``: :math:`\alpha = 1 - \sigma`;
- ``free``: no relation between the two, alpha not even monotone along a schedule.

Everything holds by construction, nothing is filtered: the levels of a schedule are distinct and run from noise to data;
the items of a batch are distinct; the conditional and unconditional predictions of the simplest case differ.

``ends`` says whether a schedule reaches pure noise (alpha = 0, its first level) and clean data (sigma = 0, its last):
``"none"``, ``"noise"``, ``"data"`` or ``"both"``, where the family has that end (``ve`` has no noise end) and the
parameterization and sampler have a value there.

References
----------
[MacIver19] MacIver, Hatfield-Dodds et al., Hypothesis, doi:10.21105/joss.01891; [MacIver20] on internal shrinking,
    doi:10.4230/LIPIcs.ECOOP.2020.13.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.case import DTYPES, GuidanceCase, Level, Number, Pattern, StepCase, route
from cfg_equiv.case.base import pattern_tensor
from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.guidance import CONVENTIONS

SMALL = 8  # tensors of up to so many elements are drawn element by element
_F = Fraction
_EIGHTHS = [_F(k, 8) for k in (4, 3, 5, 2, 6, 1, 7)]
_NEAR_ENDS = [_F(1, 32), _F(31, 32), _F(1, 64), _F(63, 64)]

# Coordinates of the regular levels, all of different sigma/alpha, the simplest first: that is where shrinking goes.
FAMILIES: dict[str, tuple[tuple[Fraction, Fraction], ...]] = {
    "vp": tuple(((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)) for t in (*_EIGHTHS, *_NEAR_ENDS)),
    "ve": tuple((_F(1), _F(s)) for s in (1, 2, _F(1, 2), 4, _F(1, 4), 9, 16, _F(1, 16), 80)),
    "flow": tuple((1 - s, s) for s in (*_EIGHTHS, *_NEAR_ENDS)),
    "free": tuple(
        (_F(a), _F(b))
        for a, b in ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (1, 4), (4, 1), (3, 4), (4, 3), (1, 20), (20, 1))
    ),
}  # fmt: skip
_SCALES = (_F(1), _F(1, 2), _F(3, 2), _F(1, 4))  # of the levels of a free path, in turn
ENDS = {"none": (False, False), "noise": (True, False), "data": (False, True), "both": (True, True)}
_NOISE_END = {"vp", "flow", "free"}
