"""Known-bad implementations, most of them seen in released code, and good ones: one catalogue, for whoever needs it.

Each :class:`~cfg_equiv.faults.record.Fault` names the checks that must notice it; every check that applies to a good
one must accept it. A check without a fault here that it alone notices has not shown that it can fail.
"""

from cfg_equiv.faults import conversions, guidance, samplers, schedules
from cfg_equiv.faults.record import Fault, Good

FAULTS: tuple[Fault, ...] = tuple(f for module in (guidance, conversions, schedules, samplers) for f in module.FAULTS)
GOOD: tuple[Good, ...] = tuple(g for module in (guidance, conversions, schedules, samplers) for g in module.GOOD)

__all__ = ["FAULTS", "GOOD", "Fault", "Good"]
