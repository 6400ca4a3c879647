# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is classifier-free guidance on v right?
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/01_is_cfg_on_v_right.py -->
#
# A question from the discussion of a diffusion model for audio, whose network is trained to predict v:
#
# > *The cfg_scale is being passed into the DiffusionTransformer class and used directly on the output of the DiT. But
# > the DiT is being trained to output v, not the noise. So we're taking a weighted combination of the conditional and
# > unconditional v. The model still generates reasonable outputs, but is this how its supposed to be? As far as I know
# > CFG is defined in terms of the score function which is a scaled version of the noise.*
#
# **Yes, it is right.** At one latent z every prediction type is an affine image of every other, and the weights of
# guidance sum to one, so guiding v, the noise, the data or the score is one operation. This notebook shows it, answers
# each doubt of the discussion, and ends with the list of things that *do* change the sample, with their sizes.
#
# Nothing here is typed twice. Every formula below is printed by running the shipped function of `cfg_equiv.algebra` on
# symbols, and each theorem is decided while the notebook runs, together with a false neighbour (its *twin*) that must
# be refuted: a proof that could not have failed shows nothing.
#
# **Words.** The noisy latent is $z = \alpha x_0 + \sigma\epsilon$. A network predicts the data $x_0$, the noise
# $\epsilon$, or $v = \alpha\epsilon - \sigma x_0$, once with the condition (c) and once without (u). *VP* means
# $\alpha^2 + \sigma^2 = 1$, as for $\alpha = \cos\phi$, $\sigma = \sin\phi$.

# %%
import sympy as sp

from cfg_equiv.algebra.points import Point
from cfg_equiv.report.latex import expression, formula
from cfg_equiv.report.markdown import Table, verdicts
from cfg_equiv.theorems import THEOREMS, prove

alpha, sigma, w, z = sp.symbols(r"\alpha \sigma w z")
eps_c, eps_u, x_c, x_u, v_c, v_u = sp.symbols(r"\epsilon_c \epsilon_u x_c x_u v_c v_u")
at = Point(alpha, sigma)


# %%
def verdict(*names, twins=2):
    """Decide these theorems now, and show what was claimed, the outcome, and the twins refuted beside them."""
    return verdicts([prove(theorem) for theorem in THEOREMS if theorem.id in names], twins)


# %% [markdown]
# ## 0. First, which w?
#
# The two answers of the discussion use one letter for two numbers. The first writes $(1+w)c - wu$, the second
# $u + w(c - u)$. Both are in the literature:

# %%
from cfg_equiv.algebra.guidance.cfg import cfg, cfg_from_cond, cfg_ho_salimans

c, u = sp.symbols("c u")
(
    formula(r"\text{first, as printed}", lambda: cfg_ho_salimans(c, u, w))
    + formula(r"\text{first, rearranged}", lambda: cfg_from_cond(c, u, w))
    + formula(r"\text{second}", lambda: cfg(c, u, w))
)

# %% [markdown]
# Guidance is off at $w = 0$ in the first convention and at $w = 1$ in the second. The same number in both is two
# different strengths: here $c = 1$, $u = 0$, $w = 3$.

# %%
import torch

import cfg_equiv as ce

one, zero = torch.ones(1), torch.zeros(1)
strength = {name: ce.guide(one, zero, 3.0, convention=name).item() for name in ("c+w(c-u)", "u+w(c-u)")}
print("w = 3 in either convention:", strength)
print("w = 3 of c + w(c - u) is w =", ce.convert_weight(3.0, "c+w(c-u)", "u+w(c-u)"), "of u + w(c - u)")

# %% [markdown]
# If your images differ "slightly, but not significantly" from somebody else's at the same `cfg_scale`, look here first.
# From section 2 on, w is that of $u + w(c - u)$.
#
# ## 1. The two derivations
#
# **The first answer** applies guidance to $\epsilon$ and to $x_0$, and gets guidance on v:

# %%
from cfg_equiv.algebra.stepping import emit


def v_from(x0, eps):
    """v = alpha*eps - sigma*x0, by the shipped definition of its row."""
    return emit(sp, x0, eps, at, "v")


formula("v", lambda: v_from(*sp.symbols(r"x_0 \epsilon")))

