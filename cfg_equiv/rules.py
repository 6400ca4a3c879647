r"""Any rule of the guidance catalogue on tensors, in the space it belongs to.

A rule that depends on the space means what its authors meant in one space. :func:`apply_rule` converts the predictions
there, applies the formula, and converts the answer back, at the level and latent of every branch; so a network of any
parameterization can be guided by it. The formulas are those of :data:`cfg_equiv.algebra.guidance.RULES`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.guidance.record import Rule
from cfg_equiv.conversion import convert
from cfg_equiv.errors import MismatchError, NonFiniteError, ParameterError, SingularEndError, sentence, unknown_name
from cfg_equiv.tensor_statistics import TensorStatistics
from cfg_equiv.validation import described, first, level_at, per_element, require_alike, require_parameterization

Level = tuple[Tensor, Any, Any]  # where a branch is seen: its latent, alpha and sigma
ROW_PARAMETERS = ("sigma_data", "dalpha", "dsigma")


def apply_rule(
    name: str,
    branches: Mapping[str, Tensor],
    *,
    space: str,
    z: Tensor | None = None,
    alpha: Any = None,
    sigma: Any = None,
    canonical: bool = True,
    elsewhere: Mapping[str, Level] | None = None,
    **parameters: Any,
) -> Tensor:
    r"""The rule ``name`` of the catalogue on predictions of parameterization ``space``.

    With ``canonical`` the predictions are converted to the rule's own space :math:`S^*`, the formula is applied, and
    the answer is converted back: the same guidance from networks of every parameterization. Without it the formula is
    applied to the predictions as they are, as most libraries do. For a rule that commutes both are the same.

    Parameters
    ----------
    name
        A name of :data:`cfg_equiv.algebra.guidance.RULES`.
    branches
        The predictions by the rule's names for them (``cond``, ``uncond``, ...), floating tensors ``(batch, ...)`` of
        one shape, dtype and device. A constant (the ``gradient`` of classifier guidance) is not converted.
    space
        The parameterization of the predictions.
    z, alpha, sigma
        The latent and its level, numbers or tensors that broadcast against it. Needed to convert, and by rules that see
        the latent or the level.
    canonical
        Whether to convert to the rule's own space first.
    elsewhere
        ``{branch: (z, alpha, sigma)}`` for branches seen at another latent or another level (a past step): needed to
        convert them.
    parameters
        The rule's parameters, all of them: ``w`` and what else its entry names; numbers, or tensors that broadcast. And
        ``sigma_data``, ``dalpha``, ``dsigma`` where a parameterization needs them.

    Returns
    -------
    Tensor
        The guided prediction in ``space``; of SDS and its kin the gradient, in the units of the space it is taken in.

    Raises
    ------
    UnknownNameError
        For a rule or parameterization that is not in its catalogue.
    MismatchError
        Branches that are missing, unknown, or of different shapes; too few axes for the rule's statistics.
    ParameterError
        Parameters that are missing or unknown; a rule that is defined on vectors of a fixed length.
    SingularEndError
        Where the rule's own space does not determine a prediction: eps at ``alpha = 0``.
    NonFiniteError
        Predictions that are not finite; a norm or spread of zero that the rule divides by.
    """
    if name not in RULES:
        raise unknown_name("guidance rule", name, RULES)
    rule = RULES[name]
    require_parameterization("space", space)
    _require_branches(rule, branches)
    like = next(iter(branches.values()))
    if z is not None:
        require_alike(**{next(iter(branches)): like}, z=z)
    rows = {key: parameters.pop(key) for key in ROW_PARAMETERS if key in parameters and key not in rule.parameters}
    given = _parameters(rule, parameters, like, sigma)
    inside = rule.space if canonical and rule.space != "any" else space
    levels = _levels(rule, (z, alpha, sigma), elsewhere or {}, needed=inside != space)
    if rule.sees_z:
        given["z"] = _needed("z", z, rule)
    moved = {
        branch: pred if branch not in levels else _moved(rule, pred, levels[branch], space, inside, rows)
        for branch, pred in branches.items()
    }
    statistics = TensorStatistics(_axes(rule, like))
    answer: Tensor = rule.formula(statistics, *(moved[branch] for branch in rule.branches), **given)
    _require_finite(rule, answer, statistics)
    if inside == space or rule.answer == "gradient":
        return answer
    return _moved(rule, answer, (z, alpha, sigma), inside, space, rows)


def _require_branches(rule: Rule, branches: Mapping[str, Tensor]) -> None:
    if set(branches) != set(rule.branches):
        raise MismatchError(
            sentence(
                f"the branches {', '.join(rule.branches)} of {rule.name!r}",
                ", ".join(map(str, branches)) or "none",
                "name every prediction as the rule does",
            )
        )
    require_alike(**branches)
    for branch, pred in branches.items():
        bad = ~torch.isfinite(pred)
        if bad.any():
            raise NonFiniteError(
                sentence(
                    f"a finite prediction {branch}", first(pred, bad), "look at the network, or at the step before"
                )
            )


def _parameters(rule: Rule, given: Mapping[str, Any], like: Tensor, sigma: Any) -> dict[str, Any]:
    """The rule's parameters as tensors; a ``sigma`` among them is that of the level."""
    fixed = [key for key, value in rule.parameters.items() if isinstance(value, tuple)]
    if fixed:
        raise ParameterError(
            sentence(
                "a rule whose parameters are numbers",
                f"{rule.name!r}, whose {' and '.join(fixed)} are stated element by element",
                f"see {rule.formula.__module__} for its formula on vectors of {rule.elements} elements",
            )
        )
    values = dict(given) | ({"sigma": _needed("sigma", sigma, rule)} if "sigma" in rule.parameters else {})
    if set(values) != set(rule.parameters):
        raise ParameterError(
            sentence(
                f"{', '.join(f'{key}=' for key in rule.parameters)} for {rule.name!r}",
                ", ".join(f"{key}=" for key in values) or "nothing",
                "pass every parameter of the rule: its entry in RULES has an example of each",
            )
        )
    tensors = {key: per_element(key, value, like) for key, value in values.items()}
    for key, value in tensors.items():
        bad = ~torch.isfinite(value)
        if bad.any():
            raise ParameterError(sentence(f"{key} to be finite", first(value, bad), "check where it comes from"))
    return tensors


