# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the checks find in released code
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/06_findings.py -->
#
# For the people who maintain diffusers, k-diffusion, stable-audio-tools, flow_matching, azula and skrample, and for all
# who wonder what `cfg-equiv check diffusers:*` has to say. Each finding was looked at twice: is it the library, or is
# it us? What survived stands here with a few lines that reproduce it **without** `cfg_equiv`, with what one would
# expect, what comes out, the line it comes from, its cause, and a change that might help. What did not survive is
# listed at the end, with the reason.
#
# None of this is said to blame: most of these are one sign, one index or one default in very large libraries that
# everybody here is grateful for, and several are choices that only need a sentence of documentation.
#
# **Words.** A latent is $z = \alpha x_0 + \sigma\epsilon$, and $\lambda = \log(\alpha/\sigma)$ its half-log-SNR.

# %%
import inspect
import warnings
from importlib.metadata import version

import torch

torch.set_num_threads(1)
warnings.simplefilter("ignore")  # libraries warn at their import
released = ("diffusers", "k-diffusion", "stable-audio-tools", "flow_matching", "azula")
print(", ".join(f"{name} {version(name)}" for name in released))

# %%
from diffusers.utils import logging

logging.set_verbosity_error()


# %%
def line(function, text):
    """Where in the installed version a line stands."""
    lines, first = inspect.getsourcelines(function)
    found = [str(first + i) for i, one in enumerate(lines) if text in one]
    return f"{function.__module__}, line {', '.join(found)}"


# %%
def repaired(cls, method, old, new):
    """The same class with one piece of the text of one method replaced."""
    source = inspect.cleandoc("\n" + inspect.getsource(getattr(cls, method)))
    assert old in source, f"{cls.__name__}.{method} has changed: look again"
    scope = {}
    exec(source.replace(old, new), vars(inspect.getmodule(cls)), scope)
    return type(cls.__name__, (cls,), scope)


# %% [markdown]
# ## 1. Orders that are lost
#
# ### 1.1 SDE-DPM-Solver++ of order 3 converges at order 1 (diffusers)
#
# The third-order step weighs a second difference with $\varphi_3$. From the deterministic form to the stochastic one h
# becomes 2h, and the sign in front of the whole term is taken inside; that of one half was left behind. The weight then
# does not go to zero with the step, and order 3 is less accurate than order 2.
#
# To see it, hand the scheduler data predictions that do not depend on the latent, $x_0(\lambda) = \lambda^2$, and no
# noise. The step is then a quadrature, and its integral is known:

# %%
from diffusers import DPMSolverMultistepScheduler


# %%
def error(algorithm, order, steps, cls=DPMSolverMultistepScheduler):
    s = cls(algorithm_type=algorithm, solver_order=order, prediction_type="sample", use_lu_lambdas=True,
            final_sigmas_type="sigma_min", lower_order_final=False)  # fmt: skip
    s.set_timesteps(steps)
    lam, x, k = -s.sigmas.double().log(), torch.zeros(1).double(), 2 if algorithm.startswith("sde") else 1
    for i, t in enumerate(s.timesteps[:-1]):
        x = s.step(lam[i].square().reshape(1), t, x, variance_noise=torch.zeros(1).double()).prev_sample
    a, b = lam[0], lam[steps - 1]
    to_a, to_b = (torch.exp(k * (u - b)) * (u**2 - 2 * u / k + 2 / k**2) for u in (a, b))
    return (x / torch.sigmoid(2 * b).sqrt() - (to_b - to_a)).abs().item()


# %%
SDE, ODE, STEPS = "sde-dpmsolver++", "dpmsolver++", (20, 40, 80, 160)
THIRD = "multistep_dpm_solver_third_order_update"
for order in (1, 2, 3):
    print(f"order {order}: errors {[f'{error(SDE, order, n):.2g}' for n in STEPS]} at {STEPS} steps")
print("expected: order 3 below order 2; got: it is above from 40 steps on, and halves when the steps are doubled")
print(line(getattr(DPMSolverMultistepScheduler, THIRD), "(2.0 * h) ** 2 - 0.5)) * D2"))

# %% [markdown]
# **Suggested change**: `+ 0.5` for `- 0.5` in that term. With it:

# %%
signed = repaired(DPMSolverMultistepScheduler, THIRD, "(2.0 * h) ** 2 - 0.5", "(2.0 * h) ** 2 + 0.5")
print(f"order 3: errors {[f'{error(SDE, 3, n, signed):.2g}' for n in STEPS]} at {STEPS} steps")

# %% [markdown]
# ### 1.2 Multistep DPM-Solver(++) of order 3 converges at order 2 (diffusers, k-diffusion)
#
# The second difference `D2` is half of the second derivative; its weight $\varphi_3$ is that of the whole one. A
# parabola is therefore not integrated exactly, as an order 3 method would: the local error is $-x_0''h^3/12$ at any
# ratios of the steps. The same holds for `EDMDPMSolverMultistepScheduler`, for the inverse scheduler and for
# k-diffusion's `sample_dpmpp_3m_sde`, and it stands in the original repository. The single-step solver of order 3
# (`scheduling_dpmsolver_singlestep.py`) has the factor 2. [03_higher_order](03_higher_order.ipynb) has the proof, and
# where the stock form is the *better* one: with large steps. So a change is a matter of taste; a word in the
# documentation is not.

# %%
doubled = repaired(DPMSolverMultistepScheduler, THIRD, "D2 = (1.0 /", "D2 = (2.0 /")
errors = {
    "order 2": [error(ODE, 2, n) for n in STEPS],
    "order 3": [error(ODE, 3, n) for n in STEPS],
    "order 3, D2 doubled": [error(ODE, 3, n, doubled) for n in STEPS],
    "SDE, order 2": [error(SDE, 2, n) for n in STEPS],
    "SDE, order 3": [error(SDE, 3, n) for n in STEPS],
    "SDE, order 3, sign changed": [error(SDE, 3, n, signed) for n in STEPS],
}
for name in list(errors)[:3]:
    print(f"{name}: errors {[f'{one:.2g}' for one in errors[name]]} at {STEPS} steps")
print(line(getattr(DPMSolverMultistepScheduler, THIRD), "D2 = (1.0 / (r0 + r1))"))

# %%
from cfg_equiv.report import figures

figures.curves(list(STEPS), {"error of the integral of a parabola": errors}, xlabel="number of steps",
               ylabel="error (log scale)",
               caption="Error against steps: the stochastic form of order 3 falls slowest of all.")  # fmt: skip

# %% [markdown]
# ### 1.3 REABSampler has order 1 (azula)
#
# Its documentation has $\sqrt{1+e^{2s}}$, of the point that is reached, in front of the sum; the code has the noise
# level of the point it starts from. Data of standard deviation 1/2, whose denoiser and exact flow are known:

# %%
from azula.denoise import DiracPosterior
from azula.noise import CosineSchedule
from azula.sample import REABSampler, vABSampler, xEABSampler


def denoiser(x, t):
    alpha, sigma = CosineSchedule()(t)
    return DiracPosterior(mean=alpha * x / (alpha**2 + 4 * sigma**2))


denoiser.schedule = CosineSchedule()


# %%
def too_far(cls):
    """By which part of the exact end a run in 10, 20, 40 and 80 steps misses it."""
    options, start = {"start": 0.9, "stop": 0.2, "silent": True, "order": 2}, torch.ones(1, dtype=torch.float64)
    (a, b), (c, d) = (CosineSchedule()(torch.tensor(t, dtype=torch.float64)) for t in (0.9, 0.2))
    exact = ((c * c + 4 * d * d) / (a * a + 4 * b * b)).sqrt()
    runs = (cls(denoiser, steps=n, dtype=torch.float64, **options)(start) for n in (10, 20, 40, 80))
    return [f"{(run / exact - 1).item():.2g}" for run in runs]


# %%
for cls in (xEABSampler, vABSampler, REABSampler):
    print(f"{cls.__name__}, order 2: {too_far(cls)}; expected: a quarter each time the steps are doubled")
print(line(REABSampler.__call__, "alpha_s**2 + sigma_t**2"))
right = repaired(REABSampler, "__call__", "alpha_s**2 + sigma_t**2", "alpha_s**2 + sigma_s**2")
print(f"with sigma_s: {too_far(right)}")

# %% [markdown]
# ### 1.4 DDIM, `trailing` or `linspace`, steps that do not divide 1000 (diffusers)
#
# The previous timestep is taken as `timestep - 1000 // steps`, while the listed timesteps are rounded from a stride
# that is no integer: the latent is written for one level and read at another. Known: diffusers issues 11347 and 12633.
# The data below have standard deviation 1/2, whose exact flow is a factor; the same holds for `DDIMParallelScheduler`,
# `CogVideoXDDIMScheduler`, `PNDMScheduler`, `DDIMInverseScheduler` and others that subtract the stride.

# %%
from diffusers import DDIMScheduler


def ddim_end(steps):
    s, x = DDIMScheduler(timestep_spacing="trailing"), torch.ones(1).double()
    s.set_timesteps(steps)
    for t in s.timesteps:
        a = s.alphas_cumprod[t].double()
        x = s.step((1 - a).sqrt() * x / (a / 4 + 1 - a), t, x).prev_sample
    a = s.alphas_cumprod[s.timesteps[0]].double()
    return round((x * (a + 4 - 4 * a).sqrt()).item(), 3)  # the exact end is 1/2 over the root of a/4 + 1 - a


# %%
print({n: ddim_end(n) for n in (200, 250, 300, 400, 500, 600)}, "of the exact end: expected 1 for all, about")
print(line(DDIMScheduler.step, "prev_timestep = timestep - "))

# %% [markdown]
# **Suggested change**: look the previous timestep up in `self.timesteps`, as `DDPMScheduler.previous_timestep` does for
# custom timesteps.
#
# ### 1.5 DEISMultistepScheduler of order 3 gets worse with more steps (diffusers)
#
# Its coefficients are differences of antiderivatives that grow as $\log^2$, divided by a product of two differences of
# logarithms, in the single precision of `sigmas`. What cancels grows as $1/h^3$. Below, the relative error on data
# $N(0, 1/4)$, whose exact noise prediction and exact end are known, in steps of double precision:

# %%
from diffusers import DEISMultistepScheduler


