"""Known-bad implementations, most of them seen in released code, and good ones: one catalogue, for whoever needs it.

Each :class:`~cfg_equiv.faults.record.Fault` names the checks that must notice it; every check that applies to a good
one must accept it. A check without a fault here that it alone notices has not shown that it can fail.
"""

from cfg_equiv.faults import conversions, guidance, samplers, schedules, stochastic
from cfg_equiv.faults.record import Fault, Good

_MODULES = (guidance, conversions, schedules, samplers, stochastic)
FAULTS: tuple[Fault, ...] = tuple(fault for module in _MODULES for fault in module.FAULTS)
GOOD: tuple[Good, ...] = tuple(good for module in _MODULES for good in module.GOOD)

__all__ = ["FAULTS", "GOOD", "Fault", "Good"]
