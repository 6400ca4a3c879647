r"""The parameterizations, as rows ``(p, q)`` of ``pred = p*x0 + q*eps``.

Every row is a function of ``xp``, a point and the row's own parameters. Each carries the name the field uses and its
source. ``F`` is written in its homogeneous form, so that it survives ``alpha = 0``.

References
----------
[Ho20] Ho, Jain, Abbeel, Denoising Diffusion Probabilistic Models, arXiv:2006.11239.
[Song21] Song et al., Score-Based Generative Modeling through SDEs, arXiv:2011.13456.
[SH22] Salimans, Ho, Progressive Distillation for Fast Sampling of Diffusion Models, arXiv:2202.00512.
[Karras22] Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, arXiv:2206.00364.
[Liu22] Liu, Gong, Liu, Flow Straight and Fast (rectified flow), arXiv:2209.03003.
[Lipman22] Lipman et al., Flow Matching for Generative Modeling, arXiv:2210.02747.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cfg_equiv.algebra.points import Point, Row


def eps(xp: Any, at: Point) -> Row:
    r"""Noise prediction, :math:`\epsilon` [Ho20]."""
    return Row(0, 1)


def x0(xp: Any, at: Point) -> Row:
    """Data prediction, ``x0`` (diffusers: ``sample``; k-diffusion: the denoiser ``D``)."""
    return Row(1, 0)


def v(xp: Any, at: Point) -> Row:
    r""":math:`v = \alpha\epsilon - \sigma x_0` [SH22, section 4 and appendix D]."""
    return Row(-at.sigma, at.alpha)


def score(xp: Any, at: Point) -> Row:
    r"""The score, :math:`\nabla_z \log p(z) = -\epsilon/\sigma` [Song21]."""
    return Row(0, -1 / at.sigma)


def flow(xp: Any, at: Point) -> Row:
    r"""Flow velocity towards noise, :math:`u = \epsilon - x_0` (diffusers ``flow_prediction``, SD3, Flux)."""
    return Row(-1, 1)


def reversed_flow(xp: Any, at: Point) -> Row:
    r"""Flow velocity towards data, :math:`x_0 - \epsilon` [Liu22; flow_matching's ``CondOT``]."""
    return Row(1, -1)


def velocity(xp: Any, at: Point, dalpha: Any, dsigma: Any) -> Row:
    r"""Velocity of any differentiable path, :math:`\dot z = \dot\alpha x_0 + \dot\sigma\epsilon` [Lipman22]."""
    return Row(dalpha, dsigma)


def edm_f(xp: Any, at: Point, sigma_data: Any) -> Row:
    r"""The network :math:`F` inside the EDM preconditioner [Karras22, eq. 7 and table 1], in homogeneous form.

    With :math:`R = \sqrt{\sigma^2 + \alpha^2\sigma_d^2}`: :math:`p = \sigma/(R\,\sigma_d)`,
    :math:`q = -\sigma_d\,\alpha/R`.
    """
    r = xp.sqrt(at.sigma * at.sigma + at.alpha * at.alpha * (sigma_data * sigma_data))
    return Row(at.sigma / (r * sigma_data), -(sigma_data * at.alpha) / r)


def k_diffusion_v(xp: Any, at: Point, sigma_data: Any) -> Row:
    """The network inside k-diffusion's ``VDenoiser``: its ``c_out`` is negative, so this is ``-F``."""
    f = edm_f(xp, at, sigma_data)
    return Row(-f.p, -f.q)


def z_minus_denoised(xp: Any, at: Point) -> Row:
    r""":math:`z - x_0 = (\alpha - 1) x_0 + \sigma\epsilon` (ComfyUI hands this to custom guidance functions)."""
    return Row(at.alpha - 1, at.sigma)


@dataclass(frozen=True)
class Parameterization:
    """A row with its name, the parameters it needs beside the point, a formula and where it comes from."""

    name: str
    row: Callable[..., Row]
    latex: str
    needs: tuple[str, ...] = ()
    source: str = ""

    def at(self, xp: Any, at: Point, **parameters: Any) -> Row:
        """The row at a point; takes from ``parameters`` what this row needs."""
        return self.row(xp, at, **{name: parameters[name] for name in self.needs})


PARAMETERIZATIONS: dict[str, Parameterization] = {
    p.name: p
    for p in (
        Parameterization("eps", eps, r"\epsilon", (), "Ho20"),
        Parameterization("x0", x0, r"x_0", (), "Ho20"),
        Parameterization("v", v, r"\alpha\epsilon - \sigma x_0", (), "SH22 section 4"),
        Parameterization("score", score, r"-\epsilon/\sigma", (), "Song21"),
        Parameterization("flow", flow, r"\epsilon - x_0", (), "Liu22, sign reversed"),
        Parameterization("reversed_flow", reversed_flow, r"x_0 - \epsilon", (), "Liu22"),
        Parameterization(
            "velocity",
            velocity,
            r"\dot\alpha x_0 + \dot\sigma\epsilon",
            ("dalpha", "dsigma"),
            "Lipman22",
        ),
        Parameterization(
            "F",
            edm_f,
            r"\frac{\sigma x_0/\sigma_d - \sigma_d\alpha\epsilon}{\sqrt{\sigma^2+\alpha^2\sigma_d^2}}",
            ("sigma_data",),
            "Karras22 eq. 7",
        ),
        Parameterization("k_diffusion_v", k_diffusion_v, r"-F", ("sigma_data",), "k-diffusion VDenoiser"),
        Parameterization("z_minus_denoised", z_minus_denoised, r"z - x_0", (), "ComfyUI"),
    )
}