def deis_error(order, steps, dtype):
    s, z = DEISMultistepScheduler(solver_order=order, timestep_spacing="linspace"), torch.ones(1, dtype=torch.float64)
    s.set_timesteps(steps)
    s.sigmas = s.sigmas.to(dtype)
    kappa, deviation = s.sigmas.double(), (0.25 + s.sigmas.double() ** 2).sqrt()
    for i, t in enumerate(s.timesteps):
        z = s.step(z * (1 + kappa[i] ** 2).sqrt() * kappa[i] / deviation[i] ** 2, t, z).prev_sample
    exact = (1 + kappa[0] ** 2).sqrt() * deviation[-1] / deviation[0]
    return f"{abs(z * (1 + kappa[-1] ** 2).sqrt() / exact - 1).item():.1e}"


# %%
for order, dtype in ((2, torch.float32), (3, torch.float32), (3, torch.float64)):
    print(f"order {order}, sigmas in {dtype}: {[deis_error(order, n, dtype) for n in (40, 80, 160, 320)]}")
print(line(DEISMultistepScheduler.multistep_deis_third_order_update, "coef1 = "))

# %% [markdown]
# **Suggested change**: compute the coefficients in double precision, as the last line does, or by the quadrature that
# DEIS' authors use. The check ORD calls nothing red here, as errors that grow are no slope.
#
# ### 1.6 Beta sigmas are quantiles of sigma, not of the timestep (diffusers)
#
# In "Beta Sampling is All You Need" the *timesteps* are quantiles of Beta(0.6, 0.6). `_convert_to_beta` takes quantiles
# of the interval from `sigma_max` to `sigma_min`, so that nearly every call is spent where there is nothing but noise.
# The web UI that it was taken from has corrected this (AUTOMATIC1111/stable-diffusion-webui, pull request 16926).
# Below, Stable Diffusion's schedule, and the end of Euler's method on data of standard deviation 1/2 as a part of the
# exact one:

# %%
import numpy as np
from diffusers import EulerDiscreteScheduler
from scipy.stats import beta as beta_distribution

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
QUANTILES = beta_distribution.ppf(1 - np.linspace(0, 1, 30), 0.6, 0.6) * 999


# %%
def spent(timesteps=None, **options):
    s = EulerDiscreteScheduler(**SD, **options)
    s.set_timesteps(**({"num_inference_steps": 30} if timesteps is None else {"timesteps": timesteps}))
    x = (s.sigmas[:1].double() ** 2 + 0.25).sqrt()
    for t, sigma in zip(s.timesteps, s.sigmas.double(), strict=False):
        s.scale_model_input(x, t)
        x = s.step(sigma * x / (sigma**2 + 0.25), t, x).prev_sample
    return f"{int((s.sigmas[:-1] < 1).sum())} of 30 calls at sigma < 1, end {2 * x.item():.3f} of the exact one"


# %%
for options in ({}, {"use_karras_sigmas": True}, {"use_beta_sigmas": True}):
    print(options, spent(**options))
print("the same quantiles, of the timestep:", spent(QUANTILES))
print(line(EulerDiscreteScheduler._convert_to_beta, "sigma_min + (ppf * (sigma_max - sigma_min))"))

# %% [markdown]
# **Suggested change**: `ppf * (num_train_timesteps - 1)` as timesteps, and their sigmas by the interpolation that is
# there. A dozen classes have a copy of this function; on a flow path, where sigma is the time, it does no harm. With a
# table from 0.01 to 157, as the defaults have, even 320 steps leave six calls about the scale of the data, and ORD sees
# no slope worth its order.
#
# ### 1.7 IPNDMScheduler is called fourth-order, and has order 2 (diffusers)
#
# It applies the weights of four equal steps, (55, -59, 37, -9)/24, to the noise. The step is a straight line in
# $\kappa = \sigma/\alpha$, where its steps are not equal: what is left is order 2, as the PNDM paper says of its own
# method. It is measured below where a cold start is exact, as the network predicts $x_0 = 0$ until the scheduler has
# its history, and then $x_0 = \rho(\lambda)\sqrt{\kappa^2 + (z/\alpha)^2}$ with $\rho = \sin^4$: then
# $\sinh^{-1}(z/\sigma)$ grows by $\int\rho\,\mathrm{d}\lambda$.

# %%
import math

from diffusers import IPNDMScheduler


# %%
def phase(alpha, sigma):
    """From 0 at kappa = 8 to pi at kappa = 1/8."""
    return min(max(math.pi * math.log(8 * max(alpha, 1e-9) / sigma) / math.log(64), 0.0), math.pi)


def grown(p):
    """The integral of sin^4 over lambda."""
    return math.log(64) / math.pi * (3 * p / 8 - math.sin(2 * p) / 4 + math.sin(4 * p) / 32)


