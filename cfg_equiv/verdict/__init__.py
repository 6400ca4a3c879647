"""The verdict on a guidance rule of one's own: what it is, the evidence, and in which space to apply it."""

from cfg_equiv.verdict.decide import verdict
from cfg_equiv.verdict.loading import RuleError, load_rule
from cfg_equiv.verdict.record import RuleVerdict

__all__ = ["RuleError", "RuleVerdict", "load_rule", "verdict"]
