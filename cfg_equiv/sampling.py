r"""One step of a first-order sampler on tensors, validated; the native forms are :mod:`cfg_equiv.algebra.samplers`.

The step is the native form wherever that has a value. At an end of the path (a zero among the four coordinates) some
native forms are :math:`0\cdot\infty`; there the step is the limit, where one exists:

- every deterministic sampler of the catalogue is one map (theorems S1, S2), the conversion to the row
  :math:`(\alpha_t, \sigma_t)`, and that is finite wherever the network's parameterization determines it;
- a stochastic one of the family :math:`\alpha_t x_0 + \sigma_t(\rho\epsilon + \sqrt{1-\rho^2}\,n)` has the limit of its
  :math:`\rho` for :math:`h \to \infty`;
- SDE-DPM-Solver-1, not of that family, has :math:`\frac{\alpha_t}{\alpha_s}(z - 2\sigma_s\epsilon + \sigma_s n)` at
  :math:`\sigma_t = 0`, noise included, and none from :math:`\alpha_s = 0`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.convert import convert as convert_rows
from cfg_equiv.algebra.points import Point, Row, det
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.samplers import SAMPLERS, Sampler
from cfg_equiv.algebra.samplers.renoise import family_step
from cfg_equiv.conversion import convert_at, require_determined
from cfg_equiv.errors import (
    LevelError,
    MismatchError,
    ParameterError,
    PathError,
    SingularEndError,
    sentence,
    unknown_name,
)
from cfg_equiv.paths import off_path
from cfg_equiv.validation import first, level_at, per_element, require_alike, require_parameterization, row_parameters

_ETA_UNBOUNDED = {"dpmpp_sde_eta"}


def _rho_of_variance(eta: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\rho^2 = 1 - \eta^2(1 - e^{-2h})` at infinite h; without eta, as eta = 1, it is :math:`e^{-h}`."""
    return torch.sqrt(1 - eta * eta), eta


