"""Released code, imported and run unmodified, against the formulas of this package.

Each module holds one library's comparisons as data; :data:`COMPARISONS` is all of them. Where released code takes field
elements it is proved as shipped; where it needs tensors its result must lie within the rounding bound of its own
operations around the exact value. The ``solvers_`` modules compare whole runs with the catalogue of solvers.
"""

from collections.abc import Callable

from cfg_equiv.peers import (
    diffusers,
    flow_matching,
    guiders,
    guiders_findings,
    guiders_stable_audio,
    k_diffusion,
    solvers_diffusers_rows,
    solvers_findings,
    solvers_k_diffusion,
    solvers_velocity,
    stable_audio,
)
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.results import PeerResult

COMPARISONS: tuple[Comparison, ...] = (
    *diffusers.COMPARISONS,
    *k_diffusion.COMPARISONS,
    *stable_audio.COMPARISONS,
    *flow_matching.COMPARISONS,
    *solvers_diffusers_rows.COMPARISONS,
    *solvers_k_diffusion.COMPARISONS,
    *solvers_velocity.COMPARISONS,
    *solvers_findings.COMPARISONS,
    *guiders.COMPARISONS,
    *guiders_stable_audio.COMPARISONS,
    *guiders_findings.COMPARISONS,
)

__all__ = ["COMPARISONS", "run_all"]


def run_all(progress: Callable[[str], object] = lambda name: None) -> list[PeerResult]:
    """Run every comparison; ``progress`` is told the name of each before it starts."""
    results = []
    for comparison in COMPARISONS:
        progress(comparison.name)
        results.append(comparison())
    return results
