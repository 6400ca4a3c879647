r"""What a schedule is: a map from time to a :class:`~cfg_equiv.algebra.points.Point`.

Time runs from noise to data in sampling: **t = 1 is the noise end, t = 0 the data end**, on every path. A singular end
is handed out as it is, with :math:`\lambda = -\infty` at :math:`\alpha = 0` and :math:`\lambda = +\infty` at
:math:`\sigma = 0`; it is never NaN. Derivatives are those of the shipped formula, by automatic differentiation:
there is no second formula to get wrong.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.errors import LevelError, ParameterError, SingularEndError, sentence
from cfg_equiv.validation import described, first

Path = Literal["vp", "ve", "flow", "free"]


def as_time(t: float | Tensor) -> Tensor:
    """``t`` as a tensor in [0, 1]; Python numbers become float64."""
    time = t if isinstance(t, Tensor) else torch.tensor(t, dtype=torch.float64)
    bad = ~((time >= 0) & (time <= 1)) if time.is_floating_point() else torch.ones_like(time, dtype=torch.bool)
    if bad.any():
        came = first(time, bad) if time.is_floating_point() else described(time)
        raise LevelError(
            sentence("a float t in [0, 1] (1 is noise, 0 is data)", came, "divide a timestep by the number of them")
        )
    return time


def require_steps(n: int) -> int:
    """``n`` if it counts steps."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ParameterError(sentence("a whole number n >= 1 of steps", repr(n), "ask for at least one step"))
    return n


def require_range(low: float, high: float, name: str = "sigma") -> None:
    """``0 < low < high < inf``; ``name`` is what the message calls the quantity."""
    if not 0 < low < high < float("inf"):
        raise ParameterError(
            sentence(f"two finite bounds of {name}, 0 < low < high", f"{low!r} and {high!r}", "swap or correct them")
        )


def data_end(like: Tensor) -> Point:
    """The point (1, 0) with lam = +inf, 0-dimensional."""
    return point(torch, like.new_ones(()), like.new_zeros(()))


def to_dtype(at: Point, dtype: torch.dtype) -> Point:
    """The point with each coordinate rounded to ``dtype``, for latents that are not float64."""
    return Point(*(x.to(dtype) if isinstance(x, Tensor) else x for x in at))


class Schedule(ABC):
    """A path with a clock. ``schedule(t)`` is a point; ``schedule.points(n)`` are the n + 1 points of n steps."""

    path: Path
    reaches_data: bool = True  # whether schedule(0) is the data end; if not, points(n) appends it

    @abstractmethod
    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """``(alpha, sigma)`` at times in [0, 1], elementwise."""

    def __call__(self, t: float | Tensor) -> Point:
        """The point at time ``t``: 1 is noise, 0 is data."""
        return point(torch, *self.coefficients(as_time(t)))

    def derivative(self, t: float | Tensor) -> tuple[Tensor, Tensor]:
        """``(dalpha/dt, dsigma/dt)``; with t growing towards noise."""
        with torch.enable_grad():
            time = as_time(t).detach().clone().requires_grad_()
            slopes = [torch.autograd.grad(x.sum(), time, retain_graph=True)[0] for x in self.coefficients(time)]
        for name, slope in zip(("dalpha", "dsigma"), slopes, strict=True):
            bad = ~torch.isfinite(slope)
            if bad.any():
                raise SingularEndError(
                    sentence(
                        f"a time at which {name} is finite",
                        f"t = {first(time, bad)}",
                        "stop short of that end of the path",
                    )
                )
        return slopes[0], slopes[1]

    def points(self, n: int) -> list[Point]:
        """The n + 1 points of n steps from the noise end to the data end, uniform in t."""
        require_steps(n)
        if self.reaches_data:
            return [self(1 - i / n) for i in range(n)] + [self(0.0)]
        levels = [self(1 - i / max(n - 1, 1)) for i in range(n)]
        return [*levels, data_end(levels[0].alpha)]


@dataclass(frozen=True, eq=False)
class Free(Schedule):
    r"""Any path: :math:`\alpha(t)` and :math:`\sigma(t)` as torch functions, positive but at the ends.

    No relation between the two is assumed, so that formulas that silently use one are caught.
    """

    alpha: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]
    reaches_data: bool = True
    path: Path = "free"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The two functions at ``t``; values no path has are an error."""
        alpha, sigma = self.alpha(t), self.sigma(t)
        bad = ~((alpha >= 0) & (sigma >= 0) & (alpha + sigma > 0))
        if bad.any():
            raise LevelError(
                sentence(
                    "alpha(t) and sigma(t) not negative and not both zero",
                    f"alpha = {first(alpha, bad)}, sigma = {first(sigma, bad)} at t = {first(t, bad)}",
                    "correct the two functions",
                )
            )
        return alpha + 0 * t, sigma + 0 * t  # a constant still has a derivative
