"""Which coefficients there are in a file, and what becomes of one that is changed."""

import ast
from fractions import Fraction as F

from cfg_equiv.bench.scaling import FACTOR, Scale, coefficients, families, scales, sites
from cfg_equiv.exact.combination import unknown
from cfg_equiv.exact.rational import RATIONAL


def found(places):
    return [ast.unparse(getattr(node, name) if k is None else getattr(node, name)[k]) for node, name, k in places]


def factors(text):
    return found(coefficients(ast.parse(text), inside=False))


def test_what_a_coefficient_is():
    assert factors("def f(xp, a, n=3):\n    return a[0] - 2 * a[1] / xp.expm1(a[2])") == [
        "a[0]",
        "2 * a[1] / xp.expm1(a[2])",
        "2 * a[1]",
        "2",
        "a[1]",
        "xp.expm1(a[2])",
        "a[2]",
    ]
    assert factors("def f(a):\n    return g(a, (3, 2))") == ["g(a, (3, 2))", "3", "2"]
    assert factors("def f(past):\n    return past[0].pred") == ["past[0].pred"]
    assert factors("NODES = (Fraction(1, 2),)\nORDERS = (1, 2)") == ["Fraction(1, 2)"]


def test_counts_places_and_zeros_are_none():
    assert factors("def f(a):\n    return [0 + a[k] for k in range(2, 3 + 1) if k < 3]") == ["a[k]"]
    assert factors("def f(a):\n    return Solver(a[:2], order=2 + 1), 1 + 0 * a") == ["1"]


def test_a_number_is_multiplied_and_of_a_logarithm_the_argument():
    scale = Scale()
    assert scale(2) == F(65, 32)
    assert scale(F(1, 2)) == F(65, 128)
    assert scale(unknown("z", F(1)))["z"] == FACTOR
    assert RATIONAL.expm1(scale(RATIONAL.log(F(2)))) == F(65, 32) - 1
    assert scale(1.0) == 65 / 64
    untouched = Scale()
    assert untouched([1, 2]) == [1, 2]
    assert untouched.called
    assert not untouched.scaled


def test_every_scale_is_taken_for_the_other():
    assert found(scales(ast.parse("t.alpha / g(t.sigma) + t.lam"))) == ["t.alpha", "t.sigma"]
    changed = [mutant.after for mutant in sites("heun") if mutant.before == "now.at.sigma"]
    assert "dt = t.sigma - now.at.alpha" in changed
    assert "dt = t.sigma - SCALED(now.at.sigma)" in changed


def test_every_family_has_coefficients():
    assert {"heun", "unipc", "sa_solver", "deis", "samplers.ddim", "moments"} < set(families())
    texts = [(mutant.before, mutant.after) for mutant in sites("heun")]
    assert ("2", "return now.z + (d + d_ahead) / SCALED(2) * dt") in texts
