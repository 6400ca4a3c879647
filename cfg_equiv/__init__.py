"""Machine-checked equivalences of classifier-free guidance and diffusion samplers across parameterizations.

The public names are imported when first used, so that ``import cfg_equiv.theorems`` does not import torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name -> module that defines it, sorted by name
_EXPORTS: dict[str, str] = {}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'cfg_equiv' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
