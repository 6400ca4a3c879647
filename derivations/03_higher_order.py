# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Higher order
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/03_higher_order.py -->
#
# What a solver does with more than one network output: how its step can be read off the code, why guidance on v is as
# right there as anywhere, what happens in the last step, and **what order the solvers really have**. The longest
# section is about the third-order multistep solver that many people run: it has order 2, one factor is why, and whether
# that matters at the step counts people use is measured and not assumed.
#
# As in [the first derivation](01_is_cfg_on_v_right.ipynb), nothing is typed twice: formulas are printed by running the
# shipped functions on symbols, theorems and orders are decided while the notebook runs, and errors are measured on data
# whose exact trajectories are known.
#
# **Words.** $z = \alpha x_0 + \sigma\epsilon$; $\lambda = \log(\alpha/\sigma)$ grows from noise to data;
# $\kappa = \sigma/\alpha$. A step goes from s to t, $h = \lambda_t - \lambda_s$. The level before s is a, the one
# before it b. X is what the network says of $x_0$, along the exact solution.

# %% [markdown]
# ## 1. What a step with history is
#
# DPM-Solver++ 2M uses the output it has now and the one before. Run the shipped function on unknowns (`z_s` the latent,
# `x_s` and `x_a` the two outputs) and read the coefficients: that is the step's *tableau*, and all there is to know
# about it.

# %%
import sympy as sp

from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.algebra.solvers.record import Past
from cfg_equiv.report.latex import expression
from cfg_equiv.report.markdown import Table, verdicts
from cfg_equiv.theorems.tableau import Step


# %%
class Symbols:
    """The functions a formula may use, on symbols."""

    log, sqrt = staticmethod(sp.log), staticmethod(sp.sqrt)

    @staticmethod
    def expm1(x):
        return sp.exp(x) - 1


# %%
def coefficients(name):
    """The coefficients of a step with full history, by unknown."""
    step = Step(SOLVERS[name])
    points = {k: Point(*sp.symbols(rf"\alpha_{k} \sigma_{k} \lambda_{k}")) for k in step.labels}
    terms = step.tableau(Symbols, points, sp.Integer(1)).end.terms
    return {unknown: sp.factor(c) for unknown, c in terms.items() if sp.simplify(c) != 0}


# %%
lines = [expression(rf"\text{{2M, coefficient of }} {unknown}", c) for unknown, c in coefficients("dpmpp_2m").items()]
sum(lines[1:], lines[0])

# %% [markdown]
# Levels alone, no network: a step is *linear* in the latent and in all outputs. That it ran on unknowns at all proves
# it, because a product of two unknowns is an error. So guiding every output and stepping is stepping each branch and
# guiding the results, as long as both branches are shown the same latents. That is theorem S6, and with it CFG commutes
# with every solver of the catalogue, history and inner evaluations included. Here for six of them;
# `cfg-equiv verify --only S6` decides all.

# %%
from dataclasses import replace

from cfg_equiv.theorems import THEOREMS, prove

theorem = {theorem.id: theorem for theorem in THEOREMS}
names = ("dpmpp_2m", "heun", "plms", "unipc_bh2_2_x0", "sa_pece_22_x0", "dpmpp_2s_cfg_pp")
parts = tuple(theorem["S6"].parts[list(SOLVERS).index(name)] for name in names)
verdicts([prove(replace(theorem["S6"], parts=parts))])

# %% [markdown]
# One thing it does not say: the outputs in the history must be *converted* where they were made. Mixing raw v of two
# levels and converting the mixture is the bug of
# [05_check_your_own_repository](05_check_your_own_repository.ipynb), section 1.

# %% [markdown]
# ## 2. The last step
#
# At $\sigma_t = 0$ the log-SNR is infinite, so a formula in $\lambda$ has a limit there, or none. Most that read the
# *data* prediction end at the denoised latent; of those that read $\epsilon$ half end elsewhere or nowhere. Sources
# often switch to another form for the last step, and then that one counts. Decided now for a few, and counted over the
# catalogue (theorem S7 decides each):

