# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Questions people ask
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/00_questions.py -->
#
# Questions from public discussions of diffusion code, in our words, each answered in at most five lines, with the
# command that shows it. The commands were run to make this page; run them yourself. Longer answers are in the notebooks
# [01](01_is_cfg_on_v_right.ipynb) (guidance on v), [02](02_one_map_many_names.ipynb) (samplers),
# [03](03_higher_order.ipynb) (order), [04](04_which_guidance_commutes.ipynb) (guidance rules) and
# [05](05_check_your_own_repository.ipynb) (your own code).
#
# | to | command |
# |---|---|
# | decide a theorem, with a false neighbour that must be refuted | `cfg-equiv verify --only Q1` |
# | see whether two samplers are one map | `cfg-equiv compare k_diffusion:euler diffusers:DDIMScheduler` |
# | judge a guidance rule of your own | `cfg-equiv verdict FILE.py:rule` |
# | get a conversion as a formula and as code | `cfg-equiv formula v eps --path flow` |
# | test your sampler | `cfg-equiv check my_package.my_module:subjects` |
#
# **Words.** $z = \alpha x_0 + \sigma\epsilon$ is the noisy latent, $v = \alpha\epsilon - \sigma x_0$, the flow velocity
# is $\epsilon - x_0$. *VP*: $\alpha^2 + \sigma^2 = 1$; *VE*: $\alpha = 1$; *flow*: $\alpha = 1 - \sigma$. The weight w
# is that of $u + w(c - u)$, off at w = 1, unless it is said otherwise.

# %%
import contextlib
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

# %%
import torch

import cfg_equiv as ce
from cfg_equiv.__main__ import main
from cfg_equiv.report.markdown import Table, verdicts
from cfg_equiv.results import VerifyReport

# %%
torch.set_num_threads(1)  # the tensors are tiny
own_files = tempfile.TemporaryDirectory()


def ask(command):
    """Run `cfg-equiv command` and show what it says; of `verify`, the records that it writes."""
    print(f"$ cfg-equiv {command}\n")
    with contextlib.chdir(own_files.name):
        return decided(command) if command.startswith("verify") else print("exit status", main(shlex.split(command)))


# %%
def decided(command):
    """The theorems that a `verify` command decides, each with one refuted neighbour."""
    words = [sys.executable, "-m", "cfg_equiv", *shlex.split(command), "--jobs", "1", "--json", "record.json"]
    subprocess.run(words, capture_output=True, check=True)
    return verdicts(VerifyReport.from_json(Path("record.json").read_text(encoding="utf-8")).theorems, twins=1)


# %% [markdown]
# ## The discussion this project began with
#
# ### The network predicts v, and guidance is applied to v. Is this how it is supposed to be?
#
# Yes. At one latent, v is an affine image of the noise, the same for both branches, and the weights of guidance sum to
# one. So guiding v *is* guiding the noise and the data, in both conventions of w. (Q1 has the convention of the first
# answer, $(1+w)c - wu$, Q2 that of the second.)

# %%
ask("verify --only Q1 Q2")

# %% [markdown]
# ### But guidance is defined by the score. Is v not something else?
#
# The score is $-\epsilon/\sigma$, one more affine image: guidance on the score, the noise and v is one rule. What is
# *not* true, for any of them, is that the samples follow $p(z|c)^w p(z)^{1-w}$; that has nothing to do with v.

# %%
ask("verify --only Q4")

# %% [markdown]
# ### Does the part with the data, `signal_u + w*(signal_c - signal_u)`, introduce differences?
#
# No. Both branches see the same z, so the data are what the noise leaves over, and the guided data are what the guided
# noise leaves over. The two parts of v are not independent.

# %%
ask("verify --only Q3")

# %% [markdown]
# ### Does it depend on what the sampler does with the output?
#
# No, as long as the sampler converts each prediction at the level and the latent it was made at. (One released PNDM
# does not, for v: notebook 05.) Then every sampler of the catalogue gives the same guided step from every prediction
# (theorem Q6, decided in notebook 01). Here are DDIM as written for noise and for v, and Karras' Euler: one map.

