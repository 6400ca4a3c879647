"""The atlas as one HTML page: self-contained, from its records and figures alone. What it prints is escaped."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cfg_equiv.report.atlas_figures import CLASSES, GRIDS
from cfg_equiv.report.atlas_map import libraries, shown

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

Records = Mapping[str, Any]


def page(samplers: Records | None, guidance: Records | None, figures: Mapping[str, tuple[bytes, str]]) -> str:
    """The page.

    Parameters
    ----------
    samplers, guidance
        What ``samplers.json`` and ``guidance.json`` hold; None leaves a part out.
    figures
        By name, a figure as SVG and its caption.
    """
    environment = Environment(
        loader=PackageLoader("cfg_equiv.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"math": math, "shown": shown, "joined": joined, "libraries": used, "differing": differing}
    members = {group[0]: group for group in samplers["classes"]} if samplers else {}
    rules = guidance["guidance"] if guidance else []
    entries = [*(samplers["samplers"] if samplers else []), *rules]
    return environment.get_template("atlas.html.j2").render(
        samplers=samplers,
        guidance=guidance,
        figures={name: {"source": _embedded(svg), "caption": caption} for name, (svg, caption) in figures.items()},
        members=members,
        letters=CLASSES,
        grids=GRIDS,
        disagreeing=[(one["name"], place) for one in entries for place in one["contradicts"]],
        pair_count=len(rules[0]["pairs"]) if rules else 0,
    )


def _embedded(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def math(text: str) -> str:
    """A formula in plain text with raised powers and no stars: ``-X''/12 * h^3`` as ``-X''/12 · h³``."""
    raised = re.sub(r"(?:\*\*|\^)(\d+|\(-?\d+\))", lambda power: power[1].strip("()").translate(_RAISED), text)
    return raised.replace("*", "·")


def joined(value: Any) -> str:
    """A vector, or a vector of vectors, in brackets; a number as it is."""
    return f"({', '.join(joined(x) for x in value)})" if isinstance(value, list | tuple) else str(value)


def used(record: Records) -> list[tuple[str, bool]]:
    """The libraries a solver is in, as people write them, and whether their code was run and agrees."""
    return [(shown(name), run) for name, run in libraries(record).items()]


def differing(rule: Records) -> int:
    """In how many pairs of spaces a rule means two things."""
    return sum(not cell["same"] for cell in rule["pairs"].values())
