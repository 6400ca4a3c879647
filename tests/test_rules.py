"""Every rule of the catalogue on tensors: the exact value within its bound, and one meaning from every space."""

import re
from fractions import Fraction
from functools import partial

import pytest
import torch

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.conversion import convert
from cfg_equiv.errors import MismatchError, NonFiniteError, ParameterError, SingularEndError, UnknownNameError
from cfg_equiv.exact.interval_vectors import INTERVALS, Enclosed
from cfg_equiv.exact.intervals import enclosure
from cfg_equiv.exact.rational import Vector
from cfg_equiv.rounding import BoundMode, assert_within, calibrated_spread
from cfg_equiv.rules import apply_rule

BY_ELEMENT = sorted(
    name for name, rule in RULES.items() if any(isinstance(value, tuple) for value in rule.parameters.values())
)
POWERS = {"beta-CFG", "power-law CFG"}  # of a norm: enclosures have none
ON_TENSORS = sorted(set(RULES) - set(BY_ELEMENT))
QUICK = {"APG momentum", "CFG rescale", "static clip"}
TIERS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ON_TENSORS]
ENCLOSED = [tier for tier, name in zip(TIERS, ON_TENSORS, strict=True) if name not in POWERS]
SHAPES = {"item": (1, 4), "channels": (1, 4, 1), "positions": (1, 1, 4), "last": (1, 4)}
HERE, BEFORE = (0.5, 0.5), (0.25, 0.75)  # points of the flow path


def tensor(*values):
    return torch.tensor([values], dtype=torch.float64)


def given(rule):
    """Parameters as doubles, without the level's own sigma."""
    return {key: float(value) for key, value in rule.parameters.items() if key != "sigma"}


def data(rule, shape):
    """Sixteenths, drawn once for every rule: a latent of each kind, and x0 for every branch."""
    generator = torch.Generator().manual_seed(len(rule.name))

    def draw():
        return torch.randint(-40, 40, shape, generator=generator).double() / 16

    latents = {seen: draw() for seen in ("here", "other_latent", "other_level")}
    return latents, {name: draw() for name in rule.branches}


def bounded(run, inputs):
    """What ``run`` computes, and how far it may be off: the running bound, or where that is infinite the rerun."""
    with BoundMode() as mode:
        got = run(lambda x: x, *inputs)
    bound = mode.error(got)
    return got, bound if bound.isfinite().all() else calibrated_spread(run, inputs).bound


def vector(x):
    return Vector(Enclosed(Fraction(value)) for value in x.flatten().tolist())


@pytest.mark.parametrize("name", ENCLOSED)
def test_the_exact_value_within_the_bound(name):
    rule = RULES[name]
    latents, branches = data(rule, SHAPES[rule.over])

    def run(nudge, *predictions):
        level = {"z": latents["here"], "alpha": 0.5, "sigma": 0.5, "canonical": False}
        return apply_rule(name, dict(zip(branches, predictions, strict=True)), space="x0", **level, **given(rule))

    got, bound = bounded(run, list(branches.values()))
    numbers = {key: Fraction(value) for key, value in given(rule).items()}
    exact = {key: value if key in ("percentile", "threshold") else Enclosed(value) for key, value in numbers.items()}
    exact |= {"sigma": Enclosed(Fraction(1, 2))} if "sigma" in rule.parameters else {}
    exact |= {"z": vector(latents["here"])} if rule.sees_z else {}
    expected = rule.formula(INTERVALS, *(vector(x) for x in branches.values()), **exact)
    middles, radii = zip(*(enclosure(x.interval) for x in expected), strict=True)
    assert max(radii) < Fraction(1, 10**30)
    assert assert_within(got.flatten(), list(middles), bound.flatten() + 2.0**-90) == 0


@pytest.mark.parametrize(("name", "expected"), [("beta-CFG", (3, 4)), ("power-law CFG", (33, 44))])
def test_powers_of_a_norm(name, expected):
    branches = {"cond": tensor(3, 4), "uncond": tensor(0, 0)}
    assert torch.equal(apply_rule(name, branches, space="x0", canonical=False, **given(RULES[name])), tensor(*expected))


def everywhere(name, spaces, canonical=True):
    """The rule on one denoiser seen in several spaces: every answer in x0, and its bound."""
    rule = RULES[name]
    latents, branches = data(rule, (2, 3, 2))
    levels = {"here": HERE, "other_latent": HERE, "other_level": BEFORE}
    elsewhere = {
        branch: (latents[seen], *levels[seen])
        for branch, seen in rule.branches.items()
        if seen in ("other_latent", "other_level")
    }
    z, at = latents["here"], {"alpha": HERE[0], "sigma": HERE[1]}

    def run(space, nudge, *x0s):
        moved = dict(zip(branches, x0s, strict=True))
        for branch, seen in rule.branches.items():
            if seen != "constant":
                alpha, sigma = levels[seen]
                there = {"source": "x0", "target": space, "alpha": alpha, "sigma": sigma}
                moved[branch] = convert(latents[seen], moved[branch], **there)
        where = {"space": space, "z": z, "elsewhere": elsewhere, "canonical": canonical} | at
        answer = apply_rule(name, moved, **where, **given(rule))
        return answer if rule.answer == "gradient" else convert(z, answer, source=space, target="x0", **at)

    return [bounded(partial(run, space), list(branches.values())) for space in spaces]


