"""Small builders the claims share: networks that emit a row by definition, and guided steps from a row."""

from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import Sampler
from cfg_equiv.algebra.stepping import emit, step_from
from cfg_equiv.theorems.environment import Env

# What rows and samplers take beside the points, by the name under which a claim's environment holds it.
ROW_PARAMETERS = {"sigma_data": "sd", "dalpha": "dalpha", "dsigma": "dsigma"}


def parameters(g: Env, *names: str) -> dict[str, Any]:
    """The parameters that the named rows need, as values of the environment."""
    needed = {need for name in names for need in PARAMETERIZATIONS[name].needs}
    return {need: g[ROW_PARAMETERS[need]] for need in ROW_PARAMETERS if need in needed}


def branches(g: Env, name: str, at: Point, gap: int = 0) -> tuple[Any, Any]:
    """Conditional and unconditional predictions in a row, at the shared latent ``g.z``, from two free denoisers.

    With ``gap`` the unconditional branch looks at another latent, which is what makes guidance depend on the row.
    """
    p = parameters(g, name)
    cond = emit(g.xp, g.x_c, eps_from_x0(g.z, g.x_c, at), at, name, **p)
    uncond = emit(g.xp, g.x_u, eps_from_x0(g.z + gap, g.x_u, at), at, name, **p)
    return cond, uncond


def guided_step(g: Env, sampler: Sampler, name: str, s: Point, t: Point, gap: int = 0) -> Any:
    """One guided step of ``sampler`` fed by a network that emits row ``name``."""
    cond, uncond = branches(g, name, s, gap)
    extras = {extra: g[extra] for extra in sampler.extras}
    return step_from(g.xp, sampler, name, g.z, cfg(cond, uncond, g.w), s, t, **extras, **parameters(g, name))