# %%
def off(steps):
    """The error of z/sigma half-way, at kappa = 0.58."""
    s, z = IPNDMScheduler(), torch.ones(1, dtype=torch.float64)
    s.set_timesteps(steps)
    for t, alpha, sigma in zip(s.timesteps[: steps // 2], s.alphas.tolist(), s.betas.tolist(), strict=False):
        x0 = math.sin(phase(alpha, sigma)) ** 4 * ((sigma / max(alpha, 1e-9)) ** 2 + (z / max(alpha, 1e-9)) ** 2).sqrt()
        z = s.step(alpha * (z - alpha * x0) / sigma - sigma * x0, t, z).prev_sample
    alpha, sigma = s.alphas[steps // 2].item(), s.betas[steps // 2].item()
    return abs(z.item() / sigma - math.sinh(math.asinh(1) + grown(phase(alpha, sigma))))


# %%
fourth = {steps: off(steps) for steps in (40, 80, 160, 320)}
print({steps: f"{error:.1e}" for steps, error in fourth.items()})
print(line(IPNDMScheduler.step, "55 * self.ets[-1] - 59 * self.ets[-2]"))

# %% [markdown]
# **Suggested change**: "second-order" in its description; or the Adams-Bashforth weights of the steps in $\kappa$, as
# `LMSDiscreteScheduler` computes them. From the first step on it is worse: see 3.1.
#
# ### 1.8 `Adams` and `DPM` of order 3 have order 2 (skrample)
#
# `Adams(order=n)` averages the last n predictions with the weights of Adams and Bashforth, and takes one exponential
# step with the average. Those weights integrate a polynomial over one step, each point of it counted alike; the step
# itself counts a prediction by $e^\lambda$. The two agree to second order, so that orders 3 to 9 cost history and gain
# a constant at most. `DPM(order=3)` is the stock third-order multistep form, of order 2 as 1.2 says. `UniP(order=3)`
# has order 3. (skrample needs Python 3.12, so this is not run with the rest.) Data of standard deviation 1/2, the
# first latents exact; relative errors when the steps are doubled, from 40 to 640:
#
# ```python
# import math
#
# import torch
# from skrample import scheduling
# from skrample.sampling import models, structured
#
# schedule = scheduling.Scaled()
#
#
# def relative_error(sampler, steps):
#     """After the middle of a run, whose first three latents are exact."""
#     taken, x = [], None
#     for i in range(steps // 5, 4 * steps // 5):
#         _, sigma, alpha = schedule.ipoint(i / steps)
#         deviation = math.hypot(sigma, alpha / 2)
#         x = torch.tensor([deviation]).double() if len(taken) < 3 else x
#         given = {"sample": x, "prediction": x * alpha / 4 / deviation**2, "step": (i / steps, (i + 1) / steps)}
#         taken.append(sampler.sample(**given, model_transform=models.DataModel(), schedule=schedule, previous=taken))
#         x = taken[-1].final
#     _, sigma, alpha = schedule.ipoint((4 * steps // 5) / steps)
#     return abs(x.item() / math.hypot(sigma, alpha / 2) - 1)
#
#
# for name, order in (("Adams", 2), ("Adams", 3), ("Adams", 4), ("DPM", 2), ("DPM", 3), ("UniP", 3)):
#     errors = [relative_error(getattr(structured, name)(order=order), steps) for steps in (40, 80, 160, 320, 640)]
#     print(f"{name}, order {order}: {[f'{error:.1e}' for error in errors]}")
# ```
#
# With skrample 0.7.0 on Python 3.12 it prints
#
# ```
# Adams, order 2: ['5.2e-04', '1.3e-04', '3.4e-05', '8.4e-06', '2.1e-06']
# Adams, order 3: ['1.8e-04', '4.4e-05', '1.1e-05', '2.7e-06', '6.9e-07']
# Adams, order 4: ['1.7e-04', '4.3e-05', '1.1e-05', '2.7e-06', '6.9e-07']
# DPM, order 2: ['3.7e-04', '9.2e-05', '2.3e-05', '5.7e-06', '1.4e-06']
# DPM, order 3: ['1.9e-05', '7.5e-06', '2.3e-06', '6.4e-07', '1.8e-07']
# UniP, order 3: ['3.6e-05', '4.9e-06', '6.4e-07', '6.4e-08', '2.3e-09']
# ```
#
# **Suggested change**: weights that integrate $e^\lambda$ times the interpolating polynomial (those of `UniP`), or a
# sentence that orders above 2 are a matter of taste.
#
# ## 2. Noise that stays, or numbers that are lost
#
# ### 2.1 DEISMultistepScheduler repeats its last sigma (diffusers)
#
# With `use_karras_sigmas`, `use_exponential_sigmas`, `use_beta_sigmas` and `use_flow_sigmas` the list ends with its
# last element twice. The last step goes nowhere: one network call has no effect, and the sample keeps noise of that
# level. On the flow path that is one part in `steps`. Below, a network that knows the data to be 0 exactly:


# %%
def left_over(cls, steps):
    s, x = cls(use_flow_sigmas=True, prediction_type="flow_prediction"), torch.ones(1)
    s.set_timesteps(steps)
    for t, sigma in zip(s.timesteps, s.sigmas, strict=False):
        x = s.step(x / sigma, t, x).prev_sample  # eps - x0, where x0 = 0 and x = sigma eps
    return round(x.item(), 4)


# %%
for cls in (DEISMultistepScheduler, DPMSolverMultistepScheduler):
    print(f"{cls.__name__}: {[left_over(cls, n) for n in (5, 10, 20, 50)]} left of the noise in 5, 10, 20, 50 steps")
print(line(DEISMultistepScheduler.set_timesteps, "np.concatenate([sigmas, sigmas[-1:]])"))

# %% [markdown]
# **Suggested change**: the `final_sigmas_type` that `DPMSolverMultistepScheduler` has, or at least a last sigma of 0 on
# the flow path. `SASolverScheduler` and `DPMSolverMultistepInverseScheduler` have the same line; in
# `DPMSolverMultistepScheduler` it was called a dummy step and went with pull request 6477. More of the kind in 2.7.
#
# ### 2.2 UniPC with `solver_type="bh1"` ends in NaN by default (diffusers)
#
# The last step goes to $\sigma = 0$, where h is infinite, and for `bh1` the factor $B = -h$ multiplies a zero. `bh2`
# has $B = e^{-h} - 1$, which is finite.

# %%
from diffusers import UniPCMultistepScheduler

for kind in ("bh2", "bh1"):
    s, x = UniPCMultistepScheduler(solver_type=kind), torch.ones(1, 1)
    s.set_timesteps(10)
    for t in s.timesteps:
        x = s.step(0.5 * x, t, x).prev_sample
    print(kind, "ends at", x.item())
print(line(UniPCMultistepScheduler.multistep_uni_p_bh_update, "B_h * pred_res"))
print(line(UniPCMultistepScheduler.multistep_uni_p_bh_update, "B_h = hh"))

# %% [markdown]
# **Suggested change**: leave the term out where there is no difference to weigh (order 1), or raise for `bh1` with
# `final_sigmas_type="zero"`. `lower_order_final=False` with the same end, which has such a difference, is infinite for
# `bh2` too; `DPMSolverMultistepScheduler` takes a last step to zero at order 1 whatever that option says.
#
# ### 2.3 Noise prediction at zero terminal SNR is a silent NaN (diffusers)
#
# At $\bar\alpha = 0$ the noise says nothing about the data: $x_0 = (z - \sigma\epsilon)/\alpha$ is 0/0. `EulerDiscrete`
# and `DPMSolverMultistep` replace $\bar\alpha = 0$ by $2^{-24}$; these return NaN without a word, as do
# `CogVideoXDPMScheduler` and the parallel classes. Known: diffusers issue 3851.

# %%
from diffusers import CogVideoXDDIMScheduler, DDPMScheduler, LCMScheduler, TCDScheduler

silent = (DDIMScheduler, CogVideoXDDIMScheduler, DDPMScheduler, TCDScheduler, LCMScheduler)
for cls in (*silent, DPMSolverMultistepScheduler):
    s = cls(rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="epsilon")
    s.set_timesteps(4)
    print(cls.__name__, s.step(torch.ones(1, 1), s.timesteps[0], torch.ones(1, 1))[0].item())
print(line(DDIMScheduler.step, "beta_prod_t ** (0.5) * model_output) / alpha_prod_t ** (0.5)"))

# %% [markdown]
# **Suggested change**: an error in `__init__` for `rescale_betas_zero_snr=True` with `prediction_type="epsilon"`.
#
# Where the clamp is, it stands above what comes before it: with linear betas the level turns back at the noise end.

# %%
for cls in (EulerDiscreteScheduler, DPMSolverMultistepScheduler):
    for betas in ("linear", "scaled_linear"):
        s = cls(rescale_betas_zero_snr=True, beta_schedule=betas)
        print(cls.__name__, betas, [f"{x:.2g}" for x in s.alphas_cumprod[-3:].tolist()])
print(line(EulerDiscreteScheduler.__init__, "2**-24"))

# %% [markdown]
# **Suggested change**: the smaller of $2^{-24}$ and a part of the level before it.
#
# ### 2.4 Stochastic steps take the root of a difference (diffusers, k-diffusion)
#
# `squaredcos_cap_v2` starts at $\sigma$ of about 2e4. In single precision
# $\sigma_t^2(\sigma_s^2-\sigma_t^2)/\sigma_s^2$ can then exceed $\sigma_t^2$ by a rounding, and the root of the
# difference is NaN. Known: diffusers issue 14213.

# %%
from diffusers import EulerAncestralDiscreteScheduler, KDPM2AncestralDiscreteScheduler

# %%
for cls in (EulerAncestralDiscreteScheduler, KDPM2AncestralDiscreteScheduler):
    bad = []
    for steps in range(2, 13):
        s = cls(beta_schedule="squaredcos_cap_v2")
        s.set_timesteps(steps)
        x = torch.ones(1) * s.init_noise_sigma
        for t in s.timesteps:
            x = s.step(0.1 * s.scale_model_input(x, t), t, x).prev_sample
        bad += [] if x.isfinite() else [steps]
    print(f"{cls.__name__}: NaN at {bad} steps of 2 to 12")
print(line(EulerAncestralDiscreteScheduler.step, "sigma_down = (sigma_to**2 - sigma_up**2) ** 0.5"))

# %% [markdown]
# **Suggested change**: $\sigma_{down} = \sigma_t^2/\sigma_s$, which is the same number without a difference. It helps
# where nothing is NaN too: at its defaults, from $\sigma$ = 157, `KDPM2AncestralDiscreteScheduler` is off by 1e-3.
#
# `get_ancestral_step` of k-diffusion, where the formula comes from, takes the smaller of two numbers and is never NaN.
# It still loses digits in single precision, and a step of second order looks at the logarithm of what is left of
# $\sigma_{down}$. A small matter: lists of usual length fall less in a step. (k-diffusion, and stable-audio-tools of
# 2.6, import more than their samplers need, so they are loaded alone here; elsewhere it is `from k_diffusion import
# sampling` and `from stable_audio_tools.inference import sampling`.)

# %%
from cfg_equiv.adapters import k_diffusion, stable_audio

k_sampling, audio = k_diffusion.released().sampling, stable_audio.released()

# %%
for fall in (2, 10, 100, 1000):
    sigmas = torch.tensor([10.0, 10.0 / fall])
    down, expected = k_sampling.get_ancestral_step(*sigmas)[0].double(), sigmas[1].double() ** 2 / sigmas[0]
    print(f"a step from 10 to 10/{fall}: sigma_down is off by {(down / expected - 1).abs().item():.1g} of itself")
print(line(k_sampling.get_ancestral_step, "sigma_down = (sigma_to ** 2 - sigma_up ** 2) ** 0.5"))

# %% [markdown]
# **Suggested change**: `sigma_down = sigma_to**2 / sigma_from` for `eta=1`; for any `eta`, with the ratio $r$ of the
# two, $\sigma_{to}\sqrt{(1-\eta)(1+\eta) + \eta^2 r^2}$.
#
# The same in `DDIMScheduler` with `eta=1` at zero terminal SNR, where no noise of the first latent should be left:
# $1 - \bar\alpha_{prev} - \sigma^2$ is zero, or a rounding below it, with every kind of network. Known: diffusers issue
# 5969.


# %%
def lost(cls, **options):
    bad = []
    for steps in range(1, 41):
        s, x = cls(prediction_type="v_prediction", timestep_spacing="trailing", **options), torch.ones(1)
        s.set_timesteps(steps)
        for t in s.timesteps:
            x = s.step(-0.1 * x, t, x, eta=1.0).prev_sample
        bad += [] if x.isfinite() else [steps]
    return f"NaN at {len(bad)} of 40 numbers of steps, {bad[:5]} ..." if bad else "never NaN"


# %%
for options in ({"rescale_betas_zero_snr": True}, {"rescale_betas_zero_snr": True, **SD}):
    print(sorted(options), lost(DDIMScheduler, **options))
ROOT = "(1 - alpha_prod_t_prev - std_dev_t**2)"
clamped = repaired(DDIMScheduler, "step", ROOT, ROOT + ".clamp(min=0)")
print("with .clamp(min=0):", lost(clamped, rescale_betas_zero_snr=True))
print(line(DDIMScheduler.step, ROOT))

# %% [markdown]
# **Suggested change**: that clamp, here and in `DDIMParallelScheduler`.
#
# ### 2.5 ScheduleTransformedModel is 0/0 at the end of time (flow_matching)
#
# At r = 1 the new scheduler has $\sigma = 0$, the SNR is infinite, and its inverse is inf/inf. Euler and midpoint never
# ask there; `rk4` does, on the default grid. Below the straight path is transformed to *itself*, with a velocity of 1:
# the exact end is 1. On `CosineScheduler` $\cos(\pi/2)$ is a rounded -4e-8, and the answer is finite and wrong.

# %%
from flow_matching.path.scheduler import CondOTScheduler, CosineScheduler, ScheduleTransformedModel
from flow_matching.solver import ODESolver
from flow_matching.utils import ModelWrapper


class One(ModelWrapper):
    def forward(self, x, t, **extras):
        return torch.ones_like(x)


# %%
for new in (CondOTScheduler(), CosineScheduler()):
    for method in ("midpoint", "rk4"):
        solver = ODESolver(ScheduleTransformedModel(One(None), CondOTScheduler(), new))
        end = solver.sample(x_init=torch.zeros(1, 1), step_size=0.1, method=method)
        print(f"to {type(new).__name__} with {method}: {end.item():.4g}, expected 1")
print(line(ScheduleTransformedModel.forward, "snr_inverse(alpha_r / sigma_r)"))

# %% [markdown]
# **Suggested change**: an inverse of the pair instead of the SNR, for convex schedulers $\kappa =
# \alpha/(\alpha+\sigma)$; or a sentence that a grid should stop before 1. Beside it, the example in the class's
# documentation calls `solver.sample(time_steps=..., ...)[1]`: the parameter is `time_grid`, `time_steps` goes to the
# network unseen as one of its extras, and `[1]` is the second item of the batch, not the end of the run.

# %%
sampled = solver.sample(time_steps=torch.tensor([0.0, 1.0]), x_init=torch.zeros(10, 2), step_size=0.1)[1]
print(f"as documented: a sample of shape {tuple(sampled.shape)}, expected (10, 2)")

# %% [markdown]
# ### 2.6 One step to sigma = 0 (k-diffusion), `cond_fn` of `sample_rf` (stable-audio-tools)
#
# Both are a name that is used before it is bound. In `sample_dpmpp_2m_sde` and `sample_dpmpp_3m_sde` the last line of
# the loop keeps `h`, which a step to $\sigma = 0$ does not set; in `sample_rf` the denoiser that is to be wrapped is
# called `model_fn`.

# %%
for name, text in {"sample_dpmpp_2m_sde": "h_last = h", "sample_dpmpp_3m_sde": "h_1, h_2 = h, h_1"}.items():
    sampler = getattr(k_sampling, name)
    try:
        sampler(lambda x, sigma: 0 * x, torch.ones(1, 1), torch.tensor([1.0, 0.0]), eta=0.0, disable=True)
    except UnboundLocalError as raised:
        print(f"{name}: {raised}; {line(sampler, text)}")

# %%
try:
    audio.sample_rf(lambda x, t: x, torch.ones(1, 1, 1), steps=2, cond_fn=lambda x, t, denoised: 0 * x)
except UnboundLocalError as raised:
    print(f"sample_rf: {raised}; {line(audio.sample_rf, 'denoiser = make_cond_model_fn(denoiser')}")

# %% [markdown]
# **Suggested change**: set `h = None` before the loop, and `model_fn = make_cond_model_fn(model_fn, cond_fn)`; see also
# 3.5 for what that function does with a network that is no denoiser.
#
# ### 2.7 `final_sigmas_type="sigma_min"` where the list already ends there (diffusers)
#
# As in 2.1, the last step then has no length, and one network call has no effect. `DPMSolverMultistepScheduler` has it
# with Karras, Lu, exponential and beta sigmas, and not with its own spacings.

# %%
from diffusers import (
    CosineDPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EDMDPMSolverMultistepScheduler,
    EDMEulerScheduler,
)

# %%
KARRAS, FLOW = {"use_karras_sigmas": True}, {"use_flow_sigmas": True}
ends = {
    EulerDiscreteScheduler: ({}, KARRAS),
    EDMEulerScheduler: ({},),
    EDMDPMSolverMultistepScheduler: ({},),
    DPMSolverMultistepScheduler: ({}, KARRAS, {"use_lu_lambdas": True}),
    DPMSolverSinglestepScheduler: (KARRAS,),
    UniPCMultistepScheduler: (KARRAS, FLOW),
}

# %%
for cls, choices in ends.items():
    for options in choices:
        s = cls(final_sigmas_type="sigma_min", **options)
        s.set_timesteps(10)
        print(f"{cls.__name__} {options}: the last sigmas are {[round(sigma, 4) for sigma in s.sigmas[-2:].tolist()]}")
print(line(EulerDiscreteScheduler.set_timesteps, "sigma_last = ((1 - self.alphas_cumprod[0])"))

# %% [markdown]
# Two classes do not survive it. `UniPCMultistepScheduler` of order 3 with `lower_order_final=False` divides by that
# step, and `CosineDPMSolverMultistepScheduler` asks its Brownian tree for noise between two equal sigmas (for what it
# asks beside its interval, see diffusers issue 13274).

# %%
MIN, x = {"final_sigmas_type": "sigma_min"}, torch.ones(1, 1)
s = UniPCMultistepScheduler(solver_order=3, lower_order_final=False, **MIN, **KARRAS)
s.set_timesteps(10)
for t in s.timesteps:
    x = s.step(0.1 * x, t, x).prev_sample
print("UniPCMultistepScheduler of order 3:", x.item())

# %%
s = CosineDPMSolverMultistepScheduler(**MIN)
s.set_timesteps(2)
try:
    for t in s.timesteps:
        x = s.step(0.1 * s.scale_model_input(x, t), t, x).prev_sample
except RecursionError as raised:
    print(f"{type(s).__name__}: RecursionError, {raised}")

# %% [markdown]
# **Suggested change**: append `sigma_last` only where it is below the last sigma of the list.
#
# With `interpolation_type="log_linear"` the list of `EulerDiscreteScheduler` has one sigma more than it has steps, so
# that the end is at `sigma_min` whatever `final_sigmas_type` says; and its timesteps are those of another spacing:

# %%
s = EulerDiscreteScheduler(interpolation_type="log_linear")
s.set_timesteps(5)
table = ((1 - s.alphas_cumprod) / s.alphas_cumprod) ** 0.5
asked = [round(table[int(t)].item(), 2) for t in s.timesteps]
print(f"{len(s.timesteps)} timesteps, {len(s.sigmas)} sigmas")
print(f"sigmas {[round(sigma, 2) for sigma in s.sigmas.tolist()]}; the network is asked for {asked}")
print(line(EulerDiscreteScheduler.set_timesteps, "np.log(sigmas[0]), num_inference_steps + 1)"))

# %% [markdown]
# ### 2.8 Options of DPMSolverMultistepInverseScheduler that cannot be meant (diffusers)
#
# Its steps go from data to noise, so that h is negative, and the stochastic forms take the root of $1 - e^{-2h}$
# (known: diffusers issue 10748). With `use_flow_sigmas` its levels fall, so that it samples (known: pull request
# 12262). With `timestep_spacing="trailing"` its list has the noisiest level already, and gets it again.

# %%
from diffusers import DPMSolverMultistepInverseScheduler as Inverse

s, x = Inverse(algorithm_type="sde-dpmsolver++"), torch.ones(1, 1)
s.set_timesteps(10)
print("sde-dpmsolver++, first step:", s.step(x, s.timesteps[0], x).prev_sample.item())
for options in ({}, FLOW, {"timestep_spacing": "trailing"}):
    s = Inverse(**options)
    s.set_timesteps(4)
    print(options, [round(sigma, 3) for sigma in s.sigmas.tolist()])
print(line(Inverse.dpm_solver_first_order_update, "torch.sqrt(1.0 - torch.exp(-2 * h))"))
print(line(Inverse.set_timesteps, "np.flip(self.config.flow_shift"))

# %% [markdown]
# **Suggested change**: an error in `__init__` for the stochastic types, and `sigmas` without the flip.
#
# ### 2.9 DDPM with `fixed_large_log` returns NaN (diffusers)
#
# The *logarithm* of the variance is a negative number, and `step` takes its square root. Known: diffusers issue 14569.

# %%
for kind in ("fixed_large", "fixed_large_log"):
    s, x = DDPMScheduler(variance_type=kind), torch.ones(1, 1)
    s.set_timesteps(10)
    print(kind, s.step(0 * x, s.timesteps[0], x, generator=torch.Generator().manual_seed(0)).prev_sample.item())
print(line(DDPMScheduler._get_variance, "variance = torch.log(current_beta_t)"))

# %% [markdown]
# **Suggested change**: $e^{\ell/2}$ in `step`, as for `learned_range`; and in `DDPMParallelScheduler`.
#
# ### 2.10 Steps in half precision (diffusers)
#
# `EulerDiscreteScheduler` turns the latent into single precision before a step, "to avoid precision issues".
# `HeunDiscreteScheduler`, `KDPM2DiscreteScheduler` and `KDPM2AncestralDiscreteScheduler` do not: where $\sigma$ is
# large the data prediction is the small difference of two large numbers of eight bits. Data that are one point, 1, on
# `squaredcos_cap_v2`, which starts at $\sigma$ = 2e4:

# %%
from diffusers import HeunDiscreteScheduler, KDPM2DiscreteScheduler


# %%
def worst(cls, steps, upcast):
    s = cls(prediction_type="v_prediction", beta_schedule="squaredcos_cap_v2")
    s.set_timesteps(steps)
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0)).mul(s.init_noise_sigma).bfloat16()
    for i, t in enumerate(s.timesteps):
        shown, inner = s.scale_model_input(x, t), not getattr(s, "state_in_first_order", True)
        kappa = (getattr(s, "sigmas_interpol", s.sigmas) if inner else s.sigmas)[i].double()
        r = (1 + kappa**2).sqrt()
        v = ((shown.double() * r - 1) / kappa - kappa) / r
        x = s.step(v.bfloat16(), t, x.float() if upcast else x).prev_sample.bfloat16()
    return f"{(x.double() - 1).abs().max().item():.1g}"


# %%
for cls in (EulerDiscreteScheduler, HeunDiscreteScheduler, KDPM2DiscreteScheduler):
    off, mended = ([worst(cls, n, upcast) for n in (3, 5, 10)] for upcast in (False, True))
    print(f"{cls.__name__}: largest error {off} in 3, 5 and 10 steps; {mended} with x.float() handed to step()")
print(line(EulerDiscreteScheduler.step, "sample = sample.to(torch.float32)"))

# %% [markdown]
# `DPMSolverMultistepScheduler` has that line, `DPMSolverMultistepInverseScheduler` does not: the way from data to noise
# starts with a data prediction of eight bits, and its rounding grows with $\sigma$. Data of standard deviation 1/2,
# whose noise prediction is known, against the same run in double precision:


# %%
def inverted(steps, dtype, upcast=False):
    s, x = Inverse(), torch.linspace(-1, 1, 1000).to(dtype)
    s.set_timesteps(steps)
    for t in s.timesteps:
        alpha2 = s.alphas_cumprod[t].double()
        eps = (1 - alpha2).sqrt() * x.double() / (alpha2 / 4 + 1 - alpha2)
        x = s.step(eps.to(dtype), t, x.float() if upcast else x).prev_sample.to(dtype)
    return x.double()


# %%
for steps in (2, 5, 10, 50):
    wide = inverted(steps, torch.float64)
    as_it_is, mended = (inverted(steps, torch.bfloat16, upcast) - wide for upcast in (False, True))
    print(f"{steps} steps to latents of up to {wide.max().item():.2g}: off by {as_it_is.abs().max().item():.1g}; "
          f"{mended.abs().max().item():.1g} with x.float() handed to step()")  # fmt: skip

# %% [markdown]
# **Suggested change**: the same line in these. The deterministic solvers in their noise form
# (`algorithm_type="dpmsolver"` of the single-step class, DEIS) divide by alpha in the narrow format as well, and gain
# from it too.
#
# ### 2.11 Adaptive methods ask the network after the end of time (flow_matching)
#
# `ODESolver.sample` names "dopri5" among the commonly used methods. The adaptive solvers of torchdiffeq step over the
# last time and interpolate (torchdiffeq issue 78). A flow matching network was trained between 0 and 1, and there is no
# path after 1: $\sigma$ is negative. What the network says there decides whether the step is accepted. Below, data of
# standard deviation 1/2 with their exact velocity, and at which times it is asked:


# %%
class Gaussian(ModelWrapper):
    def forward(self, x, t, **extras):
        asked.append(t.item())
        return x * (t / 4 - (1 - t)) / (t**2 / 4 + (1 - t) ** 2)


# %%
for method in ("dopri5", "dopri8", "bosh3", "adaptive_heun"):
    asked = []
    end = ODESolver(Gaussian(None)).sample(x_init=torch.ones(1, 1), step_size=None, method=method)
    late = f"{sum(t > 1 for t in asked)} of {len(asked)} calls after the end, the last at t = {max(asked):.3f}"
    print(f"{method}: {late}; ends at {end.item():.4f}, expected 0.5")
print(line(ODESolver.sample, 'ode_opts = {"step_size": step_size} if step_size is not None else {}'))

# %% [markdown]
# **Suggested change**: `{"step_t": time_grid[-1:]}` for these methods, with which a step ends there:

# %%
from torchdiffeq import odeint

asked, network = [], Gaussian(None)
times, given = torch.tensor([0.0, 1.0]), {"rtol": 1e-5, "atol": 1e-5, "options": {"step_t": torch.tensor([1.0])}}
end = odeint(lambda t, x: network(x, t), torch.ones(1, 1), times, method="dopri5", **given)
print(f"the last call at t = {max(asked):.7f}; ends at {end[-1].item():.4f}")

# %% [markdown]
# The two Adams methods of torchdiffeq have the coefficients of equal steps. On a grid of other steps, which `time_grid`
# invites to, they run without a word and have order 2. And `explicit_adams` uses up to eleven earlier velocities, the
# library's default, for which 40 and 80 steps are not enough: they are less accurate than 20. Relative errors of the
# same data on equal steps, and on steps whose times are squares:


# %%
def adams(method, steps, power):
    grid, x = torch.linspace(0, 1, steps + 1, dtype=torch.float64) ** power, torch.ones(1, 1, dtype=torch.float64)
    end = ODESolver(Gaussian(None)).sample(x_init=x, step_size=None, method=method, time_grid=grid)
    return f"{abs(2 * end.item() - 1):.1e}"


# %%
for method in ("rk4", "implicit_adams", "explicit_adams"):
    for power, kind in ((1, "equal steps"), (2, "squares")):
        print(f"{method}, {kind}: {[adams(method, n, power) for n in (20, 40, 80, 160, 320)]}")

# %% [markdown]
# **Suggested change**: hand `options` through, so that a caller can say `max_order`, and a sentence that these two want
# equal steps.
#
# ### 2.12 xEABSampler overflows in half precision (azula)
#
# The coefficients of its sum are of the size of $1/\sigma_s$, 1000 at the end of the default schedule, and larger where
# they alternate in sign; the sum is multiplied by $\sigma_s$ only afterwards. So in float16 it passes 65504 although
# what it stands for is of the size of the data. Data that are one point, known to the denoiser, and how large it is
# when the sample is no number any more:


# %%
def first_lost(cls, order, steps):
    """The smallest data, of 1, 2, 5, 10, ... 1000, of which the sample in float16 is not finite."""
    for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):

        def known(x, t, size=size):
            return DiracPosterior(mean=torch.full_like(x, size))

        known.schedule = CosineSchedule()
        end = cls(known, steps=steps, order=order, silent=True)(torch.linspace(-2, 2, 20).half())
        if not end.isfinite().all():
            return size
    return "none"


