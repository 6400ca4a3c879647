"""Conversions between eps, x0, v and others: right ones, and the ways in which they were got wrong."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.conversion import convert
from cfg_equiv.faults.record import Fault, Good
from cfg_equiv.testing.network import PARAMETERS
from cfg_equiv.testing.subjects import Conversion, State

SPACES = ("eps", "x0", "v")
Convert = Callable[[Tensor, Tensor, str, str, Tensor, Tensor], Tensor]
Denoise = Callable[[Tensor, Tensor, str, Point], Tensor]


def shipped(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Ours, in the form for users."""
    needs = {name for row in (source, target) for name in PARAMETERIZATIONS[row].needs}
    values = {name: PARAMETERS[name].to(z.dtype) for name in needs}
    return convert(z, pred, source=source, target=target, alpha=alpha, sigma=sigma, **values)


def determinants(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Our formula."""
    result: Tensor = to_space(torch, z, pred, Point(alpha, sigma), source, target)
    return result


def right(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """``x0`` of a prediction on any path."""
    values = {name: PARAMETERS[name].to(z.dtype) for name in PARAMETERIZATIONS[source].needs}
    result: Tensor = to_space(torch, z, pred, at, source, "x0", **values)
    return result


def short_form(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """``x0 = alpha*z - sigma*v``: right where the squares add up to one."""
    return at.alpha * z - at.sigma * pred if source == "v" else right(z, pred, source, at)


def straight(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """``x0 = z - sigma*u``: right where alpha and sigma add up to one."""
    return z - at.sigma * pred if source == "flow" else right(z, pred, source, at)


def v_sign(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """``alpha*z + sigma*v``: the sign of v."""
    return right(z, -pred if source == "v" else pred, source, at)


def flow_sign(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """The velocity towards data is taken for the one towards noise."""
    return right(z, pred, "reversed_flow" if source == "flow" else source, at)


def alpha_bar(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """``alpha^2`` where alpha is meant."""
    return right(z, pred, source, Point(at.alpha * at.alpha, at.sigma))


def exchanged(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """Time runs the other way in one consumer: alpha and sigma trade places."""
    return right(z, pred, source, Point(at.sigma, at.alpha))


def raw_f(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """The network inside an EDM preconditioner is taken for the noise."""
    if source != "F":
        return right(z, pred, source, at)
    return right(z, pred, "eps", at)


def single(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """The coefficients go through single precision."""
    at = Point(*(x.float().to(z.dtype) for x in at[:2]))
    return right(z, pred, source, at)


def difference(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """A form that divides by ``1 - alpha`` and multiplies by it again: the VE path has nothing there."""
    gap = 1 - at.alpha
    x0: Tensor = right(z, pred, source, at) / gap * gap
    return x0


def large_intermediate(z: Tensor, pred: Tensor, source: str, at: Point) -> Tensor:
    """Right, by way of numbers that half precision does not hold."""
    x0: Tensor = right(2.0**20 * z, 2.0**20 * pred, source, at) / 2.0**20
    return x0


def by_way_of_data(denoise: Denoise, z: Tensor, pred: Tensor, source: str, target: str, *level: Tensor) -> Tensor:
    """Find ``x0``, then the noise, then what is asked for: how many libraries convert."""
    at = Point(*level)
    x0 = denoise(z, pred, source, at)
    if source == target:
        return pred.clone()
    if target == "x0":
        return x0
    eps = (z - at.alpha * x0) / at.sigma
    values = {name: x.to(z.dtype) for name, x in PARAMETERS.items()}
    result: Tensor = emit(torch, x0, eps, at, target, **values)
    return result


def v_to_eps_sign(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """``eps = alpha*v - sigma*z``: the sign of z."""
    at = (source, target) == ("v", "eps")
    return determinants(-z if at else z, pred, source, target, alpha, sigma)


def score_without_sigma(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """The score is taken for ``-eps``."""
    pred, source = (-pred, "eps") if source == "score" else (pred, source)
    if target == "score":
        return -determinants(z, pred, source, "eps", alpha, sigma)
    return determinants(z, pred, source, target, alpha, sigma)


def numbers(z: Tensor, pred: Tensor, source: str, target: str, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Right, on NumPy arrays: nothing there is seen by torch."""
    given = (x.numpy() for x in (z, pred, alpha, sigma))
    array, prediction, a, s = given
    result = to_space(None, array, prediction, Point(a, s), source, target)
    return torch.as_tensor(result, dtype=z.dtype).clone()


def _conversion(name: str, fn: Convert, spaces: tuple[str, ...] = SPACES, path: State = "free") -> Conversion:
    return Conversion(fn, spaces, path=path, name=name)


def _good(name: str, fn: Convert, spaces: tuple[str, ...] = SPACES, path: State = "free") -> Good:
    return Good(f"conversion.{name}", lambda: _conversion(name, fn, spaces, path))


def _bad(
    name: str,
    fn: Convert,
    source: str,
    spaces: tuple[str, ...] = SPACES,
    path: State = "free",
    fails: tuple[str, ...] = ("rt",),
) -> Fault:
    return Fault(f"conversion.{name}", lambda: _conversion(name, fn, spaces, path), fails, source)


WIDE = (*SPACES, "flow", "score")
GOOD = (
    _good("shipped", shipped, (*WIDE, "reversed_flow", "velocity", "F", "k_diffusion_v", "z_minus_denoised")),
    _good("determinants", determinants, WIDE),
    _good("by_way_of_data", partial(by_way_of_data, right), (*WIDE, "F")),
    _good("short_form_on_vp", partial(by_way_of_data, short_form), path="vp"),
    _good("straight_on_flow", partial(by_way_of_data, straight), WIDE, "flow"),
    _good("ve", determinants, WIDE, "ve"),
    _good("numbers", numbers, SPACES),
)
FAULTS = (
    _bad("v_sign", partial(by_way_of_data, v_sign), "diffusers PR #1421"),
    _bad("short_form_on_flow", partial(by_way_of_data, short_form), "diffusers, v with flow sigmas", path="flow"),
    _bad("short_form_on_any", partial(by_way_of_data, short_form), "diffusers, v with flow sigmas"),
    _bad("straight_on_vp", partial(by_way_of_data, straight), "diffusers, flow with VP sigmas", WIDE, "vp"),
    _bad("flow_sign", partial(by_way_of_data, flow_sign), "splitmeanflow #2", WIDE),
    _bad("alpha_bar", partial(by_way_of_data, alpha_bar), "kohya sd-scripts PR #308", path="vp"),
    _bad("exchanged", partial(by_way_of_data, exchanged), "CFGpp #12, kohya sd-scripts #2201"),
    _bad("raw_f", partial(by_way_of_data, raw_f), "diffusers EDMEuler", ("eps", "x0", "F")),
    _bad("v_to_eps_sign", v_to_eps_sign, "SVD_Xtend #19"),
    _bad("score_without_sigma", score_without_sigma, "a score taken for -eps", WIDE),
    _bad("single_precision", partial(by_way_of_data, single), "sd-webui PR #14145", path="vp"),
    _bad("large_intermediate", partial(by_way_of_data, large_intermediate), "half precision's range", fails=("dt",)),
    _bad("nan_on_ve", partial(by_way_of_data, difference), "a division by 1 - alpha"),
)
