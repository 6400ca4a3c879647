"""What a check does around its body: cases drawn or pasted, vacuous cases counted, a limit of time."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.checks import CHECKS
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.guard import guarded, time_limit
from cfg_equiv.testing.protocol import PROPERTIES
from cfg_equiv.testing.subjects import Conversion, Guidance, Sampler, Schedule
from tests.testing.checks.named import check_for


def test_every_check_says_what_it_is_about():
    for check in CHECKS:
        assert check.property in PROPERTIES
        assert check.summary
        assert check.hint
        assert str(check) == check.name


@pytest.mark.parametrize("kind", [Conversion, Guidance, Sampler, Schedule])
def test_names_are_distinct_for_each_kind_of_subject(kind):
    names = [check.name for check in CHECKS if check.kind is kind]
    assert names
    assert len(set(names)) == len(names)


def test_a_case_that_is_neither_drawn_nor_pasted_is_an_error():
    subject = Guidance(cfg, "u+w(c-u)")
    with pytest.raises(TypeError, match=r"expected a Case or Hypothesis' data\(\), got dict: use given\(case=st.data"):
        check_for(subject, "sens")(subject, {})


def test_vacuous_cases_are_told():
    subject, told = Guidance(cfg, "u+w(c-u)"), []

    @settings(max_examples=30, database=None, deadline=None)
    @given(st.data())
    def collect(data):
        told.append(check_for(subject, "sens")(subject, data))

    collect()
    assert None in told
    assert all(reason is None or isinstance(reason, str) for reason in told)


@pytest.mark.parametrize("name", ["eq", "nan", "st"])
def test_a_subject_that_hangs_is_stopped(name):
    def hangs(model, z, steps, space):
        time.sleep(10)

    subject = Sampler(hangs, Euler().level, ("eps", "x0"))
    start = time.monotonic()
    with pytest.raises(
        SubjectError, match=r"expected one example to end within 0.05 s: the subject hangs, or is too s"
    ):
        check_for(subject, name).run(subject, RunCase(), limit=0.05)
    assert time.monotonic() - start < 5


def test_the_limit_is_taken_off_again_and_leaves_other_threads_alone():
    with time_limit(0.05):
        pass
    time.sleep(0.1)
    ran = []

    def elsewhere():
        with guarded(0.01):
            time.sleep(0.05)
            ran.append(True)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert ran == [True]