# %%
from cfg_equiv.theorems.solvers import limit_kind

meaning = {"denoised": "the denoised latent", "other": "another limit", "none": "no limit"}
asked = ("dpmpp_2m", "dpmpp_3m", "heun", "unipc_bh2_2_x0", "dpm_solver_2m", "dpm_solver_3m", "plms", "flow_rk4")
ends = [(name, SOLVERS[name].space, meaning[limit_kind(Step(SOLVERS[name], end=True))]) for name in asked]
Table(("solver", "extrapolates", "step to sigma = 0"), tuple(ends))

# %%
spaces = sorted({solver.space for solver in SOLVERS.values()})
kinds = [(solver.space, solver.ends) for solver in SOLVERS.values()]
rows = [(space, *(kinds.count((space, end)) for end in meaning)) for space in spaces]
Table(("solvers that read", *meaning.values()), tuple(rows))

# %% [markdown]
# ## 3. Order, as a computation
#
# A step of order p has local error $O(h^{p+1})$ for *every* network. That can be computed from the shipped function:
# hand it outputs that are a polynomial in $\lambda$ with free coefficients, and expand the step, less the exact
# solution, in h. In the state $z/\alpha$ the exact solution is
# $e^{-h} z_s/\alpha_s + \int_0^h e^{\tau-h} X(\tau)\,d\tau$. By hand, for a solver that is shown latents of the exact
# solution only:

# %%
h, tau = sp.symbols("h tau", positive=True)
r0, r1, y = sp.symbols("r_0 r_1 y", positive=True)
x = sp.symbols("X X' X'' X'''")


def said(lam):
    """The network's output along the exact solution: a cubic in lambda with free coefficients."""
    return sum(x[k] * lam**k / sp.factorial(k) for k in range(4))


# %%
def on_ve(lam):
    return Point(sp.Integer(1), sp.exp(-lam), lam)


def local_error(name):
    """The shipped step from exact history, step ratios free, minus the exact solution, to h^4."""
    history = tuple(Past(on_ve(lam), y, said(lam)) for lam in (sp.Integer(0), -r0 * h, -(r0 + r1) * h))
    step = SOLVERS[name].step(Symbols, history, on_ve(h))
    exact = sp.exp(-h) * (y + sp.integrate(sp.exp(tau) * said(tau), (tau, 0, h)))
    series = sp.expand(sp.series(sp.expand(step - exact), h, 0, 5).removeO())
    return {k: sp.factor(series.coeff(h, k)) for k in range(5) if sp.simplify(series.coeff(h, k)) != 0}


# %%
found = {name: local_error(name) for name in ("dpmpp_2m", "dpmpp_2m_heun")}
lines = [expression(rf"\text{{{name.replace('_', ' ')}, }} h^{k}", c) for name in found for k, c in found[name].items()]
sum(lines[1:], lines[0])

# %% [markdown]
# $r_0 h$ is the step before this one. Nothing at $h^1$ and $h^2$: order 2, at any ratios, for both variants of 2M,
# whose difference is the $X'$ in the first line.
#
# `cfg_equiv.theorems.order.order` does this for every solver, on three kinds of grid: at any step ratios, uniform in
# $\lambda$, and on any smooth image of a uniform grid, which is what Karras', cosine and shifted schedules are. For
# inner evaluations the network is a free function of latent and level. A selection; `cfg-equiv atlas` has all:

# %%
from cfg_equiv.theorems.order import order

grids = ("any_ratio", "uniform", "smooth_grid")
asked = ("ddim_x0", "dpmpp_2m", "dpm_2", "heun", "dpmpp_3s", "unip_bh2_3_x0", "unipc_bh2_2_x0", "lms_3", "deis_3",
         "dpmpp_3m", "dpm_solver_3m", "plms", "iplms", "ipndm_ve_3", "er_sde_3",
         "unipc_vary_2_x0_released")  # fmt: skip
