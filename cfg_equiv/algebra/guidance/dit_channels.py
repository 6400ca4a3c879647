r"""DiT guides three of its four latent channels.

The released ``forward_with_cfg`` guides the first three channels of eps and passes the fourth on from the conditional
branch: :math:`u + W(c - u)` with :math:`W = \operatorname{diag}(w, w, w, 1)`. It commutes. It is another sampler than
the pipeline of diffusers, which guides all four: the two agree at ``w = 1`` only.

References
----------
[PX22] Peebles, Xie, Scalable Diffusion Models with Transformers, arXiv:2212.09748; ``models.py`` ``forward_with_cfg``.
"""

from fractions import Fraction
from typing import Any

from cfg_equiv.algebra.guidance.record import Rule, Twin


def some_channels(xp: Any, cond: Any, uncond: Any, w: Any, guided: Any) -> Any:
    """CFG where the mask ``guided`` is 1, the conditional prediction elsewhere."""
    return guided * (uncond + w * (cond - uncond)) + (1 - guided) * cond


def _others_dropped(xp: Any, cond: Any, uncond: Any, w: Any, guided: Any) -> Any:
    """The known-bad neighbour: the other channels are zero."""
    return guided * (uncond + w * (cond - uncond))


RULES = (
    Rule(
        "DiT channels",
        some_channels,
        "arXiv:2212.09748, code: models.py forward_with_cfg",
        "eps",
        Twin("the unguided channel is dropped", False, formula=_others_dropped),
        parameters={"w": Fraction(4), "guided": (1, 1, 1, 0)},
        elements=4,
        fewest=4,
        libraries={
            "DiT": "channels 0 to 2 of eps; the learned variance is passed on",
            "diffusers": "DiTPipeline guides all latent channels: another sampler",
        },
    ),
)
