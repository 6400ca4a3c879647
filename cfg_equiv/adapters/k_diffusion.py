r"""The samplers of k-diffusion as subjects, one denoiser behind each of its wrappers.

The state is :math:`x = x_0 + \sigma\epsilon` and a sampler asks for the data prediction. The wrappers turn networks of
other kinds into one: ``DiscreteEpsDDPMDenoiser`` and two more (eps), ``VDenoiser`` and two on a table (v), and
``Denoiser`` (the network ``F`` of the preconditioner). All but the last show their network
:math:`x/\sqrt{1+\sigma^2}`, which is the latent on the variance preserving circle; ``Denoiser`` divides by
:math:`\sqrt{\sigma^2+\sigma_d^2}`, and for the traces to be comparable its latent is brought to the circle too (``F``
does not depend on the scale). The data prediction has no wrapper and is shown the same latent.

The network is told the sigma the sampler asked for, not the timestep a discrete wrapper makes of it.

Only submodules are imported (:mod:`cfg_equiv.peers.isolated`): the package itself imports more than its samplers need.

References
----------
[Crowson] k-diffusion, ``external.py``, ``layers.py``, ``sampling.py``. [Karras22] arXiv:2206.00364, table 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.adapters.diffusers_levels import on_circle
from cfg_equiv.errors import unknown_name
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.peers.k_diffusion import STUBS
from cfg_equiv.testing.subjects import Sampler, Twin

Model = Callable[[Tensor, Any], Tensor]
SPACES = ("x0", "eps", "v", "F")
SIGMA_DATA = 0.5  # what the networks under test have as F


@dataclass(frozen=True)
class Entry:
    """One sampler: how it is called, and what it claims."""

    order: int = 1
    stochastic: bool = False
    ends: bool = False  # takes sigma_min and sigma_max in place of the list of sigmas
    counts: bool = False  # takes the number of network calls beside them
    fewest: int = 1
    calls: int | None = 1  # of a step; the last one, to sigma = 0, has one where it takes the list of sigmas
    couples_items: str = ""
    dtype: str = "float64"
    never_exact: str = ""
    combinations: tuple[Mapping[str, Any], ...] = ()
    variants: tuple[Mapping[str, Any], ...] = field(default=())


# The solver of the catalogue that a sampler is: of the deterministic ones without noise (eta=0), else of the others.
TWINS = {
    "sample_euler": "euler_ve",
    "sample_euler_ancestral": "euler_ve",
    "sample_heun": "heun",
    "sample_dpm_2": "dpm_2",
    "sample_dpm_2_ancestral": "dpm_2",
    "sample_lms": "lms_4",
    "sample_dpmpp_2s_ancestral": "dpmpp_2s_ancestral",
    "sample_dpmpp_sde": "dpmpp_sde",
    "sample_dpmpp_2m": "dpmpp_2m",
    "sample_dpmpp_2m_sde": "dpmpp_2m_sde",
    "sample_dpmpp_3m_sde": "dpmpp_3m_sde",
}
STOCHASTIC_TWINS = {
    **TWINS,
    "sample_euler_ancestral": "euler_ancestral",
    "sample_dpm_2_ancestral": "dpm_2_ancestral",
}
_CHURN, _QUIET, _HALF, _HEUN = {"s_churn": 2.0}, {"eta": 0.0}, {"eta": 0.5}, {"solver_type": "heun"}
# By default these draw from a Brownian path, whose parts no run shows; the library's other source is one draw a step.
ON_A_PATH = ("sample_dpmpp_sde", "sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde")
WHITE = {"noise_sampler": "default_noise_sampler"}

WRAPPERS = {"eps": "DiscreteEpsDDPMDenoiser", "v": "VDenoiser"}
OTHER_WRAPPERS = (
    {"eps": "OpenAIDenoiser", "v": "DiscreteVDDPMDenoiser"},
    {"eps": "CompVisDenoiser", "v": "CompVisVDenoiser"},
)

SAMPLERS: dict[str, Entry] = {
    "sample_euler": Entry(combinations=(_CHURN, *OTHER_WRAPPERS), variants=(_CHURN,)),
    "sample_euler_ancestral": Entry(stochastic=True, variants=(_QUIET,)),
    "sample_heun": Entry(order=2, calls=2, combinations=(_CHURN,), variants=(_CHURN,)),
    "sample_dpm_2": Entry(order=2, calls=2, combinations=(_CHURN,), variants=(_CHURN,)),
    "sample_dpm_2_ancestral": Entry(order=2, calls=2, stochastic=True, combinations=(_QUIET,), variants=(_QUIET,)),
    "sample_lms": Entry(order=4, combinations=({"order": 2},), variants=({"order": 2},)),
    # These two keep their times in single precision, whatever the latent's.
    "sample_dpm_fast": Entry(
        order=3,
        ends=True,
        counts=True,
        calls=3,
        dtype="float32",
        combinations=({"eta": 1.0},),
        variants=({"eta": 1.0},),
    ),
    "sample_dpm_adaptive": Entry(
        order=3,
        ends=True,
        calls=None,
        dtype="float32",
        variants=({"order": 2}, {"eta": 1.0}),
        couples_items="its step size is chosen from an error norm over the whole batch",
        never_exact="its steps follow a tolerance of the error, not their number",
    ),
    "sample_dpmpp_2s_ancestral": Entry(order=2, calls=2, stochastic=True, combinations=(_HALF,), variants=(_QUIET,)),
    "sample_dpmpp_sde": Entry(
        order=2, calls=2, stochastic=True, combinations=(_QUIET, WHITE), variants=(_QUIET, {"r": 0.25})
    ),
    "sample_dpmpp_2m": Entry(order=2),
    # These two fail with an UnboundLocalError on one step: the step to sigma = 0 leaves h undefined.
    "sample_dpmpp_2m_sde": Entry(
        order=2,
        stochastic=True,
        fewest=2,
        combinations=(_HEUN, WHITE, {**_HEUN, **WHITE}),
        variants=(_QUIET, _HEUN),
    ),
    "sample_dpmpp_3m_sde": Entry(
        order=3, stochastic=True, fewest=2, combinations=(_QUIET, WHITE, {**WHITE, **_HALF}), variants=(_QUIET,)
    ),
}


@cache
def released() -> SimpleNamespace:
    """``external``, ``layers`` and ``sampling`` of the installed package."""
    names = ("external", "layers", "sampling")
    with isolated(*(f"k_diffusion.{name}" for name in names), stubs=STUBS) as modules:
        return SimpleNamespace(**dict(zip(names, modules, strict=True)))


def subjects(name: str = "*") -> list[Sampler]:
    """The subjects of a sampler by its name; ``"*"`` is all of them."""
    if name != "*" and name not in SAMPLERS:
        raise unknown_name("sampler of k-diffusion", name, SAMPLERS)
    return [s for known in (SAMPLERS if name == "*" else (name,)) for s in _of(known, SAMPLERS[known])]


def _of(name: str, entry: Entry) -> list[Sampler]:
    variants = {next(iter(o)): _subject(name, entry, o, {}) for o in entry.variants}
    return [_subject(name, entry, {}, variants), *(_subject(name, entry, o, {}) for o in entry.combinations)]


def _subject(name: str, entry: Entry, options: Mapping[str, Any], variants: Mapping[str, Sampler]) -> Sampler:
    function = getattr(released().sampling, name)
    wrappers = {**WRAPPERS, **{key: value for key, value in options.items() if key in WRAPPERS}}
    keywords = {key: value for key, value in options.items() if key not in WRAPPERS and key not in WHITE}
    white = options.get("noise_sampler") == WHITE["noise_sampler"]

    def run(model: Model, z: Tensor, steps: int, space: str) -> Tensor:
        sigmas = released().sampling.get_sigmas_karras(steps, 0.1, 10.0).to(z.dtype)
        x, denoise = z * sigmas[0], denoiser(model, space, wrappers.get(space, ""))
        drawn = {"noise_sampler": released().sampling.default_noise_sampler(x)} if white else {}
        if not entry.ends:
            end: Tensor = function(denoise, x, sigmas, disable=True, **drawn, **keywords)
            return end
        count = {"n": 3 * steps} if entry.counts else {}
        end = function(denoise, x, 0.1, 10.0, disable=True, **count, **keywords)
        return end

    said = [bool(options[key]) for key in ("eta", "s_churn") if key in options]
    stochastic = any(said) if said else entry.stochastic
    label = ",".join(f"{key}={value}" for key, value in options.items())
    title = f"{name}[{label}]" if label else name
    return Sampler(
        run,
        on_circle,
        SPACES,
        state="vp",
        order=options.get("order", entry.order),
        stochastic=stochastic,
        name=title,
        version=version("k-diffusion"),
        options=dict(options),
        variants=variants,
        steps=(entry.fewest, 6),
        couples_items=entry.couples_items,
        evaluations=_evaluations(entry),
        dtype=entry.dtype,
        never_exact=entry.never_exact,
        twin=_twin(name, options, stochastic),
        brownian=name in ON_A_PATH and not white,
    )


def _twin(name: str, options: Mapping[str, Any], stochastic: bool) -> Twin | None:
    """The solver of the catalogue that a sampler is with these options."""
    known = {*WRAPPERS, *WHITE, "eta", "order", "solver_type", *(() if stochastic else ("s_noise",))}
    if options.keys() - known:
        return None  # the catalogue has no s_noise, no churn, no other nodes
    solver = (STOCHASTIC_TWINS if stochastic else TWINS).get(name, "")
    if not solver:
        return None
    if solver == "lms_4" and "order" in options:
        solver = f"lms_{options['order']}"
    drawn = {"eta": options["eta"]} if stochastic and "eta" in options else {}
    return Twin(f"{solver}_heun" if options.get("solver_type") == "heun" else solver, drawn)


def _evaluations(entry: Entry) -> Callable[[int], int] | None:
    calls, whole = entry.calls, int(entry.ends)
    return None if calls is None else lambda steps: calls * (steps + whole - 1) + (1 - whole)


def denoiser(model: Model, space: str, wrapper: str = "") -> Callable[..., Tensor]:
    """The data prediction that samplers ask for, from a network of parameterization ``space``."""
    external, layers = released().external, released().layers
    asked: list[Tensor] = []

    def inner(shown: Tensor, t: Any) -> Tensor:
        """The network, told the sigma that was asked for last."""
        return model(shown, asked[-1])

    def on_the_circle(shown: Tensor, t: Any) -> Tensor:
        kappa = asked[-1]
        return model(shown * ((kappa * kappa + SIGMA_DATA**2) / (kappa * kappa + 1)).sqrt(), kappa)

    wrapped: Callable[[Tensor, Tensor], Tensor]
    if space == "F":
        wrapped = layers.Denoiser(on_the_circle, sigma_data=SIGMA_DATA)
    elif space in WRAPPERS:
        wrapped = _wrapped(getattr(external, wrapper or WRAPPERS[space]), inner)
    else:

        def wrapped(x: Tensor, sigma: Tensor) -> Tensor:
            return inner(x / (1 + asked[-1] * asked[-1]).sqrt(), None)

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        asked.append(sigma[0])
        return wrapped(x, sigma)

    return denoise


def _wrapped(cls: Any, network: Callable[[Tensor, Any], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrapper of ``external`` around a network, each handed what its kind of project has."""
    made: Callable[..., Tensor]
    if cls.__name__.startswith("CompVis"):
        project = SimpleNamespace(apply_model=lambda x, t, cond=None: network(x, t), alphas_cumprod=_table())
        made = cls(project)
        return partial(made, cond=None)
    if cls.__name__.startswith("OpenAI"):
        made = cls(network, SimpleNamespace(alphas_cumprod=_table().numpy()), has_learned_sigmas=False)
    elif cls.__name__.startswith("Discrete"):
        made = cls(network, _table(), quantize=False)
    else:
        made = cls(network)
    return made


@cache
def _table() -> Tensor:
    r"""A table of :math:`\bar\alpha` for the discrete wrappers; it only names timesteps, which are not looked at."""
    return torch.cumprod(1 - torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64), 0)
