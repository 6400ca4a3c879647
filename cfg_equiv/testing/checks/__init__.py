"""The checks, one property a file. :data:`CHECKS` is all of them, in the order they run."""

from cfg_equiv.testing.checks import bat, cfg, eq, nan, rt, sens, st
from cfg_equiv.testing.protocol import Check

CHECKS: tuple[Check, ...] = tuple(check for module in (eq, cfg, rt, nan, bat, sens, st) for check in module.CHECKS)

__all__ = ["CHECKS"]
