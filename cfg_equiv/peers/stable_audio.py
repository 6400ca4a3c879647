r"""stable-audio-tools: the guidance inside ``DiffusionTransformer.forward`` and the v-diffusion loop ``sample``.

The transformer doubles its batch, runs the network once and guides its outputs, whatever they are: with the ``v``
objective that is CFG on ``v``, which equals CFG on ``eps`` and on ``x0``. With ``scale_phi`` it then rescales by a
standard deviation over **channels**, and that does not commute with a change of parameterization: the same released
rule on ``x0`` gives another sample, and how far off it is, is
:func:`~cfg_equiv.algebra.guidance.nonlinear.std_rescale` evaluated in the two spaces.

``forward`` runs as released; the network behind it (``_forward``) is replaced by a known denoiser, and its unused
layers by stand-ins.

References
----------
[SAT] stable-audio-tools, ``models/dit.py``, ``inference/sampling.py``. [Lin23] arXiv:2305.08891, eqs. 15-16.
"""

import contextlib
import io
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from cfg_equiv.algebra.guidance.cfg import cfg
from cfg_equiv.algebra.guidance.nonlinear import std_rescale
from cfg_equiv.algebra.literature import x0_from_v_vp
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.samplers import SAMPLERS
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.exact.intervals import INTERVAL, enclosure, number
from cfg_equiv.exact.rational import Vector
from cfg_equiv.peers.compare import Comparison
from cfg_equiv.peers.floats import SHAPE, Floats, draw, elementwise
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.rounding import BoundMode

NEEDS = ("stable-audio-tools", "einops")
SAMPLE_NEEDS = ("stable-audio-tools", "k-diffusion", "tqdm")
STUBS: dict[str, dict[str, Any]] = {
    "stable_audio_tools.models.blocks": {"FourierFeatures": lambda *args: nn.Identity()},
    "stable_audio_tools.models.transformer": {"ContinuousTransformer": lambda **kwargs: nn.Identity()},
}
WEIGHT = 7.5
SPACES = ("v", "eps", "x0")

Guide = Callable[..., Tensor]


@contextlib.contextmanager
def released_guidance() -> Iterator[Guide]:
    """``guide(cond, uncond, z, scale_phi)``: the released ``forward`` around a network with these two outputs."""
    with isolated("stable_audio_tools.models.dit", stubs=STUBS) as (dit,):
        model = dit.DiffusionTransformer(
            io_channels=SHAPE[1], embed_dim=2, cond_token_dim=1, num_heads=1, depth=1
        ).double()

        def guide(cond: Tensor, uncond: Tensor, z: Tensor, scale_phi: float) -> Tensor:
            outputs = {1.0: cond, 0.0: uncond}  # by the conditioning token: the branch is chosen as the model asks

            def network(x: Tensor, t: Tensor, cross_attn_cond: Tensor, **ignored: Any) -> Tensor:
                latents, tokens = x.tolist(), cross_attn_cond[:, 0, 0].tolist()
                if latents != [*z.tolist(), *z.tolist()]:
                    raise AssertionError("the two branches were not both run at the latent that was passed in")
                return torch.stack([outputs[token][i % len(z)] for i, token in enumerate(tokens)])

            model._forward = network
            tokens = torch.ones(len(z), 1, 1, dtype=torch.float64)
            times = torch.full((len(z),), 0.5, dtype=torch.float64)
            result: Tensor = model(z, times, cross_attn_cond=tokens, cfg_scale=WEIGHT, scale_phi=scale_phi)
            return result

        yield guide


class Channels:
    """The namespace of :func:`std_rescale` on interval vectors: the standard deviation over a vector's elements."""

    @staticmethod
    def std(a: Vector) -> Any:
        """With Bessel's correction, as ``torch.std`` takes it."""
        n = len(a.items)
        centred = a - sum(a.items[1:], a.items[0]) / n
        squares = [x * x for x in centred]
        return INTERVAL.sqrt(sum(squares[1:], squares[0]) / (n - 1))


def by_channels(formula: Callable[..., Vector], *tensors: Tensor) -> list[Any]:
    """A formula on the channel vector of every item and position, in the order of a flattened tensor."""
    columns = [[[number(x) for x in row] for row in t.movedim(1, -1).reshape(-1, SHAPE[1]).tolist()] for t in tensors]
    results = [list(formula(*(Vector(row) for row in rows))) for rows in zip(*columns, strict=True)]
    items, channels, positions = SHAPE
    return [results[i * positions + k][j] for i in range(items) for j in range(channels) for k in range(positions)]


def _level() -> tuple[Point, Point]:
    """A point of the VP circle, exact and as float64 tensors: alpha = 4/5, sigma = 3/5 up to a rounding of both."""
    alpha, sigma = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.6, dtype=torch.float64)
    return Point(number(alpha.item()), number(sigma.item())), Point(alpha, sigma)


def plain_cfg() -> str:
    """Without ``scale_phi`` the released guidance on v, eps and x0 is one rule."""
    floats, (exact_at, at) = Floats(), _level()
    z, cond, uncond = draw(3, seed=4)
    exact = elementwise(
        lambda z, c, u: to_space(INTERVAL, z, cfg(c, u, number(WEIGHT)), exact_at, "x0", "v"), z, cond, uncond
    )
    with released_guidance() as guide:
        for space in SPACES:
            with BoundMode() as mode:
                outputs = [to_space(torch, z, x, at, "x0", space) for x in (cond, uncond)]
                got = to_space(torch, z, guide(*outputs, z, 0.0), at, space, "v")
            floats.check(f"the guidance on {space}, seen as v", mode, got, exact)
    return f"forward() at cfg_scale {WEIGHT} on v, eps and x0 of one denoiser: {floats}"


