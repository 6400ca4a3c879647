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

ABSENT: dict[str, str] = {
    "DPM-Solver-v3 with statistics": "its coefficients are integrals over tables estimated on one model's data "
    "(arXiv:2310.13268, EMS); without the tables it is the degenerated mode, the dpm_solver_v3 entries.",
    "REABSampler": "azula's integral has no closed form, it takes 256 trapezoids, and scales it by the noise level of "
    "the step's start where its docstring has that of the end.",
    "xAB": "Adams-Bashforth in alpha/sigma on the data prediction; no released code was found that takes it, azula's "
    "sampler of the data prediction is the exponential one, the xeab entries.",
    "step size control": "which steps sample_dpm_adaptive accepts depends on the values of the latent; the steps it "
    "takes are dpm_solver_12 and dpm_solver_23.",
    "sample_dpm_fast": "k-diffusion picks a list of orders from the number of evaluations; its steps are "
    "dpm_solver_23, dpm_solver_12 and ddim_eps.",
    "dopri5 and other embedded pairs": "the step size is chosen from the values of the latent, so a grid does not "
    "define the map.",
    "Heun++2": "sample_heunpp2 divides by the first level of the run and evaluates at the level after the step's end: "
    "no function of the step and its past.",
    "RES single steps with other nodes": "RES4LYF's third order takes gamma = (3c3^3 - 2c3)/(2c2 - 3c2^2), which has "
    "3c3^2 in the source it cites (Hochbruck, Ostermann 2005); they agree at c3 = 1, the entry res_3s.",
    "SEEDS of the paper": "the stochastic forms of arXiv:2305.14267 could not be checked against the paper; without "
    "noise the entries seeds_2 and seeds_3 are what ComfyUI runs.",
    "ER-SDE with its default noise scale": "the drift of a noise scale other than phi(x) = x belongs to another SDE, "
    "and its integrals, sums of 100 or 200 points in the sources, have no closed form; with the noise off no ODE "
    "is followed.",
    "DEIS tAB": "a polynomial in the time of the training schedule under an integral without closed form, a sum of "
    "10000 points in ComfyUI's deis; a point does not carry that time.",
    "UniC on another predictor": "the corrector formula is that of the unipc entries; with another solver before it "
    "each pair is a sampler of its own, which diffusers (solver_p) and skrample (predictor) leave to the caller.",
    "UniP of order 1": "it is the first-order step without any coefficient of its own: the entries dpm_solver_pp_1 and "
    "dpm_solver_1.",
    "UniPC bh1 and vary of order 4": "from order 3 on every variant solves the same system: at order 4 they are "
    "unipc_bh2_4 with another warm-up.",
    "UniPC of skrample in other spaces": "skrample puts the coefficients of the data form before outputs of the noise, "
    "flow or v space; only its data form is typed, the noise form here is that of the paper.",
    "DPM-Solver-3 with other nodes": "the singlestep entries have the default nodes r1 = 1/3, r2 = 2/3; other nodes "
    "are other members of the same families.",
    "SA-Solver predictor of order 4": "released code accepts it, no release has it as its default; the corrector of "
    "order 4 is in the entries.",
    "orders of 5 and more": "the catalogue stops at order 4; skrample's Adams and UniP go to 9 by the same formulas, "
    "its Runge-Kutta tables to 14.",
    "SPC and ScaleX": "skrample blends two latents, or scales the data prediction, by exponentials of alpha and sigma "
    "themselves: numbers that no exact point has.",
    "Runge-Kutta tables of skrample": "every stage is the step of a chosen space along a normalised row, so each "
    "table makes one sampler per space; the classical tables are in the flow and deis_rho entries.",
    "plms_sample and plms2_sample": "v-diffusion puts an averaged noise into the history, which is then no history of "
    "network outputs.",
    "PNDMScheduler with Runge-Kutta steps on other schedules": "its node is the middle timestep of the training grid, "
    "which a point does not carry; f_pndm has it where it is for the cosine schedule.",
    "AMED-Solver, DC-Solver, bespoke solvers": "their coefficients are trained or searched for one model and one grid.",
    "DPMSolverMultistepInverseScheduler": "its update functions are copies of DPMSolverMultistepScheduler's: entries "
    "of the catalogue on a grid of rising noise.",
}

__all__ = ["ABSENT", "SOLVERS", "Guided", "Inner", "Network", "Past", "Solver", "first_order"]
