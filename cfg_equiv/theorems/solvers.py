r"""S5, S6 and the solvers' parts of Q6, S4 and S7: what one step of every solver of the catalogue is.

All of it reads the step's tableau, run from the shipped form with full history: linear in the predictions (S6), equal
tableaus are one map (S5), the coefficients depend on the signal-to-noise ratios alone (S4), and have a limit at
:math:`\sigma_t = 0` or none (S7).
"""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.composable import weighted_sum
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.solvers import SOLVERS, Guided
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.combination import Combination, names, unknown
from cfg_equiv.theorems.classes import ON, one_map, partition
from cfg_equiv.theorems.environment import Env, FieldEnv, Path, RationalEnv
from cfg_equiv.theorems.record import Claim, Part, Theorem
from cfg_equiv.theorems.statement import Equal, Holds, Statement
from cfg_equiv.theorems.tableau import Step, conditions
from cfg_equiv.theorems.values import branches, parameters


def every_call(g: Env, gap: int = 0) -> Iterator[Statement]:
    """At any latent and level the guided prediction reaches a solver as the same, whatever the network emits."""
    at = g.point("s")
    for space in dict.fromkeys(solver.space for solver in SOLVERS.values()):
        native = cfg(*branches(g, space, at), g.w)
        for name in PARAMETERIZATIONS:
            if name != space:
                guided = cfg(*branches(g, name, at, gap), g.w)
                read = to_space(g.xp, g.z, guided, at, name, space, **parameters(g, name, space))
                yield Equal(f"{space} from {name}", read, native)


def _points(g: Env, step: Step) -> tuple[dict[str, Point], Any]:
    at = {label: g.point(label, lam=True) for label in step.labels}
    return at, 1 + 0 * at["s"].alpha


def _coefficients(what: str, lhs: Combination, rhs: Combination) -> Iterator[Statement]:
    for name in names((lhs, rhs)):
        yield Equal(f"{what}, coefficient of {name}", lhs[name], rhs[name])


def affine(step: Step) -> Claim:
    """The claim that guiding every prediction is guiding the latents, those of the calls and the last one."""

    def claim(g: Env, total: int = 1) -> Iterator[Statement]:
        at, one = _points(g, step)
        if step.solver.path == "any":  # by S4 the VE path is enough
            at = {label: point(g.xp, one, g[f"kappa_{label}"]) for label in at}
        weights = (g.w, total - g.w)

        def said(branch: str) -> Callable[[str, Any, Point], Any]:
            def say(label: str, z: Any, here: Point) -> Any:
                pair = [unknown(f"{branch}{kind}_{label}", one) for kind in ("", "'")]
                return Guided(*pair) if step.solver.branches else pair[0]

            return say

        def guided(label: str, z: Any, here: Point) -> Any:
            both = [said(branch)(label, z, here) for branch in ("c", "u")]
            if step.solver.branches:
                return Guided(*(weighted_sum(pair, weights) for pair in zip(*both, strict=True)))
            return weighted_sum(both, weights)

        inside = step.tableau(g.xp, at, one, guided)
        cond = step.tableau(g.xp, at, one, said("c"))
        for (label, form), (_, one_branch) in zip(inside.forms(), cond.forms(), strict=True):
            # A step cannot read names: of the other branch it makes the same, under its name.
            other = Combination({f"u{name[1:]}" if name[0] == "c" else name: c for name, c in one_branch.terms.items()})
            outside = weighted_sum((one_branch, other), weights)
            yield from _coefficients(f"{step.solver.name}, {label}", form, outside)

    return claim


def by_snr_alone(step: Step) -> Claim:
    """The claim that in ``z/alpha`` the tableau is that of the VE path: only the signal-to-noise ratios matter."""

    def claim(g: Env, power: int = 1) -> Iterator[Statement]:
        at, one = _points(g, step)
        ve = {label: Point(one, p.sigma / p.alpha, p.lam) for label, p in at.items()}
        here, there = step.tableau(g.xp, at, one), step.tableau(g.xp, ve, one)
        for (label, form), (_, plain) in zip(here.forms(), there.forms(), strict=True):
            scale = at[label.rstrip("0123456789") if label != "end" else "t"].alpha
            scaled = Combination({name: c * _alpha(at, name) / scale**power for name, c in form.terms.items()})
            yield from _coefficients(f"{step.solver.name}, {label}", scaled, plain)

    return claim


def _alpha(at: Mapping[str, Point], name: str) -> Any:
    """An unknown latent is alpha times that of the VE path; what a denoiser says is the same on all paths."""
    kind, _, label = name.partition("_")
    return at[label].alpha if kind == "z" else 1