# %%
ask("compare ddim_eps ddim_v")
ask("compare k_diffusion:euler diffusers:DDIMScheduler")

# %% [markdown]
# ### How does v look in the formulation of Karras and k-diffusion?
#
# k-diffusion works with $x = z/\alpha$ at $\alpha = 1$, and its network F is asked for
# $-v/\sqrt{\alpha^2+\sigma^2}$: on VP, F = -v. So $c_{out}$ of a v wrapper has the other sign, and the network must be
# shown z, that is $x/\sqrt{1+\sigma^2}$. Guiding the denoiser, F or v is one thing (Q5).

# %%
ask("formula v F --path vp --sigma-data 1")
ask("verify --only Q5")

# %% [markdown]
# ### I applied it "the usual way", and the generations are slightly different. Why?
#
# Not because of v: between the routes there is rounding only (Q8). Look for, in this order: the other convention of w;
# a `scale_phi`, clip or threshold, and its space (Q7); the number and the spacing of steps; half precision. Notebook
# 01 has the sizes of all of them on one trajectory.

# %%
ask("verify --only Q7 Q8")

# %% [markdown]
# ## The weight
#
# ### Is it `u + s*(c - u)` or `c + s*(c - u)`?
#
# Both are in print, and they are one rule: s of the second is s + 1 of the first. The same number in both is two
# strengths. Ask the code which one it has.


# %%
def mine(cond, uncond, scale):
    return cond + scale * (cond - uncond)


from cfg_equiv.testing import identify_convention

print(identify_convention(mine))
print("7.5 of it is", ce.convert_weight(7.5, "c+w(c-u)", "u+w(c-u)"), "of u + w(c - u)")

# %% [markdown]
# ### What do 0, 1 and numbers below 1 mean?
#
# In $u + w(c - u)$: 0 is unconditional, 1 conditional, between is between, below 0 is away from the condition. Many
# pipelines skip the unconditional branch for $w \le 1$ and then return the conditional one at 0 as well; with the
# other convention the same gate switches off weights that should act.


# %%
def gated(cond, uncond, w):
    return uncond + w * (cond - uncond) if w > 1 else cond


print(identify_convention(gated))

# %% [markdown]
# ### Why does some code guide only three of four channels?
#
# A leftover of pixel models with three colours, kept for reproducibility. It is another sampler, but no inconsistent
# one: a weight per channel means the same in every prediction type (class B commutes). Channels of a learned variance
# are another matter: they are no predictions, and should be neither guided nor converted.

# %%
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.theorems.verdicts import verdict

found = verdict(RULES["DiT channels"])
print(f"{found.name}: class {found.letter}, commutes: {found.commutes} ({found.evidence})")

# %% [markdown]
# ### Why is half of x thrown away and the other half used twice?
#
# Both branches must see one latent. A weighted sum of predictions commutes with conversion exactly if the latents sum,
# with the same weights, to z: with one latent for all they do. With noise of its own in each branch the guided v and
# the guided noise are two different things.

# %%
ask("verify --only G6")

# %% [markdown]
# ### How do I guide a network that predicts the data?
#
# In the same way, with the same w. A weighted sum commutes with all conversions if and only if the weights sum to one,
# and those of guidance do.

# %%
ask("verify --only G1")

# %% [markdown]
# ### Is guidance sound for flow matching? Must the velocity first become a score?
#
# On a path $z = \alpha x_0 + \sigma\epsilon$ with Gaussian noise the velocity is an affine image of the score at the
# same z, so guiding it is guiding the score, and there is nothing to convert.

# %%
ask("formula flow score --path flow")

# %% [markdown]
# ## Rules beyond plain guidance
#
# ### Should the std rescale act on the noise, on v or on the data?
#
# Where its authors tuned it, which was v: it is another rule in each space, as the deviation of a prediction contains
# that of z. So convert both branches to v, rescale, convert back. Your own variant is judged by a command, here with
# $\phi = 0.7$.