# %%
guided_x0, guided_eps = cfg_ho_salimans(x_c, x_u, w), cfg_ho_salimans(eps_c, eps_u, w)
left, right = cfg_ho_salimans(v_from(x_c, eps_c), v_from(x_u, eps_u), w), v_from(guided_x0, guided_eps)
(
    expression(r"\text{guidance on } v", left)
    + expression(r"v \text{ of the guided pair}", right)
    + expression(r"\text{their difference, expanded}", sp.expand(left - right))
)

# %%
verdict("Q1")

# %% [markdown]
# Read the twin: with the wrong sign of $\sigma$ the same lines give two different numbers at a point you can check by
# hand.
#
# **The second answer** starts from $v_u + w(v_c - v_u)$, multiplies out to a flat sum, and collects it again:

# %%
start = cfg(v_from(x_c, eps_c), v_from(x_u, eps_u), w)
flat = sp.expand(start)
collected = sp.collect(flat, [alpha, sigma])
factored = v_from(cfg(x_c, x_u, w), cfg(eps_c, eps_u, w))
(
    formula("v_{cfg}", lambda: cfg(v_c, v_u, w))
    + expression(r"\text{flat sum}", flat)
    + expression(r"\text{collected}", collected)
    + expression(r"\text{factored}", factored)
    + expression(r"\text{flat} - \text{factored}", sp.expand(flat - factored))
)

# %%
verdict("Q2")

# %% [markdown]
# Both derivations are correct, and they are the same one, in two conventions of w.
#
# ## 2. The doubts, one by one
#
# ### "`signal_u + w*(signal_c - signal_u)` might introduce differences"
#
# It cannot, because the two parts are not independent. Both branches look at the *same* z, so the signal is what the
# noise leaves over, and the guided signal is what the guided noise leaves over:

# %%
from cfg_equiv.algebra.literature import x0_from_eps

through_eps = x0_from_eps(z, cfg(eps_c, eps_u, w), at)
through_x0 = cfg(x0_from_eps(z, eps_c, at), x0_from_eps(z, eps_u, at), w)
(
    formula("x_0", lambda: x0_from_eps(z, sp.Symbol(r"\epsilon"), at))
    + expression(r"x_0 \text{ of the guided noise}", through_eps)
    + expression(r"\text{guided } x_0", through_x0)
    + expression(r"\text{their difference, expanded}", sp.expand(through_eps - through_x0))
)

# %%
verdict("Q3")

# %% [markdown]
# The z cancels because the weights w and 1 - w sum to one. That is the whole reason, and it is an *if and only if*: a
# linear combination commutes with every change of prediction type exactly when its weights sum to one.

# %%
verdict("G1", twins=1)

# %% [markdown]
# ### "it depends on what the sampler does with the output it receives from the model"
#
# It would, if a sampler could tell the difference. But a sampler that expects $\epsilon$ and is given v first converts,
# and conversion is one formula for all pairs (here from v to $x_0$ on any path; on VP the denominator is 1):

# %%
from cfg_equiv.algebra.samplers.ddim import ddim_eps, ddim_v, ddim_x0
from cfg_equiv.algebra.stepping import to_space

s, t = (Point(*sp.symbols(rf"\alpha_{k} \sigma_{k}")) for k in "st")
eps, x0, v = sp.symbols(r"\epsilon x_0 v")
(
    formula("x_0", lambda: to_space(sp, z, v, at, "v", "x0"), as_written=False)
    + formula(r"\text{DDIM, from } \epsilon: z'", lambda: ddim_eps(sp, z, eps, s, t))
    + formula(r"\text{DDIM, from } x_0: z'", lambda: ddim_x0(sp, z, x0, s, t))
    + formula(r"\text{DDIM, from } v: z'", lambda: ddim_v(sp, z, v, s, t))
)

# %% [markdown]
# The three DDIM forms are typed from three places in the literature and know nothing of the conversion. That they are
# one map (S2), and that a guided step of *every* first-order sampler of the catalogue, deterministic or stochastic, is
# the same whatever the network predicts (Q6), is proved:

# %%
verdict("Q6", "S2", twins=1)

# %% [markdown]
# ### "CFG is defined in terms of the score function"
#
# It is, and v does not leave that definition. The score is $-\epsilon/\sigma$; here it is taken from the guided v, and
# compared with guidance on the two scores:

