# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One map, many names
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/02_one_map_many_names.py -->
#
# A sampler menu has forty entries. How many samplers is that? Fewer than it looks: several papers, each with its own
# notation and its own derivation, arrived at the same step, and libraries ship the same step under several names. This
# notebook says which names are one map, shows it, and shows what looks the same but is not.
#
# It matters when results are compared ("DDIM beats Euler on our model": they are one map), when a network is moved from
# one code base to another, and when something differs that should not.
#
# As in [the first derivation](01_is_cfg_on_v_right.ipynb), formulas are printed by running the shipped functions of
# `cfg_equiv.algebra` on symbols, and theorems are decided while the notebook runs, each beside a false neighbour (its
# *twin*) that must be refuted.
#
# **Words.** The noisy latent is $z = \alpha x_0 + \sigma\epsilon$. A step goes from the point s (more noise) to the
# point t (less). The half-log-SNR is $\lambda = \log(\alpha/\sigma)$, the noise-to-signal ratio
# $\kappa = \sigma/\alpha$. Three paths are in use: *VP* ($\alpha^2+\sigma^2 = 1$), *VE* ($\alpha = 1$) and *flow*
# ($\alpha + \sigma = 1$).

# %% [markdown]
# ## 1. Seven formulas, one map
#
# What seven sources print for their deterministic first-order step, each for the prediction it was written for. VE
# Euler moves $x = z/\alpha$ and calls $\kappa$ sigma; D is the denoised $x_0$:

# %%
import sympy as sp

from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import emit
from cfg_equiv.report.latex import expression, formula
from cfg_equiv.report.markdown import Table, verdicts
from cfg_equiv.theorems import THEOREMS, prove


# %%
class Symbols:
    """The functions a formula may use, on symbols."""

    log, sqrt = staticmethod(sp.log), staticmethod(sp.sqrt)

    @staticmethod
    def expm1(x):
        return sp.exp(x) - 1


z, x, x0, eps, v, u, D = sp.symbols(r"z x x_0 \epsilon v u D")
s, t = (Point(*sp.symbols(rf"\alpha_{k} \sigma_{k} \lambda_{k}")) for k in "st")

# %%
said = {"ddim_eps": (z, eps), "ddim_x0": (z, x0), "ddim_v": (z, v), "euler_ve": (x, D), "euler_flow": (z, u),
        "dpm_solver_1": (z, eps), "dpm_solver_pp_1": (z, x0)}  # fmt: skip
lines = [
    formula(rf"\text{{{name.replace('_', ' ')}}}", lambda name=name: SAMPLERS[name].native(Symbols, *said[name], s, t))
    for name in said
]
sum(lines[1:], lines[0])

# %% [markdown]
# They do not look alike: one takes a slope, one turns by an angle, two have exponentials. Now hand each of them what
# its network should say. If the latent is $\alpha_s x_0 + \sigma_s\epsilon$ and the prediction is the true one, what
# is left over beyond $\alpha_t x_0 + \sigma_t\epsilon$?

# %%
positive = [point(Symbols, *sp.symbols(rf"\alpha_{k} \sigma_{k}", positive=True)) for k in "st"]


def residual(name):
    """The step from a true prediction, minus alpha_t*x0 + sigma_t*eps."""
    (here, there), sampler = positive, SAMPLERS[name]
    pred = emit(Symbols, x0, eps, here, sampler.space)
    step = sampler.step(Symbols, here.alpha * x0 + here.sigma * eps, pred, here, there)
    return sp.factor(sp.cancel(sp.together(sp.expand(step - there.alpha * x0 - there.sigma * eps))))


# %%
residuals = {name: residual(name) for name in said}
lines = [expression(rf"\text{{{name.replace('_', ' ')}}}", left) for name, left in residuals.items()]
sum(lines[1:], lines[0])

