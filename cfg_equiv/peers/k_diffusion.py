r"""k-diffusion: the ``VDenoiser`` and ``Denoiser`` wrappers, ``sample_euler`` and its stochastic relatives.

The state is :math:`x = z/\alpha = x_0 + \kappa\epsilon` and everything is reduced to the denoiser ``D``. ``VDenoiser``
puts a v-network inside: it shows it :math:`c_\mathrm{in} x`, which is ``z`` on the VP circle, and its ``c_out`` is
negative, so its network is :math:`-F`. The scalings, the wrapper's ``forward`` and the loops of ``sample_euler`` and
``sample_euler_ancestral`` run on field elements unchanged and are proved as shipped.

References
----------
[Crowson] k-diffusion, ``external.py``, ``layers.py``, ``sampling.py``. [Karras22] arXiv:2206.00364, table 1.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.literature import denoised_from_edm_f, edm_scalings, x0_from_v_vp
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import edm_f, k_diffusion_v, x0
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.stepping import step_from, to_space
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.intervals import INTERVAL, number
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.floats import Floats, draw, elementwise
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.peers.symbols import Levels, Symbol, Symbolic, assert_differ, assert_equal, symbols
from cfg_equiv.rounding import BoundMode

NEEDS = ("k-diffusion", "scipy", "torchdiffeq", "torchsde", "tqdm", "pillow", "safetensors")
LAYERS_NEED = (*NEEDS, "einops")
STUBS: dict[str, dict[str, Any]] = {
    "torchvision": {},
    "torchvision.transforms": {"functional": None},
    "dctorch": {"functional": None},
}


@contextmanager
def released() -> Iterator[tuple[ModuleType, ModuleType]]:
    """``k_diffusion.external`` and ``k_diffusion.sampling``."""
    with isolated("k_diffusion.external", "k_diffusion.sampling", stubs=STUBS) as (external, sampling):
        yield external, sampling


def vp_point(xp: Any, kappa: Any) -> Point:
    r"""The point of the VP circle with :math:`\sigma/\alpha = \kappa`."""
    alpha = 1 / xp.sqrt(1 + kappa * kappa)
    return Point(alpha, kappa * alpha)


# -- proofs ---------------------------------------------------------------------------------------------------------


def scalings_proved() -> str:
    """The wrappers' scalings and ``forward`` are our rows: ``F`` for ``Denoiser``, ``-F`` for ``VDenoiser``."""
    with isolated("k_diffusion.external", "k_diffusion.layers", stubs=STUBS) as (external, layers):
        for name, row, sign in (("VDenoiser", k_diffusion_v, -1), ("Denoiser", edm_f, 1)):
            field = Field(["sigma", "sigma_data", "x", "c", "u", "w"])
            sigma, sigma_data, x, c, u, w = symbols(field, *field.gens)
            for positive in (sigma, sigma_data):
                field.declare_positive(positive.sym)
            at = Point(1, sigma)
            shown: list[Any] = []
            wrapper = getattr(external if name == "VDenoiser" else layers, name)(_network([c], shown))
            wrapper.sigma_data = sigma_data
            c_skip, c_out, c_in = wrapper.get_scalings(sigma)
            for got, expected, what in zip(
                (c_skip, sign * c_out, c_in),
                edm_scalings(Symbolic, sigma, sigma_data),
                ("c_skip", "c_out", "c_in"),
                strict=True,
            ):
                assert_equal(got, expected, f"{name} {what}")
            native = row(Symbolic, at, sigma_data)
            denoised = wrapper(x, sigma)
            assert_equal(denoised, convert(x, c, at, native, x0(Symbolic, at)), f"{name}.forward")
            assert_equal(denoised, denoised_from_edm_f(Symbolic, x, sign * c, sigma, sigma_data), f"{name} as EDM's D")
            assert_equal(shown[0], x * c_in, f"the latent {name} shows its network")
            wrapper.inner_model = _network([u, cfg(c, u, w)], [])
            other = wrapper(x, sigma)
            guided = wrapper(x, sigma)
            assert_equal(guided, cfg(denoised, other, w), f"guided D of {name}")
            assert_differ(guided, cfg(other, denoised, w), f"guided D of {name}, branches exchanged")
    return "proved as shipped for any sigma_data: get_scalings and forward are the rows F and -F; guided F = guided D"


