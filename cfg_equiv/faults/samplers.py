"""Samplers as subjects: the right ones of :mod:`.solvers`, and those with a mistake of :mod:`.mistakes`."""

from collections.abc import Callable
from typing import Any

from cfg_equiv.faults.mistakes import (
    CentredBatch,
    CombinesRaw,
    FirstStageLevel,
    Interleaved,
    KeptHistory,
    NoiseAfterTheCall,
    OneInSingle,
    OneMoreStep,
    OwnNoise,
    Ramp,
    RawData,
    RawV,
    RepeatedFirst,
    SecondStageAtTheEnd,
    ShortForm,
    SignOfLatent,
    SignOfV,
    StaleNoise,
    StraightForm,
    Subtracted,
    TimeFlipped,
    TruncatedTime,
    WholeBatchThreshold,
    WritesLatent,
    WritesPrediction,
)
from cfg_equiv.faults.mistakes_steps import (
    ConstantStride,
    HalfOfSecondDifference,
    HistoryTwice,
    LastStepForgotten,
    LinearRemainder,
    OneStepWithoutHistory,
    SameNoise,
    SharedNoise,
    SquaresInFormat,
    StageTooLight,
    VarianceElsewhere,
    VarianceForScale,
    VarianceOfFresh,
)
from cfg_equiv.faults.record import Fault, Good
from cfg_equiv.faults.solvers import Ancestral, Clipped, Elsewhere, Euler, FlowEuler, Heun, Multistep, ThreeSteps
from cfg_equiv.testing.subjects import Between, Sampler, Twin

SPACES = ("eps", "x0", "v", "flow")


def _subject(solver: Euler, name: str, **given: Any) -> Sampler:
    given = {"state": solver.schedule.path, "order": solver.order, "steps": (1, 4), "name": name, **given}
    spaces = given.pop("spaces", SPACES)
    return Sampler(solver.run, solver.level, spaces, **given)


def never_read() -> Sampler:
    """An option that is accepted and stored, and decides nothing."""
    return _subject(Euler(), "never_read", variants={"rho": _subject(Euler(), "never_read", options={"rho": 3.0})})


def one_call_too_many() -> Sampler:
    """Heun, declared with one call a step."""
    return _subject(Heun(), "one_call_too_many", evaluations=lambda steps: steps)


def _by_64ths(t: float) -> Between:
    """The level of the nearest time of a table, which it is told for."""
    at = Euler().level(round(64 * t) / 64)
    return at, at


def told_the_nearest() -> Sampler:
    """Evenly spaced levels, for each of which the nearest time of a table is told."""
    return _subject(Euler(), "told_the_nearest", trained=_by_64ths)


def told_its_time() -> Sampler:
    """A network for every time."""
    return _subject(Euler(), "told_its_time", trained=lambda t: (Euler().level(t), Euler().level(t)))


def read() -> Sampler:
    """An option that is read: the order."""
    return _subject(Euler(), "read", variants={"order": _subject(Heun(), "read", options={"order": 2})})


def _good(kind: Callable[[], Euler], **given: Any) -> Good:
    name = getattr(kind, "__name__", "")
    return Good(f"sampler.{name}", lambda: _subject(kind(), name, **given))


def _bad(kind: Callable[[], Euler], fails: tuple[str, ...], source: str, **given: Any) -> Fault:
    name = getattr(kind, "__name__", "")
    return Fault(f"sampler.{name}", lambda: _subject(kind(), name, **given), fails, source)


