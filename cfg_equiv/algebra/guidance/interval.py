r"""Guidance in a limited interval of noise levels. Not smooth: it compares values.

The interval is stated in half-log-SNR, the only variable that means the same on every path. The paper states it on the
VE path, as :math:`\sigma \in (\sigma_\mathrm{lo}, \sigma_\mathrm{hi}]`; there :math:`\lambda = -\log\sigma`, so the
end that is included is the lower ``lam``.

References
----------
[Kynk24] Kynkaanniemi et al., Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in
    Diffusion Models, arXiv:2404.07724, eq. 6.
"""

from typing import Any


def interval_weight(w: Any, lam: Any, low: Any, high: Any, off: Any = 1) -> Any:
    """``w`` where ``low <= lam < high``, else ``off`` (1 in the ``u + w(c - u)`` convention, 0 in the other)."""
    return w if low <= lam < high else off
