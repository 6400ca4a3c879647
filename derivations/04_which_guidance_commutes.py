# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which guidance commutes?
#
# <!-- This file is the source; the notebook beside it is made from it by
#      python -m cfg_equiv.report.notebook derivations/04_which_guidance_commutes.py -->
#
# Plain classifier-free guidance may be applied to whatever a network predicts: that is
# [01_is_cfg_on_v_right](01_is_cfg_on_v_right.ipynb). But few people stop at plain guidance. They rescale, project,
# clip, add momentum, cap norms. Each of these is published in one space, and is then used with networks that predict
# something else. Does it still mean the same? This notebook answers that for every rule of the catalogue, shows why
# with a proof of half a page, and draws the cases in which the answer is no.
#
# Nothing is typed twice: the rules are the shipped functions of `cfg_equiv.algebra.guidance`, each written from its
# source. The theorems are decided, and the verdicts are computed, while the notebook runs.
#
# **Words.** The noisy latent is $z = \alpha x_0 + \sigma\epsilon$. A *space* is what a network predicts: the data
# $x_0$, the noise $\epsilon$, $v = \alpha\epsilon - \sigma x_0$, the flow velocity $\epsilon - x_0$, the score
# $-\epsilon/\sigma$. The two branches are c (with the condition) and u (without), and w is the weight of
# $u + w(c - u)$, off at w = 1. A rule *commutes* if it gives the same guidance whichever space it is applied in:
# convert and guide, or guide and convert.

# %%
import sympy as sp
import torch

import cfg_equiv as ce
from cfg_equiv.algebra.points import Point
from cfg_equiv.report.latex import expression
from cfg_equiv.report.markdown import Table, verdicts
from cfg_equiv.theorems import THEOREMS, prove

torch.set_num_threads(1)  # the tensors are tiny


# %%
def theorem(*names, twins=1):
    """Decide these theorems now, and show what was claimed, the outcome, and the twins refuted beside them."""
    return verdicts([prove(one) for one in THEOREMS if one.id in names], twins)


# %% [markdown]
# ## 1. What a change of space does to a prediction
#
# Every conversion at one latent has the form $y \to A\,y + B\,z$, with one A and one B for both branches, for all
# pixels, for every network. Here they are, read off the shipped conversion from $x_0$:

# %%
from cfg_equiv.algebra.stepping import to_space

alpha, sigma, z, y = sp.symbols(r"\alpha \sigma z y", positive=True)
at = Point(alpha, sigma)
moved = {space: sp.expand(to_space(sp, z, y, at, "x0", space)) for space in ("eps", "v", "flow", "score")}
Table(("from x0 to", "A", "B"), tuple(
    (space, *(f"${sp.latex(sp.factor(image.coeff(part)))}$" for part in (y, z))) for space, image in moved.items()
))  # fmt: skip

# %% [markdown]
# A has either sign and, as the level varies, every size. B is not zero, and z is any vector. So a rule that is blind to
# z and to the level and commutes in all spaces must commute with three kinds of maps, which together make all of them:
#
# - a **translation**, $y \to y + s$, by any vector s;
# - a positive **scale**, $y \to A y$ with $A > 0$;
# - the **sign**, $y \to -y$.
#
# Each kind has rules that fail at it and pass the other two:

# %%
from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.theorems.verdicts import verdict

found = {name: verdict(rule) for name, rule in RULES.items()}  # all of them; the table is in section 6


# %%
def passed(yes):
    return "commutes" if yes else "**no**"


examples = ("CFG", "Perp-Neg", "CFG rescale", "APG threshold", "max")
kinds = ("translation", "scale", "sign")
Table(("rule", *kinds), tuple((name, *(passed(getattr(found[name], kind)) for kind in kinds)) for name in examples))

# %% [markdown]
# The rescale divides by the standard deviation of a prediction, and that of v is not that of $x_0$, as z is in it. The
# threshold caps a difference at a fixed length, and lengths are other lengths after a scale. The elementwise maximum of
# two noises is the minimum of the two data.
#
# ## 2. The theorem
#
# First the linear rules. A weighted sum of predictions leaves a residual that is proportional to z, and it vanishes
# exactly when the weights sum to one:

# %%
theorem("G1")

