r"""Where a claim gets its values from: generators of a field, or rational points. One claim runs in both.

``g.w`` is the value called ``w``; ``g.point("s")`` is the point :math:`(\alpha_s, \sigma_s)`, on the path the theorem
declares for it: ``free`` (two independent values), ``snr`` (:math:`\alpha` and :math:`\kappa = \sigma/\alpha`
independent, so that a half-log-SNR is one generator; drawn with :math:`\kappa` growing in the order the points are
declared), ``vp`` (:math:`\alpha = (1-t^2)/(1+t^2)`,
:math:`\sigma = 2t/(1+t^2)`, a rational parametrisation of the circle), ``circle`` (two generators modulo
:math:`\alpha^2+\sigma^2-1`), ``flow`` (:math:`\alpha = 1-\sigma`) and ``ve`` (:math:`\alpha = 1`).
"""

import random
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.exact.combination import as_scalar
from cfg_equiv.exact.element import ExactError, PoleError
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.theorems.statement import Differs, Equal, Statement

Path = Literal["free", "snr", "vp", "circle", "flow", "ve"]

# The generators a path needs for one point; those of the second group lie inside (0, 1).
_GENERATORS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "free": (("alpha", "sigma"), ()),
    "snr": (("alpha", "kappa"), ()),
    "circle": (("alpha", "sigma"), ()),
    "ve": (("sigma",), ()),
    "flow": ((), ("sigma",)),
    "vp": ((), ("t",)),
}
# How many irreducible factors a half-log-SNR of the path has, if not two.
_LOGS = {"snr": 1, "ve": 1, "vp": 4}
# Names that are drawn positive at rational points; the declared conditions still decide.
_POSITIVE = ("alpha", "sigma", "kappa", "sd", "gamma", "c_", "pi_")


def split_condition(text: str) -> tuple[str, str, str]:
    """``'a > b'`` as ``('a', '>', 'b')``; the relations are ``>``, ``!=`` and ``==``."""
    for relation in ("!=", "==", ">"):
        left, found, right = text.partition(relation)
        if found:
            return left.strip(), relation, right.strip()
    raise ValueError(f"expected a condition 'a > b', 'a != b' or 'a == b', got {text!r}: write it with one relation")


class Env:
    """Values by name, made when first asked for and remembered."""

    xp: Any

    def __init__(self, points: Mapping[str, Path]) -> None:
        self._values: dict[str, Any] = {}
        self._points = dict(points)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name in ("expm1", "sqrt"):  # a condition may use the namespace
            return getattr(self.xp, name)
        if name == "value":  # and the value of a logarithm
            return as_scalar
        if name not in self._values:
            self._values[name] = self._make(name)
        return self._values[name]

    def names(self) -> list[str]:
        """The names asked for so far that stand for free values."""
        derived = {"lam"} | {f"{q}{suffix(p)}" for p in self._points for q in ("alpha", "sigma", "lam")}
        generators = {name for label, path in self._points.items() for name in _names(label, path)}
        return [name for name in self._values if name not in derived or name in generators]

    def point(self, label: str = "", *, lam: bool = False) -> Point:
        """The point with this label; with ``lam`` its half-log-SNR too."""
        end = suffix(label)
        return Point(self[f"alpha{end}"], self[f"sigma{end}"], self[f"lam{end}"] if lam else None)

    def condition(self, text: str) -> Any:
        """The left minus the right side of a condition such as ``alpha_t*sigma_s > alpha_s*sigma_t``."""
        left, _, right = split_condition(text)
        return eval(f"({left}) - ({right})", {"__builtins__": {}}, _Names(self))

    def derivative(self, value: Any, name: str) -> Any:
        """The partial derivative of a value by the generator ``name``. Only the field takes derivatives."""
        return value

    def limit_at_zero(self, value: Any, name: str) -> Any:
        """The limit of a value as the generator ``name`` goes to zero. Only the field takes limits."""
        return value

    def has_limit(self, value: Any, name: str) -> bool:
        """Whether that limit is finite."""
        return True

    def one_signed(self, *terms: Any) -> bool:
        """Whether no two of the terms have opposite signs, so that their sum cannot cancel."""
        signs = {self._sign(term) for term in terms} - {0}
        return len(signs) <= 1 and None not in signs

    def _sign(self, value: Any) -> int | None:
        return (value > 0) - (value < 0) if isinstance(value, int | Fraction) else 1 if _is_positive(value) else -1

    def equal(self, lhs: Any, rhs: Any) -> bool:
        """Whether two values are equal here."""
        return self._equal(lhs, rhs)

    def decide(self, statement: Statement) -> bool:
        """Whether a statement is true here."""
        if isinstance(statement, Equal):
            return self._equal(statement.lhs, statement.rhs)
        if isinstance(statement, Differs):
            return not self._equal(statement.lhs, statement.rhs)
        return statement.fact

    def _place(self, label: str, path: Path) -> None:
        end = suffix(label)
        if path == "snr":
            alpha, sigma = self[f"alpha{end}"], self[f"alpha{end}"] * self[f"kappa{end}"]
        elif path == "vp":
            t = self[f"t{end}"]
            alpha, sigma = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        else:
            sigma = self[f"sigma{end}"]
            alpha = 1 - sigma if path == "flow" else 1 + 0 * sigma if path == "ve" else self[f"alpha{end}"]
        self._values.update({f"alpha{end}": alpha, f"sigma{end}": sigma})

    def _make(self, name: str) -> Any:
        head, _, label = name.partition("_")
        if head == "lam" and label in self._points:
            return point(self.xp, self[f"alpha{suffix(label)}"], self[f"sigma{suffix(label)}"]).lam
        return self._draw(name)

    def _draw(self, name: str) -> Any:
        raise KeyError(name)

    def _equal(self, lhs: Any, rhs: Any) -> bool:
        raise TypeError("an environment decides equality in its own way")


