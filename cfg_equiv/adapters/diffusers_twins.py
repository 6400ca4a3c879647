"""Of the schedulers of diffusers: the solver of the catalogue that each is, why some are no solver, and their calls."""

from collections.abc import Callable, Mapping
from typing import Any

RENOISED = "each step goes to the data and adds noise anew, as a consistency model is sampled"
# The solver of the catalogue that a class is at its defaults.
TWINS = {
    "DDIMScheduler": "ddim_eps",
    "DDIMParallelScheduler": "ddim_eps",
    "CogVideoXDDIMScheduler": "ddim_eps",
    "EulerDiscreteScheduler": "euler_ve",
    "HeunDiscreteScheduler": "heun",
    "KDPM2DiscreteScheduler": "dpm_2",
    "LMSDiscreteScheduler": "lms_4",
    "PNDMScheduler": "plms",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "DEISMultistepScheduler": "deis_2",
    "UniPCMultistepScheduler": "unipc_bh2_2_x0",
    "FlowMatchEulerDiscreteScheduler": "euler_flow",
    "FlowMatchHeunDiscreteScheduler": "flow_heun",
}

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