# %% [markdown]
# Plain CFG, negative prompts, composable guidance, autoguidance, perturbed attention and their kin are of this kind.
# For a rule of any form, smooth or not:
#
# > **Theorem.** A rule G(c, u) that does not see z commutes if and only if
# > $G(c, u) = u + H(c - u)$ with $H(A d) = A\,H(d)$ for every number $A \ne 0$.
#
# **Proof.** Put $\Phi(c, u) = G(c, u) - u$.
#
# 1. *Translation.* The map $y \to y + s$ moves G and u by the same s, so
#    $\Phi(c + s, u + s) = \Phi(c, u)$ for every s. Take $s = -u$: then $\Phi(c, u) = \Phi(c - u, 0)$, a function
#    $H(c - u)$ of the difference alone.
# 2. *Scale and sign.* The map $y \to A y$ multiplies G and u by A, so $H(A d) = A\,H(d)$ for every $A \ne 0$. With
#    A = -1, H is odd.
# 3. *Conversely*, such an H gives
#    $G(A c + B z, A u + B z) = A u + B z + H(A (c - u)) = A\,G(c, u) + B z$. ∎
#
# Step 1 is where "does not see z" enters: the rule cannot know which part of its input was added by the conversion. The
# step over all functions is this argument; what a machine can check of it, on both sides, is checked here:

# %%
theorem("G2", twins=2)

# %% [markdown]
# In practice: **work on the difference c - u, with weights that depend on its direction and not on its length.** A
# weight per channel, per region, per frequency band, a mask of the largest tenth of $|c - u|$: all fine.
#
# ## 3. How much room is left: little, and three doors
#
# A rule that also knows no coordinates, as one made of norms, angles and inner products, has no room at all:
#
# > **Rigidity.** If in addition $G(Rc, Ru) = R\,G(c, u)$ for every rotation and reflection R, then G is plain CFG with
# > one constant weight.
#
# **Proof.** By the theorem $G = u + H(c - u)$, and $H(Rd) = R\,H(d)$. Take for R the half turn about the line of d. It
# fixes d, so it fixes H(d), and what a half turn fixes lies on its axis: $H(d) = s(d)\,d$. Another half turn takes d to
# any vector of the same length, so s depends on the length only; and H is of degree one, so not even on that. ∎

# %%
theorem("G4", twins=2)

# %% [markdown]
# So a rule with two branches that is built from norms and angles, and is not plain CFG, **cannot** commute. That is no
# question of care. The three ways out: *know the coordinates* (weights per channel, frequency, region), *take a third
# branch* (Perp-Neg), or *look at z* (section 7).
#
# ## 4. The counterexamples, drawn
#
# For every rule that does not commute the smallest data that show it are found by search, in exact arithmetic. Two
# numbers a vector suffice, so they can be drawn. Six rules, at the middle of the flow path; the answers are given in
# $x_0$, whatever space the rule was applied in. If a rule commuted, its three markers would lie on each other:

# %%
from dataclasses import replace

from cfg_equiv.report.plane import Plane, planes
from cfg_equiv.theorems.verdicts import Data, results, search

SPACES = ("x0", "eps", "flow")


def in_plane(name):
    """The smallest counterexample of a rule with two elements; for some rules one element is enough."""
    example = found[name].counterexample
    return example if len(example.latents["z"]) == 2 else search(replace(RULES[name], fewest=2))


# %%
def drawn(vectors, answers):
    """A latent and two branches as arrows, the answers as points."""
    arrows = {name: tuple(map(float, vector)) for name, vector in vectors.items()}
    return Plane(arrows, {s: tuple(float(sp.sympify(str(x))) for x in answers[s]) for s in SPACES}, ("c", "u"))


failing = ("CFG rescale", "APG projection", "CFG-Zero*", "TCFG", "static clip", "max")
cases = {name: in_plane(name) for name in failing}
given = {n: {"z": e.latents["z"], "c": e.branches["cond"], "u": e.branches["uncond"]} for n, e in cases.items()}
planes({name: drawn(given[name], cases[name].results) for name in failing}, columns=3,
       caption="Six rules, each applied in x0, eps and flow: three answers or two, never one.")  # fmt: skip

# %%
Table(
    ("rule", "parameters", *(f"in {space}" for space in SPACES)),
    tuple(
        (name, ", ".join(f"{k} = {v}" for k, v in case.parameters.items()),
         *(f"({', '.join(case.results[space])})" for space in SPACES))
        for name, case in cases.items()
    ),
)  # fmt: skip

