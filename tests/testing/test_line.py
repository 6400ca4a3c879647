import torch

from cfg_equiv.algebra.points import Point
from cfg_equiv.faults.solvers import Euler
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.line import Line, calibrated, data_point, follow, line_cases, place
from cfg_equiv.testing.subjects import Sampler
from tests.faults.drawn import drawn

CASE = RunCase(network="point_mass", steps=3, weight=1, reach=2)
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

    class Check:
        cases = staticmethod(line_cases)

    assert all(float(data_point(case).abs().max()) <= 1 for case in drawn(Check, clipped, 0, 5))