# %%
Path(own_files.name, "my_rule.py").write_text("""
def rescale(cond, uncond, w):
    guided = uncond + w * (cond - uncond)
    return guided * (0.7 * cond.std() / guided.std() + 0.3)
""", encoding="utf-8")  # fmt: skip
ask("verdict my_rule.py:rescale --space v --shape 1 2 1 1")

# %% [markdown]
# ### The rescale does nothing. Is it broken?
#
# Perhaps it acts on the noise. At high noise both branches are nearly z there, the two deviations are equal, and the
# factor is nearly 1. The factor $\mathrm{std}(c)/\mathrm{std}(g)$ for one pair of exact networks at w = 5:

# %%
from cfg_equiv.models import mixture_pair
from cfg_equiv.schedules import on_path

pair, draw = mixture_pair((64,)), torch.Generator().manual_seed(0)
noise = torch.randn(16, 64, dtype=torch.float64, generator=draw)
factors = []
for at in (on_path(20.0, "vp"), on_path(8.0, "vp"), on_path(4.0, "vp")):
    z = at.alpha * pair.cond.mean + at.sigma * noise
    both = [[model.predict(z, at, s) for model in (pair.cond, pair.uncond)] for s in ("eps", "v", "x0")]
    ratios = [(c.std(1) / ce.guide(c, u, 5.0).std(1)).mean().item() for c, u in both]
    factors.append((f"sigma/alpha = {at.sigma / at.alpha:.3g}", *ratios))
Table(("level", "in eps", "in v", "in x0"), tuple(factors))

# %% [markdown]
# ### In which space does APG act?
#
# In $x_0$, says its paper; some libraries apply it to raw outputs. Its momentum, its threshold and its projection each
# depend on the space. Projected on the part of c across the latent, it means the same everywhere (G10).

# %%
family = [verdict(RULES[name]) for name in RULES if "APG" in name]
Table(("rule", "class", "commutes", "evidence"), tuple((v.name, v.letter, v.commutes, v.evidence) for v in family))

# %%
ask("verify --only G10")

# %% [markdown]
# ### Is there a CFG++ for flow models, and for other samplers?
#
# Yes: the first-order step is written for any path, and is plain CFG with $w = \lambda\kappa/(\kappa - \kappa')$,
# $\kappa = \sigma/\alpha$ (G9). The catalogue has forms of second order too, which are CFG for no w. Notebook 04 draws
# the weights. Beware of forms typed for $\alpha = 1$ and of papers whose t = 1 is data.

# %%
ask("compare ddim_cfg_pp euler_cfg_pp_any")
ask("verify --only G9")

# %% [markdown]
# ## Names, signs and conversions
#
# ### The output is called `noise_pred`. Is it noise, v or a velocity? Is this checkpoint v or eps?
#
# The name does not say, two calls do. Feed noisy data at both ends and regress the output on the latent: at the noise
# end the slope is that of $\epsilon$ in the prediction, at the data end that of $x_0$. Here on exact networks, as a
# table to compare with.

# %%
ends = {"noise end": 1e4, "data end": 1e-4}
slopes = []
for space, path in (("eps", "vp"), ("x0", "vp"), ("v", "vp"), ("flow", "flow"), ("reversed_flow", "flow")):
    told = []
    for at in (on_path(kappa, path) for kappa in ends.values()):
        z = at.alpha * (pair.cond.mean + pair.cond.var.sqrt() * noise.flip(0)) + at.sigma * noise
        out, centred = pair.cond.predict(z, at, space), z - z.mean(0)
        told.append(round(((out * centred).sum() / centred.square().sum()).item()) + 0)
    slopes.append((space, *told))
Table(("the network predicts", *(f"slope at the {end}" for end in ends)), tuple(slopes))

# %% [markdown]
# ### The target is `noise - latents`, and I expected the opposite. Is the sign reversed?
#
# There are two directions of time, and each has its velocity. Both are right as long as the whole code uses one:
# network, loss and sampler. Flipping time *and* sign changes nothing; flipping one of them breaks everything.

