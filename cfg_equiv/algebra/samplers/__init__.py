"""First-order samplers in native form: each typed from its own source, for the parameterization it was written for.

No file here refers to the conversion, nor one native form to another (a test reads the syntax trees): only then has
"they are equal" any content. :data:`SAMPLERS` is the catalogue; ``state`` says what the step moves (``z``, or the VE
state ``z/alpha``), ``path`` on which path the form is valid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cfg_equiv.algebra.points import Point, ve_point
from cfg_equiv.algebra.samplers.ddim import ddim_eps, ddim_eta, ddim_v, ddim_x0
from cfg_equiv.algebra.samplers.ddpm import ddpm_fixed_large, ddpm_posterior
from cfg_equiv.algebra.samplers.dpm_solver import dpm_solver_1, sde_dpm_solver_1
from cfg_equiv.algebra.samplers.dpm_solver_pp import dpm_solver_pp_1, dpmpp_sde_eta, sde_dpm_solver_pp_1
from cfg_equiv.algebra.samplers.karras import euler_ancestral, euler_ve
from cfg_equiv.algebra.samplers.rectified_flow import euler_flow
from cfg_equiv.algebra.samplers.renoise import renoise
from cfg_equiv.algebra.samplers.v_diffusion import v_diffusion


@dataclass(frozen=True)
class Sampler:
    """A native step with the conventions its source declares."""

    name: str
    native: Callable[..., Any]
    space: str
    state: Literal["z", "z/alpha"] = "z"
    path: Literal["any", "vp", "flow"] = "any"
    extras: tuple[str, ...] = ()  # which of "noise", "eta" the step takes, in this order
    source: str = ""

    @property
    def stochastic(self) -> bool:
        """Whether the step takes fresh noise."""
        return "noise" in self.extras

    def step(self, xp: Any, z: Any, pred: Any, s: Point, t: Point, **extras: Any) -> Any:
        """One step of the latent ``z`` from ``s`` to ``t``, given the native prediction; scales the state if needed."""
        arguments = [extras[name] for name in self.extras]
        if self.state == "z":
            return self.native(xp, z, pred, s, t, *arguments)
        return t.alpha * self.native(xp, z / s.alpha, pred, ve_point(s), ve_point(t), *arguments)


SAMPLERS: dict[str, Sampler] = {
    s.name: s
    for s in (
        Sampler("ddim_eps", ddim_eps, "eps", source="arXiv:2010.02502 eq. 12"),
        Sampler("ddim_x0", ddim_x0, "x0", source="arXiv:2202.00512 eq. 7"),
        Sampler("ddim_v", ddim_v, "v", path="vp", source="arXiv:2202.00512 appendix D"),
        Sampler("ddim_eta", ddim_eta, "eps", path="vp", extras=("noise", "eta"), source="arXiv:2010.02502 eqs. 12, 16"),
        Sampler("ddpm_posterior", ddpm_posterior, "x0", path="vp", extras=("noise",), source="arXiv:2006.11239 eq. 7"),
        Sampler(
            "ddpm_fixed_large",
            ddpm_fixed_large,
            "x0",
            path="vp",
            extras=("noise",),
            source="arXiv:2006.11239 section 3.2",
        ),
        Sampler("euler_ve", euler_ve, "x0", state="z/alpha", source="arXiv:2206.00364 algorithm 1"),
        Sampler(
            "euler_ancestral",
            euler_ancestral,
            "x0",
            state="z/alpha",
            extras=("noise", "eta"),
            source="k-diffusion sample_euler_ancestral",
        ),
        Sampler("euler_flow", euler_flow, "flow", path="flow", source="arXiv:2209.03003, Euler"),
        Sampler("dpm_solver_1", dpm_solver_1, "eps", source="arXiv:2206.00927 eq. 3.7"),
        Sampler("dpm_solver_pp_1", dpm_solver_pp_1, "x0", source="arXiv:2211.01095, order 1"),
        Sampler("sde_dpm_solver_1", sde_dpm_solver_1, "eps", extras=("noise",), source="diffusers sde-dpmsolver"),
        Sampler(
            "sde_dpm_solver_pp_1", sde_dpm_solver_pp_1, "x0", extras=("noise",), source="diffusers sde-dpmsolver++"
        ),
        Sampler(
            "dpmpp_sde_eta",
            dpmpp_sde_eta,
            "x0",
            state="z/alpha",
            extras=("noise", "eta"),
            source="k-diffusion sample_dpmpp_2m_sde, first step",
        ),
        Sampler(
            "v_diffusion", v_diffusion, "v", path="vp", extras=("noise", "eta"), source="stable-audio-tools sample"
        ),
        Sampler("renoise", renoise, "x0", extras=("noise",), source="arXiv:2310.04378 algorithm 2"),
    )
}
