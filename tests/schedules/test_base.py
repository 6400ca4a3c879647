import pytest
import torch

from cfg_equiv.errors import LevelError, ParameterError, UnknownNameError
from cfg_equiv.schedules import SCHEDULES, Free, VPCosine, data_end, schedule, to_dtype

FREE = {"alpha": lambda t: 1 - t / 2, "sigma": lambda t: t * t}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_points_run_from_noise_to_the_data_end_and_are_never_nan(name, n):
    points = schedule(name, **(FREE if name == "free" else {})).points(n)
    assert len(points) == n + 1
    lams = torch.stack([p.lam for p in points])
    assert bool((lams.diff() > 0).all())
    for p in points:
        assert not any(torch.isnan(x).any() for x in p)
        assert {x.dtype for x in p} == {torch.float64}
    assert (points[-1].sigma.item(), points[-1].lam.item()) == (0.0, float("inf"))


def test_a_free_path_and_its_derivative():
    path = Free(**FREE)
    at = path(0.5)
    assert (at.alpha.item(), at.sigma.item()) == (0.75, 0.25)
    assert [x.item() for x in path.derivative(0.5)] == [-0.5, 1.0]
    constant = Free(torch.ones_like, lambda t: 1 + t, reaches_data=False)
    assert [x.item() for x in constant.derivative(0.5)] == [0.0, 1.0]
    assert [p.sigma.item() for p in constant.points(2)] == [2.0, 1.0, 0.0]


def test_derivatives_work_under_no_grad_and_leave_no_graph():
    with torch.no_grad():
        slopes = VPCosine().derivative(torch.tensor([0.25, 0.5], dtype=torch.float64))
    assert [x.shape for x in slopes] == [(2,), (2,)]
    assert not any(x.requires_grad for x in slopes)


def test_rounding_a_point_keeps_its_ends():
    at = to_dtype(data_end(torch.zeros((), dtype=torch.float64)), torch.float16)
    assert [x.item() for x in at] == [1.0, 0.0, float("inf")]
    assert {x.dtype for x in at} == {torch.float16}
    assert to_dtype(VPCosine()(0.5)._replace(lam=None), torch.float32).lam is None


def test_bad_input():
    with pytest.raises(
        LevelError, match=r"a float t in \[0, 1\] \(1 is noise, 0 is data\), got 999\.0: divide a timestep"
    ):
        VPCosine()(999.0)
    with pytest.raises(LevelError, match=r"got nan"):
        VPCosine()(float("nan"))
    with pytest.raises(LevelError, match=r"a float t in \[0, 1\]"):
        VPCosine()(torch.tensor(1))
    with pytest.raises(ParameterError, match=r"a whole number n >= 1 of steps, got 0: ask for at least one step"):
        VPCosine().points(0)
    with pytest.raises(ParameterError, match="got True"):
        VPCosine().points(True)
    with pytest.raises(LevelError, match=r"alpha\(t\) and sigma\(t\) not negative and not both zero, got alpha = -"):
        Free(lambda t: t - 1, lambda t: t)(0.5)
    with pytest.raises(UnknownNameError, match=r"a schedule out of .*, got 'vp_cosin': did you mean 'vp_cosine'\?"):
        schedule("vp_cosin")
