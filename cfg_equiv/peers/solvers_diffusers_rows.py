"""The configurations of diffusers' deterministic schedulers, and the entry of the catalogue that each one is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from cfg_equiv.exact.intervals import number
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.solvers_diffusers import (
    SPACES,
    Row,
    alphas_from_betas,
    betas,
    by_sigma,
    by_table,
    comparisons,
    interpolated,
    inverse_table,
    on_flow,
    scaled,
    singlestep,
    with_prk,
)

MULTISTEP, SINGLESTEP = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
UNIPC, DEIS, SA = "UniPCMultistepScheduler", "DEISMultistepScheduler", "SASolverScheduler"
FLOW: Mapping[str, Any] = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
NOISE_FORM: Mapping[str, Any] = {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}
SIGMA_DATA = {"sigma_data": number(0.5)}
PREDICT_EPS: Mapping[str, Any] = {"predict_x0": False, "final_sigmas_type": "sigma_min"}
INVERSE, X0, V = "DPMSolverMultistepInverseScheduler", "sample", "v_prediction"
NEVER = tuple(range(6))
UNIPC_ENDS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("bh1", {"final_sigmas_type": "sigma_min"}),
    ("bh2", {}),
)  # bh1 ends in NaN at sigma 0
NO_CLIP, TABLE = {"clip_sample": False}, ("alphas_cumprod",)
BETAS = (0.96, 0.8, 0.6, 0.28, 0.1, 0.0)
SCIPY, NUMPY = "its integrals are scipy's", "its logarithms are numpy's"
ZERO_NOISE = "it multiplies its noise by the root of 1 - exp(0), of which the running bound knows half the digits"
DPM_PP = {(1, "midpoint"): "dpm_solver_pp_1", (2, "midpoint"): "dpmpp_2m", (2, "heun"): "dpmpp_2m_heun"}


def no_noise(t: Any) -> int:
    """SA-Solver's tau: none."""
    return 0


def _order(k: int, **more: Any) -> dict[str, Any]:
    return {"solver_order": k, **more}


DPM_SOLVERS = (
    *(Row(MULTISTEP, name, by_sigma, _order(k, solver_type=kind)) for (k, kind), name in DPM_PP.items()),
    *(Row(MULTISTEP, name, by_sigma, {**_order(k, solver_type=kind), **FLOW}) for (k, kind), name in DPM_PP.items()),
    Row(MULTISTEP, "dpmpp_3m_diffusers", by_sigma, _order(3), steps=6),
    Row(MULTISTEP, "dpmpp_3m_diffusers", by_sigma, _order(3, lower_order_final=False), steps=6),
    Row(MULTISTEP, "dpmpp_3m_diffusers", by_sigma, {**_order(3), **FLOW}, steps=6),
    Row(MULTISTEP, "dpm_solver_1", by_sigma, {**_order(1), **NOISE_FORM}),
    Row(MULTISTEP, "dpm_solver_2m", by_sigma, {**_order(2), **NOISE_FORM}),
    Row(MULTISTEP, "dpm_solver_2m_taylor", by_sigma, {**_order(2, solver_type="heun"), **NOISE_FORM}),
    Row(MULTISTEP, "dpm_solver_3m_diffusers", by_sigma, {**_order(3), **NOISE_FORM}, steps=6),
    Row(INVERSE, "dpmpp_2m", by_sigma),
    Row(INVERSE, "dpmpp_2m_heun", by_sigma, {"solver_type": "heun"}),
    Row(INVERSE, "dpmpp_3m_diffusers", by_sigma, _order(3), steps=6),
    Row(INVERSE, "dpm_solver_2m", by_sigma, {"algorithm_type": "dpmsolver"}),
    Row("EDMDPMSolverMultistepScheduler", "dpmpp_2m", scaled, row="F", parameters=SIGMA_DATA),
    Row("EDMDPMSolverMultistepScheduler", "dpmpp_2m_heun", scaled, {"solver_type": "heun"}, 5, "F", SIGMA_DATA),
    Row("EDMDPMSolverMultistepScheduler", "dpmpp_3m_diffusers", scaled, _order(3), 6, "F", SIGMA_DATA),
)
_FIRST = {"dpmpp": "dpm_solver_pp_1", "dpm_solver": "dpm_solver_1"}
SINGLESTEPS = tuple(
    Row(
        SINGLESTEP,
        (_FIRST[family], f"{family}_2s_{kind}", f"{family}_3s_{kind}")[:k],
        singlestep,
        {**_order(k, solver_type=kind, lower_order_final=True), **more},
        steps=7,
    )
    for more, family in (({}, "dpmpp"), (FLOW, "dpmpp"), (NOISE_FORM, "dpm_solver"))
    for k, kind in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint"), (3, "heun"))
)
ONE_CALL = (
    Row("DDIMScheduler", "ddim_eps", by_table, NO_CLIP, tables=TABLE),
    *(
        Row("DDIMInverseScheduler", f"ddim_inverse_{space}", inverse_table, options, tables=TABLE, idle_start=True)
        for space, options in (
            ("eps", NO_CLIP),
            ("x0", {**NO_CLIP, "prediction_type": X0, "set_alpha_to_one": False}),
            ("v", {**NO_CLIP, "prediction_type": V}),
        )
    ),
    Row("EulerDiscreteScheduler", "euler_ve", scaled),
    Row("EDMEulerScheduler", "euler_ve", scaled, row="F", parameters=SIGMA_DATA),
    Row("FlowMatchEulerDiscreteScheduler", "euler_flow", on_flow, row="flow"),
    *(
        Row("LMSDiscreteScheduler", f"lms_{k}" if k > 1 else "euler_ve", scaled, rerun=SCIPY, step_options={"order": k})
        for k in (1, 2, 3, 4)
    ),
    *(
        Row(DEIS, f"deis_{k}" if k > 1 else "dpm_solver_1", by_sigma, _order(k), 6, rerun=NUMPY if k > 1 else "")
        for k in (1, 2, 3)
    ),
    *(
        Row(UNIPC, f"unipc_{kind}_{k}_{space}", by_sigma, {**_order(k), "solver_type": kind, **end, **more}, 6)
        for kind, end in UNIPC_ENDS
        for space, more in (("x0", {}), ("x0", FLOW), ("eps", PREDICT_EPS))
        for k in (1, 2, 3)
    ),
    *(
        Row(
            UNIPC,
            f"unip_{kind}_{k}_{space}",
            by_sigma,
            {**_order(k), "solver_type": kind, "disable_corrector": NEVER, **end, **more},
            6,
        )
        for kind, end in UNIPC_ENDS
        for space, more in (("x0", {}), ("eps", PREDICT_EPS))
        for k in (2, 3)
    ),
    *(
        Row(
            SA,
            f"sa_pc_{predictor}{corrector}_{space}",
            by_sigma,
            {"predictor_order": predictor, "corrector_order": corrector, "tau_func": no_noise, **more},
            6,
            rerun=ZERO_NOISE,
            step_options={"generator": torch.Generator()},
        )
        for more, space, orders in (
            ({}, "few_x0", ((2, 2), (3, 4))),
            (FLOW, "few_x0", ((2, 2),)),
            ({"algorithm_type": "noise_prediction"}, "eps", ((1, 2), (2, 2), (2, 3), (3, 4))),
        )
        for predictor, corrector in orders
    ),
    Row("PNDMScheduler", "plms", by_table, {"skip_prk_steps": True, "set_alpha_to_one": True}, 6, tables=TABLE),
    Row(
        "IPNDMScheduler",
        "ipndm_v_space",
        betas,
        {"trained_betas": BETAS},
        row="v",
        tables=("betas",),
        derive=alphas_from_betas,
    ),
    Row(DEIS, "deis_3", by_sigma, {**_order(3), **FLOW}, 6, rerun=NUMPY),
)
TWO_CALLS = (
    Row("HeunDiscreteScheduler", "heun", scaled),
    Row("KDPM2DiscreteScheduler", "dpm_2", interpolated, tables=("sigmas", "sigmas_interpol")),
    Row("FlowMatchHeunDiscreteScheduler", "flow_heun", on_flow, row="flow"),
    Row("PNDMScheduler", "f_pndm", with_prk, {"skip_prk_steps": False, "set_alpha_to_one": True}, 6, tables=TABLE),
)
PLAIN = (*DPM_SOLVERS, *SINGLESTEPS, *ONE_CALL, *TWO_CALLS)


