"""Deterministic solvers of more than one evaluation, in native form: each typed from its own source.

No file here refers to the conversion, nor the body of one native form to another (a test reads the syntax trees).
:data:`SOLVERS` is the catalogue, the deterministic first-order samplers included; :data:`ABSENT` names the published
solvers it does not have, with the reason: an entry is complete or absent.
"""

from dataclasses import replace
from typing import Literal

from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.solvers import (
    azula,
    cfg_pp,
    cfg_pp_higher,
    deis,
    deis_rho_rk,
    dpm_2,
    dpm_solver_2m,
    dpm_solver_3m,
    dpm_solver_diffusers,
    dpm_solver_pp_2m,
    dpm_solver_pp_3m,
    dpm_solver_pp_diffusers,
    dpm_solver_pp_singlestep,
    dpm_solver_singlestep,
    dpm_solver_v3,
    edm_ablation,
    er_sde,
    flow_runge_kutta,
    gradient_estimation,
    heun,
    inverse,
    ipndm,
    ipndm_v,
    k_diffusion_dpm_solver,
    k_diffusion_dpmpp,
    lms,
    pndm,
    res,
    sa_solver,
    seeds,
    skrample,
    unipc,
    unipc_vary,
    v_diffusion_rk,
)
from cfg_equiv.algebra.solvers.record import Guided, Inner, Network, Past, Solver, first_order

_FAMILIES = (
    dpm_solver_pp_2m,
    heun,
    azula,
    cfg_pp,
    cfg_pp_higher,
    er_sde,
    inverse,
    skrample,
    dpm_solver_2m,
    dpm_solver_3m,
    dpm_solver_diffusers,
    dpm_solver_pp_3m,
    dpm_solver_pp_diffusers,
    dpm_solver_pp_singlestep,
    dpm_solver_singlestep,
    dpm_solver_v3,
    k_diffusion_dpm_solver,
    k_diffusion_dpmpp,
    res,
    sa_solver,
    seeds,
    deis,
    deis_rho_rk,
    dpm_2,
    edm_ablation,
    flow_runge_kutta,
    gradient_estimation,
    ipndm,
    ipndm_v,
    lms,
    pndm,
    unipc,
    unipc_vary,
    v_diffusion_rk,
)

_FIRST_ORDER = {
    "ddim_eps": {"diffusers": "DDIMScheduler", "comfyui": "ddim"},
    "ddim_x0": {},
    "ddim_v": {"stable_audio_tools": "sample (eta=0)"},
    "euler_ve": {"diffusers": "EulerDiscreteScheduler", "k_diffusion": "sample_euler", "comfyui": "euler"},
    "euler_flow": {"diffusers": "FlowMatchEulerDiscreteScheduler", "stable_audio_tools": "sample_discrete_euler"},
    "dpm_solver_1": {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver', solver_order=1)"},
    "dpm_solver_pp_1": {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=1)"},
}

# What the step to sigma = 0 is where it is not the denoised latent; theorem S7 decides each.
_ENDS: dict[str, Literal["other", "none"]] = {
    **dict.fromkeys(
        [
            "zab_2",
            "zab_3",
            "vab_2",
            "vab_3",
            "zeab_2",
            "zeab_3",
            "ddim_inverse_x0",
            "dpm_solver_2m_taylor",
            "dpm_solver_3m",
            "dpm_solver_3m_diffusers",
            "dpm_solver_3m_corrected",
            "deis_2",
            "deis_3",
            "deis_rho_ralston3",
            "deis_rho_heun3",
            "deis_rho_houwen3",
            "flow_midpoint",
            "flow_heun3",
            "ipndm_deis",
            "iplms",
            "ipndm_v_space",
            "lms_2",
            "lms_3",
            "lms_4",
            "s_pndm",
            "f_pndm",
            "plms",
        ],
        "other",
    ),
    **dict.fromkeys(
        [
            "xeab_2",
            "xeab_3",
            "ddim_inverse_cfg_pp",
            "ddim_inverse_eps",
            "ddim_inverse_v",
            "dpm_solver_2m",
            "dpm_solver_2s_midpoint",
            "dpm_solver_2s_heun",
            "dpm_solver_3s_midpoint",
            "dpm_solver_3s_heun",
            "dpm_solver_2s",
            "dpm_solver_2s_taylor",
            "dpm_solver_3s",
            "dpm_solver_3s_taylor",
            "dpm_solver_v3_2",
            "dpm_solver_v3_3",
            "dpm_solver_v3_3_pseudo",
            "dpm_solver_v3_2_pc",
            "dpm_solver_v3_2_pc_pseudo",
            "dpm_solver_v3_3_pc",
            "dpm_solver_v3_3_pc_pseudo",
            "dpm_solver_12",
            "dpm_solver_23",
            "deis_rho_heun",
            "deis_rho_kutta3",
            "deis_rho_ssprk3",
            "deis_rho_rk4",
            "flow_heun2",
            "flow_rk4",
            "flow_rk4_38",
            "prk",
            "pie",
        ],
        "none",
    ),
}

SOLVERS: dict[str, Solver] = {
    solver.name: replace(solver, ends=_ENDS.get(solver.name, solver.ends))
    for solver in (
        *(first_order(SAMPLERS[name], **aliases) for name, aliases in _FIRST_ORDER.items()),
        *(solver for family in _FAMILIES for solver in family.SOLVERS),
    )
}

ABSENT: dict[str, str] = {}

__all__ = ["ABSENT", "SOLVERS", "Guided", "Inner", "Network", "Past", "Solver", "first_order"]
