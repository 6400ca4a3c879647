"""Released configurations by the entry of the catalogue that they are, and what came of running them against it."""

from collections.abc import Callable, Collection
from typing import Any

from cfg_equiv.results import PeerResult


def released(
    names: Collection[str] = (), progress: Callable[[str], object] = lambda text: None
) -> dict[str, list[PeerResult]]:
    """By entry, the comparisons of whole runs with it; each is run once. Missing libraries give ``not_run``.

    Parameters
    ----------
    names
        Entries of the catalogue; empty means all.
    progress
        Told the name of each comparison before it runs.
    """
    # These need torch, which the guidance part of the atlas does without.
    from cfg_equiv.peers import solvers_diffusers_rows, solvers_k_diffusion, solvers_velocity

    found: dict[str, list[PeerResult]] = {}
    for module in (solvers_diffusers_rows, solvers_k_diffusion, solvers_velocity):
        entries: dict[str, Any] = {row.name: row.names for row in module.ROWS}
        for comparison in module.COMPARISONS:
            wanted = [name for name in entries[comparison.name] if not names or name in names]
            if not wanted:
                continue
            progress(f"released code: {comparison.name}")
            result = comparison()
            for name in wanted:
                found.setdefault(name, []).append(result)
    return found
