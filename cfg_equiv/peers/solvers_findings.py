r"""Where released solvers are not what their other steps are: claims of a difference, and of the nodes behind a step.

- ``IPNDMScheduler`` starts at :math:`\alpha = 0` and reads its first output as :math:`\epsilon`, which there is the
  latent itself. It then divides 0 by ``max(alpha, 1e-8)``: the network's first output has no effect. The step on ``v``
  has the limit :math:`-\alpha_t v + \sigma_t z`; the released one gives :math:`\sigma_t z`.
- ``PNDMScheduler`` on ``v`` combines the network's outputs of several levels and reads the combination at one of them:
  Adams-Bashforth in ``v`` behind a transfer in ``v``, where on :math:`\epsilon` it is PLMS.
- ``UniPCMultistepScheduler`` with ``solver_type="bh1"`` subtracts :math:`\alpha_t B\cdot 0` in its last step, and
  :math:`B = -h` is infinite at :math:`\sigma = 0`: at its default ``final_sigmas_type`` every run ends in NaN.
- ``sample_dpmpp_2m_sde`` and ``sample_dpmpp_3m_sde`` keep the step size of a step that they did not take when the first
  step already goes to :math:`\sigma = 0`: a run of one step ends in ``UnboundLocalError``.
- ``KDPM2DiscreteScheduler`` places its inner evaluations when its timesteps are set, in float32:
  :math:`\sqrt{\sigma_s\sigma_t}` within the bound of that.

References
----------
diffusers, ``scheduling_ipndm.py`` ``_get_prev_sample``, ``scheduling_unipc_multistep.py``
``multistep_uni_p_bh_update``, ``scheduling_k_dpm_2_discrete.py`` ``set_timesteps``;
k-diffusion, ``sampling.py``.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from typing import Any

import torch

from cfg_equiv.algebra.nodes import by_lam
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.solvers import SOLVERS, Inner, Past
from cfg_equiv.exact.intervals import INTERVAL, enclosure, number
from cfg_equiv.peers import k_diffusion, solvers_k_diffusion
from cfg_equiv.peers import solvers_course as at
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.floats import Floats, draw, elementwise
from cfg_equiv.peers.solvers import agrees, no_noise
from cfg_equiv.peers.solvers_diffusers import Row, by_table, fresh, quiet
from cfg_equiv.rounding import BoundMode

PLMS_ON_V = {"skip_prk_steps": True, "set_alpha_to_one": True, "prediction_type": "v_prediction"}


def ipndm_first_output(steps: int = 6) -> str:
    r"""The first step of IPNDM is :math:`\sigma_t z` whatever the network said, not the limit of the step on ``v``."""
    floats, z, outputs = Floats(), *_drawn()
    made = fresh("IPNDMScheduler", {}, steps)
    s, t = (at.place(number(a), number(b)) for a, b in zip(made.alphas.tolist()[:2], made.betas.tolist(), strict=False))
    ends = []
    for v in outputs:
        released = fresh("IPNDMScheduler", {}, steps)
        with BoundMode() as mode:
            got = released.step(v, made.timesteps[0], z).prev_sample
        ends.append(got)
        floats.check("the first step of IPNDM", mode, got, elementwise(lambda z: t.sigma * z, z), branches=True)
    if not torch.equal(*ends):
        raise AssertionError("the first step of IPNDM depends on the network's first output")
    limit = elementwise(lambda z, v: SAMPLERS["ddim_v"].native(INTERVAL, z, v, s, t), z, outputs[0])
    gaps = [abs(enclosure(number(x) - y)[0]) for x, y in zip(ends[0].flatten().tolist(), limit, strict=True)]
    ratios = [float(gap) / abs(v) for gap, v in zip(gaps, outputs[0].flatten().tolist(), strict=True) if v]
    if min(ratios) == 0:
        raise AssertionError("the first step of IPNDM is the limit of the step on v")
    return (
        f"the first network output has no effect: sigma_t z; the limit of the step on v differs by alpha_t |v|, "
        f"{max(ratios):.4g} |v| at {steps} steps: {floats}"
    )


def _drawn() -> tuple[torch.Tensor, list[torch.Tensor]]:
    z, *outputs = draw(3, seed=12)
    return z, outputs


def pndm_on_v(steps: int = 6) -> str:
    """PLMS with its combinations taken of ``v`` is what the released code does on ``v``; PLMS itself it is not."""
    row = Row("PNDMScheduler", "plms", by_table, PLMS_ON_V, steps, tables=("alphas_cumprod",))
    case = row.case()
    ddim = SAMPLERS["ddim_v"].native

    def start(xp: Any, past: tuple[Past, ...], t: Point, net: Any) -> Any:
        now = past[0]
        other = net(ddim(xp, now.z, now.pred, now.at, t), t)
        return ddim(xp, now.z, (now.pred + other) / 2, now.at, t)

    def combined(*weights: int) -> Callable[..., Any]:
        def form(xp: Any, past: tuple[Past, ...], t: Point) -> Any:
            terms = [w * one.pred for w, one in zip(weights, past, strict=True)]
            return ddim(xp, past[0].z, sum(terms[1:], terms[0]) / sum(weights), past[0].at, t)

        return form

    forms = (Inner(start), combined(3, -1), combined(23, -16, 5), combined(55, -59, 37, -9))
    on_v = replace(SOLVERS["plms"], name="plms in v", space="v", predict=forms, path="vp")
    steps_on_v = tuple(replace(step, solver=on_v) for step in case.course.steps)
    found = agrees(replace(case, course=replace(case.course, steps=steps_on_v)))
    try:
        agrees(case)
    except AssertionError as error:
        size = re.search(r"the latent of call \d+.*\|difference\| (\S+)", str(error))
        assert size
        return f"combines v, not eps: {found}; {size[0].partition(':')[0]} is off PLMS by {float(size[1]):.3g}"
    raise AssertionError("PNDM on v is PLMS")


def unipc_ends_in_nan() -> str:
    """The variant ``bh1`` ends in NaN at sigma 0; ``bh2`` does not, and neither does before the last step."""
    counts = (1, 2, 5, 20)
    for kind, steps in itertools.product(("bh1", "bh2"), counts):
        made = fresh("UniPCMultistepScheduler", {"solver_type": kind}, steps)
        z, *outputs = draw(1 + steps, seed=14)
        latents = [z]
        for t, eps in zip(made.timesteps, outputs, strict=True):
            latents.append(made.step(eps, t, latents[-1]).prev_sample)
        finite = [bool(latent.isfinite().all()) for latent in latents]
        if finite != [True] * steps + [kind != "bh1"] or (kind == "bh1" and not bool(latents[-1].isnan().all())):
            raise AssertionError(f"UniPC {kind}, {steps} steps: finite latents {finite}")
    return (
        f"solver_type='bh1' at its default end, sigma 0: all of the last latent is NaN, {counts} steps; bh2 is finite"
    )


def one_step_to_zero() -> str:
    """A single step to sigma 0 ends in an error where the one before it would have set the step size."""
    names = ("sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde")
    z, denoised = draw(2, seed=13)
    for name in names:
        sample = getattr(solvers_k_diffusion.sampling(), name)
        for levels, raises in (((8.0, 0.0), True), ((8.0, 1.0, 0.0), False)):
            sigmas = torch.tensor(levels, dtype=z.dtype)
            try:
                sample(lambda x, sigma: denoised, z, sigmas, disable=True, eta=0.0, noise_sampler=no_noise)
            except UnboundLocalError:
                raised = True
            else:
                raised = False
            if raised != raises:
                outcome = "raises" if raised else "does not raise"
                raise AssertionError(f"{name} over the levels {levels} {outcome}, expected the other")
    return f"{' and '.join(names)} raise UnboundLocalError over one step to sigma 0, and not over two"


def kdpm2_nodes(steps: int = 6) -> str:
    """The inner levels that KDPM2 computes in float32 are the middles in the half-log-SNR."""
    floats = Floats()
    with quiet():
        made = import_module("diffusers.schedulers").KDPM2DiscreteScheduler()
    with quiet(), BoundMode() as mode:
        made.set_timesteps(steps)
        inner = made.sigmas_interpol[1 : 2 * steps - 2 : 2]
    outer = list(dict.fromkeys(made.sigmas.tolist()))[:-1]
    exact = [by_lam(INTERVAL, "ve", at.ve(s), at.ve(t), Fraction(1, 2)).sigma for s, t in pairwise(outer)]
    floats.check("sigmas_interpol of KDPM2", mode, inner, exact, branches=True)
    return f"sigmas_interpol is the middle in the half-log-SNR, {steps} steps in float32: {floats}"


_DIFFUSERS = ("diffusers",)
COMPARISONS = (
    Comparison("diffusers PNDMScheduler, v_prediction", _DIFFUSERS, pndm_on_v, "differs_as_proved"),
    Comparison("diffusers IPNDMScheduler, the first output", _DIFFUSERS, ipndm_first_output, "differs_as_proved"),
    Comparison("diffusers UniPCMultistepScheduler bh1, sigma 0", _DIFFUSERS, unipc_ends_in_nan, "differs_as_proved"),
    Comparison(
        "k-diffusion sample_dpmpp_2m_sde and 3m_sde, one step", k_diffusion.NEEDS, one_step_to_zero, "differs_as_proved"
    ),
    Comparison("diffusers KDPM2DiscreteScheduler, inner levels", _DIFFUSERS, kdpm2_nodes),
)
