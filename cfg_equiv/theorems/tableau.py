r"""One step of a solver with full history, as linear forms in the latents and the denoiser's answers.

The step is run on unknowns: ``z_s``, ``z_a``, ... for the latents in the past, ``x_s``, ``x_a``, ... for what the
denoiser said there, ``x_m``, ``x_t`` for what it says inside the step. That it runs at all on
:class:`~cfg_equiv.exact.combination.Combination` proves that the step is linear in them at given call latents; what
comes out is the step's tableau: the latent of every network call and the end, as coefficients in the points alone. Two
solvers with one tableau are one map, for every network and every history.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Any

from cfg_equiv.algebra.driving import arrive
from cfg_equiv.algebra.points import Point, point
from cfg_equiv.algebra.solvers import Guided, Past, Solver
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.combination import Combination, unknown
from cfg_equiv.exact.rational import Rational
from cfg_equiv.theorems.environment import Path

TARGET, HERE = "t", "s"
EARLIER = ("a", "b", "c", "d")  # the past before s, newest first
INSIDE = ("m", "n", "o")  # the nodes of the step, in the order of the form
BRANCHES = ("", "u_")  # prefixes of what the guided and the unconditional network say

Answer = Callable[[str, Any, Point], Any]


@dataclass(frozen=True)
class Tableau:
    """The latents at which the network is called inside the step, by label, and the latent at the end."""

    calls: tuple[tuple[str, Combination], ...]
    end: Combination

    def forms(self) -> tuple[tuple[str, Combination], ...]:
        """All of it, the end last."""
        return (*self.calls, ("end", self.end))


@dataclass
class Step:
    """A step of a solver between labelled points: which points it needs, and its tableau.

    ``depth`` is how many network outputs are in hand, the one at ``s`` included: 1 is a cold start, the solver's
    ``memory`` (the default) the full history. ``end`` takes the form its source takes at the step to sigma = 0.
    """

    solver: Solver
    depth: int = 0
    end: bool = False
    labels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.depth = self.depth or self.solver.memory
        nodes = INSIDE[: len(self.fractions)]
        self.labels = (TARGET, *nodes, HERE, *EARLIER[: self.depth - 1])

    @property
    def reads_lam(self) -> bool:
        """Whether a form reads a half-log-SNR, or takes a logarithm itself."""
        points = {label: Point(Fraction(1), Fraction(k + 1), None) for k, label in enumerate(self.labels)}
        try:
            self.tableau(_Without(), points, Fraction(1))
        except TypeError:
            return True
        return False

    @property
    def nodes(self) -> tuple[str, ...]:
        """The labels of the points inside the step."""
        return self.labels[1 : self.labels.index(HERE)]

    @property
    def fractions(self) -> tuple[Fraction, ...]:
        """The fractions of the step at which the nodes lie, on the solver's clock."""
        past = tuple(Past(Point(0, 0), 0, 0) for _ in range(self.depth))
        return self.solver.nodes(past, self.end)

    def placed(self, g: Any, path: str) -> dict[str, Point]:
        r"""The points of the step in an environment, nodes in their place.

        On ``snr`` points a node at the fraction ``r`` of ``lam`` has :math:`\kappa_m = \kappa_s^{1-r}\kappa_t^r`: the
        generators stand for roots of the levels, so that this is rational; at ``r`` of ``kappa`` it is
        :math:`\kappa_s + r(\kappa_t - \kappa_s)`. On the flow path a node is a fraction of ``sigma``. Nodes on another
        clock stay free: what holds for any node holds for those.
        """
        ends = [label for label in self.labels if label not in self.nodes]
        if self._tied(path):
            by_lam = self.solver.clock == "lam"
            q = lcm(*(r.denominator for r in self.fractions)) if by_lam else 1
            root = {label: g[f"kappa_{label}"] for label in ends}
            kappa = {label: root[label] ** q for label in ends}
            s, t = root[HERE], root[TARGET]
            for label, r in zip(self.nodes, self.fractions, strict=True):
                way = s ** int(q * (1 - r)) * t ** int(q * r) if by_lam else s + (t - s) * r.numerator / r.denominator
                kappa[label] = way
            return {label: point(g.xp, g[f"alpha_{label}"], g[f"alpha_{label}"] * k) for label, k in kappa.items()}
        points = {label: g.point(label, lam=True) for label in self.labels}
        if path == "flow" and self.solver.clock == "sigma":
            for label, r in zip(self.nodes, self.fractions, strict=True):
                s, t = points[HERE].sigma, points[TARGET].sigma
                sigma = s + (t - s) * r.numerator / r.denominator
                points[label] = point(g.xp, 1 - sigma, sigma) if self.reads_lam else Point(1 - sigma, sigma)
        return points

    def _tied(self, path: str) -> bool:
        return path == "snr" and self.solver.clock in ("lam", "kappa")

    def needs(self, path: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
        """The labelled points and the side conditions of :meth:`placed`."""
        tied = self._tied(path)
        labels = [label for label in self.labels if not (tied and label in self.nodes)]
        extra = tuple(f"alpha_{label} > 0" for label in self.nodes if tied)
        return dict.fromkeys(labels, path), (*conditions(labels, path, self.reads_lam), *extra)

    def tableau(self, xp: Any, points: dict[str, Point], one: Any, answer: Answer | None = None) -> Tableau:
        """The tableau at these points; ``answer(label, z, at)`` is the native prediction, by default the unknown's."""
        say = answer or denoised(xp, self.solver, one)
        calls: list[tuple[str, Combination]] = []

        def net(z: Any, at: Point) -> Any:
            label = next(name for name, here in points.items() if here is at)
            calls.append((label, z))
            repeated = sum(name == label for name, _ in calls)
            return say(label if repeated == 1 else f"{label}{repeated}", z, at)

        labels = self.labels[self.labels.index(HERE) :]
        past = []
        for label in labels:
            z = unknown(f"z_{label}", one)
            past.append(Past(points[label], z, say(label, z, points[label])))
        t = points[TARGET]
        z = self.solver.step(xp, tuple(past), t, net, tuple(points[name] for name in self.nodes), self.end)
        if self.solver.correct and not self.end:
            z = arrive(xp, self.solver, tuple(past), z, t, net)[0].z
        return Tableau(tuple(calls), z)


class _Without(Rational):
    """The exact namespace without logarithms."""

    @staticmethod
    def log(x: Any) -> Any:
        raise TypeError("a logarithm")


def denoised(xp: Any, solver: Solver, one: Any) -> Answer:
    """The answers of a denoiser that says ``x_s``, ``x_a``, ...: exact in every space of the solver."""

    def say(label: str, z: Any, at: Point) -> Any:
        answers = [to_space(xp, z, unknown(f"{b}x_{label}", one), at, "x0", solver.space) for b in BRANCHES]
        return Guided(*answers) if solver.branches else answers[0]

    return say


def conditions(labels: Sequence[str], path: str = "snr", logs: bool = True) -> tuple[str, ...]:
    """The side conditions of a step: noise falls along the labels read backwards.

    With ``logs`` the half-log-SNRs also differ, as numbers: a solver may divide by their differences.
    """
    ordered = [(low, high) for k, low in enumerate(labels) for high in labels[k + 1 :]]
    apart = [f"value(lam_{low} - lam_{high}) != 0" for low, high in ordered if logs]
    if path != "snr":
        falling = [f"alpha_{low}*sigma_{high} > alpha_{high}*sigma_{low}" for low, high in ordered]
        # On VP both angles are acute: the half-angle tangents have a product below one.
        acute = [f"alpha_{low} + alpha_{high} > 0" for low, high in ordered if path == "vp"]
        return (*falling, *acute, *apart)
    positive = [f"{name}_{label} > 0" for label in labels for name in ("alpha", "kappa")]
    falling = [f"kappa_{high} > kappa_{low}" for low, high in ordered]
    return (*positive, *falling, *apart)
