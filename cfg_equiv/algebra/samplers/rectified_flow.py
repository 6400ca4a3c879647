r"""Euler on the flow ODE.

References
----------
[Liu22] Liu, Gong, Liu, rectified flow, arXiv:2209.03003, whose ODE is discretised here; diffusers'
    ``FlowMatchEulerDiscreteScheduler``, stable-audio-tools' ``sample_discrete_euler``: time is ``sigma``, integrated
    downwards.
"""

from typing import Any

from cfg_equiv.algebra.points import Point


def euler_flow(xp: Any, z: Any, u: Any, s: Point, t: Point) -> Any:
    r""":math:`z' = z + (\sigma_t - \sigma_s)\,u` with :math:`u = \epsilon - x_0`; the flow path only."""
    return z + (t.sigma - s.sigma) * u
