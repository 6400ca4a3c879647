"""Stochastic solvers in native form: each typed from its own source, the first-order samplers with noise included.

:data:`STOCHASTIC` is the catalogue. ``STOCHASTIC["dpmpp_2m_sde"].given(noise, eta=1)`` is a solver like those of
:mod:`cfg_equiv.algebra.solvers`. Where both catalogues have a name, the entry here with ``eta=0`` is the one there.
"""

from dataclasses import replace
from typing import Any

from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stochastic import (
    cogvideox,
    k_diffusion_ancestral,
    k_diffusion_sde,
    sde_dpm_solver,
    sde_dpm_solver_pp,
)
from cfg_equiv.algebra.stochastic.record import Noise, Stochastic, first_order

_FAMILIES = (cogvideox, k_diffusion_ancestral, k_diffusion_sde, sde_dpm_solver, sde_dpm_solver_pp)
_ETA = {"eta": 1}

# The stochastic first-order samplers, with the options of their own and the names they have elsewhere.
_FIRST_ORDER: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "ddim_eta": (_ETA, {"diffusers": "DDIMScheduler(eta=1)"}),
    "ddpm_posterior": ({}, {"diffusers": "DDPMScheduler"}),
    "ddpm_fixed_large": ({}, {"diffusers": "DDPMScheduler(variance_type='fixed_large')"}),
    "euler_ancestral": (
        _ETA,
        {
            "diffusers": "EulerAncestralDiscreteScheduler",
            "k_diffusion": "sample_euler_ancestral",
            "comfyui": "euler_ancestral",
        },
    ),
    "dpmpp_sde_eta": (_ETA, {}),
    "renoise": ({}, {"diffusers": "LCMScheduler", "stable_audio_tools": "sample_flow_pingpong", "comfyui": "lcm"}),
    "sde_dpm_solver_1": (
        {},
        {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver', solver_order=1)"},
    ),
    "sde_dpm_solver_pp_1": (
        {},
        {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++', solver_order=1)"},
    ),
    "v_diffusion": (_ETA, {"stable_audio_tools": "sample (eta=1)"}),
}

# These do not end in the denoised latent at sigma = 0: one keeps the noise of its step, one the noise it removes.
_OTHER_ENDS = ("ddpm_fixed_large", "sde_dpm_solver_1")

STOCHASTIC: dict[str, Stochastic] = {
    entry.name: replace(entry, solver=replace(entry.solver, ends="other")) if entry.name in _OTHER_ENDS else entry
    for entry in (
        *(first_order(SAMPLERS[name], options, **aliases) for name, (options, aliases) in _FIRST_ORDER.items()),
        *(entry for family in _FAMILIES for entry in family.STOCHASTIC),
    )
}

__all__ = ["STOCHASTIC", "Noise", "Stochastic", "first_order"]