# %% [markdown]
# The dashed line holds all answers of plain CFG, for every w. What leaves it has taken something from z: the rescale,
# the projection, CFG-Zero* and TCFG move the answer along z, by an amount that depends on the space. The clip and the
# maximum stay on the line, with another amount of guidance. (The clip agrees between $x_0$ and $\epsilon$ because
# $\alpha = \sigma$ at this level and z = 0.)
#
# Now three that commute, on one common set of data:

# %%
from fractions import Fraction

from cfg_equiv.exact.rational import Vector

pair = {name: Vector(map(Fraction, values)) for name, values in (("z", (2, 1)), ("c", (1, 3)), ("u", (3, 1)))}
data = Data({"here": pair["z"]}, {"cond": pair["c"], "uncond": pair["u"]})
commuting, middle = ("CFG", "z-projected APG", "z-projected rescale"), Point(Fraction(1, 2), Fraction(1, 2))
agree = {name: results(RULES[name], data, middle, RULES[name].parameters) for name in commuting}
planes({name: drawn(pair, agree[name]) for name in commuting}, columns=3,
       caption="Three rules that commute: the answers in x0, eps and flow are one point.")  # fmt: skip

# %% [markdown]
# The two on the right leave the line of plain CFG, and yet mean the same in every space. How they do it is section 7.
#
# ## 5. Testing your own: which spaces must you compare?
#
# Compare a rule in two spaces and see whether the answers agree: which two? The maps that a rule commutes with form a
# group, so a pair of spaces certifies what its own maps generate:

# %%
from cfg_equiv.theorems.guidance_pairs import PAIRS


def certifies(pair):
    shown = [kind for kind, there in zip(kinds, pair[2:], strict=True) if there]
    return "every space" if len(shown) == 3 else "only " + " and ".join(shown)


Table(("compared", "translations", "scales", "the sign", "agreement at all levels certifies"), tuple(
    (f"{p.source} and {p.target}", *("yes" if x else "**no**" for x in p[2:]), certifies(p)) for p in PAIRS
))  # fmt: skip

# %%
theorem("G3", twins=2)

# %% [markdown]
# So test $x_0$ against $\epsilon$, not $\epsilon$ against v. And test many levels: agreement at finitely many proves
# nothing. The rule $u + H(c - u)$ with $H(d) = d\,(2 + \cos(2\pi\log_2 |d|))$ fools every level at which A is a power
# of two:

# %%
from cfg_equiv.report.lines import lines


def periodic(c, u):
    return u + (c - u) * (2 + torch.cos(2 * torch.pi * torch.log2((c - u).abs())))


def in_space(rule, space, z, c, u, alpha, sigma):
    """A rule applied in a space to predictions of x0, its answer mapped back to x0."""
    level = {"alpha": alpha, "sigma": sigma}
    moved = [ce.convert(z, x0, source="x0", target=space, **level) for x0 in (c, u)]
    return ce.convert(z, rule(*moved), source=space, target="x0", **level)


# %%
log_a = torch.linspace(0.25, 3.25, 97, dtype=torch.float64)
level = 1 / (1 + 2**log_a)[:, None]  # on the flow path A = -(1 - sigma)/sigma
z_, c_, u_ = (torch.full_like(level, value) for value in (0.5, 1.5, -1.0))


def difference(rule):
    """x0 against eps at every level; zero has no place on a logarithmic scale."""
    answers = [in_space(rule, space, z_, c_, u_, 1 - level, level) for space in ("x0", "eps")]
    return log_a, (answers[0] - answers[1]).abs().flatten() + 2.0**-53


# %%
plain, fooled = difference(lambda c, u: ce.guide(c, u, 3.0)), difference(periodic)
lines({"x0 against eps at every level of the flow path": {"plain CFG": plain, "H above": fooled}},
      scale=("linear", "log"), xlabel=r"$\log_2 |A|$",
      ylabel="difference of the answers",
      caption="A rule that agrees in x0 and eps wherever A is a power of two, and plain CFG.")  # fmt: skip

# %% [markdown]
# ## 6. The whole table
#
# | class | meaning |
# |---|---|
# | A | linear, weights sum to one: one rule in every space |
# | B | more than one weight, commutes |
# | C | commutes with translations and scales, not with the sign |
# | D | depends on the space |
# | E | depends on the space through a prediction of another level, a memory |
# | F | works on a gradient or gives one: each space needs its own scale |
#
# *Apply in*: where its authors apply it, which is part of its definition unless it commutes. *Fails at*: the generators
# of section 1. *Apart by*: the largest difference between two spaces in the smallest counterexample, whose numbers are
# -1, 0 and 1 as a rule. *Neighbour*: a rule that keeps the idea and commutes.