def euler_proved() -> str:
    """``sample_euler`` through ``VDenoiser`` is angular DDIM on v and Euler on the VE ODE, with the same latents."""
    with released() as (external, sampling):
        kappas, x, cs, us, w = _trajectory(3)
        shown: list[Any] = []
        guided = [cfg(c, u, w) for c, u in zip(cs, us, strict=True)]
        denoiser = external.VDenoiser(_network(guided, shown))
        out = sampling.sample_euler(denoiser, x, [*kappas, 0], disable=True)
        outside = sampling.sample_euler(
            _guided(external.VDenoiser(_network(cs, [])), external.VDenoiser(_network(us, [])), w),
            x,
            [*kappas, 0],
            disable=True,
        )
        points = [*(vp_point(Symbolic, kappa) for kappa in kappas), Point(1, 0)]
        by_v, by_x0 = x * points[0].alpha, x * points[0].alpha
        for i, v in enumerate(guided):
            s, t = points[i], points[i + 1]
            assert_equal(shown[i], by_v, f"the latent of call {i}")
            denoised = to_space(Symbolic, by_x0, v, s, "v", "x0")
            by_v = SAMPLERS["ddim_v"].step(Symbolic, by_v, v, s, t)
            by_x0 = SAMPLERS["euler_ve"].step(Symbolic, by_x0, denoised, s, t)
        assert_equal(out, by_v, "sample_euler through VDenoiser, as DDIM on v")
        assert_equal(out, by_x0, "sample_euler through VDenoiser, as Euler on the VE ODE")
        assert_equal(outside, by_v, "sample_euler with the guidance on D")
        assert_differ(out, by_v + x, "sample_euler with a changed end")
    return (
        "proved as shipped, 3 guided steps to sigma 0: sample_euler through VDenoiser is ddim_v and euler_ve, "
        "with the same latents; guiding D is guiding v"
    )


def ancestral_proved() -> str:
    """``sample_euler_ancestral`` with an injected noise is the native form, for every eta below the library's clamp."""
    with released() as (external, sampling):
        field = Field(["k0", "k1", "x", "v", "n", "eta"])
        k0, k1, x, v, n, eta = symbols(field, *field.gens)
        for positive in (k0, k1, eta, k0 - k1):
            field.declare_positive(positive.sym)
        # sigma_up < sigma_next: where the library's clamp would act, DDIM's eta ends as well.
        variance = k1**2 * (k0**2 - k1**2) / k0**2
        for positive in (k1**2 - eta**2 * variance, k1 - eta * Symbolic.sqrt(variance)):
            field.declare_positive(positive.sym)
        denoiser = external.VDenoiser(lambda latent, t: v)
        out = sampling.sample_euler_ancestral(
            denoiser, x, [k0, k1], disable=True, eta=eta, noise_sampler=lambda sigma, sigma_next: n
        )
        s, t = Point(1, k0), Point(1, k1)
        denoised = x0_from_v_vp(x * vp_point(Symbolic, k0).alpha, v, vp_point(Symbolic, k0))
        native = SAMPLERS["euler_ancestral"].step(Symbolic, x, denoised, s, t, noise=n, eta=eta)
        assert_equal(out, native, "sample_euler_ancestral")
        plain = SAMPLERS["euler_ve"].step(Symbolic, x, denoised, s, t)
        assert_differ(out, plain, "sample_euler_ancestral against sample_euler")
    return "proved as shipped for every eta > 0 with sigma_up < sigma_next: sample_euler_ancestral is the native form"


