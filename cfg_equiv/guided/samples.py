r"""What guidance does to samples: every rule of cond and uncond, in several spaces, against its weight.

The data are a mixture of three Gaussians, the condition is its first component, and both networks are exact
(:func:`cfg_equiv.models.mixture_pair`). A rule is applied to what a network of the space emits, and the sampler reads
its answer as a prediction of that space: a rule that commutes draws one curve, the others draw one a space.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import torch
from torch import Tensor

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.errors import NonFiniteError, ParameterError, WeightError, sentence, unknown_name
from cfg_equiv.guided.record import GuidedCurve, GuidedSamples, RuleSamples
from cfg_equiv.guided.rows import guide_rows, has_vectors
from cfg_equiv.models import Gaussian, Mixture, Pair, mixture_pair
from cfg_equiv.schedules.spacings import levels, uniform_log_snr
from cfg_equiv.solving import solve
from cfg_equiv.validation import require_parameterization

SPACES = ("x0", "eps", "flow")
WEIGHTS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0)
ELEMENTS = 4
NOISE, DATA = -3.0, 4.0  # half-log-SNR of the first and of the last level with noise


def reason_to_skip(rule: Rule) -> str:
    """Why a rule has no curve here; empty if it has."""
    if rule.answer == "gradient":
        return "it answers with a gradient, which is no prediction"
    others = [name for name in rule.branches if name not in ("cond", "uncond")]
    if others or len(rule.branches) != 2:
        return f"it takes {', '.join(rule.branches)}: no cond and uncond alone"
    if set(rule.branches.values()) != {"here"}:
        return "its branches are seen at other latents or levels"
    return ""


def guided_samples(
    rules: Iterable[str] | None = None,
    *,
    weights: Sequence[float] = WEIGHTS,
    spaces: Sequence[str] = SPACES,
    steps: int = 20,
    samples: int = 64,
    seed: int = 0,
) -> GuidedSamples:
    """Run every rule in every space, and describe the samples against the weight.

    Parameters
    ----------
    rules
        Names out of the catalogue; all of it by default. Rules that do not take cond and uncond alone, or leave the
        finite numbers at every weight, are in ``skipped`` with the reason.
    weights
        Guidance weights, each in the rule's own convention. Its other parameters are those of its verdict.
    spaces
        Parameterizations that need no parameter of their own, two at least.
    steps, samples
        Steps of DDIM on the flow path, uniform in log-SNR; samples for each weight.
    seed
        Of the noise that all runs start from.

    Raises
    ------
    UnknownNameError, WeightError, ParameterError
        For a name that is not in its catalogue, a weight that is not finite, too few spaces, steps or samples.
    """
    names = list(RULES) if rules is None else list(rules)
    for name in names:
        if name not in RULES:
            raise unknown_name("guidance rule", name, RULES)
    _require(weights, spaces, steps, samples)
    found: list[RuleSamples] = []
    skipped: dict[str, str] = {}
    for name in names:
        rule = RULES[name]
        reason = reason_to_skip(rule)
        if not reason:
            run = partial(_samples, rule, spaces=spaces, steps=steps, samples=samples, seed=seed)
            result, reason = _finite(run, weights)
        if reason:
            skipped[name] = reason
        else:
            found.append(result)
    return GuidedSamples(tuple(found), skipped)


def _finite(run: Callable[[Sequence[float]], RuleSamples], weights: Sequence[float]) -> tuple[RuleSamples, str]:
    """The samples at the weights at which a rule stays finite; if there is none, the reason."""
    try:
        return run(weights), ""
    except NonFiniteError as error:
        reason, defined = str(error), []
    for w in weights:
        try:
            run([w])
            defined.append(w)
        except NonFiniteError:
            continue
    if not defined:
        return RuleSamples("", (), (), ()), reason
    return replace(run(defined), undefined=tuple(float(w) for w in weights if w not in defined)), ""


def _require(weights: Sequence[float], spaces: Sequence[str], steps: int, samples: int) -> None:
    bad = [w for w in weights if not math.isfinite(w)]
    if bad or not weights:
        raise WeightError(sentence("finite weights, one at least", repr(bad[0] if bad else weights), "w = 1 is off"))
    for space in spaces:
        require_parameterization("space", space)
        if PARAMETERIZATIONS[space].needs:
            came = f"{space!r}, which needs {' and '.join(PARAMETERIZATIONS[space].needs)}"
            raise ParameterError(sentence("spaces without parameters of their own", came, "leave it out"))
    for kind, number, least in (("spaces", len(set(spaces)), 2), ("steps", steps, 1), ("samples", samples, 2)):
        if number < least:
            raise ParameterError(sentence(f"at least {least} {kind}", repr(number), f"give more {kind}"))


def trajectory_end(rule: Rule, pair: Pair, z: Tensor, weights: Tensor, space: str, points: Sequence[Point]) -> Tensor:
    """Samples of DDIM with a rule applied in a space; ``weights`` broadcasts against the latent ``z``."""

    def network(latent: Tensor, at: Point) -> Tensor:
        cond, uncond = (model.predict(latent, at, space) for model in (pair.cond, pair.uncond))
        return guide_rows(rule, cond, uncond, weights, latent)

    return solve("ddim_x0", network, z, points, source=space, path="flow")


def start(pair: Pair, weights: int, samples: int, elements: int, at: Point, seed: int) -> Tensor:
    """Latents ``(weights, samples, elements)`` with the mean and the variance of noisy data, the same for all weights.

    In pairs ``m + n`` and ``m - n``: their mean is exact.
    """
    mean, variance = cast(Mixture, pair.uncond).marginal(at)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(-(-samples // 2), elements, generator=generator, dtype=torch.float64)
    both = torch.cat((noise, -noise))[:samples]
    return (mean + torch.sqrt(variance) * both).expand(weights, samples, elements).clone()


def _samples(
    rule: Rule, weights: Sequence[float], spaces: Sequence[str], steps: int, samples: int, seed: int
) -> RuleSamples:
    elements = rule.elements if has_vectors(rule) else ELEMENTS
    pair = mixture_pair((elements,))
    points = levels(uniform_log_snr(steps, NOISE, DATA), "flow")
    z = start(pair, len(weights), samples, elements, points[0], seed)
    w = torch.tensor(list(weights), dtype=torch.float64).reshape(-1, 1, 1)
    ends = {space: trajectory_end(rule, pair, z, w, space, points) for space in spaces}
    curves = tuple(_curve(pair, space, x, points[-1]) for space, x in ends.items())
    _, variance = cast(Gaussian, pair.cond).marginal(points[-1])
    apart = torch.zeros(len(weights), dtype=torch.float64)
    for one, other in itertools.combinations(ends.values(), 2):
        distance = torch.sqrt(((one - other) ** 2).mean((-1, -2)) / variance.mean())
        apart = torch.maximum(apart, distance)
    return RuleSamples(rule.name, tuple(map(float, weights)), curves, tuple(apart.tolist()))


def _curve(pair: Pair, space: str, x: Tensor, at: Point) -> GuidedCurve:
    mixture, component = cast(Mixture, pair.uncond), cast(Gaussian, pair.cond)
    mean, centred = x.mean(-2), x - x.mean(-2, keepdim=True)
    (origin, _), (target, variance) = mixture.marginal(at), component.marginal(at)
    way = target - origin
    moved = ((mean - origin) * way).sum(-1) / (way * way).sum()
    spread = torch.sqrt((centred * centred).mean((-1, -2)) / variance.mean())
    probability = mixture.responsibilities(x, at)[0].mean((-1, -2))
    return GuidedCurve(space, tuple(moved.tolist()), tuple(spread.tolist()), tuple(probability.tolist()))