# %%
STEP = "x_s = sigma_s / sigma_t * x_t - sigma_s * integral"
INSIDE = "x_s = sigma_s / sigma_t * x_t - sum(b * (sigma_s * c) for b, c in zip(buffer, coeffs))"
scaled = repaired(xEABSampler, "__call__", STEP, INSIDE)
for order in (1, 2, 3):
    found, mended = ([first_lost(cls, order, n) for n in (4, 16, 64)] for cls in (xEABSampler, scaled))
    print(f"order {order}, in 4, 16 and 64 steps: lost from data of size {found}; with sigma_s inside the sum {mended}")
print(line(xEABSampler.__call__, STEP))

# %% [markdown]
# **Suggested change**: $\sigma_s$ inside the sum. In single precision both are as far from a run in double precision.
#
# ## 3. Where a parameterization matters and should not
#
# One denoiser, written as noise, data or v, is one statement, so it should draw one sample.
#
# ### 3.1 IPNDMScheduler does not use the network's first output (diffusers)
#
# It starts at $\alpha = 0$ and reads the output as noise, which there is the latent itself; then
# `(sample - sigma * ets) / max(alpha, 1e-8)` is 0/1e-8. The first call costs as much as any other, and has no effect.

# %%
for output in (-100.0, 0.0, 100.0):
    s = IPNDMScheduler()
    s.set_timesteps(10)
    print(output, s.step(torch.tensor([output]), s.timesteps[0], torch.ones(1)).prev_sample.item())
