"""Verdicts on rules of one's own: proofs and exact counterexamples for arithmetic, certain separations for torch."""

import json
import math
from fractions import Fraction

import pytest
import torch

from cfg_equiv.errors import MismatchError, UnknownNameError, WeightError
from cfg_equiv.verdict import verdict
from cfg_equiv.verdict.advice import orientations
from cfg_equiv.verdict.loading import RuleError, load_rule

F = Fraction
SMALL = (1, 2, 1, 1)


def plain(cond, uncond, w):
    return uncond + 0.7 * w * (cond - uncond)


def off_at_zero(cond, uncond, w, scale=0.7):
    return (1 + scale * w) * cond - scale * w * uncond


def slip(cond, uncond, w):
    return (1 + w) * cond + w * uncond


def squared(cond, uncond, w):
    return uncond + w * (cond - uncond) ** 2


def by_latent(cond, uncond, w, z):
    return uncond + w * (cond - uncond) * z / (1 + z * z)


def gated(cond, uncond, w):
    return uncond + w * (cond - uncond) if w > 1 else cond


def rectified(cond, uncond, w):
    return uncond + w * torch.relu(cond - uncond)


def clipped(cond, uncond, w, limit=1.0):
    return (uncond + w * (cond - uncond)).clamp(-limit, limit)


def rescaled(cond, uncond, w, phi=0.7):
    guided = uncond + w * (cond - uncond)
    axes = tuple(range(1, cond.ndim))
    return phi * guided * (cond.std(axes, keepdim=True) / guided.std(axes, keepdim=True)) + (1 - phi) * guided


def by_numpy(cond, uncond, w):
    return torch.from_numpy(uncond.numpy() / 3 + w / 3 * (cond.numpy() - uncond.numpy())) * 3


def in_float32(cond, uncond, w):
    return (uncond.float() / 3 + w / 3 * (cond.float() - uncond.float())).to(cond.dtype) * 3


MEMORY = [0]


def remembering(cond, uncond, w):
    MEMORY[0] = MEMORY[0] / 2 + (cond - uncond)
    return uncond + w * MEMORY[0]


@pytest.mark.parametrize("rule", [plain, off_at_zero, gated])
def test_linear_arithmetic_is_proved(rule):
    found = verdict(rule)
    assert (found.letter, found.evidence, found.exact, found.commutes) == ("A", "field proof", True, True)
    assert found.counterexample is None
    assert found.advice == ("apply it to whatever the network emits",)


def test_arithmetic_that_sees_the_latent_is_proved():
    found = verdict(by_latent)
    assert (found.letter, found.evidence) == ("B", "field proof")


@pytest.mark.parametrize(("rule", "broken"), [(slip, {"translation"}), (squared, {"scale", "sign"})])
def test_arithmetic_that_does_not_commute_has_an_exact_counterexample(rule, broken):
    found = verdict(rule)
    assert found.letter == "D"
    assert {name for name, holds in found.generators.items() if not holds} == broken
    data = found.counterexample
    assert data is not None
    assert len(set(map(tuple, data["result"].values()))) > 1
    alpha, sigma, w = (F(data[name]) for name in ("alpha", "sigma", "w"))
    for z, c, u, x0, eps, flow in zip(
        data["z"], data["cond"], data["uncond"], *(data["result"][s] for s in ("x0", "eps", "flow")), strict=True
    ):
        z, c, u = F(z), F(c), F(u)
        assert F(x0) == rule(c, u, w)
        assert F(eps) == (z - sigma * rule(*((z - alpha * x) / sigma for x in (c, u)), w)) / alpha
        velocity = rule(*((z - alpha * x) / sigma - x for x in (c, u)), w)
        assert F(flow) == (z - sigma * velocity) / (alpha + sigma)


def test_it_names_a_neighbour_that_commutes():
    assert any(
        "slip(cond - uncond, 0, w) commutes; it is plain guidance with weight 4" in x for x in verdict(slip).advice
    )
    assert not any("commutes" in text for text in verdict(squared).advice)


@pytest.mark.slow
def test_a_rule_that_fails_by_its_sign_alone_is_of_class_c():
    found = verdict(rectified, shape=SMALL)
    assert found.letter == "C"
    assert not found.exact
    assert found.counterexample["result"]["x0"] != found.counterexample["result"]["eps"]
    assert found.advice[0].startswith("it is one rule among x0, score, reversed_flow and another one among the rest")
    signs = orientations()
    assert signs["x0"] == signs["score"] == 1
    assert signs["eps"] == signs["v"] == signs["flow"] == -1


def test_torch_functions_are_separated_beyond_their_rounding():
    found = verdict(clipped, space="x0", shape=SMALL)
    assert (found.letter, found.exact) == ("D", False)
    assert found.evidence == "separated beyond the bound of its rounding"
    assert found.generators == {"translation": False, "scale": False, "sign": True}
    assert "target='x0'" in found.advice[0]


