"""Checks for other people's code: declare a subject, get every check that applies to it.

.. code-block:: python

    @parametrize_with_checks([Guidance(my_cfg, convention="u+w(c-u)")])
    def test_conformance(subject, check, case):
        check(subject, case)

``check(subject)`` gives the same as data. A check is called with a drawn case or with one that is pasted from a
failure; ``some_check.cases(subject)`` is the strategy it draws from.
"""

from cfg_equiv.testing import cases
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.failure import CheckFailure, SubjectError
from cfg_equiv.testing.identify import identify_convention
from cfg_equiv.testing.parametrize import parametrize_with_checks
from cfg_equiv.testing.runner import check
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler, Schedule, Twin
from cfg_equiv.testing.wrap import from_scheduler, from_step

__all__ = [
    "CHECKS",
    "CheckFailure",
    "Conversion",
    "Guidance",
    "RunCase",
    "Sampler",
    "Schedule",
    "SubjectError",
    "Twin",
    "cases",
    "check",
    "from_scheduler",
    "from_step",
    "identify_convention",
    "parametrize_with_checks",
]
