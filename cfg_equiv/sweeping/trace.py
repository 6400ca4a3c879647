"""The failing case of a sampler once more, as a picture needs it: where each network's run goes, call by call."""

import ast
import math
from typing import Any

import torch

from cfg_equiv.case import Plain
from cfg_equiv.errors import unknown_name
from cfg_equiv.testing.cases import RunCase
from cfg_equiv.testing.guard import guarded
from cfg_equiv.testing.network import traced
from cfg_equiv.testing.subjects import Sampler, Subject

CASES: dict[str, type[Plain]] = {"RunCase": RunCase}


def parsed_case(text: str) -> Plain:
    """The case that a record has as text; the text is read, not run.

    Raises
    ------
    ValueError
        If it is no case of a sampler's run.
    """
    call = ast.parse(text, mode="eval").body
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise ValueError(f"expected a case such as RunCase(steps=2), got {text[:80]!r}")
    if call.func.id not in CASES:
        raise unknown_name("case of a run", call.func.id, CASES)
    return CASES[call.func.id](**{str(k.arg): ast.literal_eval(k.value) for k in call.keywords})


def traced_case(subject: Subject, text: str) -> dict[str, Any] | None:
    """One element of the latent along the run of a case, from each kind of network; None if there is no such run.

    The element is the one at which the kinds of network are furthest apart, or the largest. ``values`` has by kind the
    latents at which the network was called, then the end; ``sigmas`` the noise over signal at each call; ``apart`` the
    largest difference over all elements, call by call. What is not finite is None.
    """
    if not isinstance(subject, Sampler):
        return None
    try:
        case = parsed_case(text)
        if not isinstance(case, RunCase):
            return None
        runs = {}
        for space in subject.spaces:
            with guarded():
                runs[space] = traced(subject, case, space, case.z)
    except (Exception, SystemExit):  # the record says what failed; without a picture it still does
        return None
    return _picture({space: trace.double() for space, (trace, _) in runs.items()}, next(iter(runs.values()))[1])


def _picture(traces: dict[str, torch.Tensor], levels: list[Any]) -> dict[str, Any]:
    calls = min(len(trace) for trace in traces.values())
    stacked = torch.stack([trace[:calls].flatten(1) for trace in traces.values()])
    spread = (stacked.amax(0) - stacked.amin(0)).nan_to_num(nan=math.inf, posinf=math.inf)
    size = spread.amax(0) if len(traces) > 1 else stacked[0].abs().amax(0).nan_to_num(nan=math.inf, posinf=math.inf)
    at = int(size.argmax())
    return {
        "element": at,
        "values": {space: _numbers(trace[:calls].flatten(1)[:, at]) for space, trace in traces.items()},
        "apart": _numbers(spread.amax(1)),
        "sigmas": _numbers(torch.stack([level.sigma / level.alpha for level in levels])),
    }


def _numbers(values: torch.Tensor) -> list[float | None]:
    return [x if math.isfinite(x) else None for x in values.tolist()]
