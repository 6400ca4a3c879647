"""The checks, one property a file. :data:`CHECKS` is all of them, in the order they run."""

from cfg_equiv.testing.checks import bat, cfg, dt, eq, history, mom, nan, order, rt, sch, sens, st, told, twin, x0
from cfg_equiv.testing.protocol import Check

_MODULES = (eq, cfg, rt, x0, twin, mom, order, history, sch, told, dt, nan, bat, sens, st)
CHECKS: tuple[Check, ...] = tuple(check for module in _MODULES for check in module.CHECKS)

__all__ = ["CHECKS"]
