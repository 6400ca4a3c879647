# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Check your own repository
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/05_check_your_own_repository.py -->
#
# For somebody who maintains a sampler or a guidance rule: from installing `cfg_equiv` to a red check, and from the red
# check to its cause. First on a small sampler with a bug that released code really had, then on guidance rules, then
# under pytest, then on a released scheduler. The last section is how to write an adapter.
#
# Install it beside your own code (Python 3.11 or later, a CPU is enough), from a checkout of this repository. `peers`
# brings diffusers, which sections 4 and 5 use; `test` is enough for your own code:
#
# ```bash
# pip install -c constraints.txt -e '.[test,peers]'
# ```
#
# **Words.** A latent is $z = \alpha x_0 + \sigma\epsilon$. A network predicts the data $x_0$, the noise $\epsilon$, or
# $v = \alpha\epsilon - \sigma x_0$. At a shared z these are one statement in three notations, so a sampler that accepts
# them all must draw the same sample from each. That is property **EQ**. A guidance rule must mean the same in each:
# property **CFG**. Why this is so: [01_is_cfg_on_v_right](01_is_cfg_on_v_right.ipynb).

# %% [markdown]
# ## 1. A sampler, and a red check
#
# This is your sampler. Time runs from 1 (noise) to 0 (data) on the circle $\alpha^2 + \sigma^2 = 1$; each step is DDIM,
# along a noise prediction that is extrapolated from the last two network calls (the two-step weights of PLMS, 3/2 and
# -1/2). One of its lines is wrong.

# %%
import math
from itertools import pairwise

import torch

torch.set_num_threads(1)  # the tensors are tiny


def level(t):
    """alpha and sigma at time t."""
    return math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)


# %%
def as_noise(z, pred, t, space):
    """The noise, out of whatever the network predicts."""
    alpha, sigma = level(t)
    if space == "eps":
        return pred
    return sigma * z + alpha * pred if space == "v" else (z - alpha * pred) / sigma