def dpmpp_sde_proved() -> str:
    """The first step of ``sample_dpmpp_2m_sde`` with an injected noise is the native form, for every eta."""
    with released() as (external, sampling):
        field = Field(["k0", "k1", "x", "v", "n", "eta"])
        k0, k1, x, v, n, eta = symbols(field, *field.gens)
        for positive in (k0, k1, eta, k0 - k1):
            field.declare_positive(positive.sym)
        h = k0.log() - k1.log()
        field.declare_positive((-eta * h * 2).expm1().neg().sym)  # the radicand of the noise
        out = sampling.sample_dpmpp_2m_sde(
            external.VDenoiser(lambda latent, t: v),
            x,
            Levels(k0, k1),
            disable=True,
            eta=eta,
            noise_sampler=lambda sigma, sigma_next: n,
        )
        s, t = point(Symbolic, 1 + 0 * k0, k0), point(Symbolic, 1 + 0 * k1, k1)
        denoised = x0_from_v_vp(x * vp_point(Symbolic, k0).alpha, v, vp_point(Symbolic, k0))
        native = SAMPLERS["dpmpp_sde_eta"].step(Symbolic, x, denoised, s, t, noise=n, eta=eta)
        assert_equal(out, native, "the first step of sample_dpmpp_2m_sde")
        assert_differ(out, native - n, "the first step of sample_dpmpp_2m_sde with other noise")
    return "first step proved as shipped for every eta > 0: the native form"


def _trajectory(n: int) -> tuple[list[Symbol], Symbol, list[Symbol], list[Symbol], Symbol]:
    names = [f"{kind}{i}" for kind in "kcu" for i in range(n)]
    field = Field([*names, "x", "w", "randn"])
    made = dict(zip(field.gens, symbols(field, *field.gens), strict=True))
    kappas, cs, us = ([made[f"{kind}{i}"] for i in range(n)] for kind in "kcu")
    for kappa in kappas:
        field.declare_positive(kappa.sym)
    return kappas, made["x"], cs, us, made["w"]


def _network(outputs: list[Any], shown: list[Any]) -> Callable[..., Any]:
    """A network that gives the prepared outputs in turn and records the latents it is called at."""
    turns = iter(outputs)

    def network(latent: Any, t: Any) -> Any:
        shown.append(latent)
        return next(turns)

    return network


def _guided(cond: Any, uncond: Any, w: Any) -> Callable[..., Any]:
    return lambda x, sigma: cfg(cond(x, sigma), uncond(x, sigma), w)


# -- floats ---------------------------------------------------------------------------------------------------------

SIGMAS = (8.0, 2.5, 0.75, 0.125, 0.0)
WEIGHT = 7.5


def euler_floats(dtype: torch.dtype = torch.float64) -> str:
    """``sample_euler``, step by step, against DDIM on v and Euler on the VE ODE; the whole run is the chain."""
    floats = Floats()
    with released() as (external, sampling):
        x, *branches = draw(2 * len(SIGMAS) - 1, seed=9, dtype=dtype)
        conds, unconds = branches[: len(SIGMAS) - 1], branches[len(SIGMAS) - 1 :]
        start = x
        for cond, uncond, pair in zip(conds, unconds, pairwise(SIGMAS), strict=True):
            shown: list[Tensor] = []
            with BoundMode() as mode:
                sigmas = torch.tensor(pair, dtype=dtype)
                got = sampling.sample_euler(
                    external.VDenoiser(_network([cfg(cond, uncond, WEIGHT)], shown)), x, sigmas, disable=True
                )
                on_d = _guided(
                    external.VDenoiser(_network([cond], [])), external.VDenoiser(_network([uncond], [])), WEIGHT
                )
                outside = sampling.sample_euler(on_d, x, sigmas, disable=True)
            s, t = (vp_point(INTERVAL, number(kappa)) for kappa in pair)
            what = f"sample_euler, {dtype}, sigma {pair[0]} to {pair[1]}"
            floats.check(f"{what}, latent", mode, shown[0], elementwise(lambda x, s=s: x * s.alpha, x))
            for name in ("ddim_v", "euler_ve"):
                exact = elementwise(
                    lambda x, c, u, s=s, t=t, name=name: (
                        step_from(INTERVAL, SAMPLERS[name], "v", x * s.alpha, cfg(c, u, number(WEIGHT)), s, t) / t.alpha
                    ),
                    *(x, cond, uncond),
                )
                floats.check(f"{what}, {name}, guided v", mode, got, exact)
                floats.check(f"{what}, {name}, guided D", mode, outside, exact)
            x = got
        outputs = [cfg(c, u, WEIGHT) for c, u in zip(conds, unconds, strict=True)]
        whole = external.VDenoiser(_network(outputs, []))
        end = sampling.sample_euler(whole, start, torch.tensor(SIGMAS, dtype=dtype), disable=True)
        if not torch.equal(end, x):
            raise AssertionError("the whole run of sample_euler is not the chain of its single steps")
    return f"guided, {len(SIGMAS) - 1} steps to sigma 0, against ddim_v and euler_ve: {floats}"


