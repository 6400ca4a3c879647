r"""The network a sampler under test is given: exact, guided, and the same denoiser in every parameterization.

Data spread ``r`` times as far as those of a closed-form pair, :math:`x_0 = r x_0'`, are seen through
:math:`z = (\alpha r) x_0' + \sigma\epsilon`: the pair is asked at :math:`(\alpha r, \sigma)` and its answer scaled. The
predictions are computed in float64 and rounded once, to the dtype of the latent, so that what differs between two
parameterizations is the sampler's doing.

A rerun moves what the sampler is given by one ulp: what the network sees and its prediction, or in place of both the
data that the prediction stands for.
"""

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.models import Model
from cfg_equiv.rounding.rerun import Nudge
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.levels import off_path
from cfg_equiv.testing.subjects import Sampler


class Network:
    """``model(z, t)`` for a sampler: records the latents and levels it is called at."""

    def __init__(
        self, subject: Sampler, case: RunCase, space: str, nudge: Nudge = lambda x: x, data: bool = False
    ) -> None:
        self.subject, self.case, self.space, self.nudge, self.data = subject, case, space, nudge, data
        self.pair = case.pair
        self.latents: list[Tensor] = []
        self.levels: list[tuple[float, float]] = []
        self.given: list[tuple[Tensor, Tensor]] = []  # what was handed out, and a copy: in-place writes show

    def __call__(self, z: Tensor, t: Any) -> Tensor:
        """The guided prediction at ``z``; ``t`` is whatever the sampler passes, read through ``level``."""
        self._require_latent(z)
        with _disable_current_modes():  # what watches the sampler need not watch its network
            at = self._point(t)
            self.latents.append(z.detach().clone())
            if self.data:
                guided = (self.predict(z.double(), at) + self._moved_data(z.double(), at, z.dtype)).to(z.dtype)
            else:
                guided = self.nudge(self.predict(self.nudge(z).double(), at).to(z.dtype))
            self.given.append((guided, guided.clone()))
        return guided

    def predict(self, z: Tensor, at: Point, space: str = "") -> Tensor:
        """The guided prediction in float64, in a parameterization: by default in that of the network."""
        space, w = space or self.space, float(Fraction(self.case.weight))
        if w == 1:  # guidance is off: not even its rounding
            return self._emit(self.pair.cond, z, at, space)
        guided: Tensor = cfg(self._emit(self.pair.cond, z, at, space), self._emit(self.pair.uncond, z, at, space), w)
        return guided

    def _emit(self, model: Model, z: Tensor, at: Point, space: str) -> Tensor:
        reach = float(Fraction(self.case.reach))
        stretched = Point(at.alpha * reach, at.sigma)
        x0, eps = reach * model.x0(z, stretched), model.eps(z, stretched)
        prediction: Tensor = emit(torch, x0, eps, at, space, **PARAMETERS)
        return prediction

    def _moved_data(self, z: Tensor, at: Point, dtype: torch.dtype) -> Tensor:
        """What the prediction changes by when the data that it stands for are moved by one ulp at this latent."""
        x0 = self.predict(z, at, "x0").to(dtype)
        moved = self.nudge(x0).double() - x0.double()
        noise = -at.alpha / at.sigma * moved if float(at.sigma) else torch.zeros_like(moved)
        change: Tensor = emit(torch, moved, noise, at, self.space, **PARAMETERS)
        return change

    def _point(self, t: Any) -> Point:
        alpha, sigma = self.subject.level(t)
        at = Point(*(torch.as_tensor(x, dtype=torch.float64).detach() for x in (alpha, sigma)))
        bad = [float(x) for x in at[:2] if x.numel() != 1 or not bool((x >= 0).all())]
        if bad:
            raise SubjectError(f"expected level(t) to be two numbers, not negative, got {alpha}, {sigma} at t = {t}")
        excess, allowed = off_path(self.subject.state, at)
        if bool(excess.abs() > allowed):
            raise SubjectError(
                f"expected levels on the declared path {self.subject.state!r}, got alpha = {float(at.alpha):.6g}, "
                f"sigma = {float(at.sigma):.6g} at t = {t}: correct level= or state="
            )
        self.levels.append((float(at.alpha), float(at.sigma)))
        return Point(at.alpha.reshape(()), at.sigma.reshape(()))

    def _require_latent(self, z: Any) -> None:
        if not isinstance(z, Tensor):
            raise SubjectError(f"expected the sampler to show the network a tensor, got {type(z).__name__}")
        if tuple(z.shape) != self.case.shape:
            raise SubjectError(f"expected the network to be shown shape {self.case.shape}, got {tuple(z.shape)}")
        if not z.is_floating_point():
            raise SubjectError(f"expected a floating-point latent, got {z.dtype}")


# What the rows F, k_diffusion_v and velocity need beside the point.
PARAMETERS = {
    name: torch.tensor(value, dtype=torch.float64)
    for name, value in {"sigma_data": 0.5, "dalpha": -1.0, "dsigma": 1.0}.items()
}


def run(
    subject: Sampler, case: RunCase, space: str, z: Tensor, nudge: Nudge = lambda x: x, data: bool = False
) -> Tensor:
    """The latents at which the network was called, in order, then the end, stacked along a new first axis."""
    return traced(subject, case, space, z, nudge, data)[0]


def traced(
    subject: Sampler, case: RunCase, space: str, z: Tensor, nudge: Nudge = lambda x: x, data: bool = False
) -> tuple[Tensor, list[Point]]:
    """What :func:`run` returns, and the level of each latent but the end, as 0-dimensional float64."""
    network = Network(subject, case, space, nudge, data)
    torch.default_generator.manual_seed(case.seed)  # the CPU's alone: seeding every device takes a fifth of a run
    end = require_output(subject.run(network, z, case.steps, space), case)
    if not network.latents:
        raise SubjectError("expected the sampler to call the network at least once, got no call")
    levels = [Point(*(torch.tensor(x, dtype=torch.float64) for x in pair)) for pair in network.levels]
    return torch.stack([*(x.to(end.dtype) for x in network.latents), end]), levels


def predictions(subject: Sampler, case: RunCase, space: str) -> list[Tensor]:
    """What the network hands to the sampler, call by call."""
    network = Network(subject, case, space)
    torch.default_generator.manual_seed(case.seed)
    subject.run(network, case.z, case.steps, space)
    return [copy for _, copy in network.given]


def require_output(end: Any, case: RunCase) -> Tensor:
    """A run's result as it must be: a floating-point tensor of the latent's shape."""
    if not isinstance(end, Tensor):
        raise SubjectError(f"expected run() to return a tensor, got {type(end).__name__}: return the last latent alone")
    if tuple(end.shape) != case.shape:
        raise SubjectError(f"expected run() to return shape {case.shape}, got {tuple(end.shape)}")
    if not end.is_floating_point():
        raise SubjectError(f"expected run() to return a floating-point tensor, got {end.dtype}")
    return end.detach()
