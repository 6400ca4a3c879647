r"""Discrete VP schedules: tables of betas, :math:`\alpha_k^2 = \bar\alpha_k = \prod_{i\le k}(1-\beta_i)`.

A table is called with a timestep: **index T - 1 is the noise end, index 0 the least noisy level** (not yet clean data:
``points`` appends the data end). Tables are float64; the released ones are float32.

References
----------
[Ho20] arXiv:2006.11239, section 4 (linear). [Rombach22] arXiv:2112.10752, code (scaled linear).
[ND21] arXiv:2102.09672, eq. 17 and the clip of beta at 0.999 below it.
[Xu22] GeoDiff, arXiv:2203.02923, code (sigmoid over [-6, 6]).
[Lin23] Lin et al., arXiv:2305.08891, algorithm 1 (zero terminal SNR), table 2 (trailing timesteps).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.errors import LevelError, ParameterError, PathError, sentence
from cfg_equiv.schedules.base import Path, Schedule, data_end, require_range, require_steps
from cfg_equiv.schedules.vp import SquaredCosine
from cfg_equiv.validation import described, first


@dataclass(frozen=True, eq=False)
class Table(Schedule):
    """A discrete schedule: ``table(k)`` is the point of timestep ``k``; ``alphas`` and ``sigmas`` are its columns."""

    alphas: Tensor
    sigmas: Tensor
    path: Path = "vp"
    reaches_data: bool = False

    @classmethod
    def from_betas(cls, betas: Tensor) -> "Table":
        """The table of a sequence of betas in [0, 1], through ``log1p`` so that small betas keep their digits."""
        if betas.ndim != 1 or not len(betas) or not ((betas >= 0) & (betas <= 1)).all():
            raise ParameterError(
                sentence("a 1-d tensor of betas in [0, 1]", described(betas), "check its range and shape")
            )
        log_alpha_bar = torch.cumsum(torch.log1p(-betas.double()), 0)
        return cls(torch.exp(log_alpha_bar / 2), torch.sqrt(-torch.expm1(log_alpha_bar)))

    def __len__(self) -> int:
        return len(self.alphas)

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The rows at integer timesteps."""
        return self.alphas[t], self.sigmas[t]

    def __call__(self, t: int | float | Tensor) -> Point:
        """The point at timestep ``t``, an integer (or an integer tensor) in [0, T - 1]."""
        k = torch.as_tensor(t)
        whole = not (k.is_floating_point() or k.dtype == torch.bool)
        bad = (k < 0) | (k >= len(self)) if whole else torch.ones_like(k, dtype=torch.bool)
        if bad.any():
            raise LevelError(
                sentence(
                    f"an integer timestep in [0, {len(self) - 1}] ({len(self) - 1} is noise)",
                    first(k, bad),
                    "a table has no points in between; use the continuous schedule for those",
                )
            )
        return point(torch, *self.coefficients(k))

    def derivative(self, t: float | Tensor) -> tuple[Tensor, Tensor]:
        """A table has none."""
        raise PathError(
            sentence(
                "a differentiable schedule", "a discrete table", "use vp_linear, vp_scaled_linear or squared_cosine"
            )
        )

    def points(self, n: int) -> list[Point]:
        """n trailing timesteps, ``round(T - i*T/n) - 1`` [Lin23, table 2], then the data end (1, 0)."""
        require_steps(n)
        if n > len(self):
            raise ParameterError(sentence(f"at most {len(self)} steps", str(n), "a table repeats no timestep"))
        ks = [round(len(self) - i * len(self) / n) - 1 for i in range(n)]
        return [*(self(k) for k in ks), data_end(self.alphas)]


def ddpm_linear(steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Table:
    """Betas linear in the timestep [Ho20, section 4]."""
    require_range(beta_start, beta_end, "beta")
    return Table.from_betas(torch.linspace(beta_start, beta_end, require_steps(steps), dtype=torch.float64))


def ddpm_scaled_linear(steps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012) -> Table:
    """Square roots of the betas linear in the timestep [Rombach22]."""
    require_range(beta_start, beta_end, "beta")
    roots = torch.linspace(beta_start**0.5, beta_end**0.5, require_steps(steps), dtype=torch.float64)
    return Table.from_betas(roots * roots)


def ddpm_squared_cosine(steps: int = 1000, s: float = 0.008, max_beta: float = 0.999) -> Table:
    r""":math:`\beta_k = \min(1 - \bar\alpha(t_{k+1})/\bar\alpha(t_k),\ 0.999)`, :math:`t_k = k/T` [ND21, eq. 17]."""
    times = torch.arange(require_steps(steps) + 1, dtype=torch.float64) / steps
    alphas = SquaredCosine(s)(times).alpha
    ratios = alphas[1:] / alphas[:-1]
    return Table.from_betas(torch.clamp(1 - ratios * ratios, max=max_beta))


def ddpm_sigmoid(steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Table:
    """Betas on a sigmoid over [-6, 6] [Xu22]."""
    require_range(beta_start, beta_end, "beta")
    ramp = torch.sigmoid(torch.linspace(-6, 6, require_steps(steps), dtype=torch.float64))
    return Table.from_betas(ramp * (beta_end - beta_start) + beta_start)


def zero_terminal_snr(table: Table) -> Table:
    r"""The table shifted and scaled so that its noise end is pure noise, alpha = 0 [Lin23, algorithm 1].

    .. math:: \alpha'_k = (\alpha_k - \alpha_{T-1})\,\frac{\alpha_0}{\alpha_0 - \alpha_{T-1}}
    """
    first, last = table.alphas[0], table.alphas[-1]
    if not last < first:
        raise ParameterError(sentence("a table of two levels or more", f"{len(table)}", "there is nothing to rescale"))
    alphas = (table.alphas - last) * (first / (first - last))
    return Table(alphas, torch.sqrt((1 - alphas) * (1 + alphas)))