def stochastic_floats(name: str, native: str, etas: tuple[float, ...], sigmas: tuple[float, ...]) -> str:
    """One step of a stochastic sampler with injected noise, between all neighbours of ``sigmas``."""
    floats = Floats()
    with released() as (external, sampling):
        for eta, pair in itertools.product(etas, pairwise(sigmas)):
            x, v, noise = draw(3, seed=10)
            with BoundMode() as mode:
                got = getattr(sampling, name)(
                    external.VDenoiser(_network([v], [])),
                    x,
                    torch.tensor(pair, dtype=x.dtype),
                    disable=True,
                    eta=eta,
                    noise_sampler=lambda sigma, sigma_next, noise=noise: noise,
                )
            # At sigma 0 it ends at the denoiser's output, as Euler does; there is no log of 0.
            end = not pair[1]
            s, t = (vp_point(INTERVAL, number(kappa)) for kappa in pair)
            s, t = (s, t) if end else (point(INTERVAL, s.alpha, s.sigma), point(INTERVAL, t.alpha, t.sigma))
            sampler = SAMPLERS["euler_ve" if end else native]
            exact = elementwise(
                lambda x, v, n, s=s, t=t, sampler=sampler, eta=eta: (
                    step_from(INTERVAL, sampler, "v", x * s.alpha, v, s, t, **_extras(sampler, n, eta)) / t.alpha
                ),
                *(x, v, noise),
            )
            # sample_euler_ancestral clamps sigma_up by sigma_next; at sigma 0 both are 0, up to a rounding.
            floats.check(f"{name}, eta {eta}, sigma {pair[0]} to {pair[1]}", mode, got, exact, branches=end)
    return f"one step with injected noise, eta {', '.join(map(str, etas))}, sigma {sigmas}, against {native}: {floats}"


def _extras(sampler: Sampler, noise: Any, eta: float) -> dict[str, Any]:
    return {"noise": noise, "eta": number(eta)} if sampler.stochastic else {}


COMPARISONS = (
    Comparison("k-diffusion VDenoiser and Denoiser scalings, symbols", LAYERS_NEED, scalings_proved),
    Comparison("k-diffusion sample_euler through VDenoiser, symbols", NEEDS, euler_proved),
    Comparison("k-diffusion sample_euler_ancestral, symbols", NEEDS, ancestral_proved),
    Comparison("k-diffusion sample_dpmpp_2m_sde, first step, symbols", NEEDS, dpmpp_sde_proved),
    Comparison("k-diffusion sample_euler through VDenoiser, floats", NEEDS, euler_floats),
    Comparison(
        "k-diffusion sample_euler_ancestral, floats",
        NEEDS,
        partial(stochastic_floats, "sample_euler_ancestral", "euler_ancestral", (0.0, 0.5, 1.0), SIGMAS),
    ),
    Comparison(
        "k-diffusion sample_dpmpp_2m_sde, first step, floats",
        NEEDS,
        partial(stochastic_floats, "sample_dpmpp_2m_sde", "dpmpp_sde_eta", (0.0, 0.5, 1.0, 1.5), SIGMAS[:-1]),
    ),
)
