r"""Hypothesis strategies for levels, schedules, weights, latents and whole cases; arguments are values or strategies.

Scalars are lattice integers over 4: exact in float64, float32, bfloat16, float16 and as rationals, and they shrink to
small readable numbers. Everything holds by construction, nothing is filtered: the levels of a schedule are distinct and
run from noise to data, the items of a batch are distinct, and so are the two predictions of the simplest case.

``ends`` says whether a schedule reaches pure noise (alpha = 0, its first level) and clean data (sigma = 0, its last):
``"none"``, ``"noise"``, ``"data"`` or ``"both"``, as far as the family has that end, and the parameterization and the
sampler a value there.

References
----------
[MacIver19] MacIver, Hatfield-Dodds et al., Hypothesis, doi:10.21105/joss.01891. [MacIver20] MacIver, Donaldson,
    Test-case reduction via test-case generation, doi:10.4230/LIPIcs.ECOOP.2020.13.
"""

from cfg_equiv.strategies.cases import guidance_cases, step_cases
from cfg_equiv.strategies.paths import levels, points, schedules
from cfg_equiv.strategies.values import latents, row_pairs, weights

__all__ = ["guidance_cases", "latents", "levels", "points", "row_pairs", "schedules", "step_cases", "weights"]
