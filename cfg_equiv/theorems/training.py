r"""P8, P9: what the parameterization changes in training, and what it does not."""

from collections.abc import Iterator

from cfg_equiv.algebra.convert import convert
from cfg_equiv.algebra.literature import eps_from_x0
from cfg_equiv.algebra.losses import loss_ratio, min_snr_eps, min_snr_flow, min_snr_v, snr
from cfg_equiv.algebra.rows import PARAMETERIZATIONS
from cfg_equiv.algebra.stepping import emit, to_space
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.parameterizations import ALL_ROWS, POSITIVE
from cfg_equiv.theorems.record import Part, Theorem
from cfg_equiv.theorems.statement import Equal, Statement
from cfg_equiv.theorems.values import parameters


def losses(g: Env, swap: bool = False) -> Iterator[Statement]:
    """Squared errors are in the ratio of squared determinants."""
    at = g.point()
    p = parameters(g, *PARAMETERIZATIONS)
    for source, target in (("eps", "x0"), ("x0", "v"), ("v", "eps"), ("flow", "v"), ("F", "x0"), ("score", "flow")):
        rows = [PARAMETERIZATIONS[name].at(g.xp, at, **p) for name in (source, target)]
        moved = convert(g.z, g.pred + g.error, at, *rows) - convert(g.z, g.pred, at, *rows)
        ratio = loss_ratio(at, *(reversed(rows) if swap else rows))
        yield Equal(f"loss {source} -> {target}", moved * moved, ratio * (g.error * g.error))


def min_snr(g: Env, one: int = 1) -> Iterator[Statement]:
    """min-SNR: the eps weight on any path; the minimum is a free value, so nothing hangs on which branch it takes."""
    at = g.point()
    weight_x0, x0 = g.gamma, PARAMETERIZATIONS["x0"].at(g.xp, at)
    eps = PARAMETERIZATIONS["eps"].at(g.xp, at)
    yield Equal("eps weight", min_snr_eps(g.gamma, at), one * weight_x0 * loss_ratio(at, eps, x0))
    yield Equal("SNR is the loss ratio", snr(at), loss_ratio(at, x0, eps))


def min_snr_vp(g: Env, one: int = 1) -> Iterator[Statement]:
    """min-SNR for v: the weight min/(SNR+1) belongs to VP."""
    at = g.point()
    rows = [PARAMETERIZATIONS[name].at(g.xp, at) for name in ("v", "x0")]
    yield Equal("v weight", one * min_snr_v(g.gamma, at), g.gamma * loss_ratio(at, *rows))


def min_snr_rf(g: Env, one: int = 1) -> Iterator[Statement]:
    """min-SNR for flow: the weight min*sigma^2 belongs to the flow path."""
    at = g.point()
    rows = [PARAMETERIZATIONS[name].at(g.xp, at) for name in ("flow", "x0")]
    yield Equal("flow weight", one * min_snr_flow(g.gamma, at), g.gamma * loss_ratio(at, *rows))


def optimal(g: Env, slip: int = 0) -> Iterator[Statement]:
    """Three atoms with posterior weights: the MSE minimiser of each row is the row of one denoiser."""
    at = g.point()
    pi = (g.pi_1, g.pi_2, 1 - g.pi_1 - g.pi_2 + slip)
    atoms = [(x0, eps_from_x0(g.z, x0, at)) for x0 in (g.x_1, g.x_2, g.x_3)]
    p = parameters(g, *PARAMETERIZATIONS)
    mean_x0 = sum((w * x0 for w, (x0, _) in zip(pi, atoms, strict=True)), 0 * g.z)
    for name in PARAMETERIZATIONS:
        targets = [emit(g.xp, x0, eps, at, name, **p) for x0, eps in atoms]
        mean = sum((w * target for w, target in zip(pi, targets, strict=True)), 0 * g.z)
        yield Equal(f"E[{name}|z] is the {name} of E[x0|z]", mean, to_space(g.xp, g.z, mean_x0, at, "x0", name, **p))
        risk, least = (
            sum((w * (y - target) ** 2 for w, target in zip(pi, targets, strict=True)), 0 * g.z)
            for y in (g.guess, mean)
        )
        yield Equal(f"risk of {name} = least + (guess - mean)^2", risk, least + (g.guess - mean) ** 2)


THEOREMS = (
    Theorem(
        "P8",
        r"\lVert\Delta\mathrm{pred}_Q\rVert^2 = ([Z,Q]/[Z,P])^2\,\lVert\Delta\mathrm{pred}_P\rVert^2;"
        r"\ \text{min-SNR weights of every target}",
        "arXiv:2303.09556 section 3; derived here for flow",
        "field",
        (
            Part(losses, {"the inverse ratio": {"swap": True}}, {"": "free"}, ALL_ROWS),
            Part(min_snr, {"twice the weight": {"one": 2}}, {"": "free"}, (*POSITIVE, "gamma > 0")),
            Part(min_snr_vp, {"twice the weight": {"one": 2}}, {"": "vp"}, ("gamma > 0",)),
            Part(min_snr_rf, {"twice the weight": {"one": 2}}, {"": "flow"}, ("gamma > 0",)),
        ),
    ),
    Theorem(
        "P9",
        r"E[p x_0 + q\epsilon \mid z] = p E[x_0|z] + q E[\epsilon|z] \text{ minimises the squared error of every row}",
        "derived here: linearity of the conditional expectation",
        "argued",
        (Part(optimal, {"posterior weights that do not sum to one": {"slip": 1}}, {"": "free"}, ALL_ROWS),),
        argument="For any data distribution the minimiser of the mean squared error given z is the conditional mean, "
        "which is linear, and at fixed z every row is an affine image of x0. Checked here for three atoms with free "
        "positions and free posterior weights; the step to arbitrary distributions is the projection theorem in L2.",
    ),
)