# %%
scores = [emit(sp, x, e, at, "score") for x, e in ((x_c, eps_c), (x_u, eps_u))]
on_score = cfg(*scores, w)
guided_v = cfg(*(to_space(sp, z, score, at, "score", "v") for score in scores), w)
from_v = to_space(sp, z, guided_v, at, "v", "score")
(
    formula("s", lambda: emit(sp, x0, eps, at, "score"), as_written=False)
    + expression(r"\text{guidance on the score}", on_score)
    + expression(r"\text{guided } v \text{, as a score}", sp.cancel(from_v))
    + expression(r"\text{their difference, expanded}", sp.cancel(on_score - from_v))
)

# %% [markdown]
# This is the first claim of theorem Q4. What the guided score is the score *of* is a separate and more interesting
# question: section 4.
#
# ### "I need to convert the vpred formulation into the karras formulation used inside k-diffusion"
#
# Section 3.
#
# ### "the generations were slightly different, but not significantly so"
#
# They can be, for reasons that are not the choice of v: section 5 measures them all on one trajectory.
#
# ## 3. The bridge to Karras et al. and k-diffusion
#
# k-diffusion works with $x = z/\alpha = x_0 + \kappa\epsilon$, $\kappa = \sigma/\alpha$, and wraps a raw network F into
# a denoiser $D(x) = c_{skip}\,x + c_{out}\,F(c_{in}\,x)$. In its own notation $\kappa$ is called sigma:

# %%
from cfg_equiv.algebra.literature import denoised_from_edm_f, edm_scalings
from cfg_equiv.algebra.points import ve_point

kappa, sd, F = sp.symbols(r"\kappa \sigma_d F")
c_skip, c_out, c_in = (formula(f"c_{{{n}}}", lambda k=k: edm_scalings(sp, kappa, sd)[k], as_written=False)
                       for k, n in enumerate(("skip", "out", "in")))  # fmt: skip
network = formula("F", lambda: emit(sp, x0, eps, at, "F", sigma_data=1), as_written=False)
(c_skip + c_out + c_in + network)

# %% [markdown]
# The last line is what F is asked to predict at $\sigma_d = 1$: it is $-v/\sqrt{\alpha^2+\sigma^2}$, hence **F = -v on
# VP**. Also on VP, $c_{in}\,x$ is z itself. So a v network drops into k-diffusion's `VDenoiser`, whose $c_{out}$ has
# the other sign for exactly this reason, and guiding D, F or v is again one thing:

# %%
verdict("Q5")

# %% [markdown]
# The same in numbers: a v prediction goes through the Karras form and through the direct conversion.

