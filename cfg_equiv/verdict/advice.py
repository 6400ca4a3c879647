r"""What to do with a rule that depends on the parameterization: where to apply it, and neighbours that commute.

Two neighbours are tried, and offered only where the generators say that they commute:

- the rule on the difference, :math:`u + H(c-u)` with :math:`H(d) = \mathrm{rule}(d, 0)` (theorem G2);
- the rule across the latent: :math:`c` and :math:`u` lose their part along ``z``, the rule is applied to what is left,
  and the parts along ``z`` are guided plainly (theorem G10 is this for APG).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.convert import amplification
from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.interval_vectors import apart
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.theorems.verdicts import apply, generators, lift

HALF = Point(Fraction(1, 2), Fraction(1, 2))  # every determinant has its sign here that it has for all alpha, sigma > 0
_PROBES = (((1, 3), (2, -1)), ((5, 2), (-1, 4)))  # predictions on which two rules are told apart


def advise(rule: Rule, letter: str, found: Mapping[str, bool], draws: int) -> list[str]:
    """Sentences for the author of a rule; the first says where to apply it."""
    if letter in ("A", "B"):
        return ["apply it to whatever the network emits"]
    space, call = rule.space, f"{rule.name}(cond, uncond, w{', z' * rule.sees_z})"
    advice = []
    if letter == "C":
        same = [name for name, sign in orientations().items() if sign == orientations()[space]]
        advice.append(f"it is one rule among {', '.join(same)} and another one among the rest: say which is meant")
    advice.append(
        f"apply it in {space}: convert both predictions with cfg_equiv.convert(z, pred, source=..., target={space!r}, "
        f"alpha=..., sigma=...), call {call}, convert the answer back"
    )
    return advice + ([] if found["translation"] else _neighbours(rule, found, draws))


def orientations() -> dict[str, int]:
    """The sign by which each parameterization that needs no parameters multiplies a difference of predictions of x0."""
    x0 = PARAMETERIZATIONS["x0"].at(RATIONAL, HALF)
    rows = {name: p.at(RATIONAL, HALF) for name, p in PARAMETERIZATIONS.items() if not p.needs}
    return {name: 1 if amplification(HALF, x0, row) > 0 else -1 for name, row in rows.items()}


def on_difference(rule: Rule) -> Rule:
    """``u + rule(c - u, 0)``."""

    def formula(xp: Any, cond: Any, uncond: Any, **given: Any) -> Any:
        difference = cond - uncond
        return uncond + rule.formula(xp, difference, difference - difference, **given)

    return replace(rule, formula=formula)


def across_latent(rule: Rule) -> Rule:
    """A rule that does not see ``z`` on the parts orthogonal to it, plain guidance along it."""

    def formula(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
        c, u = (z * (xp.dot(x, z) / xp.dot(z, z)) for x in (cond, uncond))
        return cfg(c, u, w) + rule.formula(xp, cond - c, uncond - u, w=w)

    return replace(rule, formula=formula, sees_z=True)


def _neighbours(rule: Rule, found: Mapping[str, bool], draws: int) -> list[str]:
    """Those that commute; both only mend a failure of the shift, and the second one nothing but that."""
    texts = []
    if _commutes(neighbour := on_difference(rule), draws):
        what = _plain(neighbour)
        texts.append(f"uncond + {rule.name}(cond - uncond, 0, w) commutes{f'; it is {what}' if what else ''}")
    if not rule.sees_z and found["scale"] and found["sign"] and _commutes(across_latent(rule), draws):
        texts.append(
            f"{rule.name} on the parts of cond and uncond orthogonal to z (each item as one vector), with plain "
            "guidance along z, commutes"
        )
    return texts


def _commutes(rule: Rule, draws: int) -> bool:
    try:
        return all(generators(rule, draws).values())
    except (ExactError, TypeError, AttributeError):
        return False


def _plain(rule: Rule) -> str:
    """Plain guidance, or the bare branch, where a rule is that on the probes."""
    weights = [_weight(rule, [Vector(map(Fraction, _filled(x, rule.elements))) for x in probe]) for probe in _PROBES]
    if None in weights or len(set(weights)) > 1:
        return ""
    weight = weights[0]
    return {"0": "uncond alone", "1": "cond alone"}.get(str(weight), f"plain guidance with weight {weight}")


def _filled(values: tuple[int, ...], n: int) -> list[int]:
    return [values[k % len(values)] + k // len(values) for k in range(n)]


def _weight(rule: Rule, branches: list[Vector]) -> str | None:
    """``a`` if the rule gives ``u + a*(c - u)`` on these branches, as text of six digits."""
    cond, uncond = (lift(rule, branch) for branch in branches)
    z = lift(rule, branches[0] + branches[1])
    shift = apply(rule, {"cond": cond, "uncond": uncond}, z, rule.parameters) - uncond
    difference = cond - uncond
    slope = shift.items[0] / difference.items[0]
    expected = difference * slope
    same: Callable[..., bool] = (lambda a, b: a == b) if rule.arena == "exact" else (lambda a, b: not apart(a, b))
    return f"{float(str(slope)) if rule.arena == 'interval' else float(slope):.6g}" if same(shift, expected) else None
