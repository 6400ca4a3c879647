r"""G9: CFG++ is a step, not a rule on predictions. Which CFG it is, and where it is none.

The first-order forms take the data from the guided prediction and the noise from the unconditional one. That is plain
CFG with another weight at every step. The forms of second order place the guidance each in its own way: with
:math:`D = U + \lambda G` they are their plain solver on ``U``, and ``G`` has the coefficients proved here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cfg_equiv.algebra.cfg_pp_weight import cfg_pp_as_cfg
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.solvers import SOLVERS, Guided, Past
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.combination import Combination, as_scalar, names
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.record import Claim, Part, Theorem
from cfg_equiv.theorems.statement import Differs, Equal, Statement
from cfg_equiv.theorems.tableau import BRANCHES, Step


def _kappa(at: Point) -> Any:
    return at.sigma / at.alpha


def first_order(g: Env, names: tuple[str, ...], end: int = 1) -> Iterator[Statement]:
    """One step of every first-order form is the deterministic step with weight ``lambda*kappa/(kappa - kappa')``."""
    s, t = g.point("s"), g.point("t")
    weight = cfg_pp_as_cfg(g.weight, _kappa(s), end * _kappa(t))
    for name in names:
        solver = SOLVERS[name]
        cond, uncond = (to_space(g.xp, g.z, x0, s, "x0", solver.space) for x0 in (g.x_c, g.x_u))
        moved = solver.step(g.xp, (Past(s, g.z, Guided(cfg(cond, uncond, g.weight), uncond)),), t)
        plain = SAMPLERS["ddim_x0"].step(g.xp, g.z, cfg(g.x_c, g.x_u, weight), s, t)
        yield Equal(name, moved, plain)
    yield Equal("at the step to kappa' = 0 the weights are one", cfg_pp_as_cfg(g.weight, _kappa(s), 0), g.weight)


def on_any_path(g: Env, end: int = 1) -> Iterator[Statement]:
    """The forms for any path."""
    return first_order(g, ("ddim_cfg_pp", "euler_cfg_pp", "euler_cfg_pp_any"), end)


def on_vp(g: Env, end: int = 1) -> Iterator[Statement]:
    """The form in v, on VP."""
    return first_order(g, ("v_ddim_cfg_pp",), end)


def inversion(g: Env, swapped: bool = False) -> Iterator[Statement]:
    """From data to noise: DDIM inversion at ``lambda*kappa_t/(kappa_t - kappa_s)``, undone by the step back."""
    s, t = g.point("s"), g.point("t")
    pair = Guided(cfg(g.e_c, g.e_u, g.weight), g.e_u)
    noised = SOLVERS["ddim_inverse_cfg_pp"].step(g.xp, (Past(s, g.z, pair),), t, lambda z, at: pair)
    ends = (_kappa(s), _kappa(t)) if swapped else (_kappa(t), _kappa(s))
    guided = cfg(g.e_c, g.e_u, cfg_pp_as_cfg(g.weight, *ends))
    yield Equal("DDIM inversion", noised, SAMPLERS["ddim_eps"].step(g.xp, g.z, guided, s, t))
    yield Equal("and back", SOLVERS["ddim_cfg_pp"].step(g.xp, (Past(t, noised, pair),), s), g.z)


@dataclass(frozen=True)
class Form:
    """A form of second order: its plain solver, and where its guidance is.

    ``guidance(g, at)`` gives the coefficient of ``G`` in the end, by the label of the call, in closed form; in the
    latents of inner calls there is none. ``free`` names a place (a latent, and a call) of the plain solver which the
    form leaves without guidance.
    """

    name: str
    plain: str
    guidance: Callable[[Env, dict[str, Point]], dict[str, Any]]
    free: tuple[str, str]
    path: str = "snr"


def _decay(at: dict[str, Point]) -> Any:
    return _kappa(at["t"]) / _kappa(at["s"])


def _ratio(at: dict[str, Point]) -> Any:
    """r, the previous step over this one, in half-log-SNR."""
    return as_scalar(at["s"].lam - at["a"].lam) / as_scalar(at["t"].lam - at["s"].lam)


FORMS = (
    Form("dpmpp_2s_cfg_pp", "dpmpp_2s", lambda g, at: {"m": at["t"].alpha}, ("m", "s")),
    Form("dpmpp_2s_cfg_pp_first", "dpmpp_2s", lambda g, at: {"s": at["t"].alpha}, ("m", "s")),
    Form(
        "dpmpp_2s_cfg_pp_flow", "dpmpp_2s_ancestral_rf", lambda g, at: {"s": 1 - at["t"].sigma}, ("m", "s"), path="flow"
    ),
    Form(
        "dpmpp_2m_cfg_pp",
        "dpmpp_2m",
        lambda g, at: {"s": at["t"].alpha * (1 + (1 - _decay(at)) / (2 * _ratio(at)))},
        ("end", "a"),
    ),
    Form("res_multistep_cfg_pp", "res_multistep", lambda g, at: {"s": at["t"].alpha * _decay(at)}, ("end", "a")),
    Form("gradient_estimation_cfg_pp", "gradient_estimation", lambda g, at: {"s": at["t"].alpha}, ("end", "a")),
)


def placed(form: Form) -> Claim:
    """The claim about a form: its plain solver on U, the coefficients of G, and no weight at which it is CFG."""

    def claim(g: Env, extra: int = 0, somewhere: bool = False) -> Iterator[Statement]:
        step = Step(SOLVERS[form.name])
        at = step.placed(g, form.path)
        one = 1 + 0 * at["s"].alpha
        found = dict(step.tableau(g.xp, at, one).forms())
        plain = dict(Step(SOLVERS[form.plain]).tableau(g.xp, at, one).forms())
        wanted = form.guidance(g, at)
        for where, moved in found.items():
            of_u = _unconditional(moved)
            for name in names((of_u, plain[where])):
                yield Equal(f"{form.name}, {where}: {name} without guidance", of_u[name], plain[where][name])
            for call in ("m", "s", "a"):
                expected = wanted.get(call, 0) if where == "end" else 0
                yield Equal(f"{form.name}, {where}: G of call {call}", moved[f"x_{call}"], (1 + extra) * expected)
        # One weight w means w*plain = lambda*form at every place; two places would give it two values.
        (call, _), (where, left_out) = next(iter(wanted.items())), form.free
        guided, without = ("end", call), ("end", call) if somewhere else (where, left_out)
        crossed = [found[a][f"x_{k}"] * plain[b][f"x_{m}"] for (a, k), (b, m) in ((guided, without), (without, guided))]
        yield Differs(f"{form.name}: no weight of CFG fits both places", *crossed)

    return claim


def _unconditional(form: Combination) -> Combination:
    """The form with G = 0: guided and unconditional answers are one."""
    terms: dict[str, Any] = {}
    for name, c in form.terms.items():
        name = name.removeprefix(BRANCHES[1])
        terms[name] = terms[name] + c if name in terms else c
    return Combination(terms)


def inner_weight(g: Env, power: int = 1) -> Iterator[Statement]:
    """The authors' single step: weight 0 at the first call, the weight of the first-order form at the inner one."""
    step = Step(SOLVERS["dpmpp_2s_cfg_pp"])
    at = step.placed(g, "snr")
    one = 1 + 0 * at["s"].alpha
    form, plain = (Step(SOLVERS[name]).tableau(g.xp, at, one).end for name in ("dpmpp_2s_cfg_pp", "dpmpp_2s"))
    weight = cfg_pp_as_cfg(1, _kappa(at["s"]), _kappa(at["t"])) ** power
    yield Equal("weight of the inner call", form["x_m"], weight * plain["x_m"])


def _part(form: Form) -> Part:
    points, conditions = Step(SOLVERS[form.name]).needs(form.path)  # type: ignore[arg-type]
    twins: dict[str, dict[str, Any]] = {"twice the guidance": {"extra": 1}, "one place": {"somewhere": True}}
    return Part(placed(form), twins, points, conditions)


_AT_INNER = Step(SOLVERS["dpmpp_2s_cfg_pp"]).needs("snr")
FREE: dict[str, Any] = {"points": {"s": "free", "t": "free"}}
POSITIVE = ("alpha_s > 0", "sigma_s > 0", "alpha_t > 0", "sigma_t > 0")
STEP = "alpha_t*sigma_s != alpha_s*sigma_t"
AS_CFG = {"the end of the step forgotten": {"end": 0}}

THEOREMS = (
    Theorem(
        "G9",
        r"\text{CFG++, one deterministic first-order step: CFG with } w = \lambda\,\kappa/(\kappa - \kappa');\ "
        r"\text{the second-order forms are CFG for no } w",
        "arXiv:2406.08070; ComfyUI's and stable-audio-tools' forms; derived here",
        "field",
        (
            Part(on_any_path, AS_CFG, conditions=(*POSITIVE, STEP), **FREE),
            Part(on_vp, AS_CFG, points={"s": "vp", "t": "vp"}, conditions=(STEP,)),
            Part(inversion, {"kappas exchanged": {"swapped": True}}, conditions=(*POSITIVE, STEP), **FREE),
            *map(_part, FORMS),
            Part(inner_weight, {"its square": {"power": 2}}, *_AT_INNER),
        ),
    ),
)
