"""Printed conversions are run: what is read and pasted must be what the package computes."""

from fractions import Fraction

import pytest
import torch

from cfg_equiv import convert
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.formula import PATHS, formula
from cfg_equiv.rounding import BoundMode, assert_within

F = Fraction
# A point of each path, its derivative, and sigma_data for which all roots stay rational or surds.
POINTS = {
    "any": (F(2, 3), F(3, 4), F(-1), F(5, 2)),
    "vp": (F(4, 5), F(3, 5), F(-3, 2), F(2)),
    "ve": (F(1), F(5, 2), F(0), F(3)),
    "flow": (F(3, 8), F(5, 8), F(-2), F(2)),
}
DATA = F(1, 2)
NAMES = sorted(PARAMETERIZATIONS)
PAIRS = [("v", "eps"), ("eps", "v"), ("flow", "x0"), ("velocity", "score"), ("reversed_flow", "z_minus_denoised")]


def run(text, xp, **values):
    """Execute the printed code and call its function with the arguments it names."""
    scope = {"torch": xp}
    exec(text, scope)
    function = next(value for key, value in scope.items() if "_from_" in key)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return function(*(values[name] for name in names))


def exact_values(path):
    alpha, sigma, dalpha, dsigma = POINTS[path]
    return {"alpha": alpha, "sigma": sigma, "dalpha": dalpha, "dsigma": dsigma, "sigma_data": DATA}


def expected(path, source, target):
    values = exact_values(path)
    at = Point(values.pop("alpha"), values.pop("sigma"))
    return to_space(RATIONAL, F(7, 5), F(-2, 3), at, source, target, **values)


def printed(path, source, target):
    return run(
        formula(source, target, path=path).torch, RATIONAL, z=F(7, 5), **{source: F(-2, 3)}, **exact_values(path)
    )


@pytest.mark.parametrize("path", PATHS)
def test_the_printed_code_is_the_conversion_exactly(path):
    for source, target in PAIRS:
        assert printed(path, source, target) == expected(path, source, target), (source, target)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_the_printed_code_of_the_other_pairs_is_the_conversion(path):
    # Groebner bases are slow: where a path has a relation, every second source.
    for source in NAMES[1 :: 2 if path in ("vp", "flow") else 1]:
        for target in NAMES:
            assert printed(path, source, target) == expected(path, source, target), (source, target)


def test_a_formula_of_one_path_is_false_on_another():
    text = formula("v", "eps", path="vp").torch
    values = {"z": F(7, 5), "v": F(-2, 3), **exact_values("flow")}
    assert run(text, RATIONAL, **values) != expected("flow", "v", "eps")


@pytest.mark.parametrize(("source", "target"), [("v", "eps"), ("velocity", "F")])
def test_the_printed_code_runs_on_tensors_as_convert_does(source, target):
    alpha, sigma, dalpha, dsigma = (float(x) for x in POINTS["flow"])
    z, pred = torch.tensor([[0.25, -3.0]], dtype=torch.float64), torch.tensor([[1.5, 0.5]], dtype=torch.float64)
    values = {"alpha": alpha, "sigma": sigma, "dalpha": dalpha, "dsigma": dsigma, "sigma_data": float(DATA)}
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    needed = {p for name in (source, target) for p in PARAMETERIZATIONS[name].needs}
    with BoundMode() as mode:
        got = run(formula(source, target, path="flow").torch, torch, z=z, **{source: pred}, **tensors)
        reference = convert(
            z, pred, source=source, target=target, alpha=alpha, sigma=sigma, **{n: values[n] for n in needed}
        )
    assert assert_within(got, reference, mode.error(got) + mode.error(reference)) == 0


def test_paths_simplify():
    assert formula("v", "eps", path="vp").latex == r"\epsilon = \alpha v + \sigma z"
    assert formula("v", "eps").latex == r"\epsilon = \frac{\alpha v + \sigma z}{\alpha^{2} + \sigma^{2}}"
    assert formula("flow", "x0", path="flow").torch.endswith("return -flow*sigma + z")
    assert formula("F", "v", path="vp", sigma_data=1).latex == "v = - F"
    assert "sigma_data" in formula("F", "v", path="vp").torch
    assert "alpha" not in formula("F", "x0", path="ve").torch


def test_it_says_what_it_divides_by():
    assert formula("eps", "v").divides_by == ("alpha",)
    assert formula("F", "x0").divides_by == ()
    assert str(formula("eps", "x0")).endswith("# needs alpha != 0")
    assert set(formula("eps", "v").to_dict()) == {"source", "target", "path", "latex", "torch", "divides_by"}


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (("w", "eps"), {}, UnknownNameError, "expected a source parameterization out of .*, got 'w'"),
        (("v", "epsilon"), {}, UnknownNameError, "got 'epsilon': did you mean 'eps'"),
        (("v", "eps"), {"path": "VP"}, UnknownNameError, "expected a path out of any, flow, ve, vp, got 'VP'"),
        (("v", "eps"), {"sigma_data": 1}, ParameterError, "expected sigma_data only with F or k_diffusion_v"),
        (("F", "v"), {"sigma_data": 0}, ParameterError, "expected sigma_data to be finite and positive, got 0"),
    ],
)
def test_errors(arguments, options, error, text):
    with pytest.raises(error, match=text):
        formula(*arguments, **options)