# %%
ask("formula flow reversed_flow")
z, u = torch.randn(2, 4, dtype=torch.float64, generator=draw)
where = {"s": on_path(1.0, "flow"), "t": on_path(0.5, "flow")}
one, other = (ce.step("euler_flow", z, pred, source=s, **where) for s, pred in (("flow", u), ("reversed_flow", -u)))
print(f"one Euler step from either: {(one - other).abs().max():.2g} apart")

# %% [markdown]
# ### How do I get the noise out of v, or out of the network of EDM?
#
# Ask for the formula. The term with the latent has a *plus*, for v and for F; the short forms with no denominator hold
# on VP alone. On a flow path v needs the denominator.

# %%
ask("formula v eps --path flow")
ask("formula F eps --path ve --sigma-data 1")

# %% [markdown]
# ### Is a square root missing, or a sign wrong, in an Euler sampler for v?
#
# No: in samplers that keep $x = z/\alpha$ the network sees $z = x/\sqrt{1+\sigma^2}$, and v is made of *that* noise and
# data at $\alpha = 1/\sqrt{1+\sigma^2}$. Written in x the formula gets a root, and the minus belongs to v.

# %%
ask("formula v x0 --path vp")
ask("formula k_diffusion_v x0 --path ve --sigma-data 1")

# %% [markdown]
# ### Two DDIM schedulers with the same settings give different pictures. Which one is wrong?
#
# Perhaps neither. A step written as $z' = a z + b\,x_0$ with $a = \sigma'/\sigma$, $b = \alpha' - \alpha a$ looks
# different and is DDIM. What is left to differ is the table of noise levels (a shifted SNR, a rescaled end) and which
# of its entries are used: compare those.

# %%
import sympy as sp

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers.ddim import ddim_x0

z_, x0, *four = sp.symbols("z x_0 alpha sigma alpha' sigma'")
here, there = Point(*four[:2]), Point(*four[2:])
a = there.sigma / here.sigma
rewritten = a * z_ + (there.alpha - here.alpha * a) * x0
print("less DDIM:", sp.simplify(rewritten - ddim_x0(sp, z_, x0, here, there)))

# %% [markdown]
# ## Training and distillation
#
# ### What is the right min-SNR weight for v?
#
# $\min(\mathrm{SNR}, \gamma)/(\mathrm{SNR} + 1)$ on VP. A squared error of v is $(\mathrm{SNR}+1)$ times that of the
# data, so this is one loss, $\min(\mathrm{SNR}, \gamma)\,\lVert\Delta x_0\rVert^2$, in every type (P8). Adding 1 to
# the *weight*, or to the SNR inside the minimum, is another loss; the picture has $\gamma = 5$.

# %%
ask("verify --only P8")

# %%
from cfg_equiv.algebra.losses import min_snr_eps, min_snr_v, snr
from cfg_equiv.report import figures

lam = torch.linspace(-4, 4, 161, dtype=torch.float64)
on_vp = on_path(torch.exp(-lam), "vp")
ratio = snr(on_vp)
clipped = ratio.clamp(max=5)
weights = {"noise": min_snr_eps(clipped, on_vp), "v": min_snr_v(clipped, on_vp), "data": clipped}
wrong = {"right": weights["v"], "min(SNR, 5)/SNR + 1": clipped / ratio + 1, "min(SNR, 5)/SNR": clipped / ratio}
wrong |= {"min(SNR + 1, 5)/(SNR + 1)": (ratio + 1).clamp(max=5) / (ratio + 1)}

# %%
figures.curves(lam, {"weight of the squared error": weights, "of v, right and as seen": wrong},
               xlabel=r"half-log-SNR $\log(\alpha/\sigma)$", ylabel="weight (log scale)",
               caption="Min-SNR weights of three targets, and wrong ones for v.")  # fmt: skip

# %% [markdown]
# ### v networks in SDS and other distillation losses: convert or not?
#
# Either, if you know what it does to the weight: $\hat\epsilon - \epsilon = \alpha(\hat v - v)$ on VP. The same
# direction at each level, another weight per level. To reproduce a loss that was written for noise, convert (or
# multiply by $\alpha$). In the catalogue SDS is of class F: each space has its own scale.

