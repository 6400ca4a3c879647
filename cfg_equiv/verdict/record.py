"""The verdict on a rule of one's own as plain data, and as text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MEANING = {
    "A": "linear, weights sum to one: one rule in every parameterization",
    "B": "commutes: one rule in every parameterization",
    "C": "commutes with shifts and positive scales, not with the sign",
    "D": "depends on the parameterization it is applied in",
}


@dataclass(frozen=True)
class RuleVerdict:
    """What is known of a rule.

    Attributes
    ----------
    letter
        The class, A to D.
    generators
        Whether it commutes with a ``translation`` along z, a positive ``scale`` and the ``sign``.
    evidence
        What the verdict rests on; ``exact`` whether on exact arithmetic alone.
    space
        Where the rule was made to be applied.
    counterexample
        Data as strings, rational where exact: the point, ``w``, ``z``, the branches as x0-predictions, and under
        ``result`` the rule applied in each space, mapped back to x0. ``None`` where it commutes.
    undefined
        Predictions at which the rule has no finite value.
    """

    name: str
    letter: str
    generators: Mapping[str, bool]
    evidence: str
    exact: bool
    w: str
    space: str
    counterexample: Mapping[str, Any] | None
    advice: tuple[str, ...]
    undefined: tuple[str, ...] = ()

    @property
    def commutes(self) -> bool:
        """Whether the rule means the same in every parameterization."""
        return self.letter in ("A", "B")

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON's types."""
        plain = asdict(self)
        plain["class"] = plain.pop("letter")
        return {**plain, "commutes": self.commutes, "canonical_space": "any" if self.commutes else self.space}

    def __str__(self) -> str:
        held = [name for name, holds in self.generators.items() if holds]
        broken = [name for name, holds in self.generators.items() if not holds]
        lines = [
            f"{self.name}: class {self.letter}, {MEANING[self.letter]}",
            f"  evidence: {self.evidence} (at w = {self.w})",
            f"  commutes with: {', '.join(held) or 'nothing'}" + (f"; not with: {', '.join(broken)}" if broken else ""),
        ]
        if self.counterexample is not None:
            lines += _shown(self.counterexample)
        lines += [f"  advice: {text}" for text in self.advice]
        if self.undefined:
            lines.append(f"  no finite value at: {'; '.join(self.undefined)}: guard what it divides by")
        return "\n".join(lines)


def _shown(data: Mapping[str, Any]) -> list[str]:
    vectors = ", ".join(f"{name} = ({', '.join(data[name])})" for name in ("z", "cond", "uncond"))
    lines = [
        f"  counterexample at alpha = {data['alpha']}, sigma = {data['sigma']}, predictions of x0: {vectors}",
        "  the rule applied in each space, its answer mapped back to x0:",
    ]
    return [*lines, *(f"    {space:5} ({', '.join(result)})" for space, result in data["result"].items())]
