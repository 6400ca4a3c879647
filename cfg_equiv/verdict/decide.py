r"""The verdict on somebody's own guidance rule: a Python function of two predictions and a weight.

A rule of ``+ - * /`` alone runs on rationals and in the function field, unmodified: its verdict is a proof, or an exact
counterexample. Any other rule runs on tensors, unmodified, with the bound of its own roundings beside every result
(:mod:`cfg_equiv.verdict.measured`): that two results differ is then certain, that they never do is evidence from the
draws. What the classes mean is said in :mod:`cfg_equiv.theorems.verdicts`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isfinite
from typing import Any

import torch

from cfg_equiv.algebra.guidance.record import Rule, Twin
from cfg_equiv.errors import MismatchError, WeightError, sentence
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.foreign import on_rationals
from cfg_equiv.exact.rational import RATIONAL, Vector
from cfg_equiv.theorems.counterexample import Counterexample
from cfg_equiv.theorems.verdicts import DRAWS, field_proof, generators, linear_proof, search
from cfg_equiv.validation import require_parameterization
from cfg_equiv.verdict.advice import advise
from cfg_equiv.verdict.loading import RuleError, one_line, reads_latent
from cfg_equiv.verdict.measured import Measured, answer_on, quiet
from cfg_equiv.verdict.record import RuleVerdict

SHAPE = (1, 2, 2, 2)  # one item, two channels, two by two positions
TENSOR_DRAWS = 16  # of each generator, for a rule that runs on tensors
SEEDS = 8  # draws on which a shape must show a value

_TWIN = Twin("none is needed: the rule is judged, not catalogued", False)


def verdict(
    rule: Callable[..., Any],
    *,
    space: str = "x0",
    w: float | Fraction = 3,
    shape: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float64,
    name: str = "",
) -> RuleVerdict:
    """Whether a guidance rule means the same in every parameterization; if not, the smallest data that show it.

    Parameters
    ----------
    rule
        ``rule(cond, uncond, w)``, or with a parameter ``z`` for the latent; other parameters need defaults. It gets
        tensors of floats (or anything with ``+ - * /``) and gives the guided prediction in the shape of ``cond``.
    space
        The parameterization the rule was made for: where the advice tells to apply it, if it depends on that.
    w
        The weight at which it is judged, a finite number.
    shape
        The shape of the tensors, batch first; ``None``: small ones on which the rule has a value, then (1, 2, 2, 2).
    dtype
        The dtype of the tensors: ``float32`` for a rule that computes in float32 whatever it is given.

    Raises
    ------
    RuleError
        If the rule is no function of two predictions and a weight, raises, gives no tensor of their shape, or has a
        value almost nowhere.
    UnknownNameError
        If there is no parameterization ``space``.
    WeightError, MismatchError
        If the weight is not finite, or the shape not one of positive sizes.
    """
    require_parameterization("space", space)
    if isinstance(w, bool) or not isinstance(w, int | float | Fraction) or not isfinite(w):
        raise WeightError(sentence("a finite weight", repr(w), "pass the number at which the rule is used, such as 3"))
    if shape is not None and not all(isinstance(n, int) and n > 0 for n in shape):
        raise MismatchError(sentence("a shape of positive sizes", repr(shape), "pass for instance (1, 4, 2, 2)"))
    name = name or getattr(rule, "__name__", type(rule).__name__)
    sees_z = reads_latent(rule)
    _require(rule, name, tuple(shape or SHAPE), dtype, float(w), sees_z)
    base = Rule(name, on_rationals(rule), "", space, _TWIN, parameters={"w": Fraction(w)}, sees_z=sees_z)
    return _on_rationals(base) or _on_tensors(base, rule, shape, dtype)


def _on_rationals(rule: Rule) -> RuleVerdict | None:
    """The verdict where the rule is rational and runs on exact numbers; ``None`` where it does not."""
    try:
        with quiet():
            found = generators(rule)
            commutes = all(found.values())
            linear = commutes and linear_proof(rule)
            proved = linear or (commutes and field_proof(rule))
            example = None if commutes else search(rule)
    except Exception:  # a rule that asks for more than arithmetic may raise anything: it gets tensors instead
        return None
    if commutes and not proved:
        evidence = f"exact on {3 * DRAWS} draws"
    else:
        evidence = "field proof" if proved else "exact counterexample" if example else f"exact on {3 * DRAWS} draws"
    letter = "A" if linear else _letter(found)
    undefined = [label for label, data in special(1).items() if not _defined(rule, data)]
    return _record(rule, letter, found, evidence, example, undefined)


def _letter(found: Mapping[str, bool]) -> str:
    if all(found.values()):
        return "B"
    return "C" if found["translation"] and found["scale"] else "D"


def special(n: int) -> dict[str, tuple[list[int], list[int]]]:
    """Predictions at which rules that divide tend to have no value, by name."""
    ones, ramp = [1] * n, list(range(1, n + 1))
    return {
        "cond = uncond": (ramp, ramp),
        "cond = 0": ([0] * n, ramp),
        "uncond = 0": (ramp, [0] * n),
        "cond and uncond constant": (ones, [2] * n),
        "cond = uncond = 0": ([0] * n, [0] * n),
    }


def _defined(rule: Rule, data: tuple[list[int], list[int]]) -> bool:
    cond, uncond = (Vector(map(Fraction, x)) for x in data)
    try:
        rule.formula(RATIONAL, cond, uncond, **rule.parameters, **({"z": cond + cond} if rule.sees_z else {}))
    except ArithmeticError:
        return False
    return True


def _on_tensors(base: Rule, rule: Callable[..., Any], shape: Sequence[int] | None, dtype: torch.dtype) -> RuleVerdict:
    w = float(base.parameters["w"])
    generic = tuple(shape or SHAPE)
    count = torch.Size(generic).numel()

    def has_value(candidate: Sequence[int]) -> bool:
        return sum(_finite(rule, candidate, dtype, w, base.sees_z, seed) for seed in range(SEEDS)) > SEEDS // 2

    small = [(1, 1, 1, 1), (1, 2, 1, 1), (1, 1, 1, 2)] if shape is None else []
    shapes: dict[int, Sequence[int]] = {count: generic}
    for candidate in small:
        if torch.Size(candidate).numel() not in shapes and has_value(candidate):
            shapes[torch.Size(candidate).numel()] = candidate
    measured = Measured(rule, shapes, dtype)
    own = replace(base, formula=measured, arena="interval", elements=count, fewest=_fewest(shapes))
    try:
        found = generators(own, TENSOR_DRAWS)
        example = None if all(found.values()) else search(own)
    except ExactError as error:
        do = "it is NaN, infinite or raises elsewhere: guard its divisions, or give shape= with what it needs"
        raise RuleError(sentence(f"{base.name} to have a value on ordinary predictions", str(error), do)) from error
    draws = f"{3 * TENSOR_DRAWS} draws"
    if all(found.values()):
        evidence = f"no difference beyond rounding on {draws}: evidence, no proof"
    else:
        evidence = "separated beyond the bound of its rounding" + ("" if example else f", on {draws}")
    if measured.reruns:
        evidence += f"; of {measured.calls} results {measured.reruns} by calibrated reruns, which are statistical"
    undefined = [
        label for label, data in special(count).items() if not _finite_at(rule, data, generic, dtype, w, base.sees_z)
    ]
    return _record(own, _letter(found), found, evidence, example, undefined)


def _fewest(shapes: Mapping[int, Sequence[int]]) -> int:
    """From where on the search may go without meeting a size that has no shape."""
    sizes = sorted(shapes)
    return next(n for n in sizes if all(m in shapes for m in (1, 2, sizes[-1]) if m >= n))


def _draw(shape: Sequence[int], dtype: torch.dtype, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(-20, 20, tuple(shape), generator=generator).to(dtype) / 4 for _ in range(3)]


def _finite(rule: Callable[..., Any], shape: Sequence[int], dtype: torch.dtype, w: float, z: bool, seed: int) -> bool:
    *branches, latent = _draw(shape, dtype, seed)
    try:
        return bool(answer_on(rule, branches, w, latent if z else None).isfinite().all())
    except Exception:  # the rule's own: it has no value on this shape
        return False


def _finite_at(
    rule: Callable[..., Any], data: tuple[Any, Any], shape: Sequence[int], dtype: torch.dtype, w: float, z: bool
) -> bool:
    branches = [torch.tensor(x, dtype=dtype).reshape(tuple(shape)) for x in data]
    try:
        return bool(answer_on(rule, branches, w, 2 * branches[0] if z else None).isfinite().all())
    except Exception:  # the rule's own: an error is a value the rule refuses to give
        return False


def _require(
    rule: Callable[..., Any], name: str, shape: Sequence[int], dtype: torch.dtype, w: float, sees_z: bool
) -> None:
    """An error unless the rule gives a prediction, and on the same data the same one."""
    *branches, latent = _draw(shape, dtype, 0)
    try:
        first, second = (answer_on(rule, branches, w, latent if sees_z else None) for _ in range(2))
    except MismatchError as error:
        raise RuleError(str(error)) from error
    except Exception as error:  # the rule may raise anything
        raise RuleError(_raised(name, shape, error)) from error
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        do = (
            "a rule with a memory, or with noise, is not one rule: pass what it remembers as an argument with a default"
        )
        raise RuleError(sentence(f"{name} to give the same answer on the same predictions", "two", do))


def _raised(name: str, shape: Sequence[int], error: Exception) -> str:
    return sentence(
        f"{name} to run on tensors of shape {tuple(shape)}", one_line(error), "correct it, or give the shape it needs"
    )


def _record(
    rule: Rule,
    letter: str,
    found: Mapping[str, bool],
    evidence: str,
    example: Counterexample | None,
    undefined: Sequence[str],
) -> RuleVerdict:
    shown = None
    if example is not None:
        shown = {
            "alpha": str(example.alpha),
            "sigma": str(example.sigma),
            "w": str(rule.parameters["w"]),
            "z": [str(x) for x in example.latents["z"]],
            "cond": [str(x) for x in example.branches["cond"]],
            "uncond": [str(x) for x in example.branches["uncond"]],
            "result": {space: list(answers) for space, answers in example.results.items()},
        }
    exact = rule.arena == "exact"
    return RuleVerdict(
        rule.name,
        letter,
        dict(found),
        evidence,
        exact,
        str(rule.parameters["w"]),
        rule.space,
        shown,
        tuple(advise(rule, letter, found, DRAWS if exact else TENSOR_DRAWS)),
        tuple(undefined),
    )
