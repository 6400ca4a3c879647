"""The cases of a whole run (a network, a latent, a weight, how many steps) and of a stretch of a schedule."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cfg_equiv.case import DTYPES, Number, Pattern, Plain, pattern_tensor
from cfg_equiv.convergence import MODEL
from cfg_equiv.errors import ParameterError, sentence, unknown_name
from cfg_equiv.models import PAIRS, Pair
from cfg_equiv.testing.exact_start import START

# Pairs by name; beside them scalar data, element by element, and a network of no data: the exact flows of both are
# known though they are not linear.
NETWORKS: dict[str, Callable[[tuple[int, ...]], Pair]] = {
    **PAIRS,
    "scalars": lambda event: Pair(MODEL, MODEL),
    "exact_start": lambda event: Pair(START, START),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class RunCase(Plain):
    """A guided run of a sampler on closed-form data.

    ``network`` names the pair of exact denoisers; their data are spread ``reach`` times as far, so that a clip acts on
    them. ``latent`` is the start noise, item by item distinct; ``seed`` is that of torch's generator.
    """

    network: str = "gaussian"
    shape: tuple[int, ...] = (2, 3)
    dtype: str = "float64"
    steps: int = 2
    weight: Number = 7.5
    reach: Number = 1
    latent: Pattern = (1, -0.5, 0.25)
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network not in NETWORKS:
            raise unknown_name("network", self.network, NETWORKS)
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.steps < 1:
            raise ParameterError(sentence("1 step or more", f"{self.steps}", "pass steps="))
        if len(self.shape) < 2 or self.shape[0] < 2:
            came = f"{self.shape}"
            raise ParameterError(sentence("a shape (B, *event) with B >= 2", came, "a batch of one hides mixed items"))

    @property
    def z(self) -> Tensor:
        """The start noise: distinct items by construction."""
        return pattern_tensor(self.latent, self.shape, DTYPES[self.dtype])

    @property
    def pair(self) -> Pair:
        """The conditional and the unconditional network."""
        return NETWORKS[self.network](self.shape[1:])


@dataclass(frozen=True, kw_only=True, repr=False)
class TimeCase(Plain):
    """The times of a schedule from position ``first`` of its list to ``last``, both included."""

    first: int = 0
    last: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.first <= self.last:
            came = f"first = {self.first}, last = {self.last}"
            raise ParameterError(sentence("positions 0 <= first <= last", came, "count from the noise end"))
