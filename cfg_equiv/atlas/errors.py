"""The error of well-known solvers against the network calls they make, for the figure and the records."""

from collections.abc import Callable, Collection
from typing import Any

# Those that people choose, of every kind; and both forms of the third-order multistep step, stock and corrected.
SHOWN = (
    "ddim_eps",
    "dpmpp_2m",
    "dpmpp_2m_heun",
    "dpmpp_3m",
    "dpmpp_3m_corrected",
    "deis_3",
    "lms_4",
    "heun",
    "dpm_2",
    "dpmpp_2s_midpoint",
    "dpmpp_3s",
    "flow_midpoint",
    "flow_rk4",
    "unipc_bh1_2_x0",
    "unipc_bh2_2_x0",
    "unipc_bh2_3_x0",
    "sa_pc_34_few_x0",
)


def measured(
    names: Collection[str] = (), progress: Callable[[str], object] = lambda text: None
) -> dict[str, dict[str, Any]]:
    """By entry, evaluations and the root mean square errors of ``z/alpha``: of :data:`SHOWN`, those in ``names``.

    The data are a Gaussian mixture whose exact trajectories are known, the start is cold, the grid that of Karras
    (:func:`cfg_equiv.convergence.error_against_evaluations`). Empty ``names`` mean all.
    """
    from cfg_equiv.convergence import error_against_evaluations  # needs torch, the guidance part does not

    found = {}
    for name in SHOWN:
        if names and name not in names:
            continue
        progress(f"errors of {name}")
        (one,) = error_against_evaluations((name,))
        found[name] = {"evaluations": list(one.evaluations), "rms": list(one.errors), "path": one.path}
    return found