def _rho_of_decay(eta: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\rho = e^{-\eta h}` at infinite h: 0, but 1 at eta = 0."""
    rho = (eta == 0).to(eta.dtype)
    return rho, 1 - rho


# rho and sqrt(1 - rho^2) for h -> infinity, of the members of the family (theorem S3)
_FAMILY: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "ddim_eta": _rho_of_variance,
    "ddpm_posterior": _rho_of_variance,
    "dpmpp_sde_eta": _rho_of_decay,
    "euler_ancestral": _rho_of_variance,
    "sde_dpm_solver_pp_1": _rho_of_variance,
    "v_diffusion": _rho_of_variance,
}


class _Torch:
    """The namespace of the native forms. All radicands are non-negative in exact arithmetic once the step is validated:
    a negative one is a rounding error, and would make the result NaN."""

    log = staticmethod(torch.log)
    expm1 = staticmethod(torch.expm1)

    @staticmethod
    def sqrt(x: Tensor) -> Tensor:
        return torch.sqrt(torch.clamp_min(x, 0))


def step(
    sampler: str | Sampler,
    z: Tensor,
    pred: Tensor,
    *,
    source: str,
    s: Point,
    t: Point,
    noise: Tensor | None = None,
    eta: Any = None,
    **parameters: Any,
) -> Tensor:
    """The latent at ``t``, from the latent ``z`` and a prediction of parameterization ``source`` at ``s``.

    ``s`` and ``t`` are points (of a schedule, or ``Point(alpha, sigma)``) in the latent's dtype; ``noise`` and ``eta``
    are given to the samplers that take them; ``parameters`` are those of the source row.
    """
    chosen = _sampler(sampler)
    require_parameterization("source", source)
    require_alike(z=z, pred=pred)
    extras = _extras(chosen, z, noise, eta)
    s, t = point_at("s", s, z), point_at("t", t, z)
    values = row_parameters((source,), parameters, z)
    _require_path(chosen, s, t)
    native = convert_at(z, pred, s, source, chosen.space, values)
    out: Tensor = chosen.step(_Torch, z, native, s, t, **extras)
    at_end = (s.alpha == 0) | (s.sigma == 0) | (t.alpha == 0) | (t.sigma == 0)
    undefined = at_end & ~torch.isfinite(out)
    if not undefined.any():
        return out
    return torch.where(undefined, _limit(chosen, z, pred, source, s, t, values, extras, undefined), out)


def _sampler(sampler: str | Sampler) -> Sampler:
    if isinstance(sampler, Sampler):
        return sampler
    if sampler not in SAMPLERS:
        raise unknown_name("sampler", sampler, SAMPLERS)
    return SAMPLERS[sampler]


def point_at(name: str, at: Any, like: Tensor) -> Point:
    """``at`` as a validated point in the dtype of ``like``, its lam kept where it has one."""
    if not isinstance(at, Point):
        raise MismatchError(sentence(f"{name} to be a Point(alpha, sigma)", repr(at), "take it from a schedule"))
    checked = level_at(at.alpha, at.sigma, like)
    if at.lam is None:
        return checked
    lam = per_element(f"{name}.lam", at.lam, like)
    if torch.isnan(lam).any():
        raise LevelError(sentence(f"{name}.lam to be log(alpha/sigma)", "NaN", "leave it out to have it filled in"))
    return checked._replace(lam=lam)


def _extras(sampler: Sampler, z: Tensor, noise: Tensor | None, eta: Any) -> dict[str, Tensor]:
    """``noise`` and ``eta`` exactly where the sampler takes them."""
    given = {"noise": noise, "eta": eta}
    for name, value in given.items():
        if (value is not None) != (name in sampler.extras):
            takes = " and ".join(sampler.extras) or "neither noise nor eta"
            came, do = (
                ("no " + name, f"pass {name}=") if value is None else (name, "leave it out, or use another sampler")
            )
            raise ParameterError(sentence(f"{takes} for sampler {sampler.name!r}", came, do))
    extras: dict[str, Tensor] = {}
    if noise is not None:
        require_alike(z=z, noise=noise)
        extras["noise"] = noise
    if eta is not None:
        extras["eta"] = per_element("eta", eta, z)
        high = float("inf") if sampler.name in _ETA_UNBOUNDED else 1.0
        bad = ~((extras["eta"] >= 0) & (extras["eta"] <= high) & torch.isfinite(extras["eta"]))
        if bad.any():
            came = first(extras["eta"], bad)
            raise ParameterError(
                sentence(f"a finite eta in [0, {high:g}] for sampler {sampler.name!r}", came, "0 is deterministic")
            )
    return extras


def _require_path(sampler: Sampler, s: Point, t: Point) -> None:
    """The path a native form was written for, and the direction a stochastic one goes."""
    for name, at in (("s", s), ("t", t)):
        if sampler.path != "any":
            relation, excess, bound = off_path(sampler.path, at)
            if (excess.abs() > bound).any():
                worst = excess.flatten()[excess.abs().argmax()].item()
                raise PathError(
                    sentence(
                        f"{relation} = 1 at {name}, as sampler {sampler.name!r} is written for the {sampler.path} path",
                        f"a point off it by {worst:.3g} in {at.alpha.dtype}",
                        "use a sampler that holds on any path (ddim_eps, ddim_x0, dpm_solver_pp_1), "
                        "or points computed in that dtype",
                    )
                )
    if sampler.stochastic and (det(t, s) < 0).any():
        raise PathError(
            sentence(
                f"t to be no noisier than s for the stochastic sampler {sampler.name!r}",
                "a step towards noise",
                "swap s and t, or use a deterministic sampler for inversion",
            )
        )


def _limit(
    sampler: Sampler,
    z: Tensor,
    pred: Tensor,
    source: str,
    s: Point,
    t: Point,
    values: dict[str, Tensor],
    extras: dict[str, Tensor],
    where: Tensor,
) -> Tensor:
    """The limit of the step at the elements of ``where``; elsewhere anything."""
    if not sampler.stochastic:
        require_determined(source, s, values, f"the step of {sampler.name!r}", where)
        row = PARAMETERIZATIONS[source].at(torch, s, **values)
        limit: Tensor = convert_rows(z, pred, s, row, Row(t.alpha, t.sigma))
        return limit
    if (where & ((s.sigma == 0) | (t.alpha == 0))).any():
        raise SingularEndError(
            sentence(
                f"sigma_s > 0 and alpha_t > 0 for the stochastic sampler {sampler.name!r}",
                "a step that starts at clean data or ends at pure noise",
                "leave this step out",
            )
        )
    noise = extras["noise"]
    if sampler.name == "sde_dpm_solver_1":
        if (where & (s.alpha == 0)).any():
            raise SingularEndError(
                sentence(
                    "alpha_s > 0 for sampler 'sde_dpm_solver_1', which has no limit there",
                    "alpha_s = 0",
                    "use sde_dpm_solver_pp_1 for the first step",
                )
            )
        eps = convert_at(z, pred, s, source, "eps", values)
        sde_limit: Tensor = t.alpha / s.alpha * (z - 2 * (s.sigma * eps) + s.sigma * noise)
        return sde_limit
    if sampler.name not in _FAMILY:
        raise SingularEndError(
            sentence(
                f"two regular levels for sampler {sampler.name!r}",
                "an end at which it has neither a value nor a known limit",
                "use sde_dpm_solver_pp_1 or a deterministic sampler for this step",
            )
        )
    require_determined(source, s, values, f"the step of {sampler.name!r}", where)
    x0, eps = (convert_at(z, pred, s, source, name, values) for name in ("x0", "eps"))
    rho, rest = _FAMILY[sampler.name](extras.get("eta", torch.ones_like(noise)))
    member: Tensor = family_step(x0, eps, t, noise, rho, rest)
    return member
