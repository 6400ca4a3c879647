"""The cases of each kind of subject keep what they promise."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfg_equiv.case import ConversionCase
from cfg_equiv.faults import conversions, schedules
from cfg_equiv.testing.draw import conversion_cases, single_times, whole_schedules
from cfg_equiv.testing.levels import EXCESS
from cfg_equiv.testing.network import PARAMETERS
from cfg_equiv.testing.subjects import STATES, Conversion
from tests.faults.drawn import drawn
from tests.testing.checks.named import check_for

SPACES = ("eps", "x0", "v", "F")


@pytest.mark.parametrize("path", STATES)
def test_conversion_cases_are_on_the_path_and_between_two_rows(path):
    subject = Conversion(conversions.shipped, SPACES, path=path, dtypes=("float32",))

    @settings(max_examples=25, database=None, deadline=None)
    @given(conversion_cases(subject))
    def keeps(case):
        assert isinstance(case, ConversionCase)
        assert case.source in SPACES
        assert case.target in set(SPACES) - {case.source}
        assert case.dtype == "float32"
        level = [Fraction(x) for x in case.level]
        assert min(level) > 0
        assert path == "free" or EXCESS[path](*level) == 0
        assert {name: getattr(case, name) for name in PARAMETERS} == {k: float(x) for k, x in PARAMETERS.items()}

    keeps()


def test_a_free_path_is_mostly_off_vp():
    subject = Conversion(conversions.shipped, SPACES)
    cases = drawn(check_for(subject, "rt"), subject, 0, 40)
    off = [case for case in cases if EXCESS["vp"](*map(Fraction, case.level)) != 0]
    assert 2 * len(off) > len(cases)


@given(st.data())
@settings(max_examples=20, database=None, deadline=None)
def test_schedule_cases_are_within_the_list(data):
    subject = replace(schedules.flow(), times=(1.0, 0.5, 0.0))
    whole, single = (data.draw(strategy(subject)) for strategy in (whole_schedules, single_times))
    assert (whole.first, whole.last) == (0, 2)
    assert 0 <= single.first == single.last <= 2