# Which coordinate goes to zero at the end of a step to sigma = 0.
_TO_ZERO = {"snr": "kappa_t", "flow": "sigma_t", "vp": "t_t"}


def at_the_end(step: Step, path: Path, ends: str) -> Claim:
    """The claim about the limit at sigma_t = 0: ``denoised`` is alpha_t*x_s, ``other`` another one, ``none``."""

    def claim(g: Env, ends: str = ends) -> Iterator[Statement]:
        at = step.placed(g, path)
        end, gen = step.tableau(g.xp, at, 1 + 0 * at["s"].alpha).end, _TO_ZERO[path]
        finite = all(g.has_limit(c, gen) for c in end.terms.values())
        yield Holds(f"{step.solver.name} has {'no' if ends == 'none' else 'a'} limit", finite == (ends != "none"))
        if finite and ends != "none":
            alpha = g.limit_at_zero(at["t"].alpha, gen)
            wanted = {name: alpha * (name == "x_s") for name in end.terms}
            reached = {name: g.limit_at_zero(c, gen) for name, c in end.terms.items()}
            differ = [Equal(f"{step.solver.name}, {name}", reached[name], wanted[name]) for name in reached]
            if ends == "denoised":
                yield from differ
            else:
                yield Holds(f"{step.solver.name} does not end at x_s", not all(g.decide(one) for one in differ))

    return claim


def limit_kind(step: Step) -> str:
    """``denoised``, ``other`` or ``none``: the limit of a step as ``sigma_t`` goes to 0."""
    path = ON[step.solver.path]
    part = _end_part(step)
    learn = RationalEnv(part.points)
    step.tableau(learn.xp, step.placed(learn, path), Fraction(1))
    g = FieldEnv(part.points, learn.names(), part.conditions)
    kinds = ("none", "denoised", "other")
    return next(k for k in kinds if all(g.decide(one) for one in at_the_end(step, path, k)(g)))


def _part(claim: Claim, step: Step, twins: Mapping[str, Mapping[str, Any]]) -> Part:
    return Part(claim, twins, dict.fromkeys(step.labels, "snr"), conditions(step.labels, "snr", step.reads_lam))


def _end_part(step: Step) -> Part:
    path, ends = ON[step.solver.path], step.solver.ends
    points, side = step.needs(path)
    other = {"another end": {"ends": "none" if ends == "denoised" else "denoised"}}
    at_data = ("alpha_t == 1",) if path == "snr" else ()
    return Part(at_the_end(step, path, ends), other, points, (*side, *at_data), arena="field_only")


def one_class(g: Env, joins: tuple[tuple[str, str, str], ...] = ()) -> Iterator[Statement]:
    """Solvers that share a trajectory on the exact grid are one map; ``joins`` claims it of further pairs on a path."""
    found = partition()
    for first, second, path in (*found.joined, *joins):
        yield Holds(f"{first} and {second} are one map", not one_map(first, second, path))
    yield Holds("no pair shares the grid without a proof", not found.unproved)


PER_CALL = Part(
    every_call,
    {"the unconditional branch at another z": {"gap": 1}},
    {"s": "free"},
    ("alpha_s > 0", "sigma_s > 0", "sd > 0", "sigma_s**2 + alpha_s**2*sd**2 > 0", "alpha_s*dsigma != sigma_s*dalpha"),
)


def matched(name: str) -> Part:
    """The part of S4 for one solver."""
    step = Step(SOLVERS[name])
    return _part(by_snr_alone(step), step, {"z itself": {"power": 2}})


# Their tableaus in free alphas take up to a minute each: proved by the longer tier of the tests, not by verify.
LONG = ("unipc_bh2_4_eps", "unipc_bh2_4_x0")
MATCHED = tuple(matched(solver.name) for solver in SOLVERS.values() if solver.path == "any" and solver.name not in LONG)
LAST_STEPS = tuple(_end_part(Step(solver, end=True)) for solver in SOLVERS.values())

THEOREMS = (
    Theorem(
        "S5",
        r"\text{the classes of solvers: members have one tableau, at every depth of the past}",
        "derived here, from the sources of the members",
        "field",
        (
            Part(
                one_class,
                {"midpoint and Heun forms of 2M": {"joins": (("dpmpp_2m", "dpmpp_2m_heun", "any"),)}},
                arena="exact",
            ),
        ),
    ),
    Theorem(
        "S6",
        r"z'(\{w c_k + (1-w)u_k\}) = w\,z'(\{c_k\}) + (1-w)\,z'(\{u_k\}) \text{ at shared call latents, every solver}",
        "derived here",
        "field",
        tuple(_part(affine(Step(s)), Step(s), {"weights that sum to 2": {"total": 2}}) for s in SOLVERS.values()),
    ),
)