GOOD = (
    _good(Euler, spaces=(*SPACES, "score", "F"), twin=Twin("ddim_eps"), evaluations=lambda steps: steps),
    _good(FlowEuler, twin=Twin("euler_flow")),
    _good(Clipped, clip=1.0),
    _good(Multistep, twin=Twin("lms_2")),
    _good(ThreeSteps, twin=Twin("lms_3")),
    _good(Heun, twin=Twin("heun"), evaluations=lambda steps: 2 * steps - 1),
    _good(Ancestral, stochastic=True),
    _good(Elsewhere, stochastic=True),
    Good("sampler.read", read),
    Good("sampler.told_its_time", told_its_time),
)
FAULTS = (
    _bad(RawData, ("eq",), "diffusers #1486"),
    _bad(RawV, ("eq",), "Stability-AI/stablediffusion #45"),
    _bad(SignOfV, ("eq",), "diffusers PR #1421"),
    _bad(SignOfLatent, ("eq",), "SVD_Xtend #19"),
    _bad(ShortForm, ("eq",), "diffusers, v with flow sigmas"),
    _bad(StraightForm, ("eq",), "diffusers, flow with VP sigmas"),
    _bad(TimeFlipped, ("eq",), "kohya sd-scripts #2201"),
    _bad(OneInSingle, ("eq",), "sd-webui PR #14145"),
    _bad(StaleNoise, ("eq",), "denoising-diffusion-pytorch PR #83", clip=1.0),
    _bad(CombinesRaw, ("eq",), "diffusers #14816"),
    _bad(FirstStageLevel, ("eq",), "diffusers PR #1512"),
    _bad(TruncatedTime, ("eq",), "diffusers #12771"),
    _bad(OneMoreStep, ("eq",), "OneTrainer #468"),
    _bad(NoiseAfterTheCall, ("eq",), "diffusers EulerDiscrete with churn", stochastic=True),
    _bad(SecondStageAtTheEnd, ("nan",), "diffusers #9007"),
    _bad(RepeatedFirst, ("nan",), "qsh-zh/deis PR #1"),
    _bad(Ramp, ("nan",), "a division by the number of steps less one"),
    _bad(Subtracted, ("nan",), "diffusers #14213", state="ve", dtype="float32", stochastic=True),
    _bad(WholeBatchThreshold, ("bat",), "sd-dynamic-thresholding #88"),
    _bad(CentredBatch, ("bat",), "a statistic of the whole batch"),
    _bad(Interleaved, ("bat",), "mlx-swift-examples PR #170, diffusers #9215"),
    _bad(KeptHistory, ("st",), "diffusers #6631"),
    _bad(WritesLatent, ("st",), "CleanDiffuser #31"),
    _bad(WritesPrediction, ("st",), "ComfyUI PR #14814"),
    _bad(OwnNoise, ("st",), "diffusers PR #13678", stochastic=True),
    _bad(VarianceForScale, ("x0",), "diffusers PR #10185"),
    _bad(LastStepForgotten, ("x0",), "a loop over all times but the last"),
    _bad(ConstantStride, ("sch",), "diffusers #11347"),
    Fault("sampler.one_call_too_many", one_call_too_many, ("sch",), "a call whose answer nobody reads"),
    Fault("sampler.told_the_nearest", told_the_nearest, ("sch_time",), "diffusers, whole timesteps of karras sigmas"),
    _bad(HistoryTwice, ("ord",), "LuChengTHU/dpm-solver, the weight of a difference"),
    _bad(HalfOfSecondDifference, ("history",), "LuChengTHU/dpm-solver, multistep of order 3"),
    _bad(StageTooLight, ("ord",), "a weight of a stage in a tableau"),
    _bad(OneStepWithoutHistory, ("twin",), "a history that is cleared within a run", twin=Twin("lms_2"), steps=(4, 6)),
    _bad(VarianceOfFresh, ("mom",), "lucidrains/denoising-diffusion-pytorch 8408775", stochastic=True),
    _bad(LinearRemainder, ("mom",), "a missing root in the added noise", stochastic=True),
    _bad(SameNoise, ("mom",), "a generator made anew in every step", stochastic=True),
    _bad(SharedNoise, ("mom",), "noise of one item, broadcast", stochastic=True),
    _bad(VarianceElsewhere, ("mom",), "lucidrains/denoising-diffusion-pytorch 8408775", stochastic=True),
    _bad(SquaresInFormat, ("dt",), "a sum of squares in half precision"),
    Fault("sampler.never_read", never_read, ("sens",), "denoising-diffusion-pytorch #256"),
)
