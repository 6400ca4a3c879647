r"""Tangential damping: of the unconditional score, only the part along the main direction of both scores is kept.

.. math:: \begin{pmatrix} u \\ c \end{pmatrix} = U \Sigma V^\top, \qquad u' = \langle u, v_1\rangle\, v_1, \qquad
    u' + w\,(c - u')

The first right singular vector of two vectors needs no iteration. With :math:`M` their Gram matrix, eigenvalues
:math:`\lambda_1 \ge \lambda_2`, the projection in the space of coefficients is
:math:`(M - \lambda_2)/(\lambda_1 - \lambda_2)`, so that

.. math:: u' = \frac{\langle c, u\rangle}{\rho}\, c
    + \frac12\Bigl(1 + \frac{\lVert u\rVert^2 - \lVert c\rVert^2}{\rho}\Bigr)\, u, \qquad
    \rho = \sqrt{(\lVert u\rVert^2 - \lVert c\rVert^2)^2 + 4\,\langle c, u\rangle^2}

Where :math:`\rho = 0` both singular values are equal, and no direction is the main one. The main direction of two
predictions is another one in every space; undamped, it is CFG (the twin).

References
----------
[Kwon25] Kwon et al., TCFG: Tangential Damping Classifier-free Guidance, arXiv:2503.18137 (the equations were not at
    hand). ComfyUI ``comfy_extras/nodes_tcfg.py`` ``score_tangential_damping``; diffusers
    ``guiders/tangential_classifier_free_guidance.py`` ``normalized_guidance``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import off_latent
from cfg_equiv.algebra.guidance.record import Rule, Twin


def damped(xp: Any, cond: Any, uncond: Any) -> Any:
    """The projection of ``u`` on the first right singular vector of ``u`` and ``c``."""
    both, excess = xp.dot(cond, uncond), xp.dot(uncond, uncond) - xp.dot(cond, cond)
    gap = xp.sqrt(excess * excess + 4 * (both * both))
    return cond * (both / gap) + uncond * ((1 + excess / gap) / 2)


def tcfg(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    """CFG with the damped ``u``."""
    return cfg(cond, damped(xp, cond, uncond), w)


def z_projected_tcfg(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    """Of ``u``, the part perpendicular to the latent is damped, by the main direction of those parts of both."""
    across = off_latent(xp, z, uncond)
    return cfg(cond, uncond - across + damped(xp, off_latent(xp, z, cond), across), w)


def _whole(xp: Any, cond: Any, uncond: Any, w: Any, z: Any) -> Any:
    """The known-bad neighbour: the whole of u is damped."""
    return tcfg(xp, cond, uncond, w)


def _undamped(xp: Any, cond: Any, uncond: Any, w: Any) -> Any:
    return cfg(cond, uncond, w)


RULES = (
    Rule(
        "TCFG",
        tcfg,
        "arXiv:2503.18137; ComfyUI comfy_extras/nodes_tcfg.py score_tangential_damping",
        "score",
        Twin("nothing is damped: CFG", True, formula=_undamped),
        parameters={"w": Fraction(2)},
        fewest=2,
        libraries={
            "diffusers": "guiders.TangentialClassifierFreeGuidance, on the model's own output",
            "ComfyUI": "TCFG, on z - x0: eps on the VE path, the velocity on the flow path",
        },
        commuting="z-projected TCFG",
    ),
    Rule(
        "z-projected TCFG",
        z_projected_tcfg,
        "derived here, from theorem G2 with z",
        "any",
        Twin("the whole of u is damped", False, formula=_whole),
        parameters={"w": Fraction(2)},
        sees_z=True,
        fewest=2,
        elements=3,
    ),
)