# %%
from cfg_equiv.algebra.convert import amplification
from cfg_equiv.algebra.rows import PARAMETERIZATIONS

levels = [on_path(kappa, "vp") for kappa in (0.1, 1.0, 10.0)]
found = [(f"{at.alpha:.3g}", *(amplification(at, *(PARAMETERIZATIONS[s].at(torch, at) for s in ("v", target))).item()
                               for target in ("eps", "x0"))) for at in levels]  # fmt: skip
Table(("alpha", "noise residual / v residual", "data residual / v residual"), tuple(found))

# %% [markdown]
# ## Levels, noise and dtypes
#
# ### I have a guidance interval in sigma. Which t is that in another schedule?
#
# The sigma of Karras is $\kappa = \sigma/\alpha$, which every schedule has: match that. On a flow path without shift
# $t = \kappa/(1+\kappa)$; in a table of alphas look it up. For the interval 0.28 to 5.42:

# %%
table = ce.schedule("ddpm_scaled_linear")
kappas = table.sigmas / table.alphas  # from data to noise
mapped = [(k, on_path(k, "flow").sigma.item(), int(torch.searchsorted(kappas, k))) for k in (0.28, 5.42)]
Table(("sigma of Karras", "t on the flow path", "timestep of 1000, scaled-linear"), tuple(mapped))

# %% [markdown]
# ### In a stochastic flow sampler: which sign has dt, and what is left without noise?
#
# With time running from noise to data dt is negative, and it multiplies the whole drift; only the noise has
# $\sqrt{|dt|}$. The test is the limit: at $\eta = 0$ the step must be the deterministic one, to rounding. In the family
# of S3 that is $\rho = 1$; what lies outside the family is named there.

# %%
noise_ = torch.randn(4, dtype=torch.float64, generator=draw)
quiet = ce.step("euler_ancestral", z, u, source="flow", **where, noise=noise_, eta=0.0)
loud = ce.step("euler_ancestral", z, u, source="flow", **where, noise=noise_, eta=1.0)
print(f"eta = 0 against Euler: {(quiet - one).abs().max():.2g}; eta = 1: {(loud - one).abs().max():.2g}")
ask("verify --only S3")

# %% [markdown]
# ### Does bfloat16 change my timesteps?
#
# Yes, if they are cast: it has eight significant bits, so whole numbers above 256 are not all there, and neighbours
# fall together. Keep timesteps and levels in float32 or wider, and cast latents only. Of the timesteps 0 to 999:

# %%
steps = torch.arange(1000)
kept = []
for dtype in (torch.bfloat16, torch.float16, torch.float32):
    cast = steps.to(dtype)
    shift = (cast.long() - steps).abs().max().item()
    kept.append((str(dtype).removeprefix("torch."), cast.unique().numel(), shift))
Table(("dtype", "distinct timesteps", "largest shift"), tuple(kept))

# %% [markdown]
# ### Is my own sampler right?
#
# Describe it in three lines, and let the checks look for the smallest case that fails. Notebook 05 walks through a
# sampler with a bug that released code had. Here: DDIM, run on the flow path from t = 1 to 0.05.


# %%
from itertools import pairwise


def run(model, z, steps, space):
    times = [1 - 0.95 * i / steps for i in range(steps + 1)]
    for s, t in pairwise(times):
        z = ce.step("ddim_eps", z, model(z, s), source=space, s=Point(1 - s, s), t=Point(1 - t, t))
    return z


# %%
from cfg_equiv.report.markdown import checked
from cfg_equiv.testing import Sampler

subject = Sampler(run, lambda t: (1 - t, t), spaces=("flow", "v"), state="flow", order=1, name="DDIM on the flow path")
checked(ce.check(subject, examples=5))

# %% [markdown]
# To make this page again: `python -m cfg_equiv.report.notebook derivations/00_questions.py`.
