"""Of the schedulers of diffusers: the solver of the catalogue that each is, why some are no solver, and their calls.

Which solver a class is depends on few of its options; the others choose its levels, and any levels will do. The step to
the end, whose level no network call shows, is not compared, so neither are the options that change that step alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cfg_equiv.testing.subjects import Twin

RENOISED = "each step goes to the data and adds noise anew, as a consistency model is sampled"
Options = Mapping[str, Any]

DPM_SOLVER = {
    ("dpmsolver++", 1, "midpoint"): "dpm_solver_pp_1",
    ("dpmsolver++", 1, "heun"): "dpm_solver_pp_1",
    ("dpmsolver++", 2, "midpoint"): "dpmpp_2m",
    ("dpmsolver++", 2, "heun"): "dpmpp_2m_heun",
    ("dpmsolver++", 3, "midpoint"): "dpmpp_3m_diffusers",
    ("dpmsolver", 1, "midpoint"): "dpm_solver_1",
    ("dpmsolver", 1, "heun"): "dpm_solver_1",
    ("dpmsolver", 2, "midpoint"): "dpm_solver_2m",
    ("dpmsolver", 2, "heun"): "dpm_solver_2m_taylor",
    ("dpmsolver", 3, "midpoint"): "dpm_solver_3m_diffusers",
    ("sde-dpmsolver++", 1, "midpoint"): "sde_dpm_solver_pp_1",
    ("sde-dpmsolver++", 1, "heun"): "sde_dpm_solver_pp_1",
    ("sde-dpmsolver++", 2, "midpoint"): "sde_dpmpp_2m",
    ("sde-dpmsolver++", 2, "heun"): "sde_dpmpp_2m_heun",
    ("sde-dpmsolver++", 3, "midpoint"): "sde_dpmpp_3m",
    ("sde-dpmsolver++", 3, "heun"): "sde_dpmpp_3m_heun",
    ("sde-dpmsolver", 1, "midpoint"): "sde_dpm_solver_1",
    ("sde-dpmsolver", 1, "heun"): "sde_dpm_solver_1",
    ("sde-dpmsolver", 2, "midpoint"): "sde_dpm_solver_2m",
    ("sde-dpmsolver", 2, "heun"): "sde_dpm_solver_2m_heun",
}


def _always(twin: str) -> Callable[[Options], str]:
    return lambda options: twin


def _ddim(options: Options) -> str:
    return "ddim_eta" if options.get("eta") else "ddim_eps"


def _ddpm(options: Options) -> str:
    return "ddpm_fixed_large" if options["variance_type"].startswith("fixed_large") else "ddpm_posterior"


def _dpm_solver(options: Options) -> str:
    key = options["algorithm_type"], options["solver_order"], options["solver_type"]
    return DPM_SOLVER.get(key, "")


def _first_order(options: Options) -> str:
    """A single step of several calls has its inner levels where its schedule has them, and a solver where it wants."""
    return _dpm_solver(options) if options["solver_order"] == 1 else ""


def _deis(options: Options) -> str:
    order = options["solver_order"]
    return f"deis_{order}" if order > 1 else "dpm_solver_1"


def _unipc(options: Options) -> str:
    order, space = options["solver_order"], "x0" if options["predict_x0"] else "eps"
    kind = "bh1" if options["solver_type"] == "bh1" else "bh2"
    if not options["disable_corrector"]:
        return f"unipc_{kind}_{order}_{space}"
    if order == 1:
        return {"x0": "dpm_solver_pp_1", "eps": "dpm_solver_1"}[space]
    return f"unip_{kind}_{order}_{space}"


def _lms(options: Options) -> str:
    order = options.get("order", 4)
    return f"lms_{order}" if order > 1 else "euler_ve"


def _without_churn(twin: str) -> Callable[[Options], str]:
    return lambda options: "" if options.get("s_churn") else twin


def _flow_euler(options: Options) -> str:
    return "renoise" if options["stochastic_sampling"] else _without_churn("euler_flow")(options)


def _only_where(option: str, value: Any, twin: str) -> Callable[[Options], str]:
    return lambda options: twin if options.get(option) == value else ""


# The solver of the catalogue that a class is with these options, those at their defaults included; "" if it has none.
# UnCLIPScheduler is not here: no perturbation of its inputs shows the rounding of its own 1 - (1 - ratio), multiplied.
TWINS: dict[str, Callable[[Options], str]] = {
    **dict.fromkeys(("DDIMScheduler", "DDIMParallelScheduler", "CogVideoXDDIMScheduler"), _ddim),
    "CogVideoXDPMScheduler": _always("cogvideox_dpm"),
    "DDIMInverseScheduler": _only_where("set_alpha_to_one", True, "ddim_eps"),  # else its first step is idle
    **dict.fromkeys(("DDPMScheduler", "DDPMParallelScheduler"), _ddpm),
    "DDPMWuerstchenScheduler": _always("ddpm_posterior"),
    "TCDScheduler": _only_where("eta", 0, "ddim_eps"),
    "LCMScheduler": _always("renoise"),
    "SCMScheduler": _always("renoise"),
    "EulerDiscreteScheduler": _without_churn("euler_ve"),
    "EulerAncestralDiscreteScheduler": _always("euler_ancestral"),
    "HeunDiscreteScheduler": _always("heun"),
    "KDPM2DiscreteScheduler": _always("dpm_2"),
    "KDPM2AncestralDiscreteScheduler": _always("dpm_2_ancestral"),
    "LMSDiscreteScheduler": _lms,
    "PNDMScheduler": _only_where("skip_prk_steps", True, "plms"),
    "DPMSolverSDEScheduler": _always("dpmpp_sde"),
    **dict.fromkeys(("DPMSolverMultistepScheduler", "DPMSolverMultistepInverseScheduler"), _dpm_solver),
    "DPMSolverSinglestepScheduler": _first_order,
    "DEISMultistepScheduler": _deis,
    "UniPCMultistepScheduler": _unipc,
    "EDMEulerScheduler": _without_churn("euler_ve"),
    "EDMDPMSolverMultistepScheduler": _dpm_solver,
    "CosineDPMSolverMultistepScheduler": lambda options: _dpm_solver({**options, "algorithm_type": "sde-dpmsolver++"}),
    "FlowMatchEulerDiscreteScheduler": _flow_euler,
    "FlowMatchHeunDiscreteScheduler": _without_churn("flow_heun"),
    "FlowMatchLCMScheduler": _always("renoise"),
    "FlowMapEulerDiscreteScheduler": _always("euler_flow"),
    "LTXEulerAncestralRFScheduler": _only_where("eta", 0, "euler_flow"),
    "MiniMaxH3Scheduler": _always("euler_flow"),
}


# Their noise is that of a Brownian path.
BROWNIAN = ("CosineDPMSolverMultistepScheduler", "DPMSolverSDEScheduler")


def twin(name: str, options: Options) -> Twin | None:
    """The twin of a class with these options."""
    known = TWINS.get(name, _always(""))(options)
    drawn = {"eta": options["eta"]} if known == "ddim_eta" else {}
    return Twin(known, drawn, but=int(_lowered(options))) if known else None


def _lowered(options: Options) -> bool:
    """Whether the last step but one is of order 2, where those before it are of order 3: in runs of few steps."""
    return options.get("solver_order", 1) > 2 and bool(options.get("lower_order_final"))


# Two stages a step, of which the last step, to sigma = 0, has one.
TWO_STAGES = (
    "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "DPMSolverSDEScheduler",
    "FlowMatchHeunDiscreteScheduler",
)


def evaluations(name: str, options: Mapping[str, Any]) -> Callable[[int], int]:
    """How often a run of so many steps calls the network: once a step, but for the classes named here."""
    if name in TWO_STAGES:
        return lambda steps: 2 * steps - 1
    if name == "PNDMScheduler":  # the second level is called twice; or four stages in each of the first three steps
        return (lambda steps: min(steps + 1, 2 * steps - 1)) if options["skip_prk_steps"] else (lambda steps: steps + 9)
    return lambda steps: steps
