"""The public conversion: the bare formula where that is regular, its limit or a named error where it is not."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfg_equiv.algebra.convert import convert as bare
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.conversion import _INDEPENDENT_OF, convert
from cfg_equiv.errors import LevelError, MismatchError, ParameterError, SingularEndError, UnknownNameError
from cfg_equiv.rounding import BOUNDED, Bounded, assert_within

GIVEN = {"dalpha": -0.5, "dsigma": 1.5, "sigma_data": 0.5}
NAMES = tuple(PARAMETERIZATIONS)
X0 = torch.tensor([[0.25, -1.5], [2.0, 0.75]], dtype=torch.float64)
EPS = torch.tensor([[1.25, 0.5], [-0.75, 1.0]], dtype=torch.float64)


def needed(*names):
    return {p: GIVEN[p] for name in names for p in PARAMETERIZATIONS[name].needs}


def anchored(alpha, sigma, name):
    """The latent and what a network of that parameterization emits, by definition; both exact on this lattice."""
    at = Point(torch.tensor(alpha, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64))
    return alpha * X0 + sigma * EPS, emit(torch, X0, EPS, at, name, **needed(name))


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("source", NAMES)
def test_it_is_the_bare_formula(source, target):
    z, pred = anchored(0.75, 0.5, source)
    got = convert(z, pred, source=source, target=target, alpha=0.75, sigma=0.5, **needed(source, target))
    at = Point(torch.tensor(0.75, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64))
    rows = [PARAMETERIZATIONS[n].at(torch, at, **needed(n)) for n in (source, target)]
    assert torch.equal(got, pred if source == target else bare(z, pred, at, *rows))


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("source", NAMES)
def test_it_finds_what_the_target_network_emits(source, target):
    """Anchored: both predictions are made from x0 and eps; the bound is the running one of the same formula."""
    z, pred = anchored(0.75, 0.5, source)
    _, wanted = anchored(0.75, 0.5, target)
    got = convert(z, pred, source=source, target=target, alpha=0.75, sigma=0.5, **needed(source, target))
    tensors = [torch.full_like(z, x) for x in (0.75, 0.5)]
    at = Point(*(Bounded(x) for x in tensors))
    parameters = {k: Bounded(torch.full_like(z, x)) for k, x in needed(source, target).items()}
    x0, eps = Bounded(X0), Bounded(EPS)
    made = {n: emit(BOUNDED, x0, eps, at, n, **parameters) for n in (source, target)}
    rows = [PARAMETERIZATIONS[n].at(BOUNDED, at, **parameters) for n in (source, target)]
    bound = bare(Bounded(z), made[source], at, *rows).err + made[target].err
    assert_within(got, wanted, bound)
    off = 2 * bound + 2.0**-50 * wanted.abs() + 2.0**-1070
    with pytest.raises(AssertionError, match="outside the rounding bound"):
        assert_within(wanted + off, wanted, bound)


SURVIVORS = {
    (0.0, 1.0): {"x0", "v", "flow", "reversed_flow", "velocity", "F", "k_diffusion_v", "z_minus_denoised"},
    (1.0, 0.0): {"eps", "v", "flow", "reversed_flow", "velocity", "F", "k_diffusion_v"},
}


@pytest.mark.parametrize("end", SURVIVORS)
@pytest.mark.parametrize("source", NAMES)
def test_who_survives_an_end(end, source):
    """At an end a surviving network still gives x0, eps and v; the others are named errors, never NaN."""
    alpha, sigma = end
    z, pred = (X0 if sigma == 0 else EPS), torch.ones_like(X0)
    if source in SURVIVORS[end]:
        at = Point(torch.tensor(alpha, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64))
        pred = emit(torch, X0, EPS, at, source, **needed(source))
        for target, wanted in (("x0", X0), ("eps", EPS), ("v", alpha * EPS - sigma * X0)):
            got = convert(z, pred, source=source, target=target, alpha=alpha, sigma=sigma, **needed(source))
            # F's root is that of a square of the lattice: everything here is exact, but the division by it
            assert_within(got, wanted, wanted.abs() * 8 * 2.0**-53)
    else:
        other = "eps" if source == "x0" or source == "z_minus_denoised" else "x0"
        with pytest.raises(SingularEndError, match=f"expected a source that determines '{other}' at alpha = {alpha:g}"):
            convert(z, pred, source=source, target=other, alpha=alpha, sigma=sigma)


def test_the_message_names_the_survivors():
    with pytest.raises(SingularEndError) as error:
        convert(EPS, EPS, source="eps", target="x0", alpha=0.0, sigma=1.0)
    assert str(error.value) == (
        "expected a source that determines 'x0' at alpha = 0, sigma = 1, got 'eps', which says no more than z there: "
        "use a network of one of flow, reversed_flow, v, x0, z_minus_denoised, or keep away from that end"
    )


def test_a_score_at_sigma_zero_is_a_named_error():
    with pytest.raises(SingularEndError, match=r"a target that is finite at alpha = 1, sigma = 0, got 'score' = -"):
        convert(X0, EPS, source="eps", target="score", alpha=1.0, sigma=0.0)
    with pytest.raises(SingularEndError, match="a source that determines 'eps' at alpha = 1, sigma = 0, got 'score'"):
        convert(X0, EPS, source="score", target="eps", alpha=1.0, sigma=0.0)


def test_one_singular_item_of_a_batch_is_found():
    alpha = torch.tensor([0.5, 0.0], dtype=torch.float64).reshape(2, 1)
    with pytest.raises(SingularEndError, match="at alpha = 0, sigma = 1"):
        convert(X0, EPS, source="eps", target="x0", alpha=alpha, sigma=1.0)
    each = convert(X0, EPS, source="v", target="x0", alpha=alpha, sigma=1.0)
    for i, a in enumerate((0.5, 0.0)):
        one = convert(X0[i : i + 1], EPS[i : i + 1], source="v", target="x0", alpha=a, sigma=1.0)
        assert torch.equal(each[i : i + 1], one)


def test_limits():
    """Where the vanishing coordinate plays no part in the conversion, its vanishing does no harm."""
    at_noise = {"alpha": 0.0, "sigma": 0.5}
    assert torch.equal(convert(EPS / 2, EPS, source="eps", target="score", **at_noise), -2 * EPS)
    assert torch.equal(convert(EPS / 2, -2 * EPS, source="score", target="eps", **at_noise), EPS)
    at_data = {"alpha": 0.5, "sigma": 0.0}
    z = torch.full_like(X0, 3.0)
    assert torch.equal(convert(z, X0, source="x0", target="z_minus_denoised", **at_data), z - X0)
    assert torch.equal(convert(z, X0, source="z_minus_denoised", target="x0", **at_data), z - X0)
    for name, level in (("eps", at_noise), ("score", at_noise), ("x0", at_data), ("score", at_data)):
        same = convert(z, X0, source=name, target=name, **level)
        assert torch.equal(same, X0)
        assert same is not X0


rationals = st.fractions(min_value=Fraction(1, 4), max_value=4, max_denominator=8)


@given(rationals, rationals, rationals, rationals, rationals)
def test_the_limits_are_of_pairs_that_do_not_depend_on_the_coordinate(z, pred, alpha, sigma, other):
    for pair, coordinate in _INDEPENDENT_OF.items():
        names, at = sorted(pair), Point(alpha, sigma)
        moved = at._replace(**{coordinate: other})
        for source, target in (names, names[::-1]):
            there, here = (
                bare(z, pred, p, *(PARAMETERIZATIONS[n].at(None, p) for n in (source, target))) for p in (moved, at)
            )
            assert there == here


def test_a_pair_that_does_depend_on_it_has_no_limit():
    at = [Point(Fraction(a), Fraction(1)) for a in (1, 2)]
    rows = [[PARAMETERIZATIONS[n].at(None, p) for n in ("eps", "x0")] for p in at]
    assert bare(1, 2, at[0], *rows[0]) != bare(1, 2, at[1], *rows[1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_dtypes_are_kept_and_overflow_of_a_row_is_named(dtype):
    z = X0.to(dtype)
    assert convert(z, z, source="v", target="x0", alpha=0.5, sigma=0.5).dtype == dtype
    if dtype == torch.float16:  # 1/sigma is infinite there
        with pytest.raises(SingularEndError, match=r"a target that is finite at alpha = 1, sigma = 1\.19209e-07"):
            convert(z, z, source="eps", target="score", alpha=1.0, sigma=2.0**-23)


def test_bad_input():
    call = {"source": "eps", "target": "x0", "alpha": 0.5, "sigma": 0.5}
    with pytest.raises(UnknownNameError, match=r"a source parameterization out of F, eps, .*, got 'epsilon'"):
        convert(X0, EPS, **call | {"source": "epsilon"})
    with pytest.raises(
        UnknownNameError, match=r"a target parameterization out of .* got 'flows': did you mean 'flow'\?"
    ):
        convert(X0, EPS, **call | {"target": "flows"})
    with pytest.raises(LevelError, match=r"alpha to be finite and not negative, got -0\.5"):
        convert(X0, EPS, **call | {"alpha": -0.5})
    with pytest.raises(LevelError, match="both zero"):
        convert(X0, EPS, **call | {"alpha": 0, "sigma": 0})
    with pytest.raises(MismatchError, match="pred to have the shape, dtype and device of z"):
        convert(X0, EPS.float(), **call)
    with pytest.raises(ParameterError, match="dalpha= for parameterization 'velocity', got nothing"):
        convert(X0, EPS, **call | {"target": "velocity"})
    with pytest.raises(ParameterError, match="sigma_data= for parameterization 'F', got nothing"):
        convert(X0, EPS, **call | {"source": "F"})
    with pytest.raises(SingularEndError, match="got 'velocity', which says no more than z there"):
        convert(X0, EPS, **call | {"source": "velocity"}, dalpha=1.0, dsigma=1.0)  # along z itself
