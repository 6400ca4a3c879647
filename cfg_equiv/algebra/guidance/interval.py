r"""Guidance in a limited interval of noise levels. Not smooth: it compares values.

The interval is stated in half-log-SNR, the only variable that means the same on every path. The paper states it on the
VE path, as :math:`\sigma \in (\sigma_\mathrm{lo}, \sigma_\mathrm{hi}]`; there :math:`\lambda = -\log\sigma`, so the
end that is included is the lower ``lam``. The same holds of every weight that is a function of the level alone: it
commutes, and only the variable it is a function of has to be common.

References
----------
[Kynk24] Kynkaanniemi et al., Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in
    Diffusion Models, arXiv:2404.07724, eq. 6.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.record import Rule, Twin


def interval_weight(w: Any, lam: Any, low: Any, high: Any, off: Any = 1) -> Any:
    """``w`` where ``low <= lam < high``, else ``off`` (1 in the ``u + w(c - u)`` convention, 0 in the other)."""
    return w if low <= lam < high else off


def _limited(xp: Any, cond: Any, uncond: Any, w: Any, window: Any) -> Any:
    return cfg(cond, uncond, interval_weight(w, *window))


def _keeps_weight(xp: Any, cond: Any, uncond: Any, w: Any, window: Any) -> Any:
    """The known-bad neighbour: outside the interval the unconditional branch is saved, and the weight kept."""
    return w * cond


RULES = (
    Rule(
        "limited interval",
        _limited,
        "arXiv:2404.07724, eq. 6",
        "any",
        Twin("outside, u is dropped and the weight kept", False, {"window": (5, -1, 2)}, _keeps_weight),
        parameters={"w": Fraction(3), "window": (1, -1, 2)},
        libraries={
            "diffusers": "start and stop of every guider: a fraction of the steps, so it depends on the step count",
            "stable-audio-tools": "models/dit.py cfg_interval, compared with the first item's sigma",
        },
    ),
)
