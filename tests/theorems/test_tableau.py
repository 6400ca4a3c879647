"""A step's tableau: its coefficients by hand, its labels, and that a step that is not linear is refused."""

import dataclasses
from fractions import Fraction as F

import pytest

from cfg_equiv.algebra.points import point
from cfg_equiv.algebra.solvers import SOLVERS, Solver
from cfg_equiv.exact.combination import NotLinearError
from cfg_equiv.exact.rational import RATIONAL
from cfg_equiv.theorems.tableau import Step, conditions


def at(*kappas):
    return [point(RATIONAL, F(1), F(kappa)) for kappa in kappas]


def tableau(name, points, **given):
    step = Step(SOLVERS[name], **given)
    return step.tableau(RATIONAL, dict(zip(step.labels, points, strict=True)), F(1))


def nonzero(form):
    return {name: c for name, c in form.terms.items() if c}


def test_heun_by_hand():
    # x' = x + (d + d')/2 * (1 - 2), d = (x - D)/2, d' = (x - d) - D' = x/2 + D/2 - D'
    found = tableau("heun", at(1, 2))
    assert [label for label, _ in found.calls] == ["t"]
    assert nonzero(found.calls[0][1]) == {"z_s": F(1, 2), "x_s": F(1, 2)}
    assert nonzero(found.end) == {"z_s": F(1, 2), "x_t": F(1, 2)}


def test_2m_by_hand():
    # kappa 1 <- 2 <- 8: h = log 2, the step before 2 log 2, r = 2; D = 5/4 m0 - 1/4 m1; x' = x/2 + D/2
    found = tableau("dpmpp_2m", at(1, 2, 8))
    assert found.calls == ()
    assert nonzero(found.end) == {"z_s": F(1, 2), "x_s": F(5, 8), "x_a": F(-1, 8)}


def test_depth_one_is_the_cold_start_and_end_the_step_to_zero():
    assert nonzero(tableau("dpmpp_2m", at(1, 2), depth=1).end) == {"z_s": F(1, 2), "x_s": F(1, 2)}
    assert Step(SOLVERS["dpmpp_2m"]).labels == ("t", "s", "a")
    assert nonzero(tableau("heun", at(1, 2), end=True).end) == {"z_s": F(1, 2), "x_s": F(1, 2)}


def test_history_in_another_space_reads_the_latent_it_was_predicted_at():
    eps = dataclasses.replace(SOLVERS["dpmpp_2m"], name="eps", space="eps")
    step = Step(eps)
    found = step.tableau(RATIONAL, dict(zip(step.labels, at(1, 2, 8), strict=True)), F(1))
    assert found.end["z_a"] == F(-1, 8) / 8


@pytest.mark.parametrize(
    "form",
    [
        lambda xp, past, t: past[0].z * past[0].pred,
        lambda xp, past, t: past[0].z / past[0].pred,
        lambda xp, past, t: 1 / past[0].pred,
        lambda xp, past, t: past[0].z + 1,
    ],
)
def test_a_step_that_is_not_linear_is_refused(form):
    step = Step(Solver("bad", "x0", (form,), order=1, source="made up"))
    with pytest.raises(NotLinearError):
        step.tableau(RATIONAL, dict(zip(step.labels, at(1, 2), strict=True)), F(1))


def test_conditions_order_every_pair():
    assert "kappa_a > kappa_t" in conditions(("t", "s", "a"))
    assert "value(lam_t - lam_a) != 0" in conditions(("t", "s", "a"))
    assert conditions(("t", "s"), "vp", logs=False) == ("alpha_t*sigma_s > alpha_s*sigma_t", "alpha_t + alpha_s > 0")
