"""Schedulers of diffusers whose ``step`` asks for more than prediction, timestep and latent.

Each class here looks like a scheduler to :func:`cfg_equiv.testing.wrap.from_scheduler` and hands over what its
pipelines hand over; everything else is the released object's own.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Any

from torch import Tensor


class Driver:
    """A released scheduler with another ``set_timesteps`` or ``step``."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def __getattr__(self, name: str) -> Any:
        if name == "scheduler":  # asked for while a copy is being made, before there is one
            raise AttributeError(name)
        return getattr(self.scheduler, name)


class PreviousTimestep(Driver):
    """``step`` must be told the timestep it goes to; without it, it goes to ``t - 1`` whatever the stride."""

    def step(self, prediction: Tensor, t: Any, z: Tensor, generator: Any = None) -> Any:
        """One step, as the pipelines take it."""
        after = self.scheduler.timesteps[self.scheduler.timesteps < t]
        previous = after[0] if len(after) else None
        return self.scheduler.step(prediction, t, z, prev_timestep=previous, generator=generator)


class PreviousData(Driver):
    """``step`` is handed the data prediction of the step before, and the timestep that belonged to it."""

    before: tuple[Any, Any] = (None, None)

    def step(self, prediction: Tensor, t: Any, z: Tensor, eta: float = 0.0, generator: Any = None) -> Any:
        """One step, as the pipelines take it."""
        data, back = self.before
        z, data = self.scheduler.step(prediction, data, t, back, z, eta=eta, generator=generator)
        self.before = (data, t)
        return (z,)


class TimestepPerItem(Driver):
    """``step`` wants one timestep for each item of the batch, and the last timestep is no step."""

    @property
    def timesteps(self) -> Any:
        """The timesteps at which the network is called."""
        return self.scheduler.timesteps[:-1]

    def step(self, prediction: Tensor, t: Any, z: Tensor, generator: Any = None) -> Any:
        """One step, as the pipelines take it."""
        return self.scheduler.step(prediction, t.expand(len(z)), z, generator=generator)


class Angles(Driver):
    """``set_timesteps`` has an intermediate timestep for two steps only, and the last timestep is no step."""

    @property
    def timesteps(self) -> Any:
        """The timesteps at which the network is called."""
        return self.scheduler.timesteps[:-1]

    def set_timesteps(self, steps: int) -> None:
        """Evenly spaced angles from just below a right angle: the default lies above it, where alpha is negative."""
        self.scheduler.set_timesteps(steps, max_timesteps=1.57, intermediate_timesteps=None)


class OneMoreSigma(Driver):
    """``set_timesteps(n)`` makes n levels, which is one network call less."""

    def set_timesteps(self, steps: int) -> None:
        """As many steps as were asked for."""
        self.scheduler.set_timesteps(steps + 1)


DRIVERS: dict[str, type[Driver]] = {
    "UnCLIPScheduler": PreviousTimestep,
    "CogVideoXDPMScheduler": PreviousData,
    "DDPMWuerstchenScheduler": TimestepPerItem,
    "SCMScheduler": Angles,
    "MiniMaxH3Scheduler": OneMoreSigma,
}


class Prepared:
    """A factory of schedulers that sets each up once for a number of steps, and hands out untouched copies of it.

    ``set_timesteps`` of the classes that interpolate takes 0.1 s and more, and a check runs a sampler dozens of times.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self.build = build
        self.ready: dict[int, Any] = {}

    def __call__(self) -> Any:
        """A scheduler as new, to which ``set_timesteps`` is a look-up."""
        return _Pending(self)

    def copy(self, steps: int) -> Any:
        """A scheduler that is set up for so many steps and has never been run."""
        if steps not in self.ready:
            with warnings.catch_warnings():  # a library's deprecated calls of numpy are not what is tested
                warnings.simplefilter("ignore")
                scheduler = self.build()
                scheduler.set_timesteps(steps)
            self.ready[steps] = scheduler
        ready = self.ready[steps]
        released = getattr(ready, "scheduler", ready)
        return copy.deepcopy(ready, {id(released.config): released.config})


class _Pending:
    """A scheduler that waits for its number of steps."""

    def __init__(self, factory: Prepared) -> None:
        self.factory = factory
        self.scheduler: Any = None

    def set_timesteps(self, steps: int) -> None:
        self.scheduler = self.factory.copy(steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scheduler, name)
