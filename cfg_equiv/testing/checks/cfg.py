r"""CFG: a guidance rule means the same in every parameterization, and its end points are those of its convention.

A change of parameterization at a shared latent maps every branch to :math:`Ay + Bz`. The three generators of these maps
are checked apart (translations along z, positive scales, the sign), because what breaks each is different: a rule that
looks at the size of a prediction fails the first, an absolute threshold the second, a maximum the third. By theorem G2
a rule that does not see z and passes all three commutes with every conversion.
"""

from dataclasses import replace

import torch
from torch import Tensor

from cfg_equiv.case import GuidanceCase
from cfg_equiv.guidance import OFF
from cfg_equiv.testing.combine import bounded
from cfg_equiv.testing.draw import combine_cases
from cfg_equiv.testing.failure import CheckFailure
from cfg_equiv.testing.protocol import Check
from cfg_equiv.testing.subjects import Guidance

Map = tuple[float, float]  # y -> A*y + B*z, with A and B powers of two or their negatives: exact on the lattice


def commutes(subject: Guidance, case: GuidanceCase, maps: tuple[Map, ...], what: str) -> str | None:
    """``G(Ac + Bz, Au + Bz) = A G(c, u) + B z``, within the bounds of both sides."""
    result, bound = bounded(subject, case.cond, case.uncond, case)
    if torch.equal(case.cond, case.uncond):
        return "the two predictions are equal"
    vacuous = True
    for a, b in maps:
        shift = b * case.z
        moved, other = bounded(subject, a * case.cond + shift, a * case.uncond + shift, case)
        expected = a * result.double() + shift.double()
        allowed = other + abs(a) * bound
        if not bool(allowed.isfinite().all()):
            continue
        vacuous = False
        difference = (moved.double() - expected).abs()
        if bool((difference > allowed + _last_bits(expected)).any()):
            ratio = difference / (allowed + _last_bits(expected))
            index = [int(i) for i in torch.unravel_index(ratio.nan_to_num().argmax(), ratio.shape)]
            raise CheckFailure(
                f"{what}: with y -> {a:g}*y + {b:g}*z the result is {moved[tuple(index)]:.6g} where the mapped one is "
                f"{expected[tuple(index)]:.6g} at {tuple(index)}, {ratio.max():.3g} times the bound"
            )
    return "no finite bound" if vacuous else None


def _last_bits(expected: Tensor) -> Tensor:
    """The rounding of ``A*r + B*z`` itself, in float64."""
    return 2.0**-52 * expected.abs()


def end_points(subject: Guidance, case: GuidanceCase) -> str | None:
    """The weight at which the convention is off gives the conditional prediction; one less, the unconditional."""
    off = OFF[subject.convention]
    vacuous = True
    for w, name, branch in ((off, "conditional", case.cond), (off - 1, "unconditional", case.uncond)):
        result, allowed = bounded(subject, case.cond, case.uncond, replace(case, weight=w))
        if bool(result.isfinite().all()):
            if not bool(allowed.isfinite().all()):
                continue
            vacuous = False
        within = (result.double() - branch.double()).abs() <= allowed  # NaN is not within
        if not bool(within.all()):
            index = tuple(int(i) for i in (~within).nonzero()[0])
            raise CheckFailure(
                f"at w = {w:g} in the convention {subject.convention} the result must be the {name} prediction: at "
                f"{index} it is {result[index]:.6g}, not {branch[index]:.6g}"
            )
    return "no finite bound" if vacuous else None


def _generator(name: str, maps: tuple[Map, ...], what: str, hint: str) -> Check:
    def body(subject: Guidance, case: GuidanceCase) -> str | None:
        return commutes(subject, case, maps, what)

    return Check(
        name=f"cfg_{name}",
        property="CFG",
        summary=f"guidance commutes with {what}",
        hint=hint,
        kind=Guidance,
        body=body,
        strategy=combine_cases,
    )


CHECKS = (
    _generator(
        "translation",
        ((1, 1), (1, -2)),
        "translations along z",
        "a norm, std, projection or clip of a prediction itself: convert to the space it is meant for first",
    ),
    _generator(
        "scale",
        ((2, 0), (0.5, 0)),
        "positive scales",
        "an absolute threshold or radius: it must be scaled with the space",
    ),
    _generator(
        "sign",
        ((-1, 0),),
        "a change of sign",
        "a maximum, a signed mask: noise-like and data-like predictions have opposite signs",
    ),
    Check(
        name="cfg_end_points",
        property="CFG",
        summary="the end points of the declared convention give the two predictions",
        hint="the other convention (w against 1 + w), a gate that skips small weights, swapped branches",
        kind=Guidance,
        body=end_points,
        strategy=combine_cases,
    ),
)