# %%
level = ce.schedule("vp_cosine")(0.7)
latent, prediction = torch.randn(2, 1, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
k = ve_point(level).sigma
denoised = denoised_from_edm_f(torch, latent / level.alpha, -prediction, k, torch.ones(()).double())
direct = ce.convert(latent, prediction, source="v", target="x0", alpha=level.alpha, sigma=level.sigma)
largest = (denoised - direct).abs().max().item()
print(f"largest |x0| {direct.abs().max():.3g}, largest difference between the two routes {largest:.2g}")

# %% [markdown]
# ## 4. What the guided score is the score of, and what it is not
#
# For exact networks, at each noise level by itself, the guided score is the gradient of the log of
# $p_t(z|c)^w\,p_t(z)^{1-w}$. It is tempting to conclude that guided sampling draws from the *tilted* density
# proportional to $p(x|c)^w\,p(x)^{1-w}$. It does not: the noised tilted density has another score, and so the guided
# ODE, the guided SDE and the tilted density are three different things. Two centred Gaussians show it, with variances
# a (conditional) and b (unconditional), noised by $\sigma$. First the two scores, then the three variances at
# $\sigma = 0$:

# %%
from cfg_equiv.algebra.gaussian import marginal_score
from cfg_equiv.algebra.guided_gaussian import guided_ode_variance, guided_sde_variance_w3, tilted_variance

on_ve, x = Point(1, sigma), sp.Symbol("x")
a, b = sp.symbols("a b", positive=True)
tilted = tilted_variance(a, b, w)
(
    formula(r"\text{guided score}", lambda: cfg(*(marginal_score(x, on_ve, 0, k) for k in (a, b)), w), as_written=False)
    + formula(r"\text{noised tilted density's}", lambda: marginal_score(x, on_ve, 0, tilted), as_written=False)
)

# %%
(
    formula(r"V_{\text{ODE}}", lambda: guided_ode_variance(a, b, w), as_written=False)
    + formula(r"V_{\text{tilted}}", lambda: tilted_variance(a, b, w), as_written=False)
    + expression(r"V_{\text{SDE}} \text{ at } w = 3", sp.factor(guided_sde_variance_w3(a, b)))
)

# %%
verdict("Q4", twins=5)

# %% [markdown]
# Simulated with the shipped samplers, 10,000 paths each: Euler for the ODE, Euler ancestral for the SDE. What
# remains of the difference is the step size and the number of paths.

# %%
from itertools import pairwise

from cfg_equiv.models import Gaussian
from cfg_equiv.schedules import karras, levels, to_dtype

torch.set_num_threads(1)
cond, uncond = (Gaussian(torch.zeros(1).double(), torch.full((1,), var).double()) for var in (0.25, 1.0))
draw = torch.Generator().manual_seed(0)


def noise(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=draw)


# %%
def simulate(sampler, **options):
    path = levels(karras(800, 0.005, 80.0), "ve")
    x = noise(10_000, 1) * path[0].sigma
    for s, t in pairwise(path):
        guided = ce.guide(cond.predict(x, s, "x0"), uncond.predict(x, s, "x0"), 3.0)
        fresh = {"noise": noise(10_000, 1)} if options else {}
        x = ce.step(sampler, x, guided, source="x0", s=s, t=t, **options, **fresh)
    return x.flatten()


samples = {"guided ODE": simulate("euler_ve"), "guided SDE": simulate("euler_ancestral", eta=1.0)}

# %%
from fractions import Fraction

quarter = Fraction(1, 4)
exact = {
    "guided ODE": guided_ode_variance(quarter, Fraction(1), 3),
    "guided SDE": guided_sde_variance_w3(quarter, Fraction(1)),
    "tilted density": tilted_variance(quarter, Fraction(1), 3),
}
rows = [(n, str(v), float(v), samples[n].var().item() if n in samples else "not sampled") for n, v in exact.items()]
Table(("a = 1/4, b = 1, w = 3", "variance", "as a decimal", "simulated"), tuple(rows))

# %%
from cfg_equiv.report import figures

grid = torch.linspace(-1.5, 1.5, 601).double()


def normal(var):
    """The density of N(0, var) on the grid."""
    return torch.distributions.Normal(0.0, float(var) ** 0.5).log_prob(grid).exp().numpy()


# %%
figures.densities(grid.numpy(), {name: normal(var) for name, var in exact.items()},
                  {name: x.numpy() for name, x in samples.items()}, xlabel="x",
                  background={"conditional, a = 1/4": normal(0.25), "unconditional, b = 1": normal(1.0)},
                  caption="Three answers to 'guide two Gaussians at w = 3': the ODE's is the narrowest.")  # fmt: skip

# %% [markdown]
# Lines are the closed forms, filled shapes the simulated samples. The deterministic sampler is by far the narrowest:
# guidance with DDIM or Euler is *sharper* than the density its formula suggests. They agree when w is 0 or 1 or when
# the two variances are equal, and this has nothing to do with v: the three differ in exactly the same way whatever the
# network predicts.

# %%
cases = [("1/4", "1", 3), ("1/4", "1/4", 3), ("1/4", "1", 1), ("1/4", "1", 0)]
found = []
for a, b, weight in cases:
    variances = [rule(Fraction(a), Fraction(b), weight) for rule in (guided_ode_variance, tilted_variance)]
    found.append((a, b, str(weight), *map(str, variances), "yes" if variances[0] == variances[1] else "no"))
Table(("a", "b", "w", "guided ODE", "tilted density", "equal"), tuple(found))

# %% [markdown]
# ## 5. "The generations were slightly different": find your cause
#
# One trajectory, one start noise, and one change at a time. The data are small pictures with a closed-form network: the
# condition says "a disk, left or right" (two blobs of pictures), the unconditional network knows only a broad grey
# blob. Like real guided samples the results are over-contrasted, some values leave [-1, 1] (so clipping acts), and the
# gap between the branches never closes. The sizes are those of this toy; the *order of the causes* is the message.

# %%
from cfg_equiv.models import Mixture

axis = torch.linspace(-1, 1, 24, dtype=torch.float64)
rows_, columns = torch.meshgrid(axis, axis, indexing="ij")
disks = [(columns - centre) ** 2 + rows_**2 < 0.2 for centre in (-0.4, 0.4)]
colours = torch.tensor([[0.5, -0.35], [0.15, -0.15], [-0.4, 0.3]], dtype=torch.float64)[..., None, None]
pictures = torch.stack([torch.where(disk, colours[:, 0], colours[:, 1]) for disk in disks])
cond = Mixture(torch.full((2,), 0.5).double(), pictures, torch.full_like(pictures, 0.05))
uncond = Gaussian(torch.zeros_like(pictures[0]), torch.full_like(pictures[0], 0.08))
path, first = levels(karras(30, 0.02, 80.0), "vp"), noise(1, 3, 24, 24)


# %%
def sample(space="v", w=4.0, rule=ce.guide, dtype=torch.float64, path=path, z=first, name="ddim_eps", eta=None):
    z = z.to(dtype)
    for s, t in pairwise([to_dtype(point, dtype) for point in path]):
        guided = rule(*(network.predict(z, s, space) for network in (cond, uncond)), w)
        extra = {} if eta is None else {"eta": eta, "noise": noise(*z.shape)}
        z = ce.step(name, z, guided, source=space, s=s, t=t, **extra)
    return z.double()


# %% [markdown]
# The rules that people add to guidance, again the shipped ones. `std_rescale` is the DiT's `scale_phi`; clipping is
# applied to $x_0$, after guidance or to each branch before it:

# %%
from types import SimpleNamespace

from cfg_equiv.algebra.guidance.nonlinear import static_clip, std_rescale

xp = SimpleNamespace(std=lambda p: p.std(dim=1, keepdim=True), clip=torch.clamp)
rules = {
    "scale_phi": lambda c, u, w: std_rescale(xp, c, ce.guide(c, u, w), 0.7),
    "clip after": lambda c, u, w: static_clip(xp, ce.guide(c, u, w), 1),
    "clip before": lambda c, u, w: ce.guide(static_clip(xp, c, 1), static_clip(xp, u, 1), w),
}

# %% [markdown]
# First the things that should *not* matter: what the network predicts, how the sampler is written, and rounding.

# %%
half, single = torch.float16, torch.float32
SAME, ROUNDING, OTHER = "the same in exact arithmetic", "rounding", "another sample"
runs = {
    "network predicts eps (float64)": (SAME, "Q6", sample("eps")),
    "network predicts x0 (float64)": (SAME, "Q6", sample("x0")),
    "Karras' Euler in place of DDIM": (SAME, "S2", sample(name="euler_ve")),
    "float32, network predicts v": (ROUNDING, "Q8", sample(dtype=single)),
    "float32, network predicts eps": (ROUNDING, "Q8", sample("eps", dtype=single)),
    "fp16, network predicts v": (ROUNDING, "Q8", sample(dtype=half)),
    "bf16, network predicts v": (ROUNDING, "Q8", sample(dtype=torch.bfloat16)),
}

# %%
gap = runs["float32, network predicts v"][2] - runs["float32, network predicts eps"][2]
print(f"float32, v against eps, after 30 guided steps: {gap.abs().max():.2g}")

# %% [markdown]
# Then the things that do:

# %%
runs |= {
    "60 steps in place of 30": (OTHER, "", sample(path=levels(karras(60, 0.02, 80.0), "vp"))),
    "w = 4 read as 1 + w": (OTHER, "Q2", sample(w=ce.convert_weight(4.0, "c+w(c-u)", "u+w(c-u)"))),
    "x0 clipped before guidance": (OTHER, "Q7", sample("x0", rule=rules["clip before"])),
    "x0 clipped after guidance": (OTHER, "Q7", sample("x0", rule=rules["clip after"])),
    "scale_phi 0.7, in v": (OTHER, "Q7", sample(rule=rules["scale_phi"])),
    "scale_phi 0.7, in x0": (OTHER, "Q7", sample("x0", rule=rules["scale_phi"])),
    "fresh noise in each step (eta = 1)": (OTHER, "S3", sample(name="ddim_eta", eta=1.0)),
    "another start noise": (OTHER, "", sample(z=-first)),
}

# %%
reference = sample()
change = {name: (run - reference).abs() for name, (_, _, run) in runs.items()}
grey = 2 / 255  # one step of an 8-bit picture with values in [-1, 1]
runs = dict(sorted(runs.items(), key=lambda item: change[item[0]].max().item()))
table = [
    (name, kind, where, change[name].max().item(), change[name].square().mean().sqrt().item() / grey)
    for name, (kind, where, _) in runs.items()
]
Table(("cause", "what it is", "theorem", "largest change", "rms change, in 8-bit grey levels"), tuple(table))

# %%
figures.bars({name: change[name].max().item() for name in runs},
             groups={name: kind for name, (kind, _, _) in runs.items()}, lines={"one 8-bit grey level": grey},
             xlabel="largest change of the final sample (values in [-1, 1], log scale)",
             caption="The largest change of the final sample, by its cause.")  # fmt: skip

# %%
names = ["network predicts eps (float64)", *list(runs)[5:]]
shown = {"reference": reference, **{name: runs[name][2] for name in names}}
for long, short in (("network predicts", "from"), (" (float64)", ""), (" in place of", " for"), (" guidance", ""),
                    ("fresh noise in each step (eta = 1)", "eta = 1")):  # fmt: skip
    shown = {name.replace(long, short): picture for name, picture in shown.items()}
figures.gallery({name: picture[0].numpy() for name, picture in shown.items()}, columns=6,
                caption="The final sample under each cause.")  # fmt: skip

# %% [markdown]
# So if your pictures differ *visibly but slightly*, it is not v. Ask, in this order: is w the same convention; is
# there a `scale_phi`, a clip or a threshold, and in which space; the same number of steps and spacing; only then
# bf16 or fp16. A different composition means other noise.
#
# How much rounding may do to a step is not a matter of taste either: numbers that carry their own error bound, run
# through the same shipped functions, say it. One guided float32 step, from v and from $\epsilon$, early in the
# trajectory:

# %%
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import step_from
from cfg_equiv.rounding import BOUNDED, Bounded

here, there = (to_dtype(p, single) for p in path[:2])
for space in ("v", "eps", "x0"):
    given = [network.predict(first, path[0], space).float() for network in (cond, uncond)]
    value = cfg(*map(Bounded, given), Bounded(torch.tensor(4.0)))
    levels_ = [Point(Bounded(p.alpha), Bounded(p.sigma)) for p in (here, there)]
    out = step_from(BOUNDED, SAMPLERS["ddim_eps"], space, Bounded(first.float()), value, *levels_)
    print(f"{space:4} largest rounding bound {out.err.max():.2g} of latents up to {out.value.abs().max():.2g}")

# %% [markdown]
# That rounding is all that is left between the routes is a theorem, and so is a bound for the whole guided step in
# closed form:

# %%
verdict("Q8", "N1", twins=1)

# %% [markdown]
# ## 6. Where it could go wrong
#
# **Conversion amplifies errors.** An error in prediction P becomes $|[Z,Q]/[Z,P]|$ times as large in prediction Q
# (theorem P2), with $[U,V] = U_0V_1 - U_1V_0$, Z = (alpha, sigma) and P, Q the rows of the two types. This holds for
# rounding and for the network's own error:

# %%
from cfg_equiv.algebra.convert import amplification
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.schedules import on_path

lam = torch.linspace(-6, 6, 241, dtype=torch.float64)
on_vp = on_path(torch.exp(-lam), "vp")
rows = {name: PARAMETERIZATIONS[name].at(torch, on_vp) for name in ("eps", "x0", "v", "flow")}

# %%
panels = {
    f"error of {q} per error of the network": {
        f"network predicts {p}": (amplification(on_vp, rows[p], rows[q]) + 0 * lam).abs().numpy() for p in rows
    }
    for q in ("x0", "eps")
}

# %%
figures.curves(lam.numpy(), panels, ylabel="amplification (log scale)",
               xlabel=r"half-log-SNR $\log(\alpha/\sigma)$: noise on the left, data on the right",
               caption="Amplification of an error by conversion, on VP: v is bounded at both ends.")  # fmt: skip

# %% [markdown]
# A v network is the safe one: its error is never amplified in either direction, while an $\epsilon$ network says ever
# less about $x_0$ at high noise, and an $x_0$ network ever less about $\epsilon$ near the data. Guidance is applied to
# whatever error there is, with the weight w; the space changes nothing (the amplification is a common factor).
#
# **Non-linear rules depend on the space.** `scale_phi` multiplies the prediction by a ratio of standard deviations, and
# those of v are not those of $x_0$; a clip at 1 acts on other values; and a clip before guidance is not one after it.
# The amounts, as a root mean square in $x_0$, for the pictures above:

# %%
weights, lams = torch.linspace(1, 8, 29).double(), torch.linspace(-4, 3, 43).tolist()
clean = cond.means[1] + 0.05**0.5 * noise(3, 24, 24)


def in_x0(rule, space, z, at):
    """A guidance rule applied in a space, one weight an item of the batch, and its result as x0."""
    guided = rule(*(network.predict(z, at, space) for network in (cond, uncond)), weights[:, None, None, None])
    return ce.convert(z, guided, source=space, target="x0", alpha=at.alpha, sigma=at.sigma)


# %%
def difference(one, other):
    """Root mean square between two (rule, space), in x0, over the map of weights and noise levels."""
    columns = []
    for at in (on_path(torch.tensor(-lam).double().exp(), "vp") for lam in lams):
        z = (at.alpha * clean + at.sigma * first).repeat(len(weights), 1, 1, 1)
        gap = in_x0(rules[one[0]], one[1], z, at) - in_x0(rules[other[0]], other[1], z, at)
        columns.append(gap.square().mean(dim=(1, 2, 3)).sqrt())
    return torch.stack(columns, dim=1)


# %%
maps = {
    "scale_phi 0.7: in v against in x0": difference(("scale_phi", "v"), ("scale_phi", "x0")),
    "clip at 1: in v against in x0": difference(("clip after", "v"), ("clip after", "x0")),
    "clip of x0: before against after": difference(("clip before", "x0"), ("clip after", "x0")),
}
figures.maps(lams, weights.tolist(), {name: table.numpy() for name, table in maps.items()}, floor=0.001,
             xlabel=r"half-log-SNR $\log(\alpha/\sigma)$", ylabel="w", clabel="rms difference in x0",
             caption="Where scale_phi and clipping depend on the space: white is less than 0.001.")  # fmt: skip

# %% [markdown]
# White means that the choice makes next to no difference there. The dark specks on the left are real too: a pixel whose
# guided channels happen to be nearly equal has a standard deviation near zero, and is blown up. Each rule has an exact
# minimal counterexample. Its twin is the nearest case in which both sides *do* agree:

# %%
verdict("Q7", twins=6)

# %% [markdown]
# In words: if a recipe uses `scale_phi`, a clip, a projection or a norm cap, it must also say in which space. Plain CFG
# need not.
#
# ## 7. Ten lines to paste into a thread
#
# Plain torch, nothing of this project: two networks at one z, guided as $x_0$, as noise and as v, and one DDIM step
# from each.

# %% plain torch
import torch

torch.manual_seed(0)
z, x_c, x_u = torch.randn(3, 4, 64, dtype=torch.float64)  # a latent and two predictions of x0: with, without condition
(a, s), (a2, s2), w = (0.6, 0.8), (0.8, 0.6), 7.5  # two noise levels with a*a + s*s = 1, and the guidance weight
e_c, e_u = (z - a * x_c) / s, (z - a * x_u) / s  # the same predictions as noise
v_c, v_u = a * e_c - s * x_c, a * e_u - s * x_u  # and as v
x, e, v = (u + w * (c - u) for c, u in ((x_c, x_u), (e_c, e_u), (v_c, v_u)))  # guidance on each
steps = [a2 * x + s2 * (z - a * x) / s, a2 * (z - s * e) / a + s2 * e, a2 * (a * z - s * v) + s2 * (s * z + a * v)]
differences = [(step - steps[0]).abs().max().item() for step in steps[1:]]
print(f"DDIM step up to {steps[0].abs().max():.3g}; from x0 against eps, v: differences up to {differences}")

# %% [markdown]
# ## 8. How to read on
#
# | | |
# |---|---|
# | prove all of it on your machine | `cfg-equiv verify` |
# | one theorem | `cfg-equiv verify --only Q3` |
# | the released libraries, run unmodified | `cfg-equiv verify --only peers` |
# | the formulas, one paper a file | `cfg_equiv/algebra` |
# | the theorems, as data | `cfg_equiv/theorems`: question, parameterizations, guidance, samplers, numerics |
# | why the weights must sum to one | theorem G1; non-linear rules that do commute: G2 |
# | stochastic samplers and their noise | theorem S3; VP, VE and flow paths: S4 |
# | what rounding can do | theorems Q8, N1 and N2 |
#
# To make this notebook again: `python -m cfg_equiv.report.notebook derivations/01_is_cfg_on_v_right.py`.
