r"""diffusers: ``DDIMScheduler.step`` and the guider ``ClassifierFreeGuidance``.

Both are plain arithmetic and run on field elements unchanged, so both are proved as shipped: the scheduler at an inner
step and at the last one, which ends at :math:`\bar\alpha = 1`, for every ``eta``. In floats the released step must lie
within the bound of its own roundings around the exact native step, one step at a time: on a float64 table put in place
of the float32 one that the scheduler builds whatever the model's dtype, and on that float32 table as shipped.

References
----------
[SME20] arXiv:2010.02502, eqs. 12 and 16; ``diffusers/schedulers/scheduling_ddim.py``.
[HS22] arXiv:2207.12598, eq. 6; [Saharia22] arXiv:2205.11487, eq. 2; ``diffusers/guiders/classifier_free_guidance.py``.
"""

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, weight_off_at_zero
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from, to_space
from cfg_equiv.exact.field import Field
from cfg_equiv.exact.intervals import INTERVAL, number
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.floats import Floats, draw, elementwise
from cfg_equiv.peers.symbols import Symbol, Symbolic, assert_differ, assert_equal, symbols
from cfg_equiv.rounding import BoundMode

NEEDS = ("diffusers",)

# prediction_type -> our row, and the form of DDIM that was written for it
SPACES = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}
NATIVE = {"epsilon": "ddim_eps", "sample": "ddim_x0", "v_prediction": "ddim_v"}
WEIGHT = 7.5


