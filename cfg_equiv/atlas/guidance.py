r"""The atlas of guidance rules: for each what it means in every space, and numbers from which anyone can recompute it.

A record's ``counterexample`` holds exact numbers as text. Its branches are given as x0-predictions; ``result`` has the
rule applied in a space and mapped back to x0. To recompute one: convert every branch to the space by its row (with
:math:`\epsilon = (z - \alpha x_0)/\sigma` a prediction is :math:`p\,x_0 + q\,\epsilon`), apply ``code``, convert back.

=====  ============  ===========
space  p             q
=====  ============  ===========
x0     1             0
eps    0             1
flow   -1            1
v      -sigma        alpha
score  0             -1/sigma
=====  ============  ===========
"""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from cfg_equiv.algebra.guidance import ABSENT_RULES, RULES
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.atlas.contradictions import contradicts
from cfg_equiv.atlas.pairs import data_of, pairs
from cfg_equiv.errors import unknown_name
from cfg_equiv.theorems.counterexample import Counterexample
from cfg_equiv.theorems.verdicts import BEFORE, verdict

Record = dict[str, Any]
ORDER = "ABCDEF"
GUIDANCE = "cfg_equiv.algebra.guidance"


def guidance(
    names: Collection[str] = (), progress: Callable[[str], object] = lambda text: None
) -> dict[str, list[Record]]:
    """The atlas of rules: ``{"guidance": [...], "absent": [...]}`` in JSON's types, by class, then as in the catalogue.

    Parameters
    ----------
    names
        Rules of the catalogue; empty means all.
    progress
        Told the name of each rule before it is decided.

    Raises
    ------
    UnknownNameError
        If the catalogue has no rule of a name.
    """
    for name in names:
        if name not in RULES:
            raise unknown_name("guidance rule", name, RULES)
    records = []
    for name in names or RULES:
        progress(f"guidance {name}")
        records.append(record(RULES[name]))
    records.sort(key=lambda one: ORDER.index(one["class"]))
    return {"guidance": records, "absent": absent(ABSENT_RULES)}


def absent(reasons: Mapping[str, str]) -> list[Record]:
    """What a catalogue does not have, with the reason."""
    return [{"name": name, "reason": reason} for name, reason in reasons.items()]


def record(rule: Rule) -> Record:
    """One rule, decided."""
    found = verdict(rule)
    example = found.counterexample
    return {
        "name": rule.name,
        "source": rule.source,
        "class": found.letter,
        "commutes": found.commutes,
        "canonical_space": "any" if found.commutes else rule.space,
        "counterexample": None if example is None else numbers(rule, example),
        "libraries": [{"library": library, "does": what} for library, what in rule.libraries.items()],
        "pairs": {f"{p.first} {p.second}": {"same": p.same, "size": p.size} for p in pairs(rule, found)},
        "authors_space": rule.space,
        "evidence": found.evidence,
        "generators": {"translation": found.translation, "scale": found.scale, "sign": found.sign},
        "branches": dict(rule.branches),
        "answer": rule.answer,
        "commuting_neighbour": rule.commuting,
        "twin": {"change": rule.twin.label, "commutes": rule.twin.commutes},
        "code": code(rule),
        "contradicts": contradicts(rule.name),
    }


def code(rule: Rule) -> str:
    """The rule's formula as shipped: the source of the function that was decided, after those of its kind it calls."""
    found: dict[str, str] = {}
    _collect(rule.formula, found)
    return "\n\n".join(found.values())


def _collect(function: Any, found: dict[str, str]) -> None:
    for name in function.__code__.co_names:
        called = function.__globals__.get(name)
        if inspect.isfunction(called) and called.__module__.startswith(GUIDANCE) and name not in found:
            _collect(called, found)
    found[function.__name__] = inspect.getsource(function).rstrip()


def numbers(rule: Rule, example: Counterexample) -> Record:
    """A counterexample as text: rationals, roots as ``q*sqrt(k)``, decimals where only enclosures are known.

    A vector is a list. Branches that are not called ``cond`` and ``uncond`` are in ``branches``, where every branch is,
    with the level and the latent it is seen at.
    """
    data = data_of(example)
    here = (example.alpha, example.sigma)
    levels = {"here": here, "other_latent": here, "other_level": tuple(BEFORE)[:2]}

    def branch(name: str, seen: str) -> Record:
        if seen == "constant":
            return {"value": _texts(example.branches[name]), "seen": seen}
        alpha, sigma = (str(x) for x in levels[seen])
        latent = _texts(data.latent(rule, name))
        return {"x0": _texts(example.branches[name]), "seen": seen, "alpha": alpha, "sigma": sigma, "z": latent}

    results = {space: list(values) for space, values in example.results.items()}
    return {
        "alpha": str(example.alpha),
        "sigma": str(example.sigma),
        "w": _text(example.parameters["w"]) if "w" in example.parameters else None,
        "z": _texts(example.latents["z"]),
        "cond": _of(example, "cond"),
        "uncond": _of(example, "uncond"),
        "result": results,
        "branches": {name: branch(name, seen) for name, seen in rule.branches.items()},
        "parameters": {name: _text(value) for name, value in example.parameters.items()},
        "mapped_back": rule.answer == "prediction",  # a gradient is left as it is
        "size": example.size,
        "numbers": _kind(rule, (text for values in results.values() for text in values)),
    }


def _of(example: Counterexample, name: str) -> list[str] | None:
    return _texts(example.branches[name]) if name in example.branches else None


def _texts(values: Iterable[Any]) -> list[str]:
    return [str(x) for x in values]


def _text(value: Any) -> Any:
    """A parameter as text; a tuple as a list."""
    return [_text(x) for x in value] if isinstance(value, tuple) else str(value)


def _kind(rule: Rule, texts: Iterable[str]) -> str:
    if rule.arena == "interval":
        return "middles of enclosures"
    return "rationals" if all(re.fullmatch(r"-?\d+(/\d+)?", text) for text in texts) else "rationals and square roots"