def suffix(label: str) -> str:
    """The ending of a point's coordinates: ``_s`` for ``alpha_s``, nothing for the unlabelled point."""
    return f"_{label}" if label else ""


def _names(label: str, path: Path) -> tuple[str, ...]:
    return tuple(name + suffix(label) for group in _GENERATORS[path] for name in group)


class _Names(dict[str, Any]):
    """The mapping ``eval`` asks for: every name is a value of the environment."""

    def __init__(self, env: Env) -> None:
        super().__init__()
        self._env = env

    def __missing__(self, name: str) -> Any:
        return self._env[name]


class RationalEnv(Env):
    """Lattice values drawn from a numbered trial: small ones first, so the first counterexample is a readable one."""

    def __init__(self, points: Mapping[str, Path], trial: int = 0) -> None:
        super().__init__(points)
        self.xp = RATIONAL
        self._random = random.Random(trial)
        self._size = 2 + trial // 16
        for path in dict.fromkeys(self._points.values()):
            self._draw_noise(path, [label for label, its in self._points.items() if its == path])
        for label, path in self._points.items():
            self._place(label, "vp" if path == "circle" else path)

    def _draw_noise(self, path: Path, labels: list[str]) -> None:
        """The coordinate that says how noisy the points are; more than two are points of a step, in growing noise."""
        if path == "snr":
            steps = [Fraction(self._random.randint(1, self._size + 1), self._random.choice((1, 2))) for _ in labels]
            self._values.update((f"kappa{suffix(x)}", sum(steps[: k + 1])) for k, x in enumerate(labels))
        for name in _GENERATORS[path][1]:
            drawn: list[Fraction] = []
            size = self._size + 1 + (len(labels) if len(labels) > 2 else 0)
            while len(drawn) < len(labels):
                denominator = self._random.randint(2, size)
                value = Fraction(self._random.randint(1, denominator - 1), denominator)
                if len(labels) <= 2 or value not in drawn:
                    drawn.append(value)
            in_order = sorted(drawn) if len(labels) > 2 else drawn
            self._values.update(zip((name + suffix(x) for x in labels), in_order, strict=True))

    def _draw(self, name: str) -> Fraction:
        if name == "eta":
            return Fraction(1, 2)  # inside (0, 1), and a multiple of one half: exp(eta*log r) stays a surd
        value = Fraction(self._random.randint(1, self._size), self._random.choice((1, 2)))
        return value if name.startswith(_POSITIVE) or self._random.random() < 0.5 else -value

    def _equal(self, lhs: Any, rhs: Any) -> bool:
        return bool(lhs == rhs)

    def satisfies(self, conditions: Iterable[str]) -> bool:
        """Whether the drawn values meet the conditions."""
        for text in conditions:
            difference, relation = self.condition(text), split_condition(text)[1]
            zero = difference == 0
            if not {"==": zero, "!=": not zero, ">": not zero and _is_positive(difference)}[relation]:
                return False
        return True


def _is_positive(value: Any) -> bool:
    # Only the truth of a side condition at a test point hangs on this, never an equality: floats are good enough
    # for surds, whose terms are small integers here.
    terms = getattr(value, "terms", None)
    if terms is None:
        return bool(value > 0)
    return bool(sum(float(q) * k**0.5 for k, q in terms.items()) > 0)


class FieldEnv(Env):
    """Generators of a field in which the side conditions have been declared."""

    def __init__(self, points: Mapping[str, Path], names: Iterable[str], conditions: Iterable[str]) -> None:
        super().__init__(points)
        logs = sum(_LOGS.get(path, 2) for path in self._points.values())
        self.field = self.xp = Field(list(names), auxiliary=max(8, logs))
        self._values.update(self.field.gens)
        for label, path in self._points.items():
            for name in (name + suffix(label) for name in _GENERATORS[path][1]):
                self.field.declare_positive(self[name])
                self.field.declare_positive(1 - self[name])
            self._place(label, path)
            if path == "circle":
                self.field.declare_zero(self[f"alpha{suffix(label)}"] ** 2 + self[f"sigma{suffix(label)}"] ** 2 - 1)
        declare = {
            ">": self.field.declare_positive,
            "!=": self.field.declare_nonzero,
            "==": self.field.declare_zero,
        }
        for text in conditions:
            declare[split_condition(text)[1]](self.condition(text))

    def _draw(self, name: str) -> Any:
        raise ExactError(f"the claim asks for {name!r} in the field but did not at the rational point")

    def derivative(self, value: Any, name: str) -> Any:
        """The partial derivative, in the field."""
        return self.field.derivative(value, self[name])

    def limit_at_zero(self, value: Any, name: str) -> Any:
        """The limit, in the field."""
        return self.field.limit_at_zero(value, self[name])

    def has_limit(self, value: Any, name: str) -> bool:
        """Whether the limit is finite, in the field."""
        try:
            self.field.limit_at_zero(value, self[name])
        except PoleError:
            return False
        return True

    def _sign(self, value: Any) -> int | None:
        return self.field.sign_of(value)

    def _equal(self, lhs: Any, rhs: Any) -> bool:
        return self.field.is_zero(self.field.element(lhs) - rhs)
