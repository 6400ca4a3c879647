r"""What a guidance rule is, as data: the authors' formula, what it reads, the space they apply it in, and its twin.

A formula is ``formula(xp, *branches, w, **parameters)``: the predictions of the branches, all in one parameterization,
and numbers. ``xp`` is a namespace of statistics over the elements of one item (:mod:`cfg_equiv.exact.rational` names
them); which axis they run over is the namespace's business. A branch may be seen *here* (at the latent ``z`` of the
step), at *another latent* of the same level, or at *another level* (a past step, a look-ahead); a ``constant`` is no
prediction and is not converted (a gradient, a target).

Most rules answer with a prediction. A few answer with a ``gradient``, which their users apply as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

Seen = Literal["here", "other_latent", "other_level", "constant"]
Over = Literal["item", "channels", "positions", "last"]
Number = int | Fraction


@dataclass(frozen=True)
class Twin:
    """The change after which the verdict is another: parameter values, a neighbouring formula, or other fields."""

    label: str
    commutes: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formula: Callable[..., Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A catalogue entry.

    Attributes
    ----------
    name
        The abbreviation or name the field uses.
    formula
        The formula in the form its source prints it.
    source
        Paper with equation or algorithm number, or library, file and function.
    space
        The parameterization its authors apply it in: its canonical space, where the verdict says that it needs one.
    branches
        Names of the branches in the formula's order, and how each is seen.
    parameters
        Values at which the verdict is computed; ``w`` is one of them. A tuple of numbers is a vector: weights, a mask.
    twin
        The neighbour with the other verdict.
    latents
        Where a branch is seen, if not at its kind's own free latent: by its name, a function of the parameters that
        gives the weights ``(a, b)`` of ``a*z + b*free``.
    answer
        Whether the formula gives a prediction or a gradient.
    sees_z
        Whether the formula also takes the latent, as ``z=``.
    arena
        ``exact`` where rationals and square roots suffice, ``interval`` where the formula needs exp, acos or softmax.
    over
        What the statistics run over in the source: all elements of an ``item``, its ``channels`` (axis 1) at each
        position, its ``positions`` in each channel, or its ``last`` axis. A vector of the exact check is one of these.
    elements
        The number of elements of the vectors it is tried on; a formula with axes or pyramids fixes it.
    fewest, lattice
        Where the search for a counterexample begins: the number of elements, and the bounds of the integers in turn.
    libraries
        What released code does, by library: the name there, and the space it is applied in.
    commuting
        A neighbouring formula that keeps the rule's idea and commutes, by its name in the catalogue; empty if none.
    """

    name: str
    formula: Callable[..., Any]
    source: str
    space: str
    twin: Twin
    branches: Mapping[str, Seen] = field(default_factory=lambda: {"cond": "here", "uncond": "here"})
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"w": Fraction(3)})
    latents: Mapping[str, Callable[..., tuple[Any, Any]]] = field(default_factory=dict)
    answer: Literal["prediction", "gradient"] = "prediction"
    sees_z: bool = False
    arena: Literal["exact", "interval"] = "exact"
    over: Over = "item"
    elements: int = 2
    fewest: int = 1
    lattice: tuple[int, ...] = (1, 2, 4)
    libraries: Mapping[str, str] = field(default_factory=dict)
    commuting: str = ""