proved = {name: tuple(order(name, grid).order for grid in grids) for name in asked}
rows = [(name, SOLVERS[name].order, *orders) for name, orders in proved.items()]
Table(("solver", "claimed", "any ratios", "uniform in log-SNR", "smooth grid"), tuple(rows))

# %% [markdown]
# Theorem S8 is that table for every entry, with one order more as the twin of each. Here for the solvers above:

# %%
from cfg_equiv.theorems.orders import THEOREMS as ORDERS

(S8,) = ORDERS
parts = tuple(S8.parts[list(SOLVERS).index(name)] for name in asked)
verdicts([prove(replace(S8, parts=parts))], twins=1)

# %% [markdown]
# Below the claim on the grids people use:

# %%
low = [name for name, orders in proved.items() if orders[2] < SOLVERS[name].order]
leading = [order(name, "uniform") for name in low]
Table(("solver", "claimed", "proved, smooth grid", "leading local error, uniform grid"),
      tuple((name, SOLVERS[name].order, proved[name][2], f"${one.latex}$")
            for name, one in zip(low, leading, strict=True)))  # fmt: skip

# %% [markdown]
# Sections 4 and 5 are about two of these groups.
#
# ## 4. The third-order multistep solver
#
# DPM-Solver and DPM-Solver++ have a multistep method with three outputs, shipped by their authors, by diffusers
# (`solver_order=3`) and by k-diffusion (`dpmpp_3m_sde`, here without noise). Its local error, from the machine:

# %%
both = ("dpmpp_3m", "dpmpp_3m_corrected")
found = {name: local_error(name) for name in both}
lines = [expression(rf"\text{{{name.replace('_', ' ')}, }} h^{k}", c) for name in found for k, c in found[name].items()]
sum(lines[1:], lines[0])

# %%
k_diffusion = order("dpmpp_3m_sde", "any_ratio")
print(f"k-diffusion's form without noise, any ratios: order {k_diffusion.order}, {k_diffusion.leading}")
in_noise = order("dpm_solver_3m", "any_ratio")
print(f"the noise form, any ratios: order {in_noise.order}, {in_noise.leading}")

# %% [markdown]
# The stock step has a term $-X''h^3/12$ that no ratio of steps removes: **order 2**. It comes from one weight.
#
# ### Where the factor comes from
#
# The step integrates the parabola through three outputs, $X + X'\tau + \tfrac12 X''\tau^2$, against $e^{\tau-h}$. The
# code forms $D_1 \approx hX'$ and a second divided difference $D_2$, and weighs them with $\varphi_2$ and $\varphi_3$,
# where $\varphi_3$ is the weight of $h^2X''$. But a second divided difference is *half* of the second derivative. In
# the same release the single-step method of order 3 (the `taylor` variant) has the factor 2 in its $D_2$; the multistep
# one does not. Feed all three the outputs of a pure parabola, $X = \tau^2/2$, and read what they make of it:


# %%
def of_parabola(name):
    """What a step from y = 0 makes of outputs tau^2/2, wherever they are asked for."""
    solver = SOLVERS[name]
    past = tuple(Past(on_ve(lam), 0, lam**2 / 2) for lam in (sp.Integer(0), -r0 * h, -(r0 + r1) * h))[: solver.memory]
    nodes = tuple(on_ve(h * f.numerator / f.denominator) for f in solver.nodes(past))
    return solver.step(Symbols, past, on_ve(h), lambda z, at: at.lam**2 / 2, nodes)


exact = sp.exp(-h) * sp.integrate(sp.exp(tau) * tau**2 / 2, (tau, 0, h))
ratio = {name: sp.simplify(of_parabola(name) / exact) for name in ("dpmpp_3s_taylor", *both)}
lines = [expression(rf"\text{{{name.replace('_', ' ')} : exact}}", value) for name, value in ratio.items()]
sum(lines[1:], lines[0])