# %% [markdown]
# Five are one map on *any* path. Two carry a condition, and it can be read off: the angular v form needs
# $\alpha_s^2+\sigma_s^2 = 1$, which is VP; Euler on the flow ODE needs the same $\alpha+\sigma$ at both ends, which is
# the flow path. Each does so on the path it was written for, and only there.
#
# The reason is short. A latent and a prediction are two vectors in the plane of $x_0$ and $\epsilon$. Knowing two,
# every third is a combination of them, and a deterministic first-order step asks for a third: $(\alpha_t, \sigma_t)$.
# So **DDIM is a conversion of the prediction**, and there is only one answer:


# %%
def verdict(*names, twins=1):
    """Decide these theorems now, and show what was claimed, the outcome, and the twins refuted beside them."""
    return verdicts([prove(theorem) for theorem in THEOREMS if theorem.id in names], twins)


verdict("S1", "S2", twins=2)

# %% [markdown]
# In numbers. One step from $\kappa = 2$ to $\kappa = 1$ on each path, seven forms, the same truth. "0" or an ulp is the
# same map; the two conditions show where they are not met:

# %%
import torch

from cfg_equiv.schedules import on_path

torch.set_num_threads(1)
truth = torch.randn(2, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


# %%
def one_step(name, path):
    """The step of the native form on a path, from a network that knows the truth."""
    (data, noise), sampler = truth, SAMPLERS[name]
    here, there = on_path(2.0, path), on_path(1.0, path)
    pred = emit(torch, data, noise, here, sampler.space)
    return sampler.step(torch, here.alpha * data + here.sigma * noise, pred, here, there)


# %%
paths = ("vp", "ve", "flow")
off = {name: [(one_step(name, p) - one_step("ddim_x0", p)).abs().max().item() for p in paths] for name in said}
Table(("largest difference to ddim_x0", "VP", "VE", "flow"), tuple((name, *gaps) for name, gaps in off.items()))

# %% [markdown]
# (`cfg_equiv.step` refuses the forms with a condition where it is not met, with an error that names the path. Here the
# bare formulas were called, as a copy and paste would.)
#
# ## 2. A picture of it
#
# Data in one dimension with two modes and a closed-form network; six starts; eight steps on VP from $\kappa = 20$. On
# the left three of the names, drawn on each other. On the right two near misses and the exact trajectories: *flow Euler
# run on VP levels*, the mistake of the table above, and *Heun*, which solves the same equation with a second network
# call.

# %%
from itertools import pairwise

import cfg_equiv as ce
from cfg_equiv.models import Mixture
from cfg_equiv.quantile_flow import quantiles
from cfg_equiv.report.lines import lines as draw
from cfg_equiv.schedules import karras

two_modes = Mixture(*(torch.tensor(x, dtype=torch.float64) for x in ([0.4, 0.6], [-1.2, 0.9], [0.05, 0.1])))
levels = [on_path(kappa, "vp") for kappa in karras(9, 0.05, 20.0)]
probability = torch.tensor([0.02, 0.15, 0.35, 0.5, 0.75, 0.97], dtype=torch.float64)
exact = torch.stack([quantiles(two_modes, at, probability) for at in levels])


# %%
def bare(name):
    """A native form from step to step, on levels that its source may not have meant."""
    states, sampler = [exact[0]], SAMPLERS[name]
    for here, there in pairwise(levels):
        pred = two_modes.predict(states[-1], here, sampler.space)
        states.append(sampler.step(torch, states[-1], pred, here, there))
    return torch.stack(states)


# %%
def public(name):
    """A solver of the catalogue through the public function."""
    network = lambda z, at: two_modes.predict(z, at, "v")  # noqa: E731
    return torch.stack(ce.solve(name, network, exact[0], levels, source="v", trace=True))


# %%
half_log_snr = [at.lam.item() for at in levels]
same = {name: bare(name) for name in ("ddim_eps", "euler_ve", "dpm_solver_pp_1")}
other = {"exact": exact, "ddim_eps": same["ddim_eps"], "heun": public("heun"), "euler_flow on VP": bare("euler_flow")}
panels = {
    title: {name: (half_log_snr, states.numpy()) for name, states in series.items()}
    for title, series in (("one map", same), ("near misses", other))
}
draw(panels, xlabel=r"half-log-SNR $\lambda$", ylabel="z", stacked=("one map",),
     caption="Six trajectories: three names that lie on each other, and two near misses that do not.")  # fmt: skip

# %%
ends = {name: states[-1] for name, states in (same | other).items()}
gaps = [(name, (end - ends["ddim_eps"]).abs().max().item(), (end - ends["exact"]).abs().max().item())
        for name, end in ends.items()]  # fmt: skip
Table(("at the last level", "from ddim_eps", "from the exact trajectory"), tuple(gaps))

# %% [markdown]
# The first three differ by rounding. A wrong path gives another sample, and no error message; Heun is another, better
# solver of the same equation.
#
# ## 3. With noise: one family
#
# The stochastic first-order samplers are one family too. With the true prediction and fresh noise n,

# %%
from cfg_equiv.algebra.samplers.renoise import family_step

rho, n = sp.symbols(r"\rho n")
formula("z'", lambda: family_step(x0, eps, t, n, rho, sp.sqrt(1 - rho**2)))

# %% [markdown]
# and a member is its $\rho$, the share of the old noise that is kept. DDIM with $\eta$ and Euler ancestral with the
# same $\eta$ are one member, and so are DDPM (the posterior variance of the strided chain) and SDE-DPM-Solver++-1:

# %%
verdict("S3", twins=3)

# %% [markdown]
# $\eta = 1$ and DDPM are therefore the same member, $\rho = e^{-h}$. With the *same* noise they give the same latents,
# not only the same distribution. `ddpm_fixed_large` and the noise form of SDE-DPM-Solver-1 are outside: they put in
# more noise than the level they go to has.

# %%
fresh = torch.randn(64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
here, there = on_path(2.0, "vp"), on_path(1.0, "vp")
latent = here.alpha * truth[0] + here.sigma * truth[1]


def noisy(name, **options):
    """A stochastic step on VP with this noise, through the public function."""
    pred = emit(torch, *truth, here, "v")
    return ce.step(name, latent, pred, source="v", s=here, t=there, noise=fresh, **options)


# %%
reference = {"ddim_eta, eta = 0.5": noisy("ddim_eta", eta=0.5), "ddpm_posterior": noisy("ddpm_posterior")}
others = {
    "euler_ancestral, eta = 0.5": noisy("euler_ancestral", eta=0.5),
    "ddim_eta, eta = 1": noisy("ddim_eta", eta=1.0),
    "sde_dpm_solver_pp_1": noisy("sde_dpm_solver_pp_1"),
    "dpmpp_sde_eta, eta = 1": noisy("dpmpp_sde_eta", eta=1.0),
    "ddpm_fixed_large": noisy("ddpm_fixed_large"),
    "sde_dpm_solver_1": noisy("sde_dpm_solver_1"),
}
rows = [(a, *((x - y).abs().max().item() for y in reference.values())) for a, x in others.items()]
Table(("largest difference, same noise", *reference), tuple(rows))

# %% [markdown]
# Note the two $\eta$: that of DDIM and Euler ancestral and that of k-diffusion's SDE samplers agree at 0 and at 1 and
# nowhere between ($\rho^2 = 1-\eta^2(1-e^{-2h})$ against $\rho = e^{-\eta h}$).
#
# ## 4. VP, VE, flow: one trajectory, at matched SNR
#
# A network trained on one path can be sampled on another: scale the latent, and give the network the level with the
# same $\kappa$. All first-order samplers of the catalogue, and every solver whose coefficients depend on $\lambda$
# alone, then take the same trajectory in $z/\alpha$. This decides the first-order ones and three solvers with history;
# `cfg-equiv verify --only S4` decides all of them:

# %%
from dataclasses import replace

from cfg_equiv.theorems.solvers import matched

(S4,) = [theorem for theorem in THEOREMS if theorem.id == "S4"]
shown = (S4.parts[0], *(matched(name) for name in ("dpmpp_2m", "unipc_bh2_2_x0", "lms_3")))
verdicts([prove(replace(S4, parts=shown))], twins=2)

# %%
kappas = karras(9, 0.05, 20.0)
start = exact[0] / levels[0].alpha


def end_of(name, path):
    """z/alpha at the last of these levels, on a path, with the network trained on it."""
    points = [on_path(kappa, path) for kappa in kappas]
    network = lambda z, at: two_modes.predict(z, at, "flow")  # noqa: E731
    return ce.solve(name, network, points[0].alpha * start, points, source="flow") / points[-1].alpha


# %%
rows = []
for name in ("ddim_eps", "dpmpp_2m", "unipc_bh2_2_x0", "heun", "lms_3"):
    vp, ve, flow = (end_of(name, path) for path in paths)
    rows.append((name, (ve - vp).abs().max().item(), (flow - vp).abs().max().item()))
Table(("z/alpha at the end", "VE against VP", "flow against VP"), tuple(rows))

# %% [markdown]
# Even Heun and LMS, as k-diffusion has them: their steps are in $\kappa$, and $\kappa$ is the same on every path. What
# is **not** the same is the same textbook method integrated in another variable. Heun's rule in $\kappa$ for $z/\alpha$
# and Heun's rule in $\sigma$ for z on the flow path take the same levels and end elsewhere; so do the two fourth-order
# Runge-Kutta methods; so do the two-step Adams rules on x0, on eps and on the velocity:

# %%
pairs = (("heun", "flow_heun"), ("deis_rho_rk4", "flow_rk4"), ("adams_2_x0", "adams_2_eps"),
         ("adams_2_eps", "adams_2_flow"))  # fmt: skip
rows = [(*pair, (end_of(pair[0], "flow") - end_of(pair[1], "flow")).abs().max().item()) for pair in pairs]
Table(("one", "the other", "largest difference at the end"), tuple(rows))

# %% [markdown]
# A Runge-Kutta or Adams rule is exact for polynomials in *its* variable along *its* prediction, and these are not the
# same polynomials. Only first-order steps escape: they have nothing to extrapolate.
#
# ## 5. The classes of the catalogue
#
# The same question for every pair of solvers of the catalogue, those with history and with several network calls
# included. A step with full history is run on unknowns, which gives its *tableau*: with which coefficient each latent
# and each network output enters, as a function of the levels. Two solvers with one tableau are one map, for every
# network and every history, and CFG commutes with all of them for the same reason
# ([03_higher_order](03_higher_order.ipynb)). The classes are found by running all on an exact grid and proved pair by
# pair:

# %%
verdict("S5")

# %%
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.theorems.classes import partition

classes = [names for names in partition().classes if len(names) > 1]
alone = [names[0] for names in partition().classes if len(names) == 1]
print(f"{len(SOLVERS)} solvers: {len(classes)} classes of several names, {len(alone)} alone")
print(f"so {len(classes) + len(alone)} maps")

# %%
Table(("members", "names in the catalogue"), tuple((len(names), ", ".join(names)) for names in classes))

# %% [markdown]
# What that means in libraries. For each class with names in at least two libraries:


# %%
def in_libraries(names):
    """What the members of a class are called, library by library."""
    found = {}
    for name in names:
        for library, alias in SOLVERS[name].aliases.items():
            found.setdefault(library, []).append(alias)
    return found


shared = [found for names in classes if len(found := in_libraries(names)) > 1]
text = ["; ".join(f"{library}: {', '.join(dict.fromkeys(found[library]))}" for library in found) for found in shared]
Table(("", "one map"), tuple(enumerate(text, 1)))

# %% [markdown]
# Read two rows of it. "DPM-Solver-2", the single-step method with an evaluation in the middle of the log-SNR, is
# k-diffusion's DPM2 and diffusers' KDPM2. And `res_multistep`, UniP of order 2, the `heun` solver type of DPM-Solver++
# 2M and SA-Solver's predictor without noise are one map, while plain DPM-Solver++ 2M, one option away, is another.
#
# Two maps of the same order can still be close. How close is the first term of the difference of one step in
# $h = \lambda_t - \lambda_s$, from the same exact history, again computed from the shipped functions. X is what the
# network says of $x_0$ along the solution, a prime its derivative by $\lambda$, $r_1$ the length of the step before in
# units of h:

# %%
from cfg_equiv.theorems.order import difference_order

near = (("dpmpp_2m", "dpmpp_2m_heun"), ("dpmpp_2s_midpoint", "dpmpp_2s_heun"), ("dpmpp_2s_midpoint", "dpm_2"),
        ("dpmpp_2m", "dpm_solver_2m"), ("unip_bh1_2_x0", "unip_bh2_2_x0"), ("dpmpp_3m", "dpmpp_3m_corrected"),
        ("adams_2_x0", "adams_2_eps"), ("heun", "flow_heun"), ("ddim_eps", "heun"))  # fmt: skip
rows = [(*pair, f"${difference_order(*pair).latex}$") for pair in near]
Table(("one", "the other", "leading difference of a step of z/alpha"), tuple(rows))

# %% [markdown]
# And after eight steps on the data above:

# %%
between = (end_of("dpmpp_2m", "vp") - end_of("dpmpp_2m_heun", "vp")).abs().max().item()
error = (end_of("dpmpp_2m", "vp") - quantiles(two_modes, on_path(0.05, "ve"), probability)).abs().max().item()
print(f"dpmpp_2m against dpmpp_2m_heun: {between:.2g}; error of the first: {error:.2g}")

# %% [markdown]
# ## 6. Ask for any two names
#
# On the command line, with a name of the catalogue or a library's own; the exit status is 0 for one map. Run here:
#
# ```bash
# cfg-equiv compare k_diffusion:dpmpp_2m "diffusers:DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', ...)"
# ```

# %%
from cfg_equiv.__main__ import main

multistep = "diffusers:DPMSolverMultistepScheduler(algorithm_type='dpmsolver++', solver_order={}, solver_type='{}')"
for first, second in (("k_diffusion:dpmpp_2m", multistep.format(2, "midpoint")),
                      ("comfyui:res_multistep", multistep.format(2, "heun")),
                      ("dpmpp_2m", "dpmpp_2m_heun"),
                      ("k_diffusion:heun", "flow_heun")):  # fmt: skip
    print(f"exit status {main(['compare', first, second])}\n")

# %% [markdown]
# What is compared is the step, for every network, history and level. Two libraries can still give different samples
# with one map: by other levels, another last step, another rounding of the timesteps, another start noise. Those are
# not the sampler; [05_check_your_own_repository](05_check_your_own_repository.ipynb) is about them.
#
# ## 7. To take away
#
# - DDIM, Euler on the VE ODE, DPM-Solver-1, DPM-Solver++-1 are one map; so is flow Euler on the flow path and the
#   angular form on VP. "DDIM against Euler" compares schedules, or bugs.
# - DDIM($\eta$) is Euler ancestral($\eta$); DDPM is $\eta = 1$.
# - VP, VE and flow are one trajectory at matched $\kappa$, as long as the solver works in $\lambda$ or $\kappa$.
# - The variable and the prediction that a higher-order method extrapolates do matter. What order such methods really
#   have: [03_higher_order](03_higher_order.ipynb).
