"""Deterministic solvers of more than one evaluation, in native form: each typed from its own source.

No file here refers to the conversion, nor the body of one native form to another (a test reads the syntax trees).
:data:`SOLVERS` is the catalogue, the deterministic first-order samplers included; :data:`ABSENT` names the published
solvers it does not have, with the reason: an entry is complete or absent.
"""

from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.solvers import dpm_solver_pp_2m, heun
from cfg_equiv.algebra.solvers.record import Guided, Inner, Network, Past, Solver, first_order

_FAMILIES = (dpm_solver_pp_2m, heun)

_FIRST_ORDER = {
    "ddim_eps": {"diffusers": "DDIMScheduler", "comfyui": "ddim"},
    "ddim_x0": {},
    "ddim_v": {"stable_audio_tools": "sample (eta=0)"},
    "euler_ve": {"diffusers": "EulerDiscreteScheduler", "k_diffusion": "sample_euler", "comfyui": "euler"},
    "euler_flow": {"diffusers": "FlowMatchEulerDiscreteScheduler", "stable_audio_tools": "sample_discrete_euler"},
    "dpm_solver_1": {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver', solver_order=1)"},
    "dpm_solver_pp_1": {"diffusers": "DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order=1)"},
}

SOLVERS: dict[str, Solver] = {
    solver.name: solver
    for solver in (
        *(first_order(SAMPLERS[name], **aliases) for name, aliases in _FIRST_ORDER.items()),
        *(solver for family in _FAMILIES for solver in family.SOLVERS),
    )
}

ABSENT: dict[str, str] = {}

__all__ = ["ABSENT", "SOLVERS", "Guided", "Inner", "Network", "Past", "Solver", "first_order"]