# %% [markdown]
# Two of them are exact on a parabola, at any h and any ratios. The stock multistep step makes exactly half of it. Half
# of the weight $h^3/6 + \ldots$ of $X''$ is what is missing: there is the twelfth.
#
# The corrected form doubles $D_2$ in $\varphi_3 D_2$ and nothing else. It is then the exact integral of the parabola,
# and as such not new. UniP of order 3 is the same map from the first step on; SA-Solver's predictor and DPM-Solver-v3
# without statistics are one map with each other, and have its step with full history after another second step:

# %%
from cfg_equiv.theorems.classes import one_map

pairs = ((both[1], "unip_bh2_3_x0"), ("sa_predictor_3_x0", "dpm_solver_v3_3"))
for first, second in pairs:
    print(f"{first}, {second}: {one_map(first, second, 'any') or 'one map'}")
levels = {name: on_ve(sp.Symbol(rf"\lambda_{name}")) for name in "tsab"}
ours, theirs = (
    Step(SOLVERS[name]).tableau(Symbols, levels, sp.Integer(1)).end for name in (both[1], "dpm_solver_v3_3")
)
print("full history, coefficients less each other:", [sp.simplify(ours[k] - theirs[k]) for k in ours.terms])

# %% [markdown]
# ### Measured
#
# Data: a mixture of three Gaussians in one dimension, where the exact trajectory is a quantile of the noisy marginal
# and so is known without integrating anything. Exact start and exact history, error of $z/\alpha$ where $\kappa$ is the
# data's standard deviation, root mean square over twelve items. First steps uniform in $\lambda$, then steps that are
# long and short in turn, 2 : 1.

# %%
import numpy as np
import torch

from cfg_equiv.convergence import error_against_evaluations, errors
from cfg_equiv.refinement import GRIDS
from cfg_equiv.report.lines import lines as draw

torch.set_num_threads(1)
compared = ("dpmpp_2m", *both, "dpm_solver_3m", "dpm_solver_3m_corrected")
steps = (10, 20, 40, 80, 160, 320)
measured = {grid: [errors(name, steps, grid=grid) for name in compared] for grid in ("uniform log-SNR", "alternating")}


# %%
panels = {grid: {one.solver: (one.steps, one.errors) for one in found} for grid, found in measured.items()}
top = measured["uniform log-SNR"][0].errors[0]
guides = {f"slope {p}": (steps, 2 * top * (np.array(steps) / steps[0]) ** -float(p)) for p in (2, 3)}
draw(panels, guides=guides, scale=("log", "log"), xlabel="steps", ylabel="error of z/alpha",
     caption="Error against steps: the stock third-order forms fall as the second-order one does.")  # fmt: skip

# %%
kind_of = {"uniform log-SNR": "uniform", "alternating": "any_ratio"}
rows = [
    (one.solver, grid, *one.slopes[-2:], one.order, order(one.solver, kind_of[grid]).order)
    for grid, found in measured.items()
    for one in found
]
Table(("solver", "steps", "slope", "last slope", "observed order", "proved order"), tuple(rows))

# %% [markdown]
# ### Does it matter at 8 to 30 steps?
#
# An order is a statement about small h. Put the two leading terms next to each other, uniform steps: the stock error is
# $h^3|X''|/12$, the corrected one has no such term but a larger one after it, so the stock form is the better one while
# h is *large*:

# %%
leading = [found[name][power].subs({r0: 1, r1: 1}) for name, power in zip(both, (3, 4), strict=True)]
crossing = abs(leading[0].coeff(x[2]) / leading[1].coeff(x[3]))
expression(r"h_{\text{equal}}\,\left|X'''\right| / \left|X''\right|", crossing)

# %% [markdown]
# If X changes on a scale of one in $\lambda$, from $\kappa = 80$ to 0.02 that is

# %%
span = float(np.log(80 / 0.02))
print(f"{span / float(crossing):.0f} steps; below that many, expect no advantage of the third order")

