"""What released libraries are known to do wrong, each found by the property that is broken: the checks know no library.

These are controls. A line that is no longer found on a newer version was corrected there, or a check has gone blind.
A control must show well within the number of examples that a check draws if it is told nothing.
"""

import re
from dataclasses import dataclass

import pytest

pytest.importorskip("diffusers")

from cfg_equiv.adapters.diffusers_guiders import NEEDS
from cfg_equiv.adapters.diffusers_guiders import installed as guider_installed
from cfg_equiv.peers.compare import installed
from cfg_equiv.peers.k_diffusion import LAYERS_NEED
from cfg_equiv.sweeping.targets import subject
from cfg_equiv.testing.runner import EXAMPLES
from cfg_equiv.testing.targets import resolve
from tests.adapters.runs import outcome

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Should have t")]  # torchsde, below its interval

NEEDED = {  # beside diffusers
    "k_diffusion": LAYERS_NEED,
    "stable_audio": (*LAYERS_NEED, "stable-audio-tools", "einops"),
}
DIFFERS, NOT_FINITE = "differs from", "is not finite with {} predictions"
MOVED, SCALED = "translations along z: with y -> ", "positive scales: with y -> "
AT_ANOTHER_LEVEL, OFF_THE_PATH = "is at alpha = .* its level is declared as alpha = ", "off the path 'vp'"


@dataclass(frozen=True)
class Found:
    """A subject, by its target and either its name or its options, a check that must fail, and what that must say."""

    target: str
    check: str
    says: str
    name: str = ""
    options: tuple = ()
    status: str = "failed"

    def made(self):
        if not self.name:
            return subject(self.target, **dict(self.options))
        return next(each for each in resolve(self.target) if str(each) == self.name and self.has(each))

    def has(self, made):
        return all(made.options.get(option) == value for option, value in self.options)

    def __str__(self):
        shown = self.name or f"{self.target}[{','.join(f'{key}={value}' for key, value in self.options)}]"
        return f"{self.check}-{shown}".replace(" ", "_")


def of(scheduler, check, says, status="failed", **options):
    """A scheduler of diffusers with options."""
    return Found(f"diffusers:{scheduler}", check, says, options=tuple(options.items()), status=status)


def named(library, name, check, says, status="failed", **options):
    """A subject by its name, and by options where those are not in it."""
    return Found(f"{library}:{name.partition('[')[0]}", check, says, name, tuple(options.items()), status)