def _typed(scheduler: str, solver: str, *kinds: str, scaled_state: bool = False) -> tuple[Row, ...]:
    """One configuration with other prediction types; in a scaled state the network of ``v`` is -F."""
    row = next(row for row in PLAIN if (row.scheduler, row.names[-1]) == (scheduler, solver))
    as_f: dict[str, Any] = {"row": "k_diffusion_v", "parameters": {"sigma_data": number(1)}}
    return tuple(
        replace(
            row,
            options={**row.options, "prediction_type": kind},
            **(as_f if scaled_state and kind == V else {"row": SPACES[kind]}),
        )
        for kind in kinds
    )


TYPED = (
    *_typed(MULTISTEP, "dpmpp_3m_diffusers", X0, V),
    *_typed(MULTISTEP, "dpm_solver_3m_diffusers", X0, V),
    *_typed(SINGLESTEP, "dpmpp_3s_heun", X0, V),
    *_typed(SINGLESTEP, "dpm_solver_3s_heun", X0, V),
    *_typed(INVERSE, "dpmpp_2m", X0, V),
    *_typed(UNIPC, "unipc_bh2_2_x0", X0, V),
    *_typed(UNIPC, "unipc_bh2_2_eps", X0, V),
    *_typed(DEIS, "deis_3", X0, V),
    *_typed(SA, "sa_pc_22_few_x0", X0, V),
    *_typed(SA, "sa_pc_22_eps", X0, V),
    *_typed("DDIMScheduler", "ddim_eps", X0, V),
    *_typed("EulerDiscreteScheduler", "euler_ve", X0, V, scaled_state=True),
    *_typed("LMSDiscreteScheduler", "lms_4", X0, V, scaled_state=True),
    *_typed("HeunDiscreteScheduler", "heun", X0, V, scaled_state=True),
    *_typed("KDPM2DiscreteScheduler", "dpm_2", V, scaled_state=True),
)
ROWS = (*PLAIN, *TYPED)
COMPARISONS: tuple[Comparison, ...] = comparisons(ROWS)
