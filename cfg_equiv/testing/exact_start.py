r"""A network with which a cold start is exact: what a multistep sampler's order is measured on.

A multistep sampler's first steps have too little history, are of lower order, and leave an error of their own, which in
a whole run hides the order of the others. Where the network predicts nothing, :math:`x_0 = 0`, a first-order step is
exact, in every space: the noise is constant, and so is :math:`z/\sigma`. So let it predict nothing until the sampler
has its history, and then, smoothly,

.. math:: x_0 = \rho(\lambda)\,\sqrt{\kappa^2 + (z/\alpha)^2},\qquad \rho = \sin^8 s,\quad
          s = \pi\,(\lambda-\lambda_a)/(\lambda_b-\lambda_a)

between :math:`\lambda_a` and :math:`\lambda_b`, and nothing again after it. The probability-flow equation
:math:`\mathrm{d}(z/\sigma)/\mathrm{d}\lambda = e^\lambda x_0` is then separable, and not linear in z:

.. math:: \operatorname{asinh}\frac{z_t}{\sigma_t} - \operatorname{asinh}\frac{z_s}{\sigma_s}
          = \int_{\lambda_s}^{\lambda_t}\rho\,\mathrm{d}\lambda .

Seven derivatives of :math:`\rho` are continuous at its ends: with fewer, the few steps across an end hide the order of
the others at the numbers of steps that are taken. No data have this network; a sampler cannot tell.

References
----------
[Roache02] P. Roache, Code verification by the method of manufactured solutions, J. Fluids Eng. 124 (2002), 4-10.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cfg_equiv.algebra.points import Point
from cfg_equiv.models import Model

SPAN = 64.0  # of kappa, from where the network begins to predict to where it ends


@dataclass(frozen=True)
class ExactStart(Model):
    r"""The network; it begins to predict at ``kappa``."""

    kappa: float = 8.0

    def x0(self, z: Tensor, at: Point) -> Tensor:
        """Nothing, then what the equation above says."""
        s = self._phase(at)
        if not 0 < s < math.pi:
            return torch.zeros_like(z)
        kappa, y = at.sigma / at.alpha, z / at.alpha
        predicted: Tensor = math.sin(s) ** 8 * (kappa**2 + y**2).sqrt()
        return predicted

    def eps(self, z: Tensor, at: Point) -> Tensor:
        """What is left of the latent; nothing at sigma = 0, where the latent is zero."""
        if float(at.sigma) == 0:
            return torch.zeros_like(z)
        noise: Tensor = (z - at.alpha * self.x0(z, at)) / at.sigma
        return noise

    def score(self, z: Tensor, at: Point) -> Tensor:
        """The noise over the level: no density has it."""
        scaled: Tensor = -self.eps(z, at) / at.sigma
        return scaled

    def off(self, z: Tensor, s: Point, x: Tensor, t: Point) -> Tensor:
        r"""How far ``x`` at ``t`` is from where the equation takes ``z`` from ``s``, as :math:`z/\sigma`."""
        exact = torch.sinh(torch.asinh(z / s.sigma) + self._integral(t) - self._integral(s))
        off: Tensor = x / t.sigma - exact
        return off

    def _phase(self, at: Point) -> float:
        alpha, sigma = float(at.alpha), float(at.sigma)
        if alpha == 0:
            return 0.0
        if sigma == 0:
            return math.pi
        return math.pi * math.log(self.kappa * alpha / sigma) / math.log(SPAN)

    def _integral(self, at: Point) -> float:
        """Of rho over lambda, from where it begins."""
        s = min(max(self._phase(at), 0.0), math.pi)
        waves = 35 * s - 28 * math.sin(2 * s) + 7 * math.sin(4 * s) - 4 * math.sin(6 * s) / 3 + math.sin(8 * s) / 8
        return math.log(SPAN) / math.pi * waves / 128


START = ExactStart()