@pytest.mark.parametrize("name", TIERS)
def test_in_its_own_space_a_rule_means_the_same_from_every_space(name):
    (first, bound), (other, also) = everywhere(name, ("x0", "eps"))
    assert float(first.std()) > 0 or name == "zero-init"
    assert assert_within(other, first, bound + also) == 0


@pytest.mark.parametrize("name", ["CFG rescale", "scale_phi", "APG threshold", "mimic-CFG"])
def test_items_of_a_batch_know_nothing_of_each_other(name):
    latents, branches = data(RULES[name], (2, 3, 4))

    def run(chosen, nudge, *predictions):
        named = dict(zip(branches, (x[chosen] for x in predictions), strict=True))
        return apply_rule(name, named, space="x0", z=latents["here"][chosen], canonical=False, **given(RULES[name]))

    both, bound = bounded(partial(run, slice(None)), list(branches.values()))
    for item in (0, 1):
        alone, also = bounded(partial(run, slice(item, item + 1)), list(branches.values()))
        assert assert_within(alone, both[item : item + 1], bound[item : item + 1] + also) == 0


@pytest.mark.parametrize("name", ["CFG rescale", "zero-init"])
def test_as_it_stands_it_does_not(name):
    (first, bound), (other, also) = everywhere(name, ("x0", "eps"), canonical=False)
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(other, first, bound + also)


def test_by_hand_from_noise():
    # x0 of c and u are (1, 0) and (0, -1) at z = (0, 1): the rule on x0 gives (1, 1), eps = 2z - x0.
    z, cond, uncond = tensor(0, 1), tensor(-1, 2), tensor(0, 3)
    branches = {"cond": cond, "uncond": uncond}
    where = {"space": "eps", "z": z, "alpha": 0.5, "sigma": 0.5, "w": 2.0, "eta": 0.0}
    assert torch.equal(apply_rule("APG projection", branches, **where), tensor(-1, 1))
    assert torch.equal(apply_rule("z-projected APG", branches, **where), tensor(-1, 1))
    as_it_stands = apply_rule("APG projection", branches, **where, canonical=False)
    assert not torch.equal(as_it_stands, tensor(-1, 1))


def test_where_nothing_has_to_be_converted_no_level_is_needed():
    branches = {"cond": tensor(5, 2), "uncond": tensor(2, 1)}
    assert torch.equal(apply_rule("CFG", branches, space="v", w=3.0), tensor(11, 4))
    assert torch.equal(apply_rule("static clip", branches, space="x0", w=3.0, limit=4.0), tensor(4, 4))


def test_one_weight_an_item():
    branches = {"cond": torch.tensor([[5.0], [5.0]]), "uncond": torch.tensor([[2.0], [2.0]])}
    w = torch.tensor([[3.0], [1.0]])
    assert apply_rule("CFG", branches, space="v", w=w).flatten().tolist() == [11.0, 5.0]


def test_the_level_is_a_parameter_of_classifier_guidance():
    branches = {"pred": tensor(1, 1), "gradient": tensor(2, 4)}
    guided = apply_rule("classifier guidance", branches, space="eps", sigma=0.5, w=3.0)
    assert torch.equal(guided, tensor(-2, -5))
    with pytest.raises(ParameterError, match=r"sigma= for 'classifier guidance', got nothing"):
        apply_rule("classifier guidance", branches, space="eps", w=3.0)


def test_a_network_with_its_own_parameters():
    branches = {"cond": tensor(1, 0), "uncond": tensor(0, -1)}
    where = {"z": tensor(0, 1), "alpha": 1.0, "sigma": 0.5, "w": 2.0, "eta": 0.0}
    guided = apply_rule("APG projection", branches, space="F", sigma_data=0.5, **where)
    assert guided.shape == (1, 2)
    with pytest.raises(ParameterError, match="sigma_data= for parameterization 'F'"):
        apply_rule("APG projection", branches, space="F", **where)


TWO = {"cond": tensor(1, 2), "uncond": tensor(3, 4)}
AT = {"z": tensor(1, 1), "alpha": 0.5, "sigma": 0.5}


