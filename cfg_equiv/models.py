r"""Closed-form conditional denoisers: the exact network of point masses, Gaussians and Gaussian mixtures.

Each model knows :math:`E[x_0|z]` and :math:`E[\epsilon|z]` at any level, both ends included, and emits any
parameterization by its definition :math:`p\,x_0 + q\,\epsilon`, natively: ``v`` and ``flow`` are right at
:math:`\sigma = 0`, where they could not be recovered from ``x0``, and at :math:`\alpha = 0`, where not from ``eps``.
Where data are a point mass and sigma = 0, ``z`` says nothing of the noise: its mean there is 0.

Model tensors are float64 and are cast to the latent's dtype.

References
----------
[Karras22] Karras et al., arXiv:2206.00364, appendix B.3: the ideal denoiser.
[Efron11] Tweedie's formula, JASA 106(496): the posterior mean of a mixture is the mixture of posterior means.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.gaussian import (
    flow_map,
    marginal_score,
    marginal_variance,
    posterior_mean_eps,
    posterior_mean_x0,
)
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.errors import MismatchError, ParameterError, SingularEndError, sentence
from cfg_equiv.validation import first, level_at, require_latent, require_parameterization, row_parameters


class Model(ABC):
    """A data distribution with its exact network. Latents are ``(*batch, *event)``."""

    @abstractmethod
    def x0(self, z: Tensor, at: Point) -> Tensor:
        """``E[x0|z]``."""

    @abstractmethod
    def eps(self, z: Tensor, at: Point) -> Tensor:
        """``E[eps|z]``, with no division by sigma."""

    @abstractmethod
    def score(self, z: Tensor, at: Point) -> Tensor:
        """The gradient of ``log p(z)``, with no division by sigma where the data have a density."""

    def predict(self, z: Tensor, at: Point, name: str, **parameters: Any) -> Tensor:
        """What the exact network of parameterization ``name`` emits for the latent ``z`` at the point ``at``."""
        require_parameterization("target", name)
        require_latent("z", z)
        level = level_at(at.alpha, at.sigma, z)
        if name == "score":
            return self.score(z, level)
        values = row_parameters((name,), parameters, z)
        emitted: Tensor = emit(torch, self.x0(z, level), self.eps(z, level), level, name, **values)
        return emitted


@dataclass(frozen=True, eq=False)
class Gaussian(Model):
    """Independent elements, ``N(mean, var)`` each; ``var`` broadcasts against ``mean`` and may be 0 (a point mass)."""

    mean: Tensor
    var: Tensor

    def __post_init__(self) -> None:
        bad = ~((self.var >= 0) & torch.isfinite(self.var))
        if bad.any():
            came = first(self.var, bad)
            raise ParameterError(sentence("variances finite and not negative", came, "pass variances, not logs"))

    def x0(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the data; the mean itself where ``z`` has no variance."""
        mean, var = self.mean.to(z), self.var.to(z)
        known = torch.as_tensor(marginal_variance(at, var) == 0)
        return torch.where(known, mean, posterior_mean_x0(z, at, mean, var))

    def eps(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the noise; 0 where ``z`` has no variance."""
        mean, var = self.mean.to(z), self.var.to(z)
        known = torch.as_tensor(marginal_variance(at, var) == 0)
        return torch.where(known, torch.zeros_like(z), posterior_mean_eps(z, at, mean, var))

    def score(self, z: Tensor, at: Point) -> Tensor:
        """The score of the noisy Gaussian."""
        mean, var = self.mean.to(z), self.var.to(z)
        _require_density(marginal_variance(at, var))
        gradient: Tensor = marginal_score(z, at, mean, var)
        return gradient

    def marginal(self, at: Point) -> tuple[Tensor, Tensor]:
        """Mean and variance of ``z`` at the point."""
        return at.alpha * self.mean, marginal_variance(at, self.var)

    def flow(self, z: Tensor, s: Point, t: Point) -> Tensor:
        """The exact probability-flow map of ``z`` from ``s`` to ``t``."""
        mean, var = self.mean.to(z), self.var.to(z)
        s, t = (level_at(p.alpha, p.sigma, z) for p in (s, t))
        _require_density(marginal_variance(s, var))
        mapped: Tensor = flow_map(torch, z, s, t, mean, var)
        return mapped


def point_mass(mean: Tensor) -> Gaussian:
    """All data at one point: every step of a first-order deterministic sampler is exact on it."""
    return Gaussian(mean, torch.zeros_like(mean))


@dataclass(frozen=True, eq=False)
class FullGaussian(Model):
    """``N(mean, cov)`` with a full covariance over the last axis: a diagonal Gaussian in the eigenbasis."""

    mean: Tensor
    cov: Tensor

    def __post_init__(self) -> None:
        d = self.mean.shape[-1]
        if self.cov.shape != (d, d) or not torch.equal(self.cov, self.cov.mT):
            raise MismatchError(
                sentence(f"a symmetric covariance of shape {(d, d)}", f"shape {tuple(self.cov.shape)}", "symmetrise it")
            )

    def _rotated(self, z: Tensor) -> tuple[Gaussian, Tensor]:
        """The diagonal Gaussian, and the basis: ``x @ basis`` are the coordinates of x."""
        var, basis = torch.linalg.eigh(self.cov)
        if (var <= 0).any():
            came = f"the eigenvalue {first(var, var <= 0)}"
            raise ParameterError(sentence("a positive definite covariance", came, "add to its diagonal"))
        return Gaussian((self.mean @ basis).to(z), var.to(z)), basis.to(z)

    def x0(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the data."""
        diagonal, basis = self._rotated(z)
        return diagonal.x0(z @ basis, at) @ basis.mT

    def eps(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the noise."""
        diagonal, basis = self._rotated(z)
        return diagonal.eps(z @ basis, at) @ basis.mT

    def score(self, z: Tensor, at: Point) -> Tensor:
        """The score of the noisy Gaussian."""
        diagonal, basis = self._rotated(z)
        return diagonal.score(z @ basis, at) @ basis.mT

    def marginal(self, at: Point) -> tuple[Tensor, Tensor]:
        """Mean and covariance of ``z`` at the point."""
        identity = torch.eye(self.mean.shape[-1], dtype=self.cov.dtype, device=self.cov.device)
        return at.alpha * self.mean, at.alpha * at.alpha * self.cov + at.sigma * at.sigma * identity

    def flow(self, z: Tensor, s: Point, t: Point) -> Tensor:
        """The exact probability-flow map of ``z`` from ``s`` to ``t``."""
        diagonal, basis = self._rotated(z)
        return diagonal.flow(z @ basis, s, t) @ basis.mT


@dataclass(frozen=True, eq=False)
class Mixture(Model):
    """Diagonal Gaussians ``N(means[k], variances[k])`` with probabilities ``weights[k]``; the first axis is k."""

    weights: Tensor
    means: Tensor
    variances: Tensor

    def __post_init__(self) -> None:
        k = self.weights.shape
        if len(k) != 1 or self.means.shape[:1] != k or self.variances.shape != self.means.shape:
            shapes = ", ".join(str(tuple(x.shape)) for x in (self.weights, self.means, self.variances))
            raise MismatchError(
                sentence("weights (K,), means and variances (K, *event)", shapes, "expand the variances")
            )
        if not ((self.weights > 0).all() and (self.variances >= 0).all()):
            raise ParameterError(
                sentence("positive weights, variances not negative", "others", "drop empty components")
            )

    def _components(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Means and variances shaped to broadcast against ``(K, *batch, *event)``."""
        event = self.means.shape[1:]
        shape = (len(self.weights), *(1,) * (z.ndim - len(event)), *event)
        return self.means.to(z).reshape(shape), self.variances.to(z).reshape(shape)

    def responsibilities(self, z: Tensor, at: Point) -> Tensor:
        """``p(k|z)``, shaped ``(K, *batch, 1, ..., 1)``: a softmax of log-densities."""
        means, variances = self._components(z)
        v = marginal_variance(at, variances).expand(len(self.weights), *z.shape)
        _require_density(v)
        distance = (z - at.alpha * means) ** 2 / v + torch.log(v)
        event = tuple(range(-(self.means.ndim - 1), 0))
        total = distance.sum(event, keepdim=True) if event else distance
        log_weights = torch.log(self.weights.to(z)).reshape(-1, *(1,) * (total.ndim - 1))
        return torch.softmax(log_weights - total / 2, 0)

    def _mixed(self, rule: Callable[..., Any], z: Tensor, at: Point) -> Tensor:
        mixed: Tensor = (self.responsibilities(z, at) * rule(z, at, *self._components(z))).sum(0)
        return mixed

    def x0(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the data."""
        return self._mixed(posterior_mean_x0, z, at)

    def eps(self, z: Tensor, at: Point) -> Tensor:
        """The posterior mean of the noise."""
        return self._mixed(posterior_mean_eps, z, at)

    def score(self, z: Tensor, at: Point) -> Tensor:
        """The score of the noisy mixture."""
        return self._mixed(marginal_score, z, at)

    def component(self, k: int) -> Gaussian:
        """The conditional distribution of component ``k``."""
        return Gaussian(self.means[k], self.variances[k])

    def marginal(self, at: Point) -> tuple[Tensor, Tensor]:
        """Mean and elementwise variance of ``z`` at the point."""
        w = (self.weights / self.weights.sum()).reshape(-1, *(1,) * (self.means.ndim - 1))
        mean = (w * self.means).sum(0)
        between = (w * (self.means - mean) ** 2).sum(0)
        return at.alpha * mean, marginal_variance(at, (w * self.variances).sum(0) + between)


def _require_density(variance: Any) -> None:
    if (torch.as_tensor(variance) == 0).any():
        raise SingularEndError(
            sentence("a latent that has a density", "a point mass at sigma = 0", "keep sigma > 0, or ask for x0 or v")
        )


@dataclass(frozen=True)
class Pair:
    """A conditional and an unconditional model, as guidance needs them."""

    cond: Model
    uncond: Model

    def gap(self, z: Tensor, at: Point) -> Tensor:
        """``E[x0|z, c] - E[x0|z]``: a guidance check sees nothing where this is small."""
        return self.cond.predict(z, at, "x0") - self.uncond.predict(z, at, "x0")


def _lattice(shape: tuple[int, ...], period: int, offset: int) -> Tensor:
    """Quarters, repeating with ``period``: exact in every dtype and as rationals."""
    n = int(torch.tensor(shape).prod())
    return ((torch.arange(n, dtype=torch.float64) % period + offset) / 4).reshape(shape)


def point_mass_pair(shape: tuple[int, ...]) -> Pair:
    """Two point masses, at least 1 apart in every element."""
    return Pair(point_mass(_lattice(shape, 7, 4)), point_mass(_lattice(shape, 5, -8)))


def gaussian_pair(shape: tuple[int, ...]) -> Pair:
    """``N(m, 1/4)`` and ``N(k, 1)``, means apart: the two variances guidance tells its limits apart by."""
    cond, uncond = _lattice(shape, 7, 4), _lattice(shape, 5, -8)
    return Pair(Gaussian(cond, torch.full_like(cond, 1 / 4)), Gaussian(uncond, torch.ones_like(uncond)))


def mixture_pair(shape: tuple[int, ...]) -> Pair:
    """A three-component mixture, and its first component as the condition: a true p(z|c) and p(z)."""
    means = torch.stack([_lattice(shape, 7, 4), _lattice(shape, 5, -8), _lattice(shape, 3, -1)])
    scale = torch.tensor([1 / 4, 1, 1 / 2], dtype=torch.float64).reshape(3, *(1,) * len(shape))
    mixture = Mixture(torch.tensor([1 / 4, 1 / 2, 1 / 4], dtype=torch.float64), means, scale.expand_as(means))
    return Pair(mixture.component(0), mixture)


PAIRS: dict[str, Callable[[tuple[int, ...]], Pair]] = {
    "gaussian": gaussian_pair,
    "mixture": mixture_pair,
    "point_mass": point_mass_pair,
}