print(line(IPNDMScheduler._get_prev_sample, "max(alpha, 1e-8)"))

# %% [markdown]
# **Suggested change**: the step on v has a limit there, $-\alpha_t v + \sigma_t z$; the original starts just below t =
# 1.
#
# ### 3.2 PNDM on v combines outputs before it converts them (diffusers)
#
# Outputs of several timesteps are combined as they are, and the combination is converted at one of them. On noise that
# is PLMS; on v it is another method, of order 1. Known: diffusers issue 14816. Data of standard deviation 1/2:

# %%
from diffusers import PNDMScheduler


def pndm(kind, steps):
    s, x = PNDMScheduler(prediction_type=kind, skip_prk_steps=True), torch.ones(1).double()
    s.set_timesteps(steps)
    for t in s.timesteps:
        a = s.alphas_cumprod[t].double()
        eps = (1 - a).sqrt() * x / (a / 4 + 1 - a)
        x = s.step(eps if kind == "epsilon" else (eps - (1 - a).sqrt() * x) / a.sqrt(), t, x).prev_sample
    return x.item()


# %%
print({n: f"{pndm('v_prediction', n) / pndm('epsilon', n):.3f}" for n in (5, 10, 20, 50)}, "expected 1")
print(line(PNDMScheduler.step_plms, "55 * self.ets[-1]"))

# %% [markdown]
# ### 3.3 Churn is added after the network was asked (diffusers)
#
# Algorithm 2 of EDM adds noise, *then* asks the network at $\hat\sigma$. In `EulerDiscreteScheduler.step` the output
# belongs to the latent and the $\sigma$ before the noise; it is then read with $\hat\sigma$ for `epsilon` and with
# $\sigma$ for `v_prediction`, so that the two differ. `EDMEulerScheduler` has the same order of operations. Data that
# are one point, 1: the latents should stay spread by the noise level.


# %%
def churned(kind):
    s, drawn = EulerDiscreteScheduler(prediction_type=kind), torch.Generator().manual_seed(0)
    s.set_timesteps(10)
    x = torch.randn(4000, generator=drawn) * s.init_noise_sigma
    for t, sigma in zip(s.timesteps[:-1], s.sigmas[:-2], strict=True):
        eps, r = (x - 1) / sigma, (1 + sigma**2).sqrt()
        output = {"epsilon": eps, "v_prediction": (eps - sigma) / r, "sample": torch.ones(4000)}[kind]
        s.scale_model_input(x, t)
        x = s.step(output, t, x, s_churn=4.0, generator=drawn).prev_sample
    return round(x.std().item() / s.sigmas[-2].item(), 3)


# %%
spreads = {kind: churned(kind) for kind in ("epsilon", "v_prediction", "sample")}
print(spreads, "times the noise level, expected 1")
print(line(EulerDiscreteScheduler.step, "pred_original_sample = sample - sigma_hat * model_output"))

# %% [markdown]
# **Suggested change**: churn cannot be right in one call of `step`. k-diffusion, whose sampler asks the network itself,
# agrees for all parameterizations; a two-call form like Heun's, or a sentence in the documentation, would do.
#
# `FlowMatchHeunDiscreteScheduler` adds the noise of a path with $\alpha = 1$ to one with $\alpha = 1 - \sigma$: the
# data part is not scaled back, and no number of steps mends that. The mean of the latents next to $\sigma = 1/2$:

# %%
from diffusers import FlowMatchHeunDiscreteScheduler


def halfway(steps, churn):
    s, drawn = FlowMatchHeunDiscreteScheduler(), torch.Generator().manual_seed(0)
    s.set_timesteps(steps)
    x, means = torch.randn(4000, generator=drawn), {}
    for t in s.timesteps:
        sigma = float(t) / 1000
        means.setdefault(abs(sigma - 0.5), (round(x.mean().item(), 2), round(1 - sigma, 2)))
        x = s.step((x - 1) / sigma, t, x, s_churn=churn, generator=drawn).prev_sample
    return "{} for {}".format(*means[min(means)])


# %%
for churn in (0.0, 4.0):
    print(f"s_churn={churn}: mean {[halfway(n, churn) for n in (10, 40, 160)]} in 10, 40 and 160 steps")
print(line(FlowMatchHeunDiscreteScheduler.step, "(sigma_hat**2 - sigma**2) ** 0.5"))

# %% [markdown]
# **Suggested change**: scale the latent by $(1-\hat\sigma)/(1-\sigma)$ and add what is missing to $\hat\sigma$; or take
# the option away.
#
# `FlowMatchEulerDiscreteScheduler` takes `s_churn`, `s_tmin`, `s_tmax` and `s_noise`, and reads none of them:

# %%
from diffusers import FlowMatchEulerDiscreteScheduler

code = inspect.getsource(FlowMatchEulerDiscreteScheduler.step)
print(
    {name: code.split('"""')[2].count(name) for name in ("s_churn", "s_tmin", "s_tmax", "s_noise")}, "uses in the body"
)

# %% [markdown]
# ### 3.4 Options that are accepted and do not fit (diffusers)
#
# `flow_prediction` means $\epsilon - x_0$, and `x0 = x - sigma * output` holds for $\alpha = 1-\sigma$ alone, that is
# with `use_flow_sigmas=True`; `v_prediction` means $\alpha\epsilon - \sigma x_0$, and `alpha * x - sigma * output`
# holds on the circle alone, without it. The six solvers of this family take the other two combinations without a word.
# And `prediction_type="epsilon"` of the EDM classes is the network F of the preconditioner, not the noise.

# %%
for options in ({"prediction_type": "flow_prediction"}, {"prediction_type": "v_prediction", "use_flow_sigmas": True}):
    s = DPMSolverMultistepScheduler(**options)
    s.set_timesteps(10)
    alpha, sigma = s._sigma_to_alpha_sigma_t(s.sigmas[5])
    x0, eps = torch.tensor([1.0]), torch.tensor([0.5])
    output = eps - x0 if "flow_p" in str(options) else alpha * eps - sigma * x0
    s._step_index = 5
    found = s.convert_model_output(output, sample=alpha * x0 + sigma * eps).item()
    print(options, f"data prediction {found:.3f}, expected 1")
print(line(DPMSolverMultistepScheduler.convert_model_output, "x0_pred = sample - sigma_t * model_output"))

# %%
s = EDMEulerScheduler(prediction_type="epsilon")
s.set_timesteps(10)
x0, eps, sigma = torch.tensor([1.0]), torch.tensor([0.5]), s.sigmas[5]
found = s.precondition_outputs(x0 + sigma * eps, eps, sigma).item()
print(f"EDMEulerScheduler, 'epsilon': data prediction {found:.3f} out of the noise itself, expected 1")
print(line(EDMEulerScheduler.precondition_outputs, 'self.config.prediction_type == "epsilon"'))