@pytest.mark.slow
def test_the_rescale_depends_on_the_space_and_its_neighbour_across_the_latent_does_not():
    found = verdict(rescaled, shape=SMALL)
    assert found.generators == {"translation": False, "scale": True, "sign": True}
    assert any("orthogonal to z" in text for text in found.advice)
    assert found.undefined == ("cond and uncond constant", "cond = uncond = 0")


@pytest.mark.slow
def test_the_twins_commute_within_rounding():
    for rule in (lambda c, u, w: rescaled(c, u, w, phi=0.0), lambda c, u, w: clipped(c, u, w, limit=1e9)):
        found = verdict(rule, shape=SMALL, name="twin")
        assert (found.letter, found.commutes) == ("B", True)
        assert found.evidence.startswith("no difference beyond rounding on 48 draws: evidence, no proof")


@pytest.mark.slow
def test_roundings_outside_of_torch_are_not_taken_for_a_difference():
    found = verdict(by_numpy, shape=SMALL)
    assert found.commutes
    assert "by calibrated reruns, which are statistical" in found.evidence
    assert verdict(in_float32, shape=SMALL).commutes
    assert verdict(in_float32, shape=SMALL, dtype=torch.float32).commutes


@pytest.mark.slow
def test_small_shapes_are_preferred_and_a_given_one_is_kept():
    assert [len(verdict(clipped, shape=shape).counterexample["z"]) for shape in (None, (1, 3))] == [1, 3]


def test_the_record_is_plain():
    record = json.loads(json.dumps(verdict(slip, space="eps").to_dict()))
    assert record["class"] == "D"
    assert record["commutes"] is False
    assert record["canonical_space"] == "eps"
    assert set(record["counterexample"]) == {"alpha", "sigma", "w", "z", "cond", "uncond", "result"}
    assert verdict(plain).to_dict()["canonical_space"] == "any"


def test_the_text_says_all_of_it():
    text = str(verdict(slip))
    for part in ("slip: class D", "exact counterexample (at w = 3)", "not with: translation", "z = (1)", "advice: "):
        assert part in text
    assert "no finite value at: cond = uncond" in str(verdict(lambda c, u, w: u + (c - u) ** 2 / (c - u) * w))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (3, "expected a function rule.cond, uncond, w., got a int: write def rule"),
        (lambda cond: cond, r"expected rule\(cond, uncond, w\), got <lambda>\(cond\): .* give other parameters a def"),
        (lambda cond, uncond, w, phi: cond, "give other parameters a default"),
        (lambda cond, uncond, w: cond.nothing(), "to run on tensors of shape .* got AttributeError: .*'nothing'"),
        (lambda cond, uncond, w: None, "expected the rule to give a tensor of floats, got a NoneType"),
        (lambda cond, uncond, w: cond.mean(), "expected the rule to keep the shape of cond, got shape"),
        (lambda cond, uncond, w: torch.log(-cond * cond), "to have a value on ordinary predictions, .*guard its div"),
        (lambda cond, uncond, w: cond / (uncond - uncond).norm(), "to have a value on ordinary predictions"),
        (remembering, "to give the same answer on the same predictions, got two: a rule with a memory"),
    ],
)
def test_rules_that_cannot_be_judged(rule, text):
    with pytest.raises(RuleError, match=text):
        verdict(rule, shape=SMALL)


def test_bad_options():
    with pytest.raises(UnknownNameError, match="got 'epsilon': did you mean 'eps'"):
        verdict(plain, space="epsilon")
    with pytest.raises(WeightError, match="expected a finite weight, got nan"):
        verdict(plain, w=math.nan)
    with pytest.raises(MismatchError, match="expected a shape of positive sizes"):
        verdict(clipped, shape=(1, 0))


SOURCE = """
import parts

def rule(cond, uncond, w):
    return parts.base(uncond) + w * (cond - uncond)

def short(cond, w):
    return cond

value = 3
"""


def test_a_rule_out_of_a_file(tmp_path):
    (tmp_path / "parts.py").write_text("def base(x):\n    return x\n")
    (tmp_path / "mine.py").write_text(SOURCE)
    assert verdict(load_rule(f"{tmp_path}/mine.py:rule")).letter == "A"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{0}/mine.py", UnknownNameError, "expected a rule FILE.py:name, got"),
        ("{0}/other.py:rule", UnknownNameError, "expected a Python file, got .*other.py': give the path of a file"),
        ("{0}/mine.py:rules", UnknownNameError, "expected a function of mine.py out of rule, short, got 'rules': did"),
        ("{0}/mine.py:value", RuleError, "expected a function rule.cond, uncond, w., got a int"),
        ("{0}/mine.py:short", RuleError, r"expected rule\(cond, uncond, w\), got short\(cond, w\)"),
        ("{0}/broken.py:rule", RuleError, "expected broken.py to run, got ZeroDivisionError: division by zero"),
        ("{0}/text.txt:rule", RuleError, "its name has to end with .py"),
    ],
)
def test_files_that_have_no_rule(tmp_path, text, error, message):
    (tmp_path / "parts.py").write_text("def base(x):\n    return x\n")
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "text.txt").write_text("")
    with pytest.raises(error, match=message):
        load_rule(text.format(tmp_path))
