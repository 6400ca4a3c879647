r"""Where the schedulers of diffusers keep the level of the latent they show the network.

There are four conventions, and the class does not say which one it follows:

- **table**: the variance preserving table :math:`\bar\alpha_t`, looked up at the timestep;
- **solver**: ``sigmas[i]`` by the index of the step, mapped to the state by the class's own
  ``_sigma_to_alpha_sigma_t``, to the flow path if ``use_flow_sigmas`` is set;
- **scaled**: a variance exploding state with ``sigmas[i]``, which ``scale_model_input`` divides by
  :math:`\sqrt{1+\sigma^2}` before it is shown, so the network sees the variance preserving latent. Second-order classes
  evaluate in between, at a sigma they keep elsewhere;
- **edm**: the same with :math:`c_{in} = 1/\sqrt{\sigma^2+\sigma_d^2}`; the latent shown is on no common path.

Taken is the sigma that the **solver uses** at that step. The timestep shown to the network is rounded to an integer in
many classes and belongs to a slightly different sigma; a network that is asked by sigma does not see that, and what is
left are the inconsistencies between parameterizations.

Tables are float32 in the library; here they are read exactly and the rest is computed in float64.

References
----------
[Ho20] arXiv:2006.11239; [Karras22] arXiv:2206.00364, table 1: the preconditioning; the released code of diffusers.
"""

import math
from collections.abc import Callable
from typing import Any

import torch

Level = tuple[Any, Any]
LevelOf = Callable[[Any, Any, int], Level]


def table(scheduler: Any, t: Any, index: int) -> Level:
    r""":math:`\alpha = \sqrt{\bar\alpha_t}` from the table of the class."""
    abar = scheduler.alphas_cumprod[int(t)].double()
    return abar.sqrt(), (1 - abar).sqrt()


def inverse_table(scheduler: Any, t: Any, index: int) -> Level:
    """The table one stride below the timestep: an inverse step goes from there **to** the timestep."""
    stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    below = min(int(t) - stride, scheduler.config.num_train_timesteps - 1)
    abar = (scheduler.alphas_cumprod[below] if below >= 0 else scheduler.initial_alpha_cumprod).double()
    return abar.sqrt(), (1 - abar).sqrt()


def solver(scheduler: Any, t: Any, index: int) -> Level:
    """The class's own map of ``sigmas[index]``, to the variance preserving or the flow path."""
    alpha, sigma = scheduler._sigma_to_alpha_sigma_t(scheduler.sigmas[index].double())
    return alpha, sigma


def on_circle(kappa: Any) -> Level:
    r"""The variance preserving point with :math:`\sigma/\alpha = \kappa`."""
    kappa = torch.as_tensor(kappa, dtype=torch.float64)
    alpha = 1 / torch.sqrt(1 + kappa * kappa)
    return alpha, kappa * alpha


def scaled(scheduler: Any, t: Any, index: int) -> Level:
    """``sigmas[index]`` of a variance exploding state, after ``scale_model_input``."""
    return on_circle(scheduler.sigmas[index])


def interpolated(scheduler: Any, t: Any, index: int) -> Level:
    """The same, with the second stage at ``sigmas_interpol[index]``."""
    return on_circle((scheduler.sigmas if scheduler.state_in_first_order else scheduler.sigmas_interpol)[index])


def interpolated_before(scheduler: Any, t: Any, index: int) -> Level:
    """The same, with the second stage at ``sigmas_interpol[index - 1]``."""
    first = scheduler.state_in_first_order
    return on_circle(scheduler.sigmas[index] if first else scheduler.sigmas_interpol[index - 1])


def midpoint(scheduler: Any, t: Any, index: int) -> Level:
    """The same, with the second stage at ``mid_point_sigma``."""
    return on_circle(scheduler.sigmas[index] if scheduler.state_in_first_order else scheduler.mid_point_sigma)


def edm(scheduler: Any, t: Any, index: int) -> Level:
    r"""``sigmas[index]`` after division by :math:`\sqrt{\sigma^2+\sigma_d^2}`."""
    sigma = scheduler.sigmas[index].double()
    c_in = 1 / torch.sqrt(sigma * sigma + scheduler.config.sigma_data**2)
    return c_in, sigma * c_in


def flow(scheduler: Any, t: Any, index: int) -> Level:
    r"""``sigmas[index]`` of the flow path, :math:`\alpha = 1-\sigma`."""
    sigma = scheduler.sigmas[index].double()
    return 1 - sigma, sigma


def trained(scheduler: Any, t: Any) -> tuple[Level, Level] | None:
    """The levels of the table about a timestep, the noisier first; ``None`` if timesteps do not count in the table.

    A whole number has one level; if it is kept as a float, it may be the rounding of another, one ulp away. The ends of
    the table are told for whatever lies beyond them.
    """
    config, last = scheduler.config, len(scheduler.alphas_cumprod) - 1
    if config.get("use_flow_sigmas") or config.get("timestep_type") == "continuous" or not 0 <= float(t) <= last:
        return None
    abar, low, high = scheduler.alphas_cumprod.double(), math.floor(t), math.ceil(t)
    kappa = ((1 - abar) / abar).sqrt()
    found = kappa[[low, high]]
    if low == high and torch.is_floating_point(t):
        ulp = torch.finfo(t.dtype).eps * low
        beside = kappa[[max(low - 1, 0), min(low + 1, last)]]
        found = found * (beside / found) ** ulp
    noisier = (0.0, 1.0) if high == last else on_circle(found.max())  # a table may turn back where it is clamped
    return noisier, (1.0, 0.0) if low == 0 else on_circle(found.min())


def betas(scheduler: Any, t: Any, index: int) -> Level:
    """``alphas[index]`` and ``betas[index]``, which here are alpha and sigma themselves."""
    return scheduler.alphas[index].double(), scheduler.betas[index].double()


def trigonometric(scheduler: Any, t: Any, index: int) -> Level:
    """The timestep is the angle on the circle."""
    angle = float(t)
    return math.cos(angle), math.sin(angle)


def continuous(scheduler: Any, t: Any, index: int) -> Level:
    r""":math:`\bar\alpha(t)` as a function of time."""
    abar = scheduler._alpha_cumprod(torch.as_tensor(t).reshape(1), "cpu").double().reshape(())
    return abar.sqrt(), (1 - abar).sqrt()