# %% [markdown]
# So measure, as a user runs it: cold start, levels from $\kappa = 80$, and the network calls people spend. Four data
# sets, two spacings, and two places to compare: in the middle of the trajectory ($\kappa$ = the data's standard
# deviation) and near its end ($\kappa = 0.02$). First the ratio of the errors on Karras levels; above 1 the corrected
# form is the better one.

# %%
from cfg_equiv.convergence import MODEL
from cfg_equiv.models import Mixture


def mixture(*rows):
    return Mixture(*(torch.tensor(row, dtype=torch.float64) for row in rows))


# %%
data = {
    "three components": MODEL,
    "two narrow modes": mixture([0.4, 0.6], [-1.2, 0.9], [0.05, 0.1]),
    "spike on a broad one": mixture([0.7, 0.3], [0.0, 1.0], [1.0, 0.02]),
    "skewed": mixture([0.8, 0.15, 0.05], [0.0, 1.5, 3.0], [0.3, 0.2, 0.2]),
}
calls = (5, 6, 8, 10, 12, 16, 20, 24, 32)
forms = {"data form (++)": both, "noise form": ("dpm_solver_3m", "dpm_solver_3m_corrected")}

# %%
from itertools import product

places, spacings = {"middle": None, "end": 0.02}, ("karras", "uniform log-SNR")
gain = {}
for form, place, spacing, name in product(forms, places, spacings, data):
    stock, corrected = error_against_evaluations(forms[form], calls, grid=spacing, end=places[place], model=data[name])
    gain[form, place, spacing, name] = np.array(stock.errors) / np.array(corrected.errors)

# %%
panels = {
    f"{form}, {place}": {name: (calls, gain[form, place, "karras", name]) for name in data}
    for form, place in product(forms, places)
}
draw(panels, guides={"equal": (calls, np.ones(len(calls)))}, scale=("log", "log"), xlabel="network calls",
     ylabel="error, stock : corrected",
     caption="Karras levels: above 1 the corrected third-order form is better, below 1 the stock one.")  # fmt: skip

# %%
rows = []
for form, place, spacing in product(forms, places, spacings):
    better = np.array([gain[form, place, spacing, name] > 1 for name in data])
    few, many = (better[:, [n in chosen for n in calls]] for chosen in (calls[:4], calls[4:]))
    rows.append((form, place, spacing, *(f"{int(some.sum())} of {some.size}" for some in (few, many))))
Table(("form", "compared at the", "levels", "corrected better, 5 to 10 calls", "12 to 32 calls"), tuple(rows))

# %% [markdown]
# Read it as it is. In the noise form the correction helps nearly everywhere. In the data form, which is the one in use,
# it depends. In the middle of a trajectory the corrected form is ahead up to 10 calls, the stock one mostly after that.
# Near the end the stock form is as good or better at most of these numbers of calls on Karras levels, and the corrected
# one at most from 12 on where levels are uniform in $\lambda$. That last difference is what the leading terms predict:
# the stock form wins where steps in $\lambda$ are long, and Karras levels have their longest ones at the end. Its
# halved second difference damps an extrapolation that is too long; at small steps the damping is the missing order.

# %%
for spacing in spacings:
    kappas = GRIDS[spacing](torch.arange(13).double(), 12, 80.0, 0.02)
    lengths = -kappas.log().diff()
    print(f"{spacing}, 12 steps: first h {lengths[0]:.2g}, last h {lengths[-1]:.2g}")

# %% [markdown]
# And against the second-order method? At very few calls, three outputs are not better than two either. Error at
# $\kappa = 0.02$ on Karras levels, 2M over the stock and the corrected 3M:

# %%
rows = []
for name, model in data.items():
    two, *three = error_against_evaluations(("dpmpp_2m", *both), (6, 8, 12, 20, 32), end=0.02, model=model)
    for one in three:
        rows.append((name, one.solver, *(a / b for a, b in zip(two.errors, one.errors, strict=True))))
Table(("data", "2M against", *(f"{n} calls" for n in two.evaluations)), tuple(rows))