# %%
from collections import Counter

counts = Counter(one.letter for one in found.values())
commute = [name for name, one in found.items() if one.commutes]
print(f"{len(found)} rules:", ", ".join(f"{counts[letter]} of class {letter}" for letter in "ABCDEF"))
print(f"{len(commute)} commute, {len(found) - len(commute)} do not")


# %%
def row(name):
    one, rule = found[name], RULES[name]
    failed = ", ".join(kind for kind in kinds if not getattr(one, kind))
    size = "" if one.counterexample is None else f"{one.counterexample.size:.2g}"
    return name, one.letter, "any" if one.commutes else rule.space, failed, size, rule.commuting, one.evidence


header = ("rule", "class", "apply in", "fails at", "apart by", "neighbour", "evidence")
Table(header, tuple(map(row, sorted(found, key=lambda name: found[name].letter))))

# %% [markdown]
# What to do with a rule of class C or D when the network predicts something else: convert both branches to the rule's
# space, apply it, convert back. `apply_rule` does it for every rule of the catalogue. Here is one denoiser that is
# asked for three predictions, and the difference from the authors' space, with and without the conversion:

# %%
draw = torch.Generator().manual_seed(0)
latent, x_c, x_u = torch.randn(3, 2, 3, 8, 8, dtype=torch.float64, generator=draw)
where = {"z": latent, "alpha": 0.6, "sigma": 0.8}


def guided(name, space, canonical, **parameters):
    """The rule on predictions of a space, its answer as x0."""
    preds = {n: ce.convert(pred=x, source="x0", target=space, **where) for n, x in (("cond", x_c), ("uncond", x_u))}
    answer = ce.apply_rule(name, preds, space=space, canonical=canonical, **where, **parameters)
    return ce.convert(pred=answer, source=space, target="x0", **where)


# %%
used = {"CFG": {"w": 5.0}, "CFG rescale": {"w": 5.0, "phi": 0.7}, "APG projection": {"w": 5.0, "eta": 0.0}}
gaps = []
for name, parameters in used.items():
    home = guided(name, "x0" if RULES[name].space == "any" else RULES[name].space, True, **parameters)
    for canonical in (True, False):
        told = "converted to its own space" if canonical else "applied as it stands"
        off = [(guided(name, s, canonical, **parameters) - home).abs().max().item() for s in ("x0", "eps", "v")]
        gaps.append((name, told, *off))
Table(("rule", "how", "network predicts x0", "eps", "v"), tuple(gaps))

# %% [markdown]
# ## 7. Rules that see z: projecting it out
#
# A conversion adds a multiple of z. So take the direction of z out of a prediction, $P_z y = y - \mathrm{pr}_z y$: what
# is left is only multiplied by A, as a difference is. Wherever a rule uses a prediction for its *direction* or its
# *relative length*, use $P_z$ of it. For APG, which removes from $d = c - u$ the part along c:

# %%
theorem("G10", twins=2)

# %% [markdown]
# The same works for the rescale, the norm-preserving rules, CFG-Zero* and TCFG. Each pair, as decided above:

# %%
projected = [name for name in RULES if name.startswith("z-projected")]
pairs = [(name, RULES[name].commuting) for name in RULES if RULES[name].commuting in projected]
Table(("rule", "class", "the form that commutes", "class of that", "evidence"), tuple(
    (name, found[name].letter, other, found[other].letter, found[other].evidence) for name, other in pairs
))  # fmt: skip

# %% [markdown]
# They are not the same rules as the originals in their own space: they are neighbours that can be shared between
# networks. In high dimension z is one direction of many.
#
# ## 8. Memory, other latents, levels per pixel
#
# **Momentum** adds a prediction, or a difference, of an earlier step. The earlier level has an A' and a B' of its own,
# and there is no weight at which the two fit:

# %%
theorem("G5", twins=2)

# %%
memory = found["Momentum Guidance"].counterexample
Table(("space", "momentum of two predictions, as x0"), tuple((s, str(x[0])) for s, x in memory.results.items()))

# %% [markdown]
# Here the present prediction of $x_0$ is 0 and the past one 1: what "half of the change" is depends on the space. The
# cure is to **carry the past as $x_0$** and to convert it at the present latent and level, where it is one more branch.
# `apply_rule` does so when it is told where the past prediction was made.
#
# **Branches at different latents** (fresh noise for each branch, a look-ahead, a degraded latent): a weighted sum
# commutes exactly if the latents sum to z with the same weights. With z for one branch and another latent for the other
# it does not:

# %%
theorem("G6")

# %%
other = latent + 0.5 * torch.randn(latent.shape, dtype=torch.float64, generator=draw)  # the unconditional branch's own
weight, level_ = 5.0, {"alpha": 0.6, "sigma": 0.8}
for told, latents in (("one latent", (latent, latent)), ("two latents", (latent, other))):
    eps = [ce.convert(z, x, source="x0", target="eps", **level_) for z, x in zip(latents, (x_c, x_u), strict=True)]
    in_eps = ce.convert(latent, ce.guide(*eps, weight), source="eps", target="x0", **level_)
    print(f"{told}: guiding eps against guiding x0: {(in_eps - ce.guide(x_c, x_u, weight)).abs().max():.2g}")

# %% [markdown]
# **A level per pixel or per frame** (video, inpainting by levels): there each element has its own A. Plain CFG and
# weights per element still commute; what mixes elements of different levels, as inner products, norms and frequency
# bands do, does not:

# %%
theorem("G7")

# %% [markdown]
# ## 9. Gradients: each space has its own scale
#
# Classifier guidance, and every loss whose gradient is added, shifts the *score*. A gradient is no prediction: it does
# not move with z, and a shift $s \to s + w\,g$ is, in the other spaces,

# %%
from cfg_equiv.algebra.guidance.classifier import gradient_shift
from cfg_equiv.algebra.rows import PARAMETERIZATIONS

w, g = sp.symbols("w g", positive=True)


def shift(space):
    """What a shift w*g of the score is in a space."""
    return sp.factor(gradient_shift(g, w, at, PARAMETERIZATIONS[space].at(sp, at)))


# %%
first, *others = (
    expression(rf"\Delta\,\text{{{space}}}", shift(space)) for space in ("score", "eps", "x0", "v", "flow")
)
sum(others, start=first)

# %%
theorem("G8", twins=2)

# %% [markdown]
# `eps - w*sigma*grad` is right for a noise network and for no other. On a flow network the factor has $\alpha$ below
# it: near pure noise the same guidance is a very large shift of the velocity, not a bounded one.
#
# The reverse, a *residual* as the gradient (SDS and its kin), has the same trouble: a difference of v is A times as
# long as that of $\epsilon$. On VP $\hat\epsilon - \epsilon = \alpha(\hat v - v)$: one loss, with another weight per
# level.
#
# ## 10. CFG++ is plain CFG, at another weight in every step
#
# CFG++ takes the data from the guided prediction and the noise from the unconditional one. For a first-order
# deterministic step from $\kappa = \sigma/\alpha$ to $\kappa'$ that is plain CFG:

# %%
theorem("G9")

# %%
from itertools import pairwise

from cfg_equiv.algebra.cfg_pp_weight import cfg_pp_as_cfg
from cfg_equiv.schedules import karras, levels, uniform_log_snr

grids = {"Karras": levels(karras(20, 0.02, 80.0), "ve"), "uniform in log-SNR": levels(uniform_log_snr(20, -4, 4), "ve")}
grids["flow, uniform in time"] = ce.schedule("rectified_flow").points(21)[1:]  # it starts at alpha = 0
kappas = {name: [float(point.sigma / point.alpha) for point in grid] for name, grid in grids.items()}
as_cfg = {name: [cfg_pp_as_cfg(0.6, a, b) for a, b in pairwise(values)] for name, values in kappas.items()}


# %%
def by_step(weights, title, caption):
    """Weights against the step, with the weight at which guidance is off."""
    count = max(map(len, weights.values()))
    panel = {name: (range(1, len(values) + 1), values) for name, values in weights.items()}
    off = {"guidance off": ((1, count), (1, 1))}
    picture = lines({title: panel}, guides=off, xlabel="step", ylabel="weight w of the same CFG", caption=caption)
    picture.figure.axes[0].set_xticks(range(2, count + 1, 2))
    return picture


by_step(as_cfg, "CFG++ at lambda = 0.6, step by step", "CFG++ as plain CFG: a weight a step, lambda at the end.")

# %%
for name, weights in as_cfg.items():
    print(f"{name}: first step w = {weights[0]:.3g}, middle {weights[10]:.3g}, last {weights[-1]:.3g}")
double = levels(uniform_log_snr(40, -4, 4), "ve")
first = [float(p.sigma / p.alpha) for p in double[:2]]
print(f"uniform in log-SNR, 40 steps in place of 20: w = {cfg_pp_as_cfg(0.6, *first):.3g}")

