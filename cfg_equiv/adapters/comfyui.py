r"""ComfyUI's two interfaces as subjects, by duck typing: nothing of ComfyUI is imported.

**model_sampling**, an object that knows what its network predicts and how noise is added, with methods

- ``sigma(timestep)`` and ``timestep(sigma)``, and ``sigma_min``, ``sigma_max``;
- ``calculate_input(sigma, x)``: what the network is shown for the state ``x``;
- ``calculate_denoised(sigma, model_output, x)``: the data prediction out of the network's output;
- ``noise_scaling(sigma, noise, latent_image)``: the state, which says what :math:`\alpha` and our :math:`\sigma` are.

**A sampler function** in the shape of k-diffusion, ``sample(model, x, sigmas, extra_args=..., callback=...,
disable=...)``, where ``model(x, sigma)`` is the data prediction.

The level is not declared: it is read off the object. ``noise_scaling`` of no noise and a unit image is :math:`\alpha`,
of unit noise and no image :math:`\sigma`, and ``calculate_input`` scales both. So an object whose methods contradict
each other fails its checks.

References
----------
ComfyUI, ``comfy/model_sampling.py``, ``comfy/k_diffusion/sampling.py``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.testing.subjects import Conversion, Sampler, Schedule, State, Subject, Twin, name_of

METHODS = ("sigma", "timestep", "calculate_input", "calculate_denoised", "noise_scaling")
ENDS = ("sigma_min", "sigma_max")
TIMES = 24  # sigmas at which a schedule is looked at
FLOAT64 = torch.float64


def from_model_sampling(
    model_sampling: Any, space: str, *, name: str = "", version: str = "", times: int = TIMES
) -> list[Subject]:
    r"""A schedule and a conversion out of a ``model_sampling`` object.

    Parameters
    ----------
    model_sampling
        An object with the methods named above; each is called with tensors of the latent's type.
    space
        What its network predicts, by our name: ``eps``, ``v``, ``flow``, ``x0``, ``F``, ...
    name, version
        Of the object; its class's name, if left out.
    times
        At how many timesteps, evenly spaced between those of ``sigma_max`` and ``sigma_min``, it is looked at.

    Returns
    -------
    The schedule, :math:`(\alpha, \sigma)` of the state at a timestep, whose inverse is ``timestep``; and the conversion
    from ``space`` to ``x0``, which is ``calculate_denoised``, and back, which is the line it is solved for the output.

    Raises
    ------
    ParameterError
        If a method is missing, or its states are on no path that is known.
    UnknownNameError
        If ``space`` is no parameterization.
    """
    _require(model_sampling, space)
    path, title = _path(model_sampling), name or type(model_sampling).__name__
    first, last = (float(model_sampling.timestep(_sigma(getattr(model_sampling, end)))) for end in reversed(ENDS))
    span = [first + (last - first) * i / (times - 1) for i in range(times)]
    numbered = first.is_integer() and last.is_integer() and abs(first - last) >= times - 1
    listed = [float(round(t)) if numbered else t for t in span]

    def level(t: float) -> tuple[Tensor, Tensor]:
        return _state(model_sampling, _sigma(model_sampling.sigma(torch.tensor(t, dtype=FLOAT64))))

    def time_of(kappa: Any) -> Any:
        kappa = _sigma(kappa)
        return model_sampling.timestep(kappa / (1 + kappa) if path == "flow" else kappa)

    def convert(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
        x, at = (z, sigma) if path == "flow" else (z / alpha, sigma / alpha)

        def denoised(output: Tensor) -> Tensor:
            given: Tensor = model_sampling.calculate_denoised(at, output, x)
            return given

        if target == "x0":
            return denoised(pred)
        start = denoised(torch.zeros_like(x))
        return (pred - start) / (denoised(torch.ones_like(x)) - start)

    # Whatever a state is scaled by, its network is shown the latent on the circle, where v is at home.
    claimed: State = "flow" if path == "flow" else "vp"
    found: list[Subject] = [
        Schedule(level, listed, path=path, time_of=time_of, name=f"{title}[schedule]", version=version)
    ]
    if space != "x0":
        found.append(Conversion(convert, (space, "x0"), path=claimed, name=f"{title}[denoised]", version=version))
    return found


def from_sigma_sampler(
    sample: Callable[..., Any],
    model_samplings: Mapping[str, Any],
    *,
    sigmas: Callable[[int], Tensor],
    order: int = 1,
    stochastic: bool = False,
    dtype: str = "float64",
    steps: tuple[int, int] = (1, 6),
    options: Mapping[str, Any] | None = None,
    name: str = "",
    version: str = "",
    twin: Twin | None = None,
    variants: Mapping[str, Sampler] | None = None,
) -> Sampler:
    """A sampler function in the shape of k-diffusion, behind one ``model_sampling`` object for each parameterization.

    Parameters
    ----------
    sample
        ``sample(model, x, sigmas, extra_args=..., callback=..., disable=...)``, which returns the last state.
    model_samplings
        Our name of what a network predicts, and the object that makes a data prediction of it. All must scale their
        states and inputs alike.
    sigmas
        ``sigmas(steps)``: the sigmas of so many steps, from noise to data.
    options
        Further keyword arguments of every call.
    order, stochastic, dtype, steps, name, version, twin, variants
        As in :class:`~cfg_equiv.testing.Sampler`.

    Raises
    ------
    ParameterError
        If no object is given, a method is missing, or states are on no path that is known.
    UnknownNameError
        If a name is no parameterization.
    """
    if not model_samplings:
        do = 'write {"eps": model_sampling}'
        raise ParameterError(sentence("a model_sampling object for one parameterization or more", "none", do))
    for space, one in model_samplings.items():
        _require(one, space)
    keywords = dict(options or {})

    def run(model: Callable[[Tensor, Any], Tensor], z: Tensor, count: int, space: str) -> Tensor:
        chosen = model_samplings[space]

        def denoise(x: Tensor, sigma: Tensor, **extra: Any) -> Tensor:
            output = model(chosen.calculate_input(sigma, x), (chosen, sigma.flatten()[0]))
            data: Tensor = chosen.calculate_denoised(sigma, output, x)
            return data

        listed = sigmas(count).to(z.dtype)
        start = chosen.noise_scaling(listed[0], z, torch.zeros_like(z))
        end: Tensor = sample(denoise, start, listed, extra_args={}, callback=None, disable=True, **keywords)
        return end

    first = next(iter(model_samplings.values()))
    return Sampler(
        run,
        _shown,
        tuple(model_samplings),
        state=_shown_path(first),
        order=order,
        stochastic=stochastic,
        dtype=dtype,
        steps=steps,
        name=name or name_of(sample),
        version=version,
        options=keywords,
        twin=twin,
        variants=dict(variants or {}),
    )


def _require(model_sampling: Any, space: str) -> None:
    if space not in PARAMETERIZATIONS:
        raise unknown_name("parameterization", space, PARAMETERIZATIONS)
    absent = [m for m in METHODS if not callable(getattr(model_sampling, m, None))]
    absent += [m for m in ENDS if not hasattr(model_sampling, m)]
    if absent:
        came = f"{type(model_sampling).__name__} without {', '.join(absent)}"
        do = "pass the model_sampling object of a model"
        raise ParameterError(sentence(f"an object with {', '.join((*METHODS, *ENDS))}", came, do))


def _sigma(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=FLOAT64).reshape(())


def _state(model_sampling: Any, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """What the state holds of the image and of the noise."""
    zero, one = torch.zeros(1, 1, 1, 1, dtype=FLOAT64), torch.ones(1, 1, 1, 1, dtype=FLOAT64)
    pairs = ((zero, one), (one, zero))
    alpha, scale = (model_sampling.noise_scaling(sigma, noise, image).reshape(()) for noise, image in pairs)
    return alpha, scale


def _shown(t: Any) -> tuple[Tensor, Tensor]:
    model_sampling, sigma = t[0], _sigma(t[1])
    alpha, scale = (
        model_sampling.calculate_input(sigma, part.reshape(1, 1, 1, 1)).reshape(())
        for part in _state(model_sampling, sigma)
    )
    return alpha, scale


def _path(model_sampling: Any) -> State:
    """The path of its states, by what it does with unit noise and a unit image at sigma = 1/4 and 1/2."""
    found = [tuple(float(x) for x in _state(model_sampling, _sigma(sigma))) for sigma in (0.25, 0.5)]
    paths: dict[State, list[tuple[float, ...]]] = {"ve": [(1, 0.25), (1, 0.5)], "flow": [(0.75, 0.25), (0.5, 0.5)]}
    for path, expected in paths.items():
        if found == expected:
            return path
    do = "other scalings have no subject here: declare a Sampler with its own level"
    expected_text = "noise_scaling of image + sigma noise, or (1 - sigma) image + sigma noise"
    raise ParameterError(sentence(expected_text, f"{found}", do))


def _shown_path(model_sampling: Any) -> State:
    """The path of what its network is shown: the circle where inputs are divided by the root of 1 + sigma^2."""
    if _path(model_sampling) == "flow":
        return "flow"
    alpha, _ = _shown((model_sampling, 0.75))  # 1 + 9/16 is the square of 5/4
    return "vp" if float(alpha) == 0.8 else "free"