@pytest.mark.parametrize(
    ("name", "branches", "arguments", "error", "text"),
    [
        ("APGG", TWO, {}, UnknownNameError, "did you mean 'APG'"),
        ("CFG", TWO, {"space": "noise", "w": 2.0}, UnknownNameError, "space parameterization"),
        ("CFG", {"cond": tensor(1, 2)}, {"w": 2.0}, MismatchError, "branches cond, uncond of 'CFG', got cond"),
        ("CFG", TWO | {"uncond": tensor(1)}, {"w": 2.0}, MismatchError, "uncond to have the shape"),
        ("CFG", TWO, {"w": 2.0, "z": tensor(1)}, MismatchError, "z to have the shape"),
        ("CFG", TWO | {"cond": tensor(torch.nan, 1)}, {"w": 2.0}, NonFiniteError, "finite prediction cond"),
        ("CFG", TWO, {}, ParameterError, "w= for 'CFG', got nothing"),
        ("CFG", TWO, {"w": 2.0, "phi": 1.0}, ParameterError, "w= for 'CFG', got w=, phi="),
        ("CFG", TWO, {"w": torch.inf}, ParameterError, "w to be finite"),
        ("FDG", TWO, {"w": 2.0}, ParameterError, "whose parameters are numbers"),
        ("CFG rescale", TWO, {"w": 2.0, "phi": 1.0}, ParameterError, "z= for 'CFG rescale', got nothing"),
        ("z-projected APG", TWO, {"w": 2.0, "eta": 0.0}, ParameterError, "z= for 'z-projected APG'"),
        ("SAG", TWO | {"degraded": TWO["cond"]}, AT | {"w": 2.0, "s": 1.0}, ParameterError, "elsewhere={'degraded'"),
        ("CFG", TWO, {"w": 2.0, "elsewhere": {"cond": AT}}, MismatchError, "that are seen elsewhere, got 'cond'"),
        ("mimic-CFG (STD)", TWO, {"w": 2.0, "mimic": 1.0, "canonical": False}, MismatchError, "items have positions"),
    ],
)
def test_what_does_not_fit_is_said(name, branches, arguments, error, text):
    with pytest.raises(error, match=text):
        apply_rule(name, branches, **({"space": "flow"} | arguments))


@pytest.mark.parametrize(
    ("name", "space", "level"),
    [("TSR", "v", (0.0, 1.0)), ("ReCFG", "v", (0.0, 1.0)), ("CFG rescale", "x0", (1.0, 0.0))],
)
def test_a_canonical_space_that_does_not_exist_at_a_level(name, space, level):
    rule = RULES[name]
    branches = dict.fromkeys(rule.branches, tensor(1, 2))
    arguments = {"space": space, "z": tensor(1, 1), "alpha": level[0], "sigma": level[1]} | given(rule)
    with pytest.raises(
        SingularEndError, match=f"{rule.space!r}, the space of {name!r}, and {space!r}.*canonical=False"
    ):
        apply_rule(name, branches, **arguments)
    assert torch.isfinite(apply_rule(name, {b: tensor(1, 2) for b in branches}, **arguments, canonical=False)).all()


@pytest.mark.parametrize(
    ("name", "cond", "uncond", "what"),
    [
        ("APG projection", (0, 0), (1, 2), "norm"),
        ("CFG rescale", (2, 2), (1, 1), "standard deviation"),
        ("norm-preserving CFG", (1, 2), (2, 4), "norm"),
        ("CFG-Zero*", (1, 2), (0, 0), "norm"),
        ("TCFG", (1, 0), (0, 1), "root"),
        ("ADG", (1, 0), (2, 0), "sine"),
        ("Reinhard CFG", (1, 2), (1, 3), "absolute value"),
    ],
)
def test_a_zero_that_is_divided_by_is_an_error_and_no_nan(name, cond, uncond, what):
    rule = RULES[name]
    good = torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, 0.5]])
    branches = {
        "cond": torch.cat([good[0], torch.tensor([cond], dtype=torch.float32)]),
        "uncond": torch.cat([good[1], torch.tensor([uncond], dtype=torch.float32)]),
    }
    where = {"space": "v", "canonical": False} | given(rule) | ({"w": 2.0})
    with pytest.raises(NonFiniteError, match=f"in item 1: {re.escape(repr(name))} divides by zero .*{what}"):
        apply_rule(name, branches, **where)


def test_where_there_is_a_limit_it_is_the_answer():
    # Equal branches: nothing to cut off. No unconditional prediction to compare with: infinitely damped.
    branches = {"cond": tensor(1, 2), "uncond": tensor(1, 2)}
    assert torch.equal(apply_rule("APG threshold", branches, space="x0", w=2.0, radius=1.0), tensor(1, 2))
    branches = {"cond": tensor(1, 2), "uncond": tensor(0, 0)}
    assert torch.equal(apply_rule("MAMBO-G", branches, space="flow", w=10.0, a=8.0), tensor(1, 2))


def test_overflow_is_named():
    branches = {"cond": torch.tensor([[60000.0]]).half(), "uncond": torch.tensor([[-60000.0]]).half()}
    with pytest.raises(NonFiniteError, match=r"leaves the range of torch.float16: use a wider dtype"):
        apply_rule("CFG", branches, space="v", w=2.0)


def test_rules_stated_element_by_element_are_told_apart():
    assert BY_ELEMENT == [
        "DiT channels",
        "FDG",
        "FreSca",
        "S-CFG",
        "VideoLinearCFG",
        "VideoTriangleCFG",
        "limited interval",
    ]