def _needed(what: str, value: Any, rule: Rule) -> Any:
    if value is None:
        raise ParameterError(
            sentence(f"{what}= for {rule.name!r}", "nothing", "pass the latent and the level the predictions are of")
        )
    return value


def _levels(rule: Rule, here: tuple[Any, Any, Any], elsewhere: Mapping[str, Level], needed: bool) -> dict[str, Level]:
    """Where every branch that is to be converted is seen."""
    for branch in elsewhere:
        if rule.branches.get(branch) not in ("other_latent", "other_level"):
            raise MismatchError(
                sentence(
                    f"levels elsewhere only for branches of {rule.name!r} that are seen elsewhere",
                    repr(branch),
                    "omit it",
                )
            )
    levels: dict[str, Level] = {}
    for branch, seen in rule.branches.items() if needed else ():
        if seen == "here":
            named = zip(("z", "alpha", "sigma"), here, strict=True)
            latent, alpha, sigma = (_needed(what, value, rule) for what, value in named)
            levels[branch] = latent, alpha, sigma
        elif seen != "constant":
            if branch not in elsewhere:
                raise ParameterError(
                    sentence(
                        f"elsewhere={{{branch!r}: (z, alpha, sigma)}} for {rule.name!r}",
                        "nothing",
                        "say at which latent and level this prediction was made: its conversion differs",
                    )
                )
            levels[branch] = elsewhere[branch]
    return levels


def _moved(rule: Rule, pred: Tensor, at: Any, source: str, target: str, rows: Mapping[str, Any]) -> Tensor:
    """The prediction in another space; where that cannot be, an error that names the rule and its space."""
    z, alpha, sigma = at
    try:
        return convert(z, pred, source=source, target=target, alpha=alpha, sigma=sigma, **rows)
    except SingularEndError as error:
        point, space = level_at(alpha, sigma, z), target if source == rule.space else source
        raise SingularEndError(
            sentence(
                f"a level at which {rule.space!r}, the space of {rule.name!r}, and {space!r} determine each other",
                f"alpha down to {point.alpha.min().item():g}, sigma down to {point.sigma.min().item():g}",
                f"leave this level unguided, or apply the rule as it stands with canonical=False ({error})",
            )
        ) from error


def _axes(rule: Rule, like: Tensor) -> tuple[int, ...]:
    """The axes the rule's statistics run over, of a tensor ``(batch, channels, positions...)``."""
    axes = {
        "item": tuple(range(1, like.ndim)),
        "channels": (1,) if like.ndim > 1 else (),
        "positions": tuple(range(2, like.ndim)),
        "last": (like.ndim - 1,) if like.ndim > 1 else (),
    }[rule.over]
    if not axes:
        wanted = {"item": "elements", "last": "elements"}.get(rule.over, rule.over)
        raise MismatchError(
            sentence(
                f"a batch whose items have {wanted}, for the statistics of {rule.name!r}", described(like), "add axes"
            )
        )
    return axes


def _require_finite(rule: Rule, answer: Tensor, statistics: TensorStatistics) -> None:
    bad = ~torch.isfinite(answer)
    if not bad.any():
        return
    item = int(bad.nonzero()[0, 0])
    if statistics.zeros:
        cause = f"{rule.name!r} divides by zero ({' or '.join(dict.fromkeys(statistics.zeros))})"
        do = "leave such items unguided: equal or vanishing branches have no direction"
    else:
        cause, do = f"it leaves the range of {answer.dtype}", "use a wider dtype"
    raise NonFiniteError(sentence("a finite guided prediction", f"{first(answer, bad)} in item {item}: {cause}", do))
