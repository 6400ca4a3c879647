"""What guidance does to samples: one curve for rules that commute, one a space for the others."""

import itertools
import json

import pytest
import torch

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.errors import ParameterError, UnknownNameError, WeightError
from cfg_equiv.guided.record import GuidedSamples
from cfg_equiv.guided.rows import has_vectors
from cfg_equiv.guided.samples import SPACES, guided_samples, reason_to_skip, start, trajectory_end
from cfg_equiv.models import Pair, mixture_pair
from cfg_equiv.rounding import calibrated_spread
from cfg_equiv.schedules.spacings import levels, uniform_log_snr
from cfg_equiv.solving import solve
from cfg_equiv.theorems.verdicts import verdict

RUN = [name for name, rule in RULES.items() if not reason_to_skip(rule)]
POINTS = levels(uniform_log_snr(4, -3.0, 4.0), "flow")


class Nudged:
    """A model whose every prediction may round differently."""

    def __init__(self, model, nudge):
        self.model, self.nudge = model, nudge

    def predict(self, z, at, name):
        return self.nudge(self.model.predict(z, at, name))


def ends(rule, weight):
    """The samples of a rule in every space, with the spread of the calibrated rerun."""
    elements = rule.elements if has_vectors(rule) else 4
    pair = mixture_pair((elements,))
    z = start(pair, 1, 4, elements, POINTS[0], seed=0)
    w = torch.tensor(weight, dtype=torch.float64)

    def run(space):
        def samples(nudge, latent):
            moved = Pair(Nudged(pair.cond, nudge), Nudged(pair.uncond, nudge))
            return trajectory_end(rule, moved, latent, w, space, POINTS)

        return calibrated_spread(samples, [z])

    return [run(space) for space in SPACES]


def one_curve(rule, weight):
    """Whether the samples in all spaces are the same up to rounding."""
    pairs = itertools.combinations(ends(rule, weight), 2)
    return all(bool(((a.result - b.result).abs() <= a.bound + b.bound).all()) for a, b in pairs)


@pytest.mark.parametrize("name", ["CFG", "z-projected APG"])
def test_rules_that_commute_draw_one_curve(name):
    assert verdict(RULES[name]).commutes
    assert one_curve(RULES[name], 3.0)


@pytest.mark.parametrize("name", ["CFG rescale", "max"])
def test_rules_that_do_not_draw_one_a_space(name):
    assert not verdict(RULES[name]).commutes
    assert not one_curve(RULES[name], 3.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RUN if name != "ADG"])  # 0/0 where cond and uncond are parallel
def test_samples_say_what_every_verdict_says(name):
    rule, weight = RULES[name], float(RULES[name].parameters["w"])
    if verdict(rule).commutes:
        assert one_curve(rule, weight)
    else:  # a threshold may not be met at its own weight
        assert not one_curve(rule, weight) or not one_curve(rule, 0.0)


def test_the_ends_of_the_weight_are_the_branches():
    pair = mixture_pair((4,))
    z = start(pair, 1, 6, 4, POINTS[0], seed=1)
    for space in SPACES:
        plain = solve("ddim_x0", lambda x, at, space=space: pair.uncond.predict(x, at, space), z, POINTS, source=space)
        off = trajectory_end(RULES["CFG"], pair, z, torch.tensor(0.0, dtype=torch.float64), space, POINTS)
        assert torch.equal(off, plain)


def test_guidance_moves_the_mean_narrows_and_raises_the_probability():
    (cfg,) = guided_samples(["CFG"], weights=(0.0, 1.0, 4.0), steps=10, samples=16).rules
    for curve in cfg.curves:
        assert curve.mean[0] < curve.mean[1] < curve.mean[2]
        assert curve.mean[2] > 1  # it overshoots the class
        assert curve.spread[0] > curve.spread[1] > curve.spread[2]
        assert curve.probability[0] < curve.probability[1] <= curve.probability[2] <= 1
    assert [curve.space for curve in cfg.curves] == list(SPACES)


def test_every_rule_runs_or_is_skipped_with_a_reason():
    found = guided_samples(weights=(2.0,), steps=2, samples=2, spaces=("x0", "eps"))
    assert {rule.rule for rule in found.rules} | set(found.skipped) == set(RULES)
    assert not {rule.rule for rule in found.rules} & set(found.skipped)
    assert found.skipped["SDS"] == "it answers with a gradient, which is no prediction"
    assert found.skipped["composable"] == "it takes first, second, uncond: no cond and uncond alone"
    assert found.skipped["characteristic guidance"] == "its branches are seen at other latents or levels"


def test_weights_at_which_a_rule_has_no_value_are_named():
    (found,) = guided_samples(["Skimmed CFG"], weights=(0.0, 2.0), steps=2, samples=2).rules
    assert (found.weights, found.undefined) == ((2.0,), (0.0,))
    assert "nan" in guided_samples(["Skimmed CFG"], weights=(0.0,), steps=2, samples=2).skipped["Skimmed CFG"]


def test_records_go_to_json_and_back():
    found = guided_samples(["CFG", "SDS"], weights=(1, 2), steps=2, samples=3)
    assert GuidedSamples.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert found == guided_samples(["CFG", "SDS"], weights=(1, 2), steps=2, samples=3)
    assert found != guided_samples(["CFG", "SDS"], weights=(1, 2), steps=2, samples=3, seed=1)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"rules": ["CFG rescal"]}, UnknownNameError, "did you mean 'CFG rescale'?"),
        ({"weights": ()}, WeightError, "expected finite weights, one at least, got (): w = 1 is off"),
        ({"weights": (1.0, float("nan"))}, WeightError, "got nan"),
        ({"spaces": ("x0",)}, ParameterError, "expected at least 2 spaces, got 1: give more spaces"),
        ({"spaces": ("x0", "F")}, ParameterError, "got 'F', which needs sigma_data: leave it out"),
        ({"spaces": ("x0", "epsilon")}, UnknownNameError, "did you mean"),
        ({"steps": 0}, ParameterError, "expected at least 1 steps, got 0: give more steps"),
        ({"samples": 1}, ParameterError, "expected at least 2 samples, got 1: give more samples"),
    ],
)
def test_bad_input_is_named(given, error, text):
    with pytest.raises(error) as caught:
        guided_samples(**({"rules": ["CFG"]} | given))
    assert text in str(caught.value)