# %% [markdown]
# **Suggested change**: a `ValueError` in `__init__` for the two misfits, and `"F"`, or a sentence, for the third.
#
# ### 3.5 A gradient that pushes the wrong way (stable-audio-tools)
#
# `make_cond_model_fn` adds $\sigma^2$ times the gradient to the network's output, which is right for a denoiser. With
# `sampler_type="v-ddim"` it is handed the network itself, whose output is v, and the time in place of $\sigma$. A data
# prediction that grows makes v *smaller*, so the sample is pushed against the gradient. Below: data of unit variance,
# for which v = 0; a gradient of 0.1 everywhere; the start at 0.

# %%
import contextlib
import io


def pushed(kind):
    still, up = (lambda x, t, **rest: 0 * x), (lambda x, sigma, denoised: 0.1 * torch.ones_like(x))
    options = {"sigma_min": 0.1, "sigma_max": 10.0} if kind == "dpmpp-2m" else {}
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        options |= {"steps": 50, "sampler_type": kind, "cond_fn": up, "device": "cpu"}
        return audio.sample_k(still, torch.zeros(1, 1, 1), **options)


# %%
print({kind: round(pushed(kind).item(), 3) for kind in ("dpmpp-2m", "v-ddim")}, "expected: above 0")
print(line(audio.make_cond_model_fn, "cond_denoised = denoised.detach() + cond_grad"))
print(line(audio.sample_k, "model_fn = make_cond_model_fn(model_fn, cond_fn)"))

# %% [markdown]
# **Suggested change**: for the v samplers, turn the output into a data prediction, add the gradient to that, and turn
# it back: how a shift by a gradient is scaled in each space is theorem G8.
#
# ### 3.6 Conditioning that is accepted and not used (stable-audio-tools)
#
# `DiffusionTransformer.forward` takes `negative_global_embed` and casts it; both branches then run with `global_embed`,
# so guidance has no part in what is conditioned globally. `UNetCFG1d.forward` takes `negative_embedding` and reads it
# only with `batch_cfg=True`, which is not its default.

# %%
from cfg_equiv.peers.guiders_stable_audio import released as networks

with networks() as (transformer, unet):
    body = inspect.getsource(transformer.forward)
    print([one.strip() for one in body.splitlines() if "negative_global_embed" in one])
    print([one.strip() for one in inspect.getsource(unet.forward).splitlines() if "negative_embedding" in one])

# %% [markdown]
# ### 3.7 Guidance rules that mean something else in each space
#
# `guidance_rescale`, APG with `eta` below 1, CFG-Zero*, zero-init, TCFG, and `scale_phi` of the stable-audio-tools
# transformer act on the network's output as it is. On v, on noise and on data they are three different rules: results
# of one checkpoint say nothing about another that predicts something else. That is no bug, and
# [05](05_check_your_own_repository.ipynb) shows how a rule is told. Three smaller things in the guiders of diffusers:

# %%
from diffusers.guiders.adaptive_projected_guidance_mix import AdaptiveProjectedMixGuidance
from diffusers.guiders.magnitude_aware_guidance import mambo_guidance

try:
    mambo_guidance(torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4), 3.0, 0.5)
except RuntimeError as raised:
    print(f"MagnitudeAwareGuidance of an image: {raised}")
print(line(mambo_guidance, "torch.norm"))
print(line(AdaptiveProjectedMixGuidance._is_apg_enabled, "adaptive_projected_guidance_start_step"))

# %% [markdown]
# `torch.norm` takes at most two axes, so `MagnitudeAwareGuidance` raises for images and video
# (`torch.linalg.vector_norm` takes any). `AdaptiveProjectedMixGuidance` starts APG one step after the one it is told
# (`>` for `>=`). And `rescale_phi`-like factors divide by the deviation of the guided prediction, which is NaN where
# that is constant.
#
# ### 3.8 DDIMInverseScheduler reads an output at another level than it was asked for (diffusers)
#
# A step goes from $t - \text{stride}$ to $t$; the network is asked for t, with the latent of $t - \text{stride}$. For
# noise that is the usual approximation of DDIM inversion. For `sample` and `v_prediction` the output is *converted*
# with the alpha of the lower level, so the three are three maps, and for `sample` the first step is 0/0 (known:
# diffusers issue 10920):

# %%
from diffusers import DDIMInverseScheduler

for kind in ("epsilon", "sample"):
    s = DDIMInverseScheduler(prediction_type=kind)
    s.set_timesteps(10)
    print(kind, "first step:", s.step(torch.ones(1), s.timesteps[0], torch.ones(1)).prev_sample.item())
print(line(DDIMInverseScheduler.step, "(sample - alpha_prod_t ** (0.5) * pred_original_sample) / beta_prod_t"))

# %% [markdown]
# ### 3.9 Flow sigmas beside another list (diffusers)
#
# `use_flow_sigmas` decides how a sigma is read, $\alpha = 1 - \sigma$; which sigmas there are is decided by the first
# option that is set of Karras, Lu, exponential and beta. Together they are read as what they are not: $\alpha$ = -156.
# `UniPCMultistepScheduler` turns Karras' sigmas into $\sigma/(1+\sigma)$, and forgets the other two.

# %%
from diffusers import SASolverScheduler

FAMILY = (
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    DEISMultistepScheduler,
    UniPCMultistepScheduler,
    SASolverScheduler,
)
LISTS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")

# %%
for cls in FAMILY:
    alphas = {}
    for name in LISTS:
        s = cls(**FLOW, **{name: True})
        s.set_timesteps(10)
        alphas[name] = round(s._sigma_to_alpha_sigma_t(s.sigmas[0])[0].item(), 2)
    print(cls.__name__, alphas)
print(line(DPMSolverMultistepScheduler._sigma_to_alpha_sigma_t, "alpha_t = 1 - sigma"))
print(line(UniPCMultistepScheduler.set_timesteps, "sigmas = sigmas / (sigmas + 1)"))

# %% [markdown]
# **Suggested change**: count `use_flow_sigmas` and `use_lu_lambdas` in the `__init__` that lets only one of the other
# three pass; or that line of UniPC for each list.
#
# ### 3.10 Further branches that are not perturbed, and what their scale means (diffusers)
#
# `SkipLayerGuidance`, `PerturbedAttentionGuidance` and `SmoothedEnergyGuidance` run the conditional branch once more
# with layers skipped, or with their attention smoothed, and push away from that. Which pass it is they tell by counting
# the calls of `prepare_models`: it is the third. Two things go wrong, without a word:
#
# - `SmoothedEnergyGuidance.prepare_models` does not count. Its third pass is the first one again, and the guidance is
#   plain CFG at the price of three passes.
# - Without CFG (`guidance_scale=1`) there are two passes, and no third: all three guiders then combine two equal
#   predictions.
#
# Below, a small transformer is run as a pipeline runs it, on the same input in every pass. What the last pass differs
# by from the first is what the guider did to the network:

# %%
from diffusers import CogView4Transformer2DModel, guiders
from diffusers.hooks import LayerSkipConfig, SmoothedEnergyGuidanceConfig

torch.manual_seed(0)
heads = {"num_layers": 2, "attention_head_dim": 8, "num_attention_heads": 2, "text_embed_dim": 8, "time_embed_dim": 8}
sizes = {"in_channels": 4, "out_channels": 4, "sample_size": 8, "pos_embed_max_size": 8, "condition_dim": 4}
network, x, size = CogView4Transformer2DModel(**heads, **sizes), torch.randn(1, 4, 8, 8), torch.tensor([[8.0, 8.0]])
told = {"encoder_hidden_states": torch.randn(1, 3, 8), "timestep": torch.tensor([500.0]), "original_size": size,
        "target_size": size, "crop_coords": 0 * size}  # fmt: skip

# %%
CONFIGS = {
    guiders.SkipLayerGuidance: {"skip_layer_config": LayerSkipConfig([0])},
    guiders.PerturbedAttentionGuidance: {"perturbed_guidance_config": LayerSkipConfig([0])},
    guiders.SmoothedEnergyGuidance: {"seg_guidance_config": SmoothedEnergyGuidanceConfig([0])},
}


# %%
def perturbed(cls, **options):
    """By how much the last pass of a step differs from the first."""
    guider, outputs = cls(**options), []
    guider.set_state(step=1, num_inference_steps=10, timestep=torch.tensor(500))
    for _ in guider.prepare_inputs({}):
        guider.prepare_models(network)
        outputs.append(network(x, **told).sample)
        guider.cleanup_models(network)
    return f"{(outputs[-1] - outputs[0]).abs().max().item():.2g} in {len(outputs)} passes"


# %%
with torch.no_grad():
    for cls, config in CONFIGS.items():
        found = {scale: perturbed(cls, guidance_scale=scale, **config) for scale in (5.0, 1.0)}
        print(f"{cls.__name__}: {found}; expected: above 0")
    counted = repaired(guiders.SmoothedEnergyGuidance, "prepare_models", "    if self._is_seg_enabled()",
                       "    self._count_prepared += 1\n    if self._is_seg_enabled()")  # fmt: skip
    print(f"SmoothedEnergyGuidance that counts: {perturbed(counted, **CONFIGS[guiders.SmoothedEnergyGuidance])}")
print(line(guiders.SmoothedEnergyGuidance.prepare_models, "self.is_conditional and self._count_prepared > 1"))
print(line(guiders.SkipLayerGuidance.is_conditional.fget, "self._count_prepared == 3"))

# %% [markdown]
# **Suggested change**: count in the one, and tell the pass in all three by the name that `prepare_inputs` gives it
# (`pred_cond_skip`, `pred_cond_seg`), or as the last of `num_conditions`.
#
# Two more things about the same guiders. The layers as integers, as documented, become one configuration per layer
# whose `indices` are an integer, where `_apply_layer_skip_hook` wants a list (`AutoGuidance` has this too):

# %%
options = {"skip_layer_guidance_layers": [0], "auto_guidance_layers": [0], "seg_guidance_layers": [0], "dropout": 0.5}
for cls in (guiders.SkipLayerGuidance, guiders.AutoGuidance, counted):
    names = inspect.signature(cls).parameters
    try:
        perturbed(cls, **{name: value for name, value in options.items() if name in names})
    except TypeError as raised:
        print(f"{cls.__name__}: {raised}")
print(line(guiders.SkipLayerGuidance.__init__, 'LayerSkipConfig(layer, fqn="auto")'))

# %% [markdown]
# And where CFG is off, the scale means another thing than where it is on: $w + s(c - w)$ with the weak prediction $w$,
# in place of $c + s(c - w)$. Between a `guidance_scale` of 1 and one beside it the result jumps by a whole $c - w$, and
# a small scale gives the weak prediction itself. With `use_original_formulation=True` it is $c + s(c - w)$ in both.

