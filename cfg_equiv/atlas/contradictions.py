"""Where the documentation of a released library says what the atlas refutes, each with a program that shows it.

Every program is run by the tests, which compare what it prints.
"""

from typing import Any

from cfg_equiv.atlas.contradictions_guidance import GUIDANCE
from cfg_equiv.atlas.contradictions_samplers import SAMPLERS

CONTRADICTIONS = (*GUIDANCE, *SAMPLERS)


def contradicts(name: str) -> list[dict[str, Any]]:
    """What a documentation says against the verdict on a rule, or the proved order of a solver, as records."""
    return [one.record() for one in CONTRADICTIONS if one.rule_or_solver == name]