def scheduler(prediction_type: str, steps: int, train: int = 1000, table: Any = None) -> Any:
    """A released scheduler without clipping; ``table`` replaces its ``alphas_cumprod``, a plain attribute."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    made = DDIMScheduler(num_train_timesteps=train, clip_sample=False, prediction_type=prediction_type)
    made.set_timesteps(steps)
    if table is not None:
        made.alphas_cumprod = table
        made.final_alpha_cumprod = 1
    return made


# -- proofs ---------------------------------------------------------------------------------------------------------


def ddim_proved() -> str:
    """Every prediction type, an inner step and the last one, any eta: the released step is the native DDIM."""
    steps = 0
    for stochastic, last, prediction_type in itertools.product((False, True), (False, True), SPACES):
        s, t, (z, pred, noise, eta) = _vp_step(last)
        # The step from timestep k goes to k - 1, and from 0 to the final value.
        table = [s.alpha**2] if last else [t.alpha**2, s.alpha**2]
        given = eta if stochastic else 0
        got, denoised = scheduler(prediction_type, len(table), len(table), table).step(
            pred, len(table) - 1, z, eta=given, variance_noise=noise, return_dict=False
        )
        space, native = SPACES[prediction_type], SAMPLERS[NATIVE[prediction_type]]
        what = f"DDIM, {prediction_type}, {'last step' if last else 'inner step'}, eta {given}"
        family = step_from(Symbolic, SAMPLERS["ddim_eta"], space, z, pred, s, t, noise=noise, eta=given)
        assert_equal(denoised, to_space(Symbolic, z, pred, s, space, "x0"), f"{what}: pred_original_sample")
        assert_equal(got, family, f"{what}: against ddim_eta")
        if last or not stochastic:
            assert_equal(got, native.step(Symbolic, z, pred, s, t), f"{what}: against {native.name}")
        else:
            assert_differ(got, native.step(Symbolic, z, pred, s, t), f"{what}: with noise against without")
        steps += 1
    kinds = ", ".join(SPACES)
    return f"step() proved as shipped on VP for every eta, the last step included: {steps} cases of {kinds}"


def _vp_step(last: bool) -> tuple[Point, Point, tuple[Symbol, ...]]:
    r"""Two points of the VP circle by :math:`\alpha = (1-a^2)/(1+a^2)`, and what a step takes besides them.

    The last step ends at ``alpha = 1``.
    """
    field = Field(["a", "b", "z", "pred", "noise", "eta"])
    a, b, *given = symbols(field, *field.gens)
    s, t = (Point((1 - x**2) / (1 + x**2), 2 * x / (1 + x**2)) for x in (a, b))
    for positive in (a, b, 1 - a, 1 - b, a - b, 1 - a * b, given[-1]):
        field.declare_positive(positive.sym)
    # eta at most 1 is a little more than needed: the root of the paper's eq. 12 must be real.
    variance = t.sigma**2 / s.sigma**2 * (1 - s.alpha**2 / t.alpha**2)
    field.declare_positive((t.sigma**2 - given[-1] ** 2 * variance).sym)
    return s, Point(1, 0) if last else t, tuple(given)


def guider_proved() -> str:
    """The guider in x0, eps, v, score and flow is one rule, in both of its formulations."""
    field = Field(["alpha", "sigma", "z", "c", "u", "w"])
    alpha, sigma, z, c, u, w = symbols(field, *field.gens)
    at, spaces = Point(alpha, sigma), ("x0", "eps", "v", "score", "flow")
    for original in (False, True):
        guide = _guider(w, original)
        native = (cfg_from_cond if original else cfg)(c, u, w)
        assert_equal(guide(c, u), native, "the guider on x0")
        for space in spaces:
            inside = guide(*(to_space(Symbolic, z, x, at, "x0", space) for x in (c, u)))
            back = to_space(Symbolic, z, inside, at, space, "x0")
            assert_equal(back, native, f"the guider in {space}, use_original_formulation={original}")
    default, original_form = _guider(w, False)(c, u), _guider(w, True)
    assert_differ(original_form(c, u), default, "the two formulations at one weight")
    assert_equal(original_form(c, u) - default, c - u, "the difference of the two formulations at one weight")
    assert_equal(_guider(weight_off_at_zero(w), True)(c, u), default, "the original formulation at w - 1")
    return (
        f"forward() proved as shipped on any path: guiding {', '.join(spaces)} is one rule in both formulations; "
        "at the same w the two differ by cond - uncond, at w - 1 they agree"
    )


def _guider(weight: Any, original: bool) -> Any:
    """The released guider as a function of the two branches."""
    from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance

    with _quiet("diffusers.guiders.guider_utils"):
        guider = ClassifierFreeGuidance(guidance_scale=weight, use_original_formulation=original)
    return lambda cond, uncond: guider.forward(cond, uncond).pred


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Guiders announce on every construction that they are experimental."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


# -- floats ---------------------------------------------------------------------------------------------------------


def ddim_floats(dtype: torch.dtype, steps: int = 4) -> str:
    """Each released step against the exact native one, from the latent that the step before it reached."""
    floats = Floats()
    for prediction_type, eta in itertools.product(SPACES, (0.0, 0.5, 1.0)):
        released = scheduler(prediction_type, steps)
        if dtype == torch.float64:
            released.alphas_cumprod = released.alphas_cumprod.double()
        z, *preds = draw(1 + 2 * steps, seed=1, dtype=dtype)
        space, native = SPACES[prediction_type], SAMPLERS[NATIVE[prediction_type]]
        for timestep, pred, noise in zip(released.timesteps.tolist(), preds[:steps], preds[steps:], strict=True):
            s, t = _points(released, timestep)
            with BoundMode() as mode:
                got = released.step(pred, timestep, z, eta=eta, variance_noise=noise).prev_sample
            what = f"DDIM, {prediction_type}, {dtype}, eta {eta}, timestep {timestep}"
            exact = elementwise(
                lambda z, pred, noise, s=s, t=t, eta=eta, space=space: step_from(
                    INTERVAL, SAMPLERS["ddim_eta"], space, z, pred, s, t, noise=noise, eta=number(eta)
                ),
                *(z, pred, noise),
            )
            floats.check(what, mode, got, exact)
            if not eta:
                exact = elementwise(lambda z, p, s=s, t=t, native=native: native.step(INTERVAL, z, p, s, t), z, pred)
                floats.check(f"{what}, {native.name}", mode, got, exact)
            z = got
    table = "a float64 copy of its table" if dtype == torch.float64 else "its float32 table as shipped"
    return (
        f"step() in {str(dtype).removeprefix('torch.')} on {table}, eta 0, 0.5, 1, {steps} steps to the end: {floats}"
    )


def one_trajectory(steps: int = 4) -> str:
    """One guided denoiser, written as eps, x0 and v, gives one trajectory."""
    floats = Floats()
    z, *branches = draw(1 + 2 * steps, seed=2)
    for i, (cond, uncond) in enumerate(zip(branches[:steps], branches[steps:], strict=True)):
        for prediction_type, space in SPACES.items():
            released = scheduler(prediction_type, steps)
            released.alphas_cumprod = released.alphas_cumprod.double()
            timestep = released.timesteps.tolist()[i]
            s, t = _points(released, timestep)
            with BoundMode() as mode:
                abar = released.alphas_cumprod[timestep]
                at = Point(abar.sqrt(), (1 - abar).sqrt())
                outputs = [to_space(torch, z, x, at, "x0", space) for x in (cond, uncond)]
                got = released.step(cfg(outputs[0], outputs[1], WEIGHT), timestep, z).prev_sample
            exact = elementwise(
                lambda z, c, u, s=s, t=t: SAMPLERS["ddim_x0"].step(INTERVAL, z, cfg(c, u, number(WEIGHT)), s, t),
                *(z, cond, uncond),
            )
            floats.check(f"guided {prediction_type}, timestep {timestep}", mode, got, exact)
        z = got
    return f"CFG at w = {WEIGHT} on eps, x0 and v of one denoiser, {steps} steps to the end: {floats}"


def guider_floats() -> str:
    """Both formulations of the guider, float64 and float32, several weights."""
    floats = Floats()
    for dtype, original, w in itertools.product((torch.float64, torch.float32), (False, True), (0.0, 0.3, 1.0, 7.3)):
        cond, uncond = draw(2, seed=3, dtype=dtype)
        with BoundMode() as mode:
            got = _guider(w, original)(cond, uncond)
        rule = cfg_from_cond if original else cfg
        exact = elementwise(lambda c, u, rule=rule, w=w: rule(c, u, number(w)), cond, uncond)
        floats.check(f"the guider, use_original_formulation={original}, w = {w}, {dtype}", mode, got, exact)
    return f"forward() in float64 and float32, both formulations, w 0, 0.3, 1, 7.3: {floats}"


def _points(released: Any, timestep: int) -> tuple[Point, Point]:
    """The exact points between which the step from ``timestep`` goes, on the table as the scheduler holds it."""
    previous = timestep - released.config.num_train_timesteps // released.num_inference_steps
    abars = [released.alphas_cumprod[timestep]]
    abars.append(released.alphas_cumprod[previous] if previous >= 0 else released.final_alpha_cumprod)
    s, t = (Point(INTERVAL.sqrt(x), INTERVAL.sqrt(1 - x)) for x in (number(float(abar)) for abar in abars))
    return s, t


COMPARISONS = (
    Comparison("diffusers DDIMScheduler, symbols", NEEDS, ddim_proved),
    Comparison("diffusers DDIMScheduler, float64", NEEDS, partial(ddim_floats, torch.float64)),
    Comparison("diffusers DDIMScheduler, float32", NEEDS, partial(ddim_floats, torch.float32)),
    Comparison("diffusers DDIMScheduler, one trajectory", NEEDS, one_trajectory),
    Comparison("diffusers ClassifierFreeGuidance, symbols", NEEDS, guider_proved),
    Comparison("diffusers ClassifierFreeGuidance, floats", NEEDS, guider_floats),
)
