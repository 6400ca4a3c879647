"""The runs after the plan: they put what explains a failure to the test, and make its smallest case smaller.

Pairs of options meet in few runs, so that several conditions often fit. Two kinds of run tell them apart:

- the defaults with the options of one condition alone: if it passes, they are not the cause;
- the smallest failing run with half of its options back at their defaults, then a quarter, then one by one: if it
  still fails, it is the new smallest.

References
----------
A. Zeller, R. Hildebrandt, Simplifying and isolating failure-inducing input, IEEE Trans. Software Eng. 28 (2002).
"""

from collections.abc import Iterator, Set
from typing import Any

from cfg_equiv.sweeping.explain import Literal, Term
from cfg_equiv.sweeping.findings import Finding, Overview
from cfg_equiv.sweeping.records import Run


def doubts(found: Overview, there: Set[str]) -> list[Run]:
    """The next runs to make; none if nothing is left to doubt.

    Parameters
    ----------
    found
        What is known.
    there
        The keys of the runs that have been made.
    """
    runs: dict[str, Run] = {}
    for one in found.findings:
        if not one.smallest.run.subject:  # else it has no options
            for run in (*_alone(one), *_smaller(one, there)):
                if run.key not in there:
                    runs.setdefault(run.key, run)
    return list(runs.values())


def _alone(one: Finding) -> Iterator[Run]:
    """The defaults with the options of one term, and those that the property needs to apply at all."""
    for condition in (one.explanation.condition, *one.explanation.ties):
        for term in condition:
            yield _run(one, {**_chosen(one.applies, one), **_chosen(term, one)})


def _smaller(one: Finding, there: Set[str]) -> list[Run]:
    """The smallest run with some options back at their defaults, the largest parts first."""
    changed = dict(one.smallest.run.options)
    size = len(changed) // 2
    while size:
        names = list(changed)
        parts = [names[k : k + size] for k in range(0, len(names), size)]
        runs = [_run(one, {k: v for k, v in changed.items() if k not in part}) for part in parts]
        if new := [run for run in runs if run.key not in there]:
            return new
        size //= 2
    return []


def _run(one: Finding, options: dict[str, Any]) -> Run:
    given = {**one.defaults, **options}
    return Run(one.target, "", {k: v for k, v in given.items() if repr(v) != repr(one.defaults[k])})


def _chosen(term: Term, one: Finding) -> dict[str, Any]:
    return {literal.option: _value(literal, one) for literal in term}


def _value(literal: Literal, one: Finding) -> Any:
    """A value with which the literal holds: its own, the default, or that of the smallest failing run."""
    if literal.equal:
        return literal.value
    known = (one.defaults, one.smallest.options)
    return next((options[literal.option] for options in known if literal.holds(options)), one.defaults[literal.option])
