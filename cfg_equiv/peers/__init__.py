"""Released code, imported and run unmodified, against the formulas of this package.

Each module holds one library's comparisons as data; :data:`COMPARISONS` is all of them. Where released code takes field
elements it is proved as shipped; where it needs tensors its result must lie within the rounding bound of its own
operations around the exact value.
"""

from collections.abc import Callable

from cfg_equiv.peers import diffusers, flow_matching, k_diffusion, stable_audio
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.results import PeerResult

COMPARISONS: tuple[Comparison, ...] = (
    *diffusers.COMPARISONS,
    *k_diffusion.COMPARISONS,
    *stable_audio.COMPARISONS,
    *flow_matching.COMPARISONS,
)

__all__ = ["COMPARISONS", "run_all"]


def run_all(progress: Callable[[str], object] = lambda name: None) -> list[PeerResult]:
    """Run every comparison; ``progress`` is told the name of each before it starts."""
    results = []
    for comparison in COMPARISONS:
        progress(comparison.name)
        results.append(comparison())
    return results
