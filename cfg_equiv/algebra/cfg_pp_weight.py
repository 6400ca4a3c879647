r"""The weight of CFG at which one first-order step is the CFG++ step (theorem G9).

References
----------
[Chung24] Chung et al., CFG++, arXiv:2406.08070, section 3, where the two are compared; this form is derived here.
"""

from typing import Any


def cfg_pp_as_cfg(weight: Any, kappa: Any, kappa_next: Any) -> Any:
    r""":math:`w = \lambda\frac{\kappa}{\kappa - \kappa'}`, with :math:`\kappa = \sigma/\alpha` before and after."""
    return weight * kappa / (kappa - kappa_next)