# %%
c, u, weak = torch.tensor([[2.0]]), torch.tensor([[0.0]]), torch.tensor([[1.0]])
for scale in (1.001, 1.0, 0.999):
    guider = guiders.SkipLayerGuidance(scale, 3.0, skip_layer_config=LayerSkipConfig([0]))
    guider.set_state(step=1, num_inference_steps=10, timestep=torch.tensor(500))
    print(f"guidance_scale={scale}: {guider.forward(c, u, weak).pred.item():.3f}, expected about 5")
print(line(guiders.SkipLayerGuidance.forward, "pred = pred_cond if self.use_original_formulation else pred_cond_skip"))

# %% [markdown]
# **Suggested change**: `[LayerSkipConfig([layer], fqn="auto") for layer in ...]`, or one configuration with the list;
# and `pred = pred_cond` for the branch alone, whatever the formulation.
#
# ### 3.11 A skipped block hands image and text over in the other order (diffusers)
#
# `TransformerBlockSkipHook` returns `(hidden_states, encoder_hidden_states)`. Blocks of SD3 and Flux return them the
# other way round, which the registry knows (`return_hidden_states_index=1`) and the hook does not ask. The next block
# takes the text for the image. An odd number of skipped blocks, such as the recommended `[7, 8, 9]` of SD 3.5, ends in
# an error about shapes; an even number runs through, and every block between two skipped ones has seen the two
# exchanged. Below, 16 tokens of image and 3 of text, and what each block of five is shown as the image:

# %%
from diffusers import SD3Transformer2DModel
from diffusers.hooks import apply_layer_skip
from diffusers.hooks.layer_skip import TransformerBlockSkipHook

heads = {"attention_head_dim": 8, "num_attention_heads": 2, "joint_attention_dim": 8, "caption_projection_dim": 16}
sizes = {"sample_size": 8, "patch_size": 2, "in_channels": 4, "out_channels": 4, "pooled_projection_dim": 8}
prompt = {"encoder_hidden_states": torch.randn(1, 3, 8), "pooled_projections": torch.randn(1, 8)}


def note(module, args, given):
    """How many tokens a block is shown as the image."""
    seen.append(given["hidden_states"].shape[1])


# %%
for skipped in ([], [1], [1, 3]):
    network, seen = SD3Transformer2DModel(num_layers=5, pos_embed_max_size=8, **sizes, **heads), []
    for block in network.transformer_blocks:
        block.register_forward_pre_hook(note, with_kwargs=True)
    try:
        if skipped:
            apply_layer_skip(network, LayerSkipConfig(skipped))
        network(x, timestep=torch.tensor([500.0]), **prompt)
        print(f"skipped {skipped}: {seen} tokens, expected 16 each")
    except RuntimeError as raised:
        print(f"skipped {skipped}: {seen} tokens, then {raised}")
print(line(TransformerBlockSkipHook.new_forward, "output = (original_hidden_states, original_encoder_hidden_states)"))

# %% [markdown]
# **Suggested change**: put the two at the places that `self._metadata` has for them. The other branch of that function,
# for a `dropout` below 1, hands the pair itself to `torch.nn.functional.dropout`, which takes a tensor.
#
# ### 3.12 Frequencies that are switched off, and zero-init with a rescale (diffusers)
#
# `FrequencyDecoupledGuidance` takes `start` and `stop` by level. A level that is off at a step is to keep the
# conditional prediction; the code appends `pred_cond_freq`, which is that of the level before, or of none. Known:
# diffusers issue 14643. (It needs `kornia`.)

# %%
FDG = guiders.FrequencyDecoupledGuidance
for starts in ([0.0, 0.5], [0.5, 0.0]):
    try:
        guider = FDG(start=starts)
        guider.set_state(step=1, num_inference_steps=10, timestep=torch.tensor(500))
        print(guider.forward(torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)).pred.shape)
    except (ImportError, RuntimeError, UnboundLocalError) as raised:
        print(f"start={starts}: {str(raised)[:90]}")
print(line(FDG.forward, "pred_guided_pyramid.append(pred_cond_freq)"))

# %% [markdown]
# `ClassifierFreeZeroStarGuidance` sets the first prediction to zero, by default in one step, and then rescales it: the
# deviation of zero is zero, and zero times infinity is NaN. Known of `rescale_noise_cfg`: diffusers issue 13425.

# %%
for rescale in (0.0, 0.7):
    guider = guiders.ClassifierFreeZeroStarGuidance(guidance_rescale=rescale)
    guider.set_state(step=0, num_inference_steps=10, timestep=torch.tensor(999))
    print(f"guidance_rescale={rescale}: {guider.forward(torch.randn(1, 4), torch.randn(1, 4)).pred.tolist()}")
print(line(guiders.ClassifierFreeZeroStarGuidance.forward, "pred = torch.zeros_like(pred_cond)"))

# %% [markdown]
# **Suggested change**: `pred_cond_pyramid[level]` in the first, and no rescale in the steps of zero-init in the second.
#
# ### 3.13 Variations start by adding noise, and a shift that is not read (stable-audio-tools)
#
# `sample_rf` spaces its times evenly in the log-SNR, from that of `sigma_max` to 2, and then sets the last to 0. A
# log-SNR of 2 is t = 0.119: for a variation with less noise than that the times rise until the last step. Every step
# but the last moves away from the data, and more steps are worse. 0.1 is where the slider "Init noise level" of the
# interface stands. Below, data of standard deviation 1/2 with their exact velocity; the exact end is 1/2:


# %%
def flow(x, t, **rest):
    t = t.reshape(-1, 1, 1)
    return x * (t - (1 - t) / 4) / ((1 - t) ** 2 / 4 + t**2)


# %%
def variation(steps, level, **options):
    """The times of a variation's network calls, and its end."""
    told, start = [], torch.full((1, 1, 8), math.sqrt((1 - level) ** 2 / 4 + level**2))

    def network(x, t, **rest):
        told.append(round(t.item(), 3))
        return flow(x, t)

    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        options |= {"steps": steps, "sigma_max": level, "device": "cpu"}
        end = audio.sample_rf(network, start / level, init_data=torch.zeros(1, 1, 8), **options)
    return told, round(end.mean().item(), 3)


# %%
for steps in (1, 4, 64):
    told, end = variation(steps, 0.1)
    print(f"{steps} steps at times {[*told[:4], 0]}: ends at {end}, expected 0.5")
print(line(audio.sample_rf, "logsnr = torch.linspace(logsnr_max, 2, steps + 1)"))

# %% [markdown]
# **Suggested change**: end the log-SNR at `max(2, logsnr_max)` plus something, or space the times evenly where
# `sigma_max` is below 0.12. (From above, too, the last step is one from 0.119 to 0 whatever the number of steps.)
#
# `generate_diffusion_cond` hands the model's `dist_shift` to `sample_rf`, which hands it on. Three of the four loops
# are given their times beside it, and then do not look at it: a model that was trained with shifted times is sampled on
# times that are not. The fourth, `rk4`, is not given these times: it takes even ones, and shifts them. There the shift
# is applied to times that are scaled by `sigma_max` already, so that a variation with `sigma_max=0.5` is told 0.61 of a
# latent with noise 0.5.

# %%
shift = audio.DistributionShift()
for kind in ("euler", "dpmpp", "pingpong", "rk4"):
    plain, shifted = (variation(4, 0.5, sampler_type=kind, **o)[0] for o in ({}, {"dist_shift": shift}))
    print(f"{kind}: first time {plain[0]}, with dist_shift {shifted[0]}, expected 0.5; any changed: {plain != shifted}")
print(line(audio.sample_rf, "return sample_discrete_euler(model_fn, x, sigmas=t"))
print(line(audio.sample_rk4, "t = dist_shift.time_shift(t, x.shape[-1])"))

# %% [markdown]
# **Suggested change**: shift the times in `sample_rf`, from 1 to 0 first and scaled by `sigma_max` after, and hand the
# same to all four.
#
# ### 3.14 The network is told another level than it is shown (diffusers)
#
# Karras', exponential, beta and Lu's lists of sigmas fall between the timesteps of the table. These classes round the
# timestep that the network is told to a whole number and keep the sigma that the step uses. Below, by how much the
# sigma of the timestep is off, at the worst of 20 steps; `EulerDiscreteScheduler` leaves the timestep a fraction:

# %%
for cls in (*FAMILY, EulerDiscreteScheduler):
    told = {}
    for name in LISTS[:2]:
        s = cls(**{name: True})
        s.set_timesteps(20)
        table = ((1 - s.alphas_cumprod) / s.alphas_cumprod).sqrt().numpy()
        off = np.interp(s.timesteps.numpy(), np.arange(len(table)), table) / s.sigmas[:20].numpy() - 1
        told[name] = f"{100 * abs(off).max():.1f} %"
    print(cls.__name__, s.timesteps.dtype, told)
print(line(DPMSolverMultistepScheduler.set_timesteps, "timesteps.round()"))

# %% [markdown]
# It is a trade, and may be meant: a network that embeds whole timesteps only has nothing else to be told. But networks
# with a sinusoidal embedding take fractions, and `EulerDiscreteScheduler` gives them. `KDPM2DiscreteScheduler` is off
# by as much in its inner stages.
#
# **Suggested change**: fractions here too; or a sentence in the documentation of the four options.
#
# ## 4. Combinations that break off
#
# Each is accepted by `__init__`, and raises something that is not meant for the user.
#
# ### 4.1 Order 3 without a stochastic form (diffusers)
#
# The update of third order has no branch for these types, so that the result is never bound. The inverse scheduler has
# one for `sde-dpmsolver++`, which it hands no noise.


# %%
def breaks(cls, steps=6, begin=None, **options):
    s, x = cls(**options), torch.ones(1, 1, 2, 2)
    s.set_timesteps(steps)
    if begin is not None:
        s.set_begin_index(begin)
    try:
        for t in s.timesteps:
            x = s.step(0.1 * s.scale_model_input(x, t), t, x).prev_sample
    except (UnboundLocalError, IndexError, AssertionError, RuntimeError) as raised:
        return f"{type(raised).__name__} {raised}".strip()
    return "ends well"