def scale_phi(phi: float = 0.75) -> str:
    """With ``scale_phi`` the released rule on v differs from itself on x0 and eps by what ``std_rescale`` says."""
    floats, largest, (exact_at, at) = Floats(), [], _level()
    z, cond, uncond = draw(3, seed=5)
    with released_guidance() as guide:
        for space in ("x0", "eps"):
            for weight in (phi, 0.0):
                with BoundMode() as mode:
                    direct, detour = (
                        to_space(
                            torch,
                            z,
                            guide(*(to_space(torch, z, x, at, "x0", name) for x in (cond, uncond)), z, weight),
                            at,
                            name,
                            "v",
                        )
                        for name in ("v", space)
                    )
                    got = direct - detour
                exact = by_channels(lambda z, c, u, p=weight, s=space: _gap(z, c, u, p, s, exact_at), z, cond, uncond)
                floats.check(f"scale_phi {weight}: v against {space}", mode, got, exact)
                sizes = [abs(enclosure(x)[0]) for x in exact]
                if weight:
                    largest.append(float(max(sizes)))
                    if not any(
                        size > limit for size, limit in zip(sizes, mode.error(got).flatten().tolist(), strict=True)
                    ):
                        raise AssertionError(
                            f"scale_phi {weight}: v against {space} shows no difference beyond rounding"
                        )
    return (
        f"forward() at cfg_scale {WEIGHT}, scale_phi {phi}: on v it differs from x0 by up to {largest[0]:.3g} and from "
        f"eps by up to {largest[1]:.3g}, both as std_rescale says; not at all at scale_phi 0: {floats}"
    )


def _constant(x: float) -> Vector:
    """A scalar as a vector: an interval does not multiply one."""
    return Vector([number(x)] * SHAPE[1])


def _gap(z: Vector, cond: Vector, uncond: Vector, phi: float, space: str, at: Point) -> Vector:
    """The rescaled guidance on v minus the one on ``space``, both as v, exactly."""

    at = Point(_constant(at.alpha), _constant(at.sigma))

    def rule(name: str) -> Any:
        c, u = (to_space(INTERVAL, z, x, at, "x0", name) for x in (cond, uncond))
        rescaled = std_rescale(Channels, c, cfg(c, u, _constant(WEIGHT)), _constant(phi))
        return to_space(INTERVAL, z, rescaled, at, name, "v")

    difference: Vector = rule("v") - rule(space)
    return difference


def v_loop() -> str:
    """The released loop shows its network the latents of the native form, and ends at the last prediction of x0."""
    floats, runs = Floats(), ((2, 1.0), (2, 0.75), (2, 0.25), (4, 1.0))
    with isolated("stable_audio_tools.inference.sampling", packages=["k_diffusion"]) as (sampling,):
        for (steps, start), eta in itertools.product(runs, (0.0, 0.5, 1.0)):
            what = f"sample, {steps} steps from t = {start}, eta {eta}"
            z, *outputs = draw(1 + steps, seed=6)
            shown: list[tuple[Tensor, float]] = []

            def network(x: Tensor, t: Tensor, outputs: list[Tensor] = outputs, shown: Any = shown) -> Tensor:
                shown.append((x, t.tolist()[0]))
                return outputs[len(shown) - 1]

            noises = _noises(z, steps)
            with _seeded(), contextlib.redirect_stderr(io.StringIO()), BoundMode() as mode:  # its progress bar
                end = sampling.sample(network, z, steps, eta, sigma_max=start)
            points = [_cosine_point(t) for _, t in shown]
            native = SAMPLERS["v_diffusion" if eta else "ddim_v"]
            exact = elementwise(lambda x: x, z)
            for i, (x, _) in enumerate(shown):
                floats.check(f"{what}, latent of call {i}", mode, x, exact)
                values = zip(
                    exact, *(elementwise(lambda x: x, tensor) for tensor in (outputs[i], noises[i])), strict=True
                )
                s, rows = points[i], list(values)
                if i < steps - 1:
                    extras = [{"noise": n, "eta": number(eta)} if eta else {} for _, _, n in rows]
                    exact = [
                        native.step(INTERVAL, x, v, s, points[i + 1], **extra)
                        for (x, v, _), extra in zip(rows, extras, strict=True)
                    ]
            floats.check(f"{what}, the end", mode, end, [x0_from_v_vp(x, v, s) for x, v, _ in rows])
    return f"sample() for eta 0 (angular DDIM), 0.5 and 1 (v_diffusion), every latent and the end: {floats}"


def _cosine_point(t: float) -> Point:
    """The schedule at ``t`` exactly, with the float64 pi of the library."""
    angle = number(t) * number(math.pi) / 2
    return Point(INTERVAL.cos(angle), INTERVAL.sin(angle))


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """The global generator in one known state, given back as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        yield


def _noises(like: Tensor, count: int) -> list[Tensor]:
    """What ``torch.randn_like`` will give under :func:`_seeded`."""
    with _seeded():
        return [torch.randn_like(like) for _ in range(count)]


COMPARISONS = (
    Comparison("stable-audio-tools DiffusionTransformer, plain CFG", NEEDS, plain_cfg),
    Comparison("stable-audio-tools DiffusionTransformer, scale_phi", NEEDS, scale_phi, "differs_as_proved"),
    Comparison("stable-audio-tools sample, v-diffusion loop", SAMPLE_NEEDS, v_loop),
)
