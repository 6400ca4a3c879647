"""One rule for each torch operator the dispatch mode knows: operator name, without a trailing underscore -> rule.

A rule returns the error of the result; an operator in place uses the rule of its functional twin.
"""

from cfg_equiv.rounding.rules import arithmetic, functions, linear, memory, reductions
from cfg_equiv.rounding.rules.base import Rule, Unknown

RULES: dict[str, Rule] = {**arithmetic.RULES, **functions.RULES, **reductions.RULES, **linear.RULES, **memory.RULES}

__all__ = ["RULES", "Rule", "Unknown"]