FLOW_OR_VP = (
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "DEISMultistepScheduler",
    "UniPCMultistepScheduler",
    "SASolverScheduler",
)
PARAMETERIZATIONS = (
    of("PNDMScheduler", "eq", "eps differs from v in .*; first seen at network call 3", prediction_type="v_prediction"),
    of("PNDMScheduler", "ord", r"order 2 is claimed, (0\.9|1\.0)\d and (0\.9|1\.0)\d", prediction_type="v_prediction"),
    of("EulerDiscreteScheduler", "eq", "eps differs from v", prediction_type="v_prediction", s_churn=0.5),
    of("EulerDiscreteScheduler", "eq", "eps differs from x0", prediction_type="sample", s_churn=0.5),
    *(of(name, "eq", "eps differs from flow", prediction_type="flow_prediction") for name in FLOW_OR_VP),
    *(
        of(name, "eq", "eps differs from v", prediction_type="v_prediction", use_flow_sigmas=True)
        for name in FLOW_OR_VP
    ),
    *(
        of(
            f"{name}Scheduler",
            "eq",
            "differs from (F|eps) in the final latent",
            prediction_type="epsilon of a true eps network",
        )
        for name in ("EDMEuler", "EDMDPMSolverMultistep", "CosineDPMSolverMultistep")
    ),
)
TIMES = (
    *(
        of(
            name,
            "sch_time",
            r"the network is told t = \d+, which stands for .*: 0\.0[1-9]\d* of it",
            use_karras_sigmas=True,
        )
        for name in (*FLOW_OR_VP, "KDPM2DiscreteScheduler")
    ),
    *(
        of(
            name,
            "sch_time",
            r"the network is told t = \d+, which stands for .*: 0\.1\d* of it",
            use_exponential_sigmas=True,
        )
        for name in FLOW_OR_VP
    ),
)
GUIDERS = (
    named("diffusers.guiders", "ClassifierFreeGuidance[guidance_rescale=0.7]", "cfg_translation", MOVED),
    named("diffusers.guiders", "AdaptiveProjectedGuidance[rescale=0.0,eta=0.0]", "cfg_translation", MOVED),
    named("diffusers.guiders", "AdaptiveProjectedGuidance[rescale=1.0]", "cfg_scale", SCALED),
    named("diffusers.guiders", "AdaptiveProjectedGuidance[rescale=0.0,momentum=-0.5]", "cfg_translation", MOVED),
    named("diffusers.guiders", "AdaptiveProjectedGuidance[rescale=0.0,momentum=-0.5]", "st", "keeps a history"),
    named("diffusers.guiders", "ClassifierFreeZeroStarGuidance", "cfg_translation", MOVED),
    named("diffusers.guiders", "ClassifierFreeZeroStarGuidance[zero_init_steps=2]", "cfg_translation", "result is 0 "),
    named("diffusers.guiders", "TangentialClassifierFreeGuidance", "cfg_translation", MOVED),
    named("diffusers.guiders", "FrequencyDecoupledGuidance", "cfg_translation", MOVED, parallel_weights=[0.5, 0.5]),
    named("diffusers.guiders", "MagnitudeAwareGuidance", "cfg_translation", "dim must be a 2-tuple", status="error"),
    named("stable_audio", "DiffusionTransformer[scale_phi=0.7]", "cfg_translation", MOVED),
    named("stable_audio", "UNetCFG1d[rescale_cfg=True]", "cfg_translation", MOVED),
)
THIRD = r"order 3 is claimed, (1\.[6-9]|2\.[0-4])\d and (1\.[6-9]|2\.[0-4])\d are the last slopes"
ORDERS = (
    *(
        of("DPMSolverMultistepScheduler", "history", THIRD, solver_order=3, **sigmas)
        for sigmas in ({}, {"use_karras_sigmas": True})
    ),
    of("EDMDPMSolverMultistepScheduler", "history", THIRD, solver_order=3),
    named("k_diffusion", "sample_dpmpp_3m_sde[eta=0.0]", "history", THIRD),
)
FIRST_TWO = (("sch", AT_ANOTHER_LEVEL), ("x0", OFF_THE_PATH))
STRIDES = tuple(
    of(f"{name}Scheduler", check, says, timestep_spacing=spacing)
    for name, checks in {
        "DDIM": (*FIRST_TWO, ("ord", r"order 1 is claimed, -?0\.[0-5]\d and")),
        "DDIMParallel": FIRST_TWO,
        "CogVideoXDDIM": FIRST_TWO,
        "PNDM": (*FIRST_TWO, ("ord", r"order 2 is claimed, -?0\.[0-5]\d and")),
    }.items()
    for spacing in ("trailing", "linspace")
    for check, says in checks
)
NOT_NUMBERS = (
    *(
        of(f"{name}Scheduler", "nan", NOT_FINITE.format("eps"), rescale_betas_zero_snr=True, timestep_spacing=spacing)
        for name in ("DDIM", "DDIMParallel", "CogVideoXDDIM", "DDPM", "DDPMParallel", "TCD", "LCM")
        for spacing in ("trailing", "linspace")
    ),
    of("UniPCMultistepScheduler", "nan", NOT_FINITE.format("eps"), predict_x0=False),
    of("UniPCMultistepScheduler", "nan", NOT_FINITE.format("eps"), lower_order_final=False),
    # An interval of no length, for which the tree of the noise divides for ever; in other versions it gives 0/0.
    of("CosineDPMSolverMultistepScheduler", "nan", "Recursion|not finite", "error", final_sigmas_type="sigma_min"),
    of("EulerAncestralDiscreteScheduler", "nan", r"and 4 step\(s\)", beta_schedule="squaredcos_cap_v2"),
    of("KDPM2AncestralDiscreteScheduler", "nan", "the level at t = nan is alpha", beta_schedule="squaredcos_cap_v2"),
)
DIGITS = (
    of("HeunDiscreteScheduler", "dt", "in b?float16 the latent of network call 3 is off its float32 value"),
    named("k_diffusion", "sample_dpmpp_2s_ancestral", "dt", "in float32 the .*latent .*is off its float64 value"),
)
LINES = (*PARAMETERIZATIONS, *TIMES, *GUIDERS, *ORDERS, *STRIDES, *NOT_NUMBERS, *DIGITS)


def missing(found):
    """What a control needs and is not here."""
    library, _, name = found.target.partition(":")
    absent = [each for each in NEEDED.get(library, ()) if installed(each) is None]
    return absent + ([NEEDS[name]] if library == "diffusers.guiders" and not guider_installed(name) else [])


@pytest.mark.parametrize("line", LINES, ids=str)
def test_what_is_known_is_found(line):
    if absent := missing(line):
        pytest.skip(f"not installed: {', '.join(absent)}")
    record = outcome(line.made(), line.check, EXAMPLES)
    assert record.status == line.status
    assert re.search(line.says, record.message), record.message
    assert 2 * record.examples <= EXAMPLES, "found by chance: its cases are too weak"


def test_no_line_stands_twice():
    assert len({str(line) for line in LINES}) == len(LINES)