# %% [markdown]
# Three things to know about it. The weight is *constant* on a grid that is uniform in log-SNR. It grows with the number
# of steps, so a $\lambda$ tuned at 20 steps is another guidance at 40. And it is $\lambda$ itself in the last step,
# below 1: between the two branches, where hardly anybody would put plain guidance. The forms of second order place the
# guidance in their own ways, and are CFG for no w.
#
# ## 11. A rule of your own
#
# A file with one function is enough. This one guides less where the branches already agree, by comparing the difference
# with the prediction:

# %%
RULE = """
def cautious(cond, uncond, w):
    d = cond - uncond
    share = (d * d).sum() / ((d * d).sum() + (uncond * uncond).sum())
    return uncond + (1 + (w - 1) * share) * d
"""

# %% [markdown]
# ```bash
# cfg-equiv verdict my_rule.py:cautious --space x0
# ```

# %%
import tempfile
from pathlib import Path

from cfg_equiv.__main__ import main


# %%
def judge(text, name):
    """What the command prints for a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "my_rule.py").write_text(text, encoding="utf-8")
        print("exit status", main(["verdict", f"{folder}/my_rule.py:{name}", "--space", "x0"]))


judge(RULE, "cautious")

# %% [markdown]
# It fails at translations, as the length of `uncond` is another one in another space. The theorem says what to change:
# compare with something that only scales. The part of `uncond` across the latent does:

# %%
RULE += """
def cautious_off_z(cond, uncond, w, z):
    d = cond - uncond
    rest = uncond - z * ((uncond * z).sum() / (z * z).sum())
    share = (d * d).sum() / ((d * d).sum() + (rest * rest).sum())
    return uncond + (1 + (w - 1) * share) * d
"""
judge(RULE, "cautious_off_z")

# %% [markdown]
# ## 12. What it does to samples
#
# The data are a mixture of three Gaussians, the condition is one of them, the networks are exact. Each rule is applied
# in three spaces, to the same networks, from the same noise, with DDIM. A rule that commutes has one curve, the others
# have one a space:

# %%
from cfg_equiv.guided.samples import guided_samples
from cfg_equiv.report.guided_figures import guided_curves, guided_gaps

sampled = guided_samples()
guided_curves(sampled, ["CFG", "z-projected APG", "CFG rescale", "APG projection", "CFG-Zero*"])

# %% [markdown]
# They all meet at w = 1, where these rules are off, and part from there: in APG's projection the *spread* of the
# samples falls with w in two spaces and grows in the third. All rules with a condition and an unconditional branch, at
# the weight at which their spaces differ most:

# %%
guided_gaps(sampled, {name: found[name].commutes for name in RULES})

# %%
apart = {one.rule: max(one.apart) for one in sampled.rules}
for told, wanted in (("commute", True), ("do not", False)):
    sizes = [size for name, size in apart.items() if found[name].commutes == wanted]
    print(f"{len(sizes)} rules that {told}: apart by {min(sizes):.2g} to {max(sizes):.2g} class spreads")
at_one = {one.rule: one.apart[one.weights.index(1.0)] for one in sampled.rules}
print("at w = 1:", ", ".join(f"{name} {at_one[name]:.2g}" for name in ("CFG rescale", "APG projection", "CFG-Zero*")))

# %% [markdown]
# There is no overlap: the verdict is what one sees. The lengths are in units of the spread of the class, so a rule that
# does not commute gives *visibly* other samples when the network changes, at weights people use.
#
# ## 13. To take away
#
# | if your rule | then |
# |---|---|
# | is a weighted sum with weights that sum to one | apply it to whatever the network predicts (G1) |
# | works on c - u alone, and its direction only | likewise (G2) |
# | uses a norm, a deviation, an angle or a clip of a prediction | say in which space, convert there and back |
# | needs to be shared between networks | take the latent's direction out first (G10) |
# | remembers | carry the past as $x_0$ (G5) |
# | gives each branch its own noise | do not, or balance the latents (G6) |
# | adds a gradient | use the scale of your space (G8) |
# | is new | `cfg-equiv verdict FILE.py:rule` |
#
# The rules are in `cfg_equiv/algebra/guidance`, one paper or family a file, the theorems in
# `cfg_equiv/theorems/guidance*.py`. To make this notebook again:
# `python -m cfg_equiv.report.notebook derivations/04_which_guidance_commutes.py`.
