"""Oracle 2: rounding. Bounds carried by the numbers, so that no tolerance is written by hand.

The public names are imported when first used: :mod:`.constants` and :mod:`.apriori` need no torch.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "BOUNDED": "bounded",
    "BoundMode": "dispatch",
    "Bounded": "bounded",
    "Format": "constants",
    "Majorant": "apriori",
    "RoundingAssumptionError": "constants",
    "assert_within": "within",
    "calibrated_spread": "rerun",
    "format_of": "constants",
    "self_check": "constants",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'cfg_equiv.rounding' has no attribute {name!r}")
    return getattr(import_module(f"cfg_equiv.rounding.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