# %%
for cls, options in (
    (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver", **MIN}),
    (Inverse, {"algorithm_type": "sde-dpmsolver"}),
    (Inverse, {"algorithm_type": "sde-dpmsolver++"}),
    (EDMDPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    (CosineDPMSolverMultistepScheduler, {}),
):
    print(cls.__name__, options, breaks(cls, solver_order=3, **options))
print(line(getattr(DPMSolverMultistepScheduler, THIRD), 'algorithm_type == "sde-dpmsolver++"'))

# %% [markdown]
# **Suggested change**: the branch, or a `NotImplementedError` in `__init__`. (The one that is there needs 1.1.)
#
# ### 4.2 The first timestep twice (diffusers)
#
# `squaredcos_cap_v2` reaches $\sigma$ = 2e4 in its last two timesteps, so Karras, Lu, exponential and beta sigmas have
# several levels there; `set_timesteps` makes their timesteps whole numbers, and equal. Where the first one is repeated,
# `index_for_timestep` takes the *second* index, for the sake of image-to-image: the first sigma is skipped, and the
# last step reads past the end. Known, for one of the lists: diffusers issue 12771.

# %%
for cls in FAMILY:
    print(cls.__name__, {name: breaks(cls, 10, beta_schedule="squaredcos_cap_v2", **{name: True}) for name in LISTS})
zero_snr = breaks(UniPCMultistepScheduler, 10, rescale_betas_zero_snr=True, **KARRAS, **FLOW)
print("UniPCMultistepScheduler, Karras and flow sigmas at zero terminal SNR:", zero_snr)
print("the inverse scheduler, 40 steps:", breaks(Inverse, 40, use_exponential_sigmas=True))
s = DPMSolverMultistepScheduler(beta_schedule="squaredcos_cap_v2", use_exponential_sigmas=True)
s.set_timesteps(10)
print("timesteps", s.timesteps.tolist())
begun = breaks(DPMSolverMultistepScheduler, 10, 0, beta_schedule="squaredcos_cap_v2", use_exponential_sigmas=True)
print("with set_begin_index(0):", begun)
print(line(DPMSolverMultistepScheduler.index_for_timestep, "step_index = index_candidates[1].item()"))

# %% [markdown]
# **Suggested change**: start at the first index where `begin_index` was not set; the pipelines that start in the middle
# set it. Timesteps that are equal are then harmless to the solver, which counts its steps. The inverse scheduler drops
# repeated timesteps with `np.unique`, but not their sigmas, and before it makes them whole numbers.
#
# `KDPM2DiscreteScheduler` does not break off there, it loses its order: with Karras' sigmas on `squaredcos_cap_v2` it
# starts at its third index, and on scalar data 320 steps are off by 1.2e-2; with `set_begin_index(0)` by 1.6e-4.
#
# ### 4.3 Thresholding of a noise prediction (diffusers)
#
# The data prediction that is to be thresholded is computed with `self.alpha_t[timestep]`, where `timestep` is an
# argument that is no longer passed: `[None]` is the whole table, a last axis of 1000. On images of 1000 pixels it would
# even be a result.

# %%
NOISE = {SASolverScheduler: "noise_prediction", DPMSolverSinglestepScheduler: "dpmsolver"}
for cls, kind in NOISE.items():
    final = MIN if kind == "dpmsolver" else {}
    print(cls.__name__, breaks(cls, thresholding=True, algorithm_type=kind, **final))
    print(line(cls.convert_model_output, "self.alpha_t[timestep]"))

# %% [markdown]
# **Suggested change**: the `alpha_t, sigma_t` of `self.sigmas[self.step_index]`, as in `DPMSolverMultistepScheduler`.

# %%
STALE = "alpha_t, sigma_t = self.alpha_t[timestep], self.sigma_t[timestep]"
print(breaks(repaired(SASolverScheduler, "convert_model_output", STALE, "pass"), thresholding=True,
             algorithm_type="noise_prediction"), "without that line")  # fmt: skip

# %% [markdown]
# ## The same from the checks
#
# The checks know none of these classes by name. 1.3, 1.4 and 1.6 were red in ORD on data, 1.2 and 1.7 in ORD with an
# exact start, 1.1 in X0 beside its twin of the catalogue, with the same noise; 2.1, 2.7 and 2.8 in X0, 2.2 to 2.4, 2.9
# and 3.8 in NAN, 2.10, 2.12 and the second half of 2.4 in DT, 3.1, 3.9 and 3.14 in SCH, 3.2 to 3.4 in EQ, MOM and SENS,
# 3.7 in CFG; 4 broke off in a sweep of the options. The others came up on the way: 1.5 beside a solver of the
# catalogue, 2.5, 2.6, 3.5 and 3.6 in writing adapters, which has to ask what each argument means. Some of them, and a
# green one, as they report:

# %%
import cfg_equiv
from cfg_equiv.report.markdown import checked
from cfg_equiv.testing.targets import resolve


def of(target, label=""):
    name = target.partition(":")[2] + label
    return next(subject for subject in resolve(target) if str(subject) == name)


# %%
asked = {
    "diffusers:PNDMScheduler": "eq",
    "diffusers:IPNDMScheduler": "sch",
    "diffusers:FlowMatchEulerDiscreteScheduler": "sens",
}

# %%
reports = [cfg_equiv.check(of(target), checks=[check], examples=3) for target, check in asked.items()]
reports += [cfg_equiv.check(of("azula:REABSampler"), checks=["ord"], examples=1)]
third = of("diffusers:DPMSolverMultistepScheduler", "[solver_order=3]")
reports += [cfg_equiv.check(third, checks=["ord", "history"], examples=1)]
reports += [cfg_equiv.check(of("azula:DDIMSampler"), checks=["eq", "sch"], examples=2)]
checked(*reports)

# %% [markdown]
# ## What did not survive a second look
#
# - azula, multistep samplers of order 3, observed order 2: the first step is Euler's, and that limits a whole run on
#   data, not the method. With an exact start they have order 3, but for REAB.
# - azula `DDIMSampler(eta)`, another variance than DDIM's: its eta is the square of Song's, and its formula says so.
# - azula `REABSampler`, a point mass is not reproduced: true of the repaired one too, as it keeps v for a step, and v
#   turns. Its order is the finding.
# - `PNDMScheduler`, the last call has no effect: so it is documented for `set_alpha_to_one=False`, with
#   `steps_offset=0`; the configurations of Stable Diffusion have an offset of 1.
# - Heun and fourth-order Runge-Kutta, the end is no nearer to the data than the last call: their last stage *is* at the
#   end. This was our check.
# - `sample_rk4` of stable-audio-tools on a point mass: it asks at $\sigma = 0$, where data at one point have no noise
#   prediction. Our check again.
# - `UniPCMultistepScheduler`, flow sigmas, order 1: rounding, of $(z - \sigma\epsilon)/\alpha$ at $\alpha = 10^{-3}$
#   in single precision. In double precision it has order 2.
# - `DPMSolverSinglestepScheduler` of order 3, slopes of 2.3: its `midpoint` form has order 3 where the inner points are
#   at thirds in $\lambda$, which smooth grids approach.
# - `DPMSolverMultistepInverseScheduler`, slopes of 1.1 and 1.5: it converges, and is not yet asymptotic at 80 steps.
# - `FlowMatchHeunDiscreteScheduler`, off the straight path by 4e-6 to 9e-6: the last inner latent is rounded to single
#   precision at $\sigma = 10^{-3}$, and the network of a point mass divides that by $\sigma$. Our check now counts the
#   rounding of each latent among what one ulp explains.
# - `DDIMScheduler` and its kin with `set_alpha_to_one=False`, the last call has no effect: as documented, see
#   `PNDMScheduler`.
# - `DDIMInverseScheduler` with `trailing`, errors that hardly fall: with steps that divide 1000 they do, it is 1.4.
# - `EulerDiscreteScheduler` and others with beta sigmas, slopes of 0.3: the method converges, by halves from 320 to
#   1280 steps; the levels are the finding, 1.6.
# - `UniPCMultistepScheduler` with `lower_order_final=False`, "does not depend on the guidance weight": both ends are
#   minus infinity, which is 2.2. Our check now says nothing of a run that is not finite.
# - Levels of $\alpha$ = -156, and levels that are NaN, reported as errors of our declaration: they are the library's,
#   see 3.9 and 2.4. Our checks SCH and NAN now call them that.
# - ODE solvers of flow_matching on curved schedules, latents off the path: any solver that integrates in the latent
#   itself leaves a curved path, and converges.
# - azula `HeunSampler` down to $\sigma = 10^{-3}$ under strong guidance, data and v differ by 1e-8: a rounding of the
#   data prediction, divided by $\sigma$.
# - azula, Euler and zAB from $\sigma/\alpha$ = 1000 to 0.001 in a single step, off by 7e-5 in single precision: factors
#   of 1000 cancel, as they must in that form. No ulp of the start or of the prediction shows it, so our checks now
#   count the rounding of such sums.
# - azula zAB of order 2 on the VE schedule, slopes of 1.31 and 1.35: six decades in 320 steps; 1.86 to 640, 1.96 to
#   1280. Our check now takes one run more before it says so.
# - `HeunDiscreteScheduler` with Karras' sigmas, minus infinity in half precision at w = 30: the guided prediction
#   itself is 8e4 there, beyond the format.
# - Noise predictions on `squaredcos_cap_v2`, differences of 1e-6 in double precision: $\log_{10}(1/\alpha)$ digits are
#   lost in $(z - \sigma\epsilon)/\alpha$ by correct code.
#
# ## Every red entry of the table
#
# `cfg-equiv sweep "diffusers:*"` runs every class with all pairs of its options, and so for the other libraries. Each
# entry below is a property that did not hold in some runs, or could not be asked because they broke off (`error`), with
# the condition that tells these runs from the others as far as the runs can tell, and with the section above that has
# the cause. An entry without one would read NEW; a test sees to it that there is none. The answers stand in
# `sweeps/answers.json` and are looked up by class, property and option values.

# %%
import json
from pathlib import Path

from cfg_equiv.report.answers import Answer, table

sweeps = next(folder for folder in (Path("sweeps"), Path("derivations/sweeps")) if folder.is_dir())
answers = Answer.read(sweeps / "answers.json")
table(json.loads((sweeps / "diffusers.json").read_text()), answers)

# %% [markdown]
# The other libraries, with their guidance rules and schedules; what is not listed was green in all runs:

# %%
paths = sorted(sweeps.glob("*.json"))
others = [json.loads(path.read_text()) for path in paths if path.stem not in ("answers", "diffusers")]
for one in others:
    print(f"{' '.join(one['targets'])}: {one['runs']} runs, {one['examples']} examples a check")
table({"explained": [entry for one in others for entry in one["explained"]]}, answers)

# %% [markdown]
# To make this notebook again: `python -m cfg_equiv.report.notebook derivations/06_findings.py`.
