r"""The exact probability flow of a mixture of scalar Gaussians: in one dimension it keeps quantiles.

The flow is monotone and carries the noisy marginal at one level to that at the next, so a latent stays at its
probability p: :math:`F_t(z_t) = p`. No equation is solved in time.
"""

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.errors import MismatchError, ParameterError, sentence
from cfg_equiv.models import Mixture

BISECTIONS = 64  # each halves a bracket of a few standard deviations: past the resolution of float64


def quantiles(model: Mixture, at: Point, probabilities: Tensor) -> Tensor:
    r"""One latent of each exact trajectory: those below which the noisy marginal at ``at`` has these probabilities.

    The quantile lies between those of the components, and is found by bisection:
    :math:`\sum_k w_k\,\Phi\big((z-\alpha m_k)/\sqrt{v_k}\big) = p`.

    Parameters
    ----------
    model
        A mixture of scalars: means and variances of shape ``(K,)``.
    at
        A level at which no component is a point mass.
    probabilities
        float64, strictly between 0 and 1; the latents have its shape ``(N,)``.

    Raises
    ------
    MismatchError
        If the data are no scalars.
    ParameterError
        If a probability is not between 0 and 1.
    """
    require_scalar(model)
    if not ((probabilities > 0) & (probabilities < 1)).all():
        came = str(probabilities.tolist())
        raise ParameterError(sentence("probabilities strictly between 0 and 1", came, "leave the ends out"))
    weights = (model.weights / model.weights.sum())[:, None]
    parts = [model.component(k).marginal(at) for k in range(len(model.weights))]
    means = torch.stack([mean for mean, _ in parts])[:, None]
    deviations = torch.stack([variance for _, variance in parts]).sqrt()[:, None]
    each = means + deviations * torch.special.ndtri(probabilities)
    low, high = each.amin(0), each.amax(0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        over = (weights * torch.special.ndtr((middle - means) / deviations)).sum(0) > probabilities
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    latents: Tensor = (low + high) / 2
    return latents


def require_scalar(model: Mixture) -> Mixture:
    """``model`` if it is a mixture of scalars."""
    if not isinstance(model, Mixture) or model.means.ndim != 1:
        came = f"means of shape {tuple(model.means.shape)}" if isinstance(model, Mixture) else type(model).__name__
        do = "its exact flow is known in one dimension only"
        raise MismatchError(sentence("a Mixture of scalars, means of shape (K,)", came, do))
    return model


def deviation(model: Mixture) -> float:
    """The standard deviation of the data, a mixture of scalars."""
    return float(require_scalar(model).marginal(Point(1.0, 0.0))[1].sqrt())
