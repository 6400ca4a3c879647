r"""The model behind an order: an arbitrary denoiser, its exact flow, and one step of a solver from exact history.

Everything is on the VE state :math:`y = z/\alpha`, where the probability-flow ODE reads :math:`y' = D(y,\lambda) - y`,
or :math:`y' = -\kappa\,\epsilon(y, \lambda)`. Only derivatives of the network at the point ``s`` enter. They are taken
along the exact solution :math:`Y(\lambda)` through :math:`y_s`,

.. math:: D(Y(\lambda_s+\tau) + w,\ \lambda_s+\tau) = \sum_i \frac{w^i}{i!} A_i(\tau),\qquad
    A_i(\tau) = \sum_n a_{i,n}\frac{\tau^n}{n!}

with every :math:`a_{i,n}` free: the partial derivatives :math:`D_{ij}` and the :math:`a_{i,n}` determine each other.
:math:`A_0 = X` is what the denoiser says along the solution. A solver that shows the network only latents of the exact
solution sees nothing else, and then a scalar stands for any state. For those that ask at other latents the state is a
scalar, which has all conditions of Runge-Kutta methods to order 4; a leading term beyond is that of a scalar.

The *basis* ``noise`` takes the same jets of the noise prediction. Orders do not depend on it, leading terms read
better in one or the other.

A grid is the half-log-SNRs of the past, from :math:`\lambda_s`: with free ratios :math:`r_1, r_2, \dots` of the steps
before to this one; uniform; or smooth, :math:`\lambda_k = g(k\eta)` with free :math:`g'', g''', \dots` in units of
:math:`g' = 1`. By S4 the scales ``alpha`` are 1 for solvers of any path. Those in the data and noise spaces are
homogeneous in the latent's unit, so that :math:`\kappa_s = 1` too; elsewhere it is free.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import comb
from typing import Any, Literal

from cfg_equiv.algebra.nodes import CLOCKS, OF_RATIO
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.solvers import Guided, Inner, Solver
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.coefficients import Coefficients
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.element import ExactError
from cfg_equiv.exact.jets import Jets, Series, constant, small, taylor
from cfg_equiv.theorems.tableau import EARLIER, HERE, TARGET, Answer, Step

Grid = Literal["any_ratio", "uniform", "smooth_grid"]
GRIDS: tuple[Grid, ...] = ("any_ratio", "uniform", "smooth_grid")
Basis = Literal["data", "noise"]
_ROW = {"data": "x0", "noise": "eps"}
# Powers of a latent's deviation from the solution that are followed: it starts with h where a step asks inside, and
# with the square of h or later where a corrector does.
WIDEST, OF_CORRECTORS = 4, 2
# Spaces whose forms are homogeneous in the latent's unit, so that kappa_s = 1 is no loss (a part of S8).
HOMOGENEOUS = ("x0", "eps")
# Numbers in the place of the ratios: how many powers of h a proof needs is seen with them first.
PROBE = tuple(Fraction(*pair) for pair in ((2, 3), (5, 7), (3, 2), (4, 5)))


def jet(i: int, n: int) -> str:
    """The name of :math:`a_{i,n}`."""
    return f"a{i}_{n}"


@dataclass(frozen=True)
class Model:
    """Series to a precision, on a grid and a path.

    ``past`` is how many points before ``s`` there are, ``width`` how many derivatives by the latent are followed;
    ``probe`` takes numbers for the ratios, ``scale`` leaves the latent's unit free.
    """

    grid: Grid
    path: str
    precision: int
    basis: Basis = "data"
    past: int = len(EARLIER)
    width: int = WIDEST
    probe: bool = False
    scale: bool = False

    @classmethod
    def of(cls, steps: Sequence[Step], grid: Grid, precision: int, basis: Basis = "data", **options: bool) -> "Model":
        """The model in which these steps can run: on the path that they have in common."""
        paths = {step.solver.path for step in steps} - {"any"}
        asks = [isinstance(step.solver.predict[-1], Inner) for step in steps]
        corrects = [bool(step.solver.correct) for step in steps]
        width = WIDEST if any(asks) else OF_CORRECTORS if any(corrects) else 0
        past = max(step.depth for step in steps) - 1
        free = {"scale": any(step.solver.space not in HOMOGENEOUS for step in steps)} | options
        return cls(grid, paths.pop() if paths else "any", precision, basis, past, width, **free)

    @cached_property
    def ring(self) -> Coefficients:
        """The ring of every free quantity."""
        n = self.precision
        jets = [jet(i, k) for i in range(self.width + 1) for k in range(n - i)]
        ratios = [f"r{k + 1}" for k in range(self.past)] if self.grid == "any_ratio" and not self.probe else []
        higher = [f"g{k}" for k in range(2, n + 1)] if self.grid == "smooth_grid" else []
        level = [] if self.path == "any" and not self.scale else ["t" if self.path == "vp" else "kappa", "L"]
        return Coefficients(["y", *jets, *ratios, *higher, *level], {"t": Fraction(1, 2)})

    @cached_property
    def kappa(self) -> Any:
        r""":math:`\kappa_s`: on VP in the half-angle's tangent, which makes the roots rational; 1 on VE."""
        if self.path == "vp":
            t = self.ring["t"]
            return 2 * t / (1 - t * t)
        return self.ring.gens.get("kappa", 1)

    @cached_property
    def xp(self) -> Jets:
        r"""The namespace, with the logarithm of :math:`\kappa_s`."""
        return Jets([(self.kappa, self.ring["L"])] if "L" in self.ring.gens else [])

    def tau(self, label: str) -> Series:
        """The half-log-SNR of a point of the grid, from that of ``s``."""
        if label == HERE:
            return constant(0, self.precision)
        h, back = small(self.precision), EARLIER.index(label) + 1 if label != TARGET else -1
        along: Series = -back * h
        if self.grid == "smooth_grid":
            return taylor([0, 1, *(self.ring[f"g{n}"] for n in range(2, self.precision + 1))], along)
        if self.grid == "any_ratio" and label != TARGET:
            ratios: Any = PROBE[:back] if self.probe else [self.ring[f"r{k + 1}"] for k in range(back)]
            along = -sum(ratios[1:], ratios[0]) * h
        return along

    def at(self, label: str) -> Point:
        """The point of the grid on the path."""
        tau = self.tau(label)
        kappa = (1 + self.xp.expm1(-tau)) * self.kappa
        lam = tau + self.xp.log(1 / self.kappa)
        if self.path == "any":
            return Point(constant(1, self.precision), kappa, lam)
        alpha, sigma, _ = OF_RATIO[self.path](self.xp, kappa)
        return Point(alpha, sigma, lam)

    def points(self, step: Step) -> dict[str, Point]:
        """The points of a step, its nodes on the solver's clock."""
        found = {label: self.at(label) for label in step.labels if label not in step.nodes}
        path = "ve" if self.path == "any" else self.path
        for label, fraction in zip(step.nodes, step.fractions, strict=True):
            found[label] = CLOCKS[step.solver.clock](self.xp, path, found[HERE], found[TARGET], fraction)
        return found

    def along(self, i: int) -> list[Any]:
        """The jet of the network's ``i``-th derivative along the solution."""
        return [self.ring[jet(i, n)] for n in range(self.precision - i)]

    @cached_property
    def solution(self) -> list[Any]:
        r"""The derivatives of :math:`Y`: :math:`y^{(n+1)} = x_n - y^{(n)}`, or :math:`-(\kappa\epsilon)^{(n)}`."""
        found, said = [self.ring["y"]], self.along(0)
        for n in range(self.precision - 1):
            if self.basis == "data":
                found.append(said[n] - found[-1])
            else:
                terms = [(-1) ** (n - k) * comb(n, k) * said[k] for k in range(n + 1)]
                found.append(-sum(terms[1:], terms[0]) * self.kappa)
        return found

    def says(self, tau: Series, w: Any = 0) -> Any:
        """What the network says at the solution's latent plus ``w``."""
        total, power = taylor(self.along(0), tau), constant(Fraction(1), self.precision)
        if not isinstance(w, Series):
            return total
        if w.valuation < 1:
            raise ExactError(f"a network asked at a latent that does not come near the solution's, but {w} from it")
        for i in range(1, self.precision):
            power = power * w / i
            if power.valuation >= self.precision:
                break
            if i > self.width:
                raise ExactError(f"the power {i} of a deviation, but only {self.width} are followed")
            total = total + taylor(self.along(i), tau) * power
        return total

    def answers(self, solver: Solver) -> Answer:
        """The answers of the network, in the solver's space; both branches of a CFG++ form say the same."""
        row, one = _ROW[self.basis], constant(1, self.precision)

        def say(label: str, z: Any, at: Point) -> Any:
            said: Any = unknown(f"said_{label}", one)
            if solver.space != row:
                said = to_space(self.xp, z, said, at, row, solver.space)
            return Guided(said, said) if solver.branches else said

        return say

    def end(self, step: Step) -> Series:
        """:math:`y_t` after the step of the shipped forms from exact history."""
        points = self.points(step)
        tau = {label: at.lam - points[HERE].lam for label, at in points.items()}
        table = step.tableau(self.xp, points, constant(1, self.precision), self.answers(step.solver))
        values: dict[str, Any] = {}
        for label in step.labels[step.labels.index(HERE) :]:
            values[f"z_{label}"] = taylor(self.solution, tau[label]) * points[label].alpha
            values[f"said_{label}"] = self.says(tau[label])
        times: Counter[str] = Counter()
        for label, latent in table.calls:
            times[label] += 1
            w = value(latent, values) / points[label].alpha - taylor(self.solution, tau[label])
            name = label if times[label] == 1 else f"{label}{times[label]}"
            values[f"said_{name}"] = self.says(tau[label], w)
        end: Series = value(table.end, values) / points[TARGET].alpha
        return end

    def error(self, step: Step) -> Series:
        r"""The local error of :math:`z/\alpha`: the step less the exact solution."""
        error: Series = self.end(step) - taylor(self.solution, self.tau(TARGET))
        return error


def value(form: Combination, values: dict[str, Any]) -> Any:
    """A linear form at these values of its unknowns."""
    terms = [coefficient * values[name] for name, coefficient in form.terms.items()]
    return sum(terms[1:], terms[0])
