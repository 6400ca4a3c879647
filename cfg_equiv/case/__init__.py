r"""One guided prediction, or one guided step: test cases that hold Python numbers and strings only.

A case is readable and lossless: its ``repr`` pastes back, Hypothesis prints that ``repr``, and it goes through JSON.
Numbers that no float holds are strings, such as ``"3/5"``. Tensors are built when asked for, in the case's dtype:
``.z``, ``.cond``, ``.uncond``, ``.w``, ``.alpha``, ``.sigma``.

``.exact()`` is the real number that the shipped formula takes at exactly these float inputs, in Fractions (where a root
or a power occurs, to 60 digits); ``.bound()`` is the running bound of its rounding. So a test of anybody's code is
``assert_within(my_step(case), exact=case.exact(), bound=case.bound())``.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error analysis).
"""

from cfg_equiv.case.base import DTYPES, Case, Level, exact_enclosure, pattern_tensor
from cfg_equiv.case.conversion import ConversionCase
from cfg_equiv.case.guidance import GuidanceCase
from cfg_equiv.case.plain import Number, Pattern, Plain
from cfg_equiv.case.step import StepCase, route

__all__ = [
    "DTYPES",
    "Case",
    "ConversionCase",
    "GuidanceCase",
    "Level",
    "Number",
    "Pattern",
    "Plain",
    "StepCase",
    "exact_enclosure",
    "pattern_tensor",
    "route",
]
