"""Machine-checked equivalences of classifier-free guidance and diffusion samplers across parameterizations.

The public names are imported when first used, so that ``import cfg_equiv.theorems`` does not import torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name -> module that defines it, sorted by name
_EXPORTS: dict[str, str] = {
    "Case": "cfg_equiv.case",
    "GuidanceCase": "cfg_equiv.case",
    "Guided": "cfg_equiv.algebra.solvers",
    "HistoryError": "cfg_equiv.errors",
    "LevelError": "cfg_equiv.errors",
    "MismatchError": "cfg_equiv.errors",
    "NonFiniteError": "cfg_equiv.errors",
    "PARAMETERIZATIONS": "cfg_equiv.algebra.rows",
    "ParameterError": "cfg_equiv.errors",
    "Parameterization": "cfg_equiv.algebra.rows",
    "PathError": "cfg_equiv.errors",
    "Point": "cfg_equiv.algebra.points",
    "RULES": "cfg_equiv.algebra.guidance",
    "Row": "cfg_equiv.algebra.points",
    "SAMPLERS": "cfg_equiv.algebra.samplers",
    "SCHEDULES": "cfg_equiv.schedules",
    "SOLVERS": "cfg_equiv.algebra.solvers",
    "Sampler": "cfg_equiv.algebra.samplers",
    "Schedule": "cfg_equiv.schedules",
    "SingularEndError": "cfg_equiv.errors",
    "Solver": "cfg_equiv.algebra.solvers",
    "StepCase": "cfg_equiv.case",
    "Stepper": "cfg_equiv.stepper",
    "UnknownNameError": "cfg_equiv.errors",
    "WeightError": "cfg_equiv.errors",
    "apply_rule": "cfg_equiv.rules",
    "assert_within": "cfg_equiv.rounding",
    "check": "cfg_equiv.testing.runner",
    "compose": "cfg_equiv.guidance",
    "convert": "cfg_equiv.conversion",
    "convert_weight": "cfg_equiv.guidance",
    "guide": "cfg_equiv.guidance",
    "guide_from_negative": "cfg_equiv.guidance",
    "guide_in_interval": "cfg_equiv.guidance",
    "guide_learned_variance": "cfg_equiv.guidance",
    "guided_samples": "cfg_equiv.guided.samples",
    "instruct_pix2pix": "cfg_equiv.guidance",
    "schedule": "cfg_equiv.schedules",
    "solve": "cfg_equiv.solving",
    "split_learned_variance": "cfg_equiv.guidance",
    "step": "cfg_equiv.sampling",
    "variance_runs": "cfg_equiv.guided.variance",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'cfg_equiv' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
