"""Claims as data, and how they are decided. Importing this does not import torch.

:data:`THEOREMS` is every theorem, in the order of its name; :func:`prove` decides one and refutes its twins,
:func:`export` writes out both sides of its statements.
"""

from cfg_equiv.theorems import (
    bounds,
    breaks,
    exact_networks,
    guidance,
    guidance_gradients,
    guidance_history,
    guidance_latents,
    guidance_marginals,
    guidance_pairs,
    guidance_projection,
    guidance_rigidity,
    guidance_steps,
    numerics,
    orders,
    parameterizations,
    question,
    sampler_moments,
    samplers,
    solvers,
    training,
)
from cfg_equiv.theorems.prove import ProofError, export, prove
from cfg_equiv.theorems.record import Part, Theorem

_MODULES = (
    question,
    exact_networks,
    breaks,
    parameterizations,
    training,
    guidance,
    guidance_gradients,
    guidance_history,
    guidance_latents,
    guidance_marginals,
    guidance_pairs,
    guidance_projection,
    guidance_rigidity,
    guidance_steps,
    samplers,
    sampler_moments,
    solvers,
    orders,
    numerics,
    bounds,
)
_ORDER = "QPGSN"

THEOREMS: tuple[Theorem, ...] = tuple(
    sorted(
        (theorem for module in _MODULES for theorem in module.THEOREMS),
        key=lambda theorem: (_ORDER.index(theorem.id[0]), int(theorem.id[1:])),
    )
)

__all__ = ["THEOREMS", "Part", "ProofError", "Theorem", "export", "prove"]