# %% [markdown]
# (One-dimensional mixtures are smooth in their way; a trained network at high guidance is rougher and its useful h
# smaller. What carries over is the two leading terms, and how to measure.)
#
# ## 5. Weights of a uniform grid on another grid
#
# The Adams methods of PLMS and iPNDM have fixed weights (55, -59, 37, -9 over 24): they integrate a cubic exactly if
# the outputs are equally spaced *in the variable of integration*, which is $\kappa$ for $\epsilon$ and $z/\alpha$. LMS,
# the same idea, computes its weights from the levels. On levels uniform in $\kappa$ (`ve` below) they agree; hardly
# anybody uses those:

# %%
adams = ("lms_4", "iplms", "plms", "ipndm_ve_2", "ipndm_ve_3", "ipndm_v_4")
seen = {name: [errors(name, (40, 80, 160), grid=grid) for grid in GRIDS] for name in adams}
rows = [(name, SOLVERS[name].order, *(one.order if one.agree else "undecided" for one in found))
        for name, found in seen.items()]  # fmt: skip
Table(("observed order on", "claimed", *GRIDS), tuple(rows))

# %%
rows = [(name, *(order(name, kind).order for kind in grids), f"${order(name, 'any_ratio').latex}$")
        for name in ("iplms", "plms", "ipndm_ve_2", "ipndm_ve_3")]  # fmt: skip
Table(("proved", "any ratios", "uniform in log-SNR", "smooth grid", "leading local error, any ratios"), tuple(rows))

# %%
of_four = {name: [errors(name, steps[1:], grid=grid) for grid in ("ve", "karras")] for name in ("lms_4", "iplms")}
panels = {
    title: {name: (found[k].steps, found[k].errors) for name, found in of_four.items()}
    for k, title in enumerate(("uniform in kappa", "Karras levels"))
}
guides = {f"slope {p}": (steps[1:], 0.05 * (np.array(steps[1:]) / steps[1]) ** -float(p)) for p in (2, 4)}
draw(panels, guides=guides, scale=("log", "log"), xlabel="steps", ylabel="error of z/alpha",
     caption="Fixed and computed Adams weights: alike on levels uniform in kappa, not on Karras levels.")  # fmt: skip

# %% [markdown]
# Any smooth schedule leaves such a method order 2; levels that stay ragged however many there are leave it order 1. The
# variable-step form of iPNDM computes its weights from the levels, with more or less success: of its fourth-order form
# on ragged levels the weights do not even sum to one (order 0).

# %%
variable = ("ipndm_v_2", "ipndm_v_3", "ipndm_v_4")
rows = [(name, SOLVERS[name].order, *(order(name, kind).order for kind in grids)) for name in variable]
Table(("variable-step iPNDM", "claimed", "any ratios", "uniform in log-SNR", "smooth grid"), tuple(rows))

# %% [markdown]
# Fixed weights can still be good at few steps, where an error constant and not an order decides. On Karras levels:

# %%
few = error_against_evaluations(("iplms", "lms_4", "dpmpp_2m", "unipc_bh2_2_x0"), (6, 8, 12, 20, 32), end=0.02)
Table(("error at kappa = 0.02", *(f"{n} calls" for n in few[0].evaluations)),
      tuple((one.solver, *one.errors) for one in few))  # fmt: skip

# %% [markdown]
# ## 6. To take away
#
# - A step is its tableau. CFG commutes with all of them, because all are linear at shared latents.
# - The multistep solvers of order 3 in DPM-Solver, diffusers and k-diffusion have order 2: $D_2$ lacks a factor 2. The
#   corrected step is UniP-3. In the noise form it nearly always pays; in the data form it pays where steps in $\lambda$
#   are short, and on Karras levels with some 30 steps or less it may cost.
# - PLMS and iPNDM have order 2 on smooth schedules and 1 on levels that stay ragged.
# - An order is about small steps. At 8 steps look at errors, from `cfg_equiv.convergence`:
#   `error_against_evaluations(["dpmpp_2m", "my_solver"])`.
