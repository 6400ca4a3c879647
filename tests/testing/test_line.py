import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.line import UNEVEN, Line, calibrated, data_point, follow, line_cases, place
from cfg_equiv.testing.subjects import Sampler
from tests.faults.drawn import drawn

CASE = RunCase(network="point_mass", steps=3, weight=1, reach=2)


class Cases:
    """What draws cases, as a check does."""

    cases = staticmethod(line_cases)


EULER = Sampler(Euler().run, Euler().level, ("eps",), state="vp")


def test_a_run_stays_on_the_line_it_started_on():
    line = follow(EULER, CASE, CASE.z)
    assert torch.equal(line.data, 2 * CASE.pair.cond.mean)
    assert line.direction() == 1
    found = calibrated(EULER, CASE, lambda again: again.coordinates()[0])
    right = torch.tensor([[float(x) for x in at[:2]] for at in line.levels] + [[1.0, 0.0]], dtype=torch.float64)
    assert bool(((found.result - right).abs() <= found.bound).all())
    assert torch.equal(line.at(line.levels[0]), line.levels[0].alpha * line.data + line.levels[0].sigma * line.noise)


def test_a_run_the_other_way_is_told():
    line = follow(EULER, CASE, CASE.z)
    assert Line(line.states, line.levels[::-1], line.data, line.noise).direction() == -1
    assert Line(line.states, [line.levels[0]] * 2, line.data, line.noise).direction() == 0
    assert isinstance(line.levels[0], Point)


def test_states_have_names_and_cases_stay_inside_a_clip():
    assert [place(torch.zeros(3, 1), k) for k in (0, 2)] == ["the latent of network call 1", "the final latent"]
    clipped = Sampler(Euler().run, Euler().level, ("eps",), clip=1.0)

    assert all(float(data_point(case).abs().max()) <= 1 for case in drawn(Cases, clipped, 0, 5))


def test_cases_have_few_steps_and_numbers_into_which_no_table_falls_evenly():
    steps = {case.steps for case in drawn(Cases, Sampler(Euler().run, Euler().level, ("eps",), steps=(1, 4)), 0, 60)}
    assert steps == {1, 2, 3, 4, *UNEVEN}
    assert all(length % count for count in UNEVEN for length in (1000, 1024, 4096))
