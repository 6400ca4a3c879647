"""The schedulers of diffusers as data: what each class accepts, its state, and the option combinations worth a run.

Names of spaces are ours, then the library's. ``COMBINATIONS`` of a class are option values that differ from the
defaults; the plain class is always among its subjects. Options that ``__init__`` does not take go to ``step``.

A space that a class takes without a word although its conversion does not fit the path is a combination of its own: the
spaces that do fit, and that one. Two of its own names mislead: the EDM classes' ``"epsilon"`` is the network ``F`` of
the preconditioner, and their ``"v_prediction"`` its negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cfg_equiv.adapters import diffusers_levels as at
from cfg_equiv.adapters.diffusers_levels import LevelOf
from cfg_equiv.adapters.diffusers_twins import RENOISED
from cfg_equiv.testing.subjects import State

EPS, X0, V = {"eps": "epsilon"}, {"x0": "sample"}, {"v": "v_prediction"}
FLOW = {"flow": "flow_prediction"}
VP = {**EPS, **X0, **V}
EDM = {"F": "epsilon", "k_diffusion_v": "v_prediction"}


@dataclass(frozen=True)
class Combination:
    """Option values, and what they change about the subject: ``None`` leaves what the class declares."""

    options: Mapping[str, Any] = field(default_factory=dict)
    spaces: Mapping[str, str] | None = None
    state: State | None = None
    label: str = ""
    steps: tuple[int, int] | None = None


@dataclass(frozen=True)
class Entry:
    """One class.

    Attributes
    ----------
    spaces, level, state
        What it accepts, and where the latent it shows the network lives.
    order, stochastic
        Of the class at its defaults; ``solver_order``, ``eta`` and their like override them.
    never_exact
        Why more steps do not approach the exact distribution, by design.
    fixed
        Options of every subject of the class, such as the seed of a noise that the class draws itself.
    combinations
        Further subjects.
    variants
        Options that must change the result, one by one.
    steps
        Fewest and most steps; two-stage classes call the network about twice as often.
    """

    spaces: Mapping[str, str]
    level: LevelOf
    state: State = "vp"
    order: int = 1
    stochastic: bool = False
    never_exact: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    combinations: tuple[Combination, ...] = ()
    variants: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[int, int] = (1, 6)


def plain(*options: Mapping[str, Any]) -> tuple[Combination, ...]:
    """Combinations that change no declaration."""
    return tuple(Combination(o) for o in options)


# On flow sigmas the eps, x0 and flow conversions hold; on variance preserving ones eps, x0 and v do.
FLOW_SIGMAS = Combination({"use_flow_sigmas": True}, {**EPS, **X0, **FLOW}, "flow")
V_ON_FLOW = Combination({"use_flow_sigmas": True}, {**EPS, **X0, **V}, "flow", "v_prediction")
FLOW_ON_VP = Combination({}, {**EPS, **X0, **FLOW}, None, "flow_prediction")
BOTH_PATHS = (FLOW_SIGMAS, V_ON_FLOW, FLOW_ON_VP)
KARRAS = {"use_karras_sigmas": True}
DPM_SOLVER: tuple[Mapping[str, Any], ...] = (
    {"solver_order": 1},
    {"solver_order": 3},
    {"solver_type": "heun"},
    KARRAS,
    {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"},
    {"algorithm_type": "sde-dpmsolver++"},
)
CLIP = {"clip_sample": True, "clip_sample_range": 1.0}
NO_CLIP = {"clip_sample": False}
LEADING, TRAILING = {"timestep_spacing": "leading"}, {"timestep_spacing": "trailing"}
ETA = {"eta": 1.0}
CHURN = {"s_churn": 0.5}


_DDIM = Entry(
    VP,
    at.table,
    fixed=NO_CLIP,
    combinations=plain(TRAILING, ETA, {**TRAILING, **ETA}, CLIP, {**CLIP, "use_clipped_model_output": True}),
    variants=(ETA, TRAILING, {"beta_schedule": "scaled_linear"}),
)
_DDPM = Entry(
    VP,
    at.table,
    stochastic=True,
    fixed=NO_CLIP,
    combinations=plain(TRAILING, CLIP, {"variance_type": "fixed_large"}),
    variants=({"variance_type": "fixed_large"}, TRAILING),
)
_HEUN = Entry(VP, at.scaled, order=2, combinations=plain(KARRAS, CLIP), variants=(KARRAS, TRAILING))

SCHEDULERS: dict[str, Entry] = {
    "DDIMScheduler": _DDIM,
    "DDIMParallelScheduler": _DDIM,
    "CogVideoXDDIMScheduler": Entry(
        VP, at.table, fixed=NO_CLIP, combinations=plain(TRAILING), variants=(TRAILING, {"snr_shift_scale": 1.0})
    ),
    "CogVideoXDPMScheduler": Entry(VP, at.table, stochastic=True, order=2, fixed=NO_CLIP),
    "DDIMInverseScheduler": Entry(
        VP,
        at.inverse_table,
        fixed=NO_CLIP,
        combinations=plain({"set_alpha_to_one": False}, CLIP),
        variants=(TRAILING,),
        steps=(2, 6),  # one step would start at sigma = 0, where the data do not show
    ),
    "DDPMScheduler": _DDPM,
    "DDPMParallelScheduler": _DDPM,
    "UnCLIPScheduler": Entry(
        {**EPS, **X0}, at.table, stochastic=True, fixed=NO_CLIP, combinations=plain(CLIP), steps=(2, 6)
    ),
    "LCMScheduler": Entry(
        VP,
        at.table,
        stochastic=True,
        never_exact=RENOISED,
        combinations=plain(CLIP),
        variants=({"timestep_scaling": 1.0},),
    ),
    "TCDScheduler": Entry(
        VP,
        at.table,
        stochastic=True,
        never_exact=RENOISED,
        combinations=plain({"eta": 0.0}, CLIP),
        variants=({"eta": 0.0},),
    ),
    "PNDMScheduler": Entry(
        {**EPS, **V},
        at.table,
        order=2,
        fixed={"skip_prk_steps": True},
        combinations=(
            Combination({"skip_prk_steps": False}, steps=(4, 6)),
            Combination(TRAILING),
        ),
        variants=(TRAILING,),
    ),
    "IPNDMScheduler": Entry(V, at.betas, order=4),
    "LMSDiscreteScheduler": Entry(
        VP, at.scaled, order=4, combinations=plain(KARRAS, {"order": 2}), variants=(KARRAS, {"order": 2})
    ),
    "EulerDiscreteScheduler": Entry(
        VP,
        at.scaled,
        combinations=plain(KARRAS, TRAILING, CHURN),
        variants=(KARRAS, CHURN, {"interpolation_type": "log_linear"}),
    ),
    "EulerAncestralDiscreteScheduler": Entry(
        {**EPS, **V}, at.scaled, stochastic=True, combinations=plain(TRAILING), variants=(TRAILING,)
    ),
    "HeunDiscreteScheduler": _HEUN,
    "KDPM2DiscreteScheduler": Entry(
        {**EPS, **V}, at.interpolated, order=2, combinations=plain(KARRAS), variants=(KARRAS,)
    ),
    "KDPM2AncestralDiscreteScheduler": Entry(
        {**EPS, **V}, at.interpolated_before, order=2, stochastic=True, combinations=plain(KARRAS), variants=(KARRAS,)
    ),
    "DPMSolverSDEScheduler": Entry(
        {**EPS, **V},
        at.midpoint,
        order=2,
        stochastic=True,
        fixed={"noise_sampler_seed": 0},
        combinations=plain(KARRAS),
        variants=(KARRAS, {"s_noise": 0.5}),
    ),
    "DPMSolverMultistepScheduler": Entry(
        VP,
        at.solver,
        order=2,
        combinations=(
            *plain(
                *DPM_SOLVER,
                {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"},
                {"euler_at_final": True},
            ),
            *BOTH_PATHS,
        ),
        variants=({"solver_order": 3}, {"solver_type": "heun"}, KARRAS, {"algorithm_type": "sde-dpmsolver++"}),
    ),
    "DPMSolverMultistepInverseScheduler": Entry(
        VP, at.solver, order=2, combinations=(*plain({"solver_order": 1}), *BOTH_PATHS), variants=(KARRAS,)
    ),
    "DPMSolverSinglestepScheduler": Entry(
        VP,
        at.solver,
        order=2,
        combinations=(*plain(*DPM_SOLVER), *BOTH_PATHS),
        variants=({"solver_order": 3}, {"solver_type": "heun"}, KARRAS),
    ),
    "DEISMultistepScheduler": Entry(
        VP,
        at.solver,
        order=2,
        combinations=(*plain({"solver_order": 1}, {"solver_order": 3}, KARRAS), *BOTH_PATHS),
        variants=({"solver_order": 3}, KARRAS),
    ),
    "UniPCMultistepScheduler": Entry(
        VP,
        at.solver,
        order=2,
        combinations=(
            *plain(
                {"solver_order": 1},
                {"solver_order": 3},
                {"solver_type": "bh1"},
                {"solver_type": "bh1", "final_sigmas_type": "sigma_min"},
                KARRAS,
                {"predict_x0": False, "final_sigmas_type": "sigma_min"},
                {"disable_corrector": [0, 1, 2, 3, 4, 5]},
            ),
            *BOTH_PATHS,
        ),
        variants=({"solver_order": 3}, {"solver_type": "bh1"}, {"disable_corrector": [0, 1, 2, 3, 4, 5]}, KARRAS),
    ),
    "SASolverScheduler": Entry(
        VP,
        at.solver,
        order=2,
        stochastic=True,
        combinations=(*plain({"predictor_order": 1}, {"algorithm_type": "noise_prediction"}, KARRAS), *BOTH_PATHS),
        variants=({"predictor_order": 3}, {"corrector_order": 1}, KARRAS),
    ),
    "EDMEulerScheduler": Entry(
        EDM,
        at.edm,
        "free",
        combinations=(
            *plain({"sigma_schedule": "exponential"}, CHURN),
            Combination({}, {**EDM, **EPS}, None, "true_eps"),
        ),
        variants=({"sigma_schedule": "exponential"}, CHURN),
    ),
    "EDMDPMSolverMultistepScheduler": Entry(
        EDM,
        at.edm,
        "free",
        order=2,
        combinations=(
            *plain({"solver_order": 1}, {"solver_order": 3}, {"algorithm_type": "sde-dpmsolver++"}),
            Combination({}, {**EDM, **EPS}, None, "true_eps"),
        ),
        variants=({"solver_order": 3}, {"sigma_schedule": "exponential"}),
    ),
    "CosineDPMSolverMultistepScheduler": Entry(
        EDM,
        at.edm,
        "free",
        order=2,
        stochastic=True,
        fixed={"sigma_data": 0.5},
        combinations=(*plain({"solver_order": 1}), Combination({}, {**EDM, **EPS}, None, "true_eps")),
        variants=({"solver_order": 1}, {"sigma_schedule": "karras"}),
    ),
    "FlowMatchEulerDiscreteScheduler": Entry(
        {"flow": "flow"},
        at.flow,
        "flow",
        combinations=plain({"shift": 3.0}, {"stochastic_sampling": True}),
        variants=({"shift": 3.0}, {"stochastic_sampling": True}, KARRAS, CHURN),
    ),
    "FlowMatchHeunDiscreteScheduler": Entry(
        {"flow": "flow"}, at.flow, "flow", order=2, combinations=plain({"shift": 3.0}), variants=({"shift": 3.0}, CHURN)
    ),
    "FlowMatchLCMScheduler": Entry(
        {"flow": "flow"}, at.flow, "flow", stochastic=True, never_exact=RENOISED, variants=({"shift": 3.0},)
    ),
    "FlowMapEulerDiscreteScheduler": Entry({"flow": "flow"}, at.flow, "flow", variants=({"shift": 3.0},)),
    "LTXEulerAncestralRFScheduler": Entry(
        {"flow": "flow"}, at.flow, "flow", stochastic=True, variants=({"eta": 0.0}, {"s_noise": 0.5})
    ),
    "MiniMaxH3Scheduler": Entry({"reversed_flow": "flow"}, at.flow, "flow", variants=({"shift": 3.0},), steps=(2, 6)),
    "SCMScheduler": Entry(
        {"v": "trigflow"}, at.trigonometric, stochastic=True, never_exact=RENOISED, fixed={"sigma_data": 1.0}
    ),
    "DDPMWuerstchenScheduler": Entry({"eps": "epsilon"}, at.continuous, stochastic=True),
}