def ddim(z, eps, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = level(s), level(t)
    return alpha_t * (z - sigma_s * eps) / alpha_s + sigma_t * eps


# %%
def run(model, z, steps, space):
    """From unit noise z to a sample, with a network that predicts `space`."""
    times = [0.96 * (1 - i / steps) for i in range(steps + 1)]
    z, before = level(times[0])[1] * z, None
    for s, t in pairwise(times):
        pred = model(z, s)
        mixed = pred if before is None else 1.5 * pred - 0.5 * before
        z, before = ddim(z, as_noise(z, mixed, s, space), s, t), pred
    return z


# %% [markdown]
# To check it, say what it is. `run` is called as `run(model, z, steps, space)`; `level` says at which $\alpha$ and
# $\sigma$ the network is called when it is handed `t`; `spaces` are the predictions that `run` accepts; `state` is the
# path its latents live on. Nothing is guessed: each level is compared with the declared path, and one that is not on it
# is an error that says so, not a failure of your sampler.

# %%
import cfg_equiv
from cfg_equiv.report.markdown import Table, checked
from cfg_equiv.testing import Sampler

multistep = Sampler(run, level, spaces=("eps", "x0", "v"), state="vp", name="multistep")
report = cfg_equiv.check(multistep)
checked(report)

# %% [markdown]
# Finite (NAN), blind to the rest of the batch (BAT), moved by the weight and by the network's data (SENS), no state
# kept between runs (ST): good. EQ is red. What the message says:
#
# - **case**: the smallest one that was found. What it does not name is at its default: two steps, weight 7.5,
#   closed-form Gaussian data. With one step it passes.
# - **found**: which prediction differs from which, where, and by how much. The size is compared with *what one ulp
#   explains*: the run is repeated with its start and each network output moved by one unit in the last place, and a
#   correct run may differ by no more than a few dozen times what that causes. Twelve orders of magnitude are not
#   rounding.
# - **first seen at**: the first latent that differs. All before it are right.
# - **look at**: where such a thing usually sits.
#
# `cfg_equiv.check` gives the same as data:

# %%
record = next(record for record in report.checks if record.name == "eq")
print(record.status, record.property, record.options, f"after {record.examples} examples")
print(record.case)

# %% [markdown]
# ### From the case to the cause
#
# The case pastes back, and fails again:

# %%
from cfg_equiv.testing import CHECKS, CheckFailure, RunCase

case = RunCase(latent=(0.0,))
eq = next(check for check in CHECKS if check.name == "eq")
try:
    eq(multistep, case)
except CheckFailure as failure:
    print(failure)

# %% [markdown]
# Now step through it. `Network` is what the check hands to your sampler: the exact denoiser of the case, which speaks
# any of the spaces and remembers what it was shown and what it answered. Compare two runs call by call: the latents,
# and the answers, all read as noise.

# %%
from cfg_equiv.testing.network import Network


def replay(subject, case, space):
    """Per network call: the latent, and the answer read as noise; then the sample."""
    network = Network(subject, case, space)
    end = subject.run(network, case.z, case.steps, space)
    times = [0.96 * (1 - i / case.steps) for i in range(case.steps)]
    answers = (answer for answer, _ in network.given)
    noises = [as_noise(z, y, t, space) for z, y, t in zip(network.latents, answers, times, strict=True)]
    return [*network.latents, end], noises


# %%
(latents, noises), (latents_v, noises_v) = replay(multistep, case, "eps"), replay(multistep, case, "v")
sizes = [
    (f"call {k + 1}", (latents[k] - latents_v[k]).abs().max().item(), (noises[k] - noises_v[k]).abs().max().item())
    for k in range(case.steps)
]
sizes.append(("the sample", (latents[-1] - latents_v[-1]).abs().max().item(), "no call"))
Table(("eps against v", "latents differ by", "answers, as noise, differ by"), tuple(sizes))

# %% [markdown]
# At call 2 everything still agrees: the same latent, the same noise. Yet the step that follows differs. So it is
# neither the network nor `as_noise` at that call nor `ddim`; what is new in that step is `before`. What the step
# uses, against the extrapolation of the noises:

# %%
first, second = (0.96 * (1 - i / case.steps) for i in range(2))
network = Network(multistep, case, "v")
run(network, case.z, case.steps, "v")
v_before, v_now = (answer for answer, _ in network.given)
used = as_noise(latents_v[1], 1.5 * v_now - 0.5 * v_before, second, "v")
meant = 1.5 * noises_v[1] - 0.5 * noises_v[0]
alphas = level(first)[0], level(second)[0]
for name, value in (("used", used), ("meant", meant), ("alpha at the two calls", torch.tensor([alphas]))):
    print(f"{name}: {', '.join(f'{x:.4g}' for x in value[0].tolist())}")

# %% [markdown]
# There it is. `run` combines the **raw** outputs of two calls and converts the mixture once, with the $\alpha$,
# $\sigma$ and z of the second call. But the first v was made at another level and another latent. For noise
# predictions nothing is converted, so nobody notices until somebody brings a v network:
#
# $$ \text{used: } \alpha_2 \left(\tfrac32 v_2 - \tfrac12 v_1\right) + \sigma_2 z_2, \qquad
# \text{meant: } \tfrac32 (\alpha_2 v_2 + \sigma_2 z_2) - \tfrac12 (\alpha_1 v_1 + \sigma_1 z_1) $$
#
# The repair is one line moved: convert each prediction where it is made, then combine.


# %%
def run_repaired(model, z, steps, space):
    times = [0.96 * (1 - i / steps) for i in range(steps + 1)]
    z, before = level(times[0])[1] * z, None
    for s, t in pairwise(times):
        eps = as_noise(z, model(z, s), s, space)
        mixed = eps if before is None else 1.5 * eps - 0.5 * before
        z, before = ddim(z, mixed, s, t), eps
    return z


# %%
repaired = Sampler(run_repaired, level, spaces=("eps", "x0", "v"), state="vp", name="repaired")
green = cfg_equiv.check(repaired)
eq(repaired, case)  # the old case, as a regression test
checked(green)

# %%
print(green.counts)

# %% [markdown]
# Green, with how much was tried: a check counts the cases that could not have shown a fault as *vacuous*, and one whose
# cases are all vacuous does not count as passed.
#
# ## 2. A guidance rule: which w is this?
#
# Two conventions share the letter: $u + w(c - u)$ is off at w = 1, $c + w(c - u)$ at w = 0. `identify_convention` tells
# them apart from calls alone, with its evidence. Three functions as they are met:


# %%
def first_rule(cond, uncond, w):
    return (1 + w) * cond - w * uncond


def second_rule(cond, uncond, w):  # as a pipeline that skips the unconditional branch for small weights
    return uncond + w * (cond - uncond) if w > 1 else cond


def third_rule(cond, uncond, w):  # the two halves of the batch, in the wrong order
    return cond + w * (uncond - cond)


# %%
from cfg_equiv.testing import identify_convention

for rule in (first_rule, second_rule, third_rule):
    found = identify_convention(rule)
    print(f"{rule.__name__}: {found.convention}", *found.findings, sep="\n    ")
print(f"\nThe first, in full: {identify_convention(first_rule)}")

# %% [markdown]
# The checks of CFG then say whether a rule means the same whatever the network predicts. A change of prediction type at
# one latent is $y \to Ay + Bz$ for both branches, made of three simple maps: a translation along z, a positive scale, a
# change of sign. Each kind of rule breaks at its own:


# %%
def rescaled(cond, uncond, w):  # the std rescale that is used with v networks (phi = 0.7)
    guided, axes = uncond + w * (cond - uncond), tuple(range(1, cond.ndim))
    return guided * (0.7 * cond.std(axes, keepdim=True) / guided.std(axes, keepdim=True) + 0.3)


def capped(cond, uncond, w):  # the difference no longer than 2
    gap = cond - uncond
    length = gap.flatten(1).norm(dim=1).reshape(-1, *[1] * (gap.ndim - 1))
    return cond + (w - 1) * gap * (2 / length).clamp(max=1)


# %%
from cfg_equiv.testing import Guidance


def plain(cond, uncond, w):
    return uncond + w * (cond - uncond)


def at_least_cond(cond, uncond, w):  # an elementwise maximum
    return plain(cond, uncond, w).maximum(cond)


# %%
rules = [Guidance(rule, convention="u+w(c-u)") for rule in (plain, first_rule, rescaled, capped, at_least_cond)]
names = [check.name for check in CHECKS if check.property == "CFG"]
reports = [cfg_equiv.check(rule, checks=names, examples=10) for rule in rules]
status = [(each.subject, *(record.status for record in each.checks)) for each in reports]
Table(("rule", *names), tuple(status))

# %% [markdown]
# - `plain` commutes with all of them: guide v, noise or data, as you like.
# - `first_rule` commutes too, but it is not in the convention it was declared in: its end points are elsewhere.
# - `rescaled` fails for translations: the standard deviation of v is not that of $x_0$, as z is in it.
# - `capped` fails for scales: a radius of 2 is another radius when the prediction is stretched.
# - `at_least_cond` fails for the sign: noise and data point in opposite directions, and the maximum of one is the
#   minimum of the other.
#
# The last three also miss an end point: at w = 0 something other than the unconditional prediction is left.
#
# The rescale in full:

# %%
checked(cfg_equiv.check(rules[2], checks=["cfg_translation"], examples=10))

# %% [markdown]
# That does not say that the rescale is a mistake. It says that **its space is part of its definition**: the same `phi`
# gives another picture with another network, and a recipe must say which. How different the pictures are is shown in
# [01_is_cfg_on_v_right](01_is_cfg_on_v_right.ipynb), section 6.
#
# ## 3. Keep it: ten lines of pytest
#
# `parametrize_with_checks` makes one test of each check of each subject, on your own function. A fault that you know
# and keep is named with its reason and its witness, the case at which it fails. That test runs the witness alone and
# must fail there: if somebody repairs the rule, the test says so. The whole file, as a repository would have it:

# %%
TEST = """
from hypothesis import settings

from cfg_equiv.case import GuidanceCase
from cfg_equiv.testing import Guidance, parametrize_with_checks

def plain(cond, uncond, w):
    return uncond + w * (cond - uncond)
"""

# %%
TEST += """
def rescaled(cond, uncond, w):
    guided, axes = plain(cond, uncond, w), tuple(range(1, cond.ndim))
    return guided * (0.7 * cond.std(axes, keepdim=True) / guided.std(axes, keepdim=True) + 0.3)

witness = GuidanceCase(source="x0", dtype="float64", shape=(2, 3, 4, 4), weight=3.0, latent=(0.5,),
                       conditional=(1.0,), unconditional=(0.0, 0.25), level=("3/5", "4/5"))
known = {"rescaled-cfg_translation": ("acts on v, as it was trained", witness),
         "rescaled-cfg_end_points": ("acts at every w", witness)}
"""

# %%
TEST += """
@settings(max_examples=10)  # left out, it is your Hypothesis profile's
@parametrize_with_checks(
    [Guidance(rule, convention="u+w(c-u)") for rule in (plain, rescaled)], expected_failed_checks=known
)
def test_conformance(subject, check, case):
    check(subject, case)
"""

# %% [markdown]
# Run as a user runs it, in a fresh folder:

# %%
import re
import subprocess
import sys
import tempfile
from pathlib import Path


# %%
def pytest_of(text):
    """What pytest prints for a file with this text, without the time it took."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_conformance.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider"]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    lines = [re.sub(r" in \d.*s\b", "", line.strip("= ")) for line in printed.splitlines()]
    return [re.sub(r"\s+\[ *\d+%\]$", "", line) for line in lines if "::" in line or "passed" in line]


outcome = pytest_of(TEST)
print("\n".join(outcome))

# %% [markdown]
# `-k cfg`, `-n 2`, `--hypothesis-show-statistics` and `@settings` work as they do on your other tests. Without pytest,
# `cfg_equiv.check(subject)` gives records, and `cfg-equiv check my_package.my_module:subjects` a table on the command
# line; it exits with 1 if a check fails.
#
# ## 4. The same on a released scheduler
#
# Adapters declare the conventions of diffusers and k-diffusion, and run the released classes as they are. Four
# schedulers of diffusers, EQ alone:

# %%
import warnings

from cfg_equiv.adapters import diffusers as adapter

names = ("DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "PNDMScheduler")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at its import diffusers looks for a progress bar for notebooks
    schedulers = {name: adapter.subjects(name)[0] for name in names}
released = [cfg_equiv.check(subject, checks=["eq"], examples=8) for subject in schedulers.values()]
checked(*released)

# %% [markdown]
# Three are green in the library's own float32. `PNDMScheduler` is red between $\epsilon$ and v, and the message
# points where that of section 1 did: the first differing latent is the one after the first step that uses an earlier
# output. In the released source `step_plms` and `step_prk` combine `model_output` of several timesteps, and
# `_get_prev_sample` then converts the combination, with the alpha and the sample of the current one: the order of
# operations that section 1 had.
#
# How large is it? The largest difference between the samples of one denoiser written as v and as $\epsilon$, without
# guidance, on data that reach about 2, over the number of steps:

# %%
from cfg_equiv.testing.allowance import spread
from cfg_equiv.testing.network import run as trace

counts = [5, 8, 10, 20, 25, 40, 50]
runs = {n: RunCase(network="mixture", shape=(4, 16), dtype="float32", steps=n, weight=1) for n in counts}
pndm = schedulers["PNDMScheduler"]


# %%
def v_against_eps(subject, case):
    """The largest difference of the two samples."""
    eps, v = (trace(subject, case, space, case.z)[-1] for space in ("eps", "v"))
    return (v - eps).abs().max().item()


lines = {
    name: [v_against_eps(schedulers[name], runs[n]) for n in counts] for name in ("PNDMScheduler", "DDIMScheduler")
}
lines["PNDM: what one ulp explains"] = [spread(pndm, runs[n], "eps").bound[-1].max().item() for n in counts]

# %%
from cfg_equiv.report import figures

figures.curves(counts, {"one denoiser, as v and as noise: difference of the samples": lines},
               xlabel="number of steps", ylabel="largest difference (log scale)",
               caption="PNDM: v and noise differ by far more than rounding explains; DDIM: by rounding.")  # fmt: skip

# %% [markdown]
# The difference shrinks with the number of steps, as both are consistent methods, and stays far above the rounding. To
# make sure of the cause, take it away and nothing else: the released class in its $\epsilon$ mode, handed the noise of
# each v, converted at its own timestep and latent. Declaring this takes about as many lines as any adapter:

# %%
from diffusers import PNDMScheduler


class NoiseFirst(PNDMScheduler):
    """PNDM in its epsilon mode, told the noise of each prediction."""

    def step(self, model_output, timestep, sample):
        abar = self.alphas_cumprod[timestep]
        if self.kind == "v_prediction":
            model_output = abar.sqrt() * model_output + (1 - abar).sqrt() * sample
        return super().step(model_output, timestep, sample)


# %%
from cfg_equiv.testing import from_scheduler


def table(scheduler, t, index):
    abar = scheduler.alphas_cumprod[t].double()
    return abar.sqrt(), (1 - abar).sqrt()


def make(kind):
    scheduler = NoiseFirst(skip_prk_steps=True)
    scheduler.kind = kind
    return scheduler


# %%
kinds = {"eps": "epsilon", "v": "v_prediction"}
converted = from_scheduler(make, kinds, table, state="vp", order=4, name="PNDM, converted first")
confirmed = cfg_equiv.check(converted, checks=["eq"], examples=8)
checked(confirmed)

# %% [markdown]
# Green: the conversion is the cause, and the only one. A report that a maintainer can use says what, where, how large,
# how to see it, what is *not* affected, and what would repair it:
#
# > `PNDMScheduler` with `prediction_type="v_prediction"` combines the raw outputs of several timesteps and converts
# > the combination once, with the alphas and the sample of the current step. The same denoiser as `epsilon` gives
# > another sample; the difference falls with the number of steps. The `epsilon` mode is not affected, nor are DDIM,
# > DPM-Solver multistep and UniPC. To reproduce: `cfg-equiv check diffusers:PNDMScheduler`. Converting each output
# > when it arrives, before it is stored or combined, makes the two agree to rounding. Images made so far with v
# > networks would change slightly, so it may want an option. Thank you for the library.
#
# Look first whether it is known. This one is: [diffusers 14816](https://github.com/huggingface/diffusers/issues/14816),
# open when this was written.
#
# ## 5. An adapter in 20 lines
#
# There are two ways in. A **step** from one level to the next is a sampler with `from_step`. Here the shipped step on
# the straight path $\alpha = 1 - \sigma$:

# %%
from cfg_equiv.testing import from_step

euler = from_step(
    lambda z, pred, s, t, space: cfg_equiv.step("ddim_eps", z, pred, source=space, s=s, t=t),
    levels=lambda steps: [(1 - s, s) for s in (0.96 * (1 - i / steps) for i in range(steps + 1))],
    spaces=("flow", "eps", "x0"),
    state="flow",
    name="Euler on the straight path",
)

# %% [markdown]
# A **stepper** with `set_timesteps`, `timesteps` and `step` in the style of diffusers is one with `from_scheduler`, as
# above. What an adapter must know, and nobody can guess, is the level of the latent *that the network is shown*. This
# class keeps $z = x_0 + \kappa\epsilon$ but shows the network $z/\sqrt{1+\kappa^2}$, on the circle:

# %%
from diffusers import EulerDiscreteScheduler


def shown(scheduler, t, index):
    kappa = scheduler.sigmas[index].double()
    return 1 / (1 + kappa**2).sqrt(), kappa / (1 + kappa**2).sqrt()


spaces = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
by_hand = from_scheduler(lambda kind: EulerDiscreteScheduler(prediction_type=kind), spaces, shown, state="vp",
                         name="EulerDiscrete by hand")  # fmt: skip

# %% [markdown]
# And the mistake that is easily made, the level of the latent that the scheduler *keeps*:

# %%
wrong = from_scheduler(
    lambda kind: EulerDiscreteScheduler(prediction_type=kind),
    spaces,
    lambda scheduler, t, index: (1.0, scheduler.sigmas[index]),
    state="vp",
    name="EulerDiscrete, wrong level",
)
adapters = [cfg_equiv.check(subject, checks=["eq"], examples=8) for subject in (euler, by_hand, wrong)]
checked(*adapters)

# %% [markdown]
# An error, not a failure: the declaration is at fault, not the class. It is noticed because the declared path is the
# circle. If level *and* path are declared wrongly, and consistently so, it looks like a failure of the sampler; so
# before you report anything, run a scheduler of the same family that is known to be right through the same
# declaration.
#
# | | |
# |---|---|
# | what a subject declares | `cfg_equiv/testing/subjects.py` |
# | the checks, one property a file | `cfg_equiv/testing/checks` |
# | known faults, each with the checks that must find it | `cfg_equiv/faults` |
# | adapters to copy from | `cfg_equiv/adapters` |
# | your own subjects, on the command line | `cfg-equiv check my_package.my_module:subjects` |
# | all that is checked of a class | `cfg-equiv check diffusers:PNDMScheduler` |
#
# To make this notebook again: `python -m cfg_equiv.report.notebook derivations/05_check_your_own_repository.py`.
