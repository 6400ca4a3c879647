r"""S8: the order of every solver of the catalogue, from the shipped form, on three kinds of grids.

What is claimed is what the source claims, except for the entries of :data:`PROVED`, whose order is another one. Members
of a class (S5) are one map and share the proof.
"""

from collections.abc import Iterator

from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.theorems.environment import Env
from cfg_equiv.theorems.jet_model import GRIDS, HOMOGENEOUS, Basis, Model
from cfg_equiv.theorems.order import order, representatives
from cfg_equiv.theorems.record import Claim, Part, Theorem
from cfg_equiv.theorems.statement import Equal, Statement
from cfg_equiv.theorems.tableau import Step

Orders = tuple[int, int, int]  # at any ratios, on uniform grids, on smooth grids


def _all(names: str, *orders: int) -> dict[str, Orders]:
    a, b, c = orders
    return dict.fromkeys(names.split(), (a, b, c))


# Entries whose order is not what their source claims. Below 1 a solver is not consistent.
PROVED: dict[str, Orders] = {
    # The second difference at half its weight, at any ratios.
    **_all("dpmpp_3m dpmpp_3m_diffusers dpmpp_3m_sde dpm_3_x0 dpm_solver_3m dpm_solver_3m_diffusers", 2, 2, 2),
    # Weights of the data form in another space.
    **_all("dpm_3_eps dpm_3_flow", 2, 2, 2),
    # Divided differences taken for derivatives at s; the slope of the middle of an interval taken for that of its end.
    **_all("dpm_solver_v3_3_pseudo dpm_solver_v3_3_pc_pseudo er_sde_3", 2, 2, 2),
    # Adams-Bashforth with the coefficients of equal steps, whatever the steps are in the step's own variable.
    **_all("adams_2_x0 adams_2_eps adams_2_flow adams_3_x0 adams_3_eps adams_3_flow s_pndm f_pndm plms", 1, 2, 2),
    **_all("ipndm_ve_2 ipndm_ve_3 ipndm_ve_4 ipndm_deis iplms ipndm_v_space", 1, 2, 2),
    # A v extrapolated to the middle of the step, turned by the whole angle.
    **_all("adams_2_v adams_3_v dpm_2_v dpm_3_v", 1, 1, 1),
    # Variable steps with misprinted weights.
    **_all("ipndm_v_3", 2, 3, 3),
    **_all("ipndm_v_4", 0, 3, 2),
    # The released corrector.
    **_all("unipc_vary_2_x0_released unipc_vary_2_eps_released", 1, 1, 1),
    **_all("unipc_vary_3_x0_released unipc_vary_3_eps_released", 1, 1, 1),
    # Simpson's weights in kappa, at a node that is not in the middle of kappa.
    **_all("prk", 2, 2, 2),
}


def expected(name: str) -> Orders:
    """The orders that the theorem claims of an entry."""
    return PROVED.get(name, (SOLVERS[name].order,) * 3)


def has_orders(name: str) -> Claim:
    """The claim that an entry has exactly these orders."""

    def claim(g: Env, more: int = 0) -> Iterator[Statement]:
        shared = representatives()[name]
        for grid, wanted in zip(GRIDS, expected(name), strict=True):
            yield Equal(f"order of {name}, {grid}", order(shared, grid).order, wanted + more)

    return claim


def homogeneous(g: Env, basis: Basis = "data") -> Iterator[Statement]:
    r"""A step is homogeneous in the latent's unit: in ``y`` and ``X`` neither :math:`\kappa_s` nor its log enters.

    So :math:`\kappa_s = 1`, which the orders of these spaces take, is no loss. Decided at numbers for the ratios; in
    ``y`` and ``eps``, whose units differ, it is false.
    """
    for name in dict.fromkeys(representatives().values()):
        if (solver := SOLVERS[name]).path == "any" and solver.space in HOMOGENEOUS:
            step, precision = Step(solver), solver.memory + 3
            free, unit = (
                Model.of((step,), "any_ratio", precision, basis, probe=True, scale=scale).end(step)
                for scale in (True, False)
            )
            yield Equal(f"{name} at any kappa and at 1", str(free), str(unit))


THEOREMS = (
    Theorem(
        "S8",
        r"\text{one step from exact history: } \tfrac{z'}{\alpha_t} - Y(\lambda_t) = c\,h^{p+1} + O(h^{p+2}),\ c \ne 0,"
        r"\text{ at any ratios of the steps, on uniform and on smooth grids, for every solver}",
        "derived here; the orders claimed are those of the sources",
        "field",
        (
            *(Part(has_orders(name), {"one order more": {"more": 1}}, arena="exact") for name in SOLVERS),
            Part(homogeneous, {"in units that differ": {"basis": "noise"}}, arena="exact"),
        ),
    ),
)
