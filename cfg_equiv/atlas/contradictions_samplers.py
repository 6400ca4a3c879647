r"""What the documentation of released samplers says and a proved order, or the limit at :math:`\sigma = 0`, refutes.

An order is shown by the error of **one** step from an exact history, because a first step of lower order would hide it:
of a method of order :math:`p` it is :math:`O(h^{p+1})`, so that with every halving of the step it falls by the power
:math:`p + 1` of two.
"""

from cfg_equiv.atlas.contradiction import Contradiction

SCHEDULERS = "diffusers/schedulers"

_DPM_THIRD = Contradiction(
    "diffusers",
    "DPMSolverMultistepScheduler(solver_order=3)",
    f"{SCHEDULERS}/scheduling_dpmsolver_multistep.py",
    "One step for the third-order multistep DPMSolver.",
    "dpmpp_3m_diffusers",
    "The order is 2, at any ratios of the steps: the second difference D2 has half its weight, which leaves an error "
    "of -X'' h^3 / 12 in a step of z / alpha. D2 = 2 / (r0 + r1) * (D1_0 - D1_1) has order 3. The EDM and the inverse "
    "scheduler share the line. Below, the power of h by which the error of one step falls; third order is 4.",
    """\
from math import log2
import torch
from diffusers import DPMSolverMultistepScheduler

def error(order, h):
    solver = DPMSolverMultistepScheduler()
    solver.sigmas, solver._step_index = torch.exp(h * torch.arange(3, -1, -1, dtype=torch.float64)), 2
    alpha, sigma = solver._sigma_to_alpha_sigma_t(solver.sigmas)
    z = (4 * alpha**2 + sigma**2) ** 0.5  # the exact solution for Gaussian data of deviation 2
    step = getattr(solver, f"multistep_dpm_solver_{order}_order_update")
    return float(abs(step(list(4 * alpha / z)[:3], sample=z[2]) - z[3]))

for order in ("second", "third"):
    print(order, [round(log2(error(order, h) / error(order, h / 2)), 1) for h in (0.01, 0.005)])
""",
    "second [3.0, 3.0]\nthird [3.0, 3.0]",
)

_IPNDM = Contradiction(
    "diffusers",
    "IPNDMScheduler",
    f"{SCHEDULERS}/scheduling_ipndm.py",
    "A fourth-order Improved Pseudo Linear Multistep scheduler.",
    "ipndm_v_space",
    "The order is 2: the weights are those of equal steps, and in sigma / alpha, where they are used, the scheduler's "
    "steps are not equal; with trained_betas that make them equal it is 4. Below, the power of the step size by which "
    "the error of one step falls; fourth order is 5.",
    """\
from math import log2
from diffusers import IPNDMScheduler

def error(steps):
    solver = IPNDMScheduler()
    solver.set_timesteps(steps)
    alpha, sigma = solver.alphas.double(), solver.betas.double()
    z = (4 * alpha**2 + sigma**2) ** 0.5  # the exact solution for Gaussian data of deviation 2, fed to every step
    ends = [solver.step(-3 * alpha[i] * sigma[i] / z[i], t, z[i])[0] for i, t in enumerate(solver.timesteps)]
    return float(abs(ends[steps // 2] - z[steps // 2 + 1]))

print([round(log2(error(n) / error(2 * n)), 1) for n in (20, 40)])
""",
    "[3.0, 3.0]",
)

_DPM_3M_SDE = Contradiction(
    "k-diffusion",
    "sample_dpmpp_3m_sde",
    "k_diffusion/sampling.py",
    "DPM-Solver++(3M) SDE.",
    "dpmpp_3m_sde",
    "Without noise (eta=0) the order is 2, as that of (2M): phi_3 * d2 has half its weight, and 2 * phi_3 * d2 has "
    "order 3. Below, the power of h by which the error of one step falls; third order is 4.",
    """\
from math import log2
import torch
from k_diffusion import sampling

def error(name, h):
    sigmas = torch.exp(h * torch.arange(3, -1, -1, dtype=torch.float64))
    exact = lambda sigma: (4 + sigma**2) ** 0.5  # the solution for Gaussian data of deviation 2; put before every step
    put = lambda now: now["x"].copy_(exact(now["sigma"]))
    options = {"eta": 0.0, "noise_sampler": lambda *levels: 0, "callback": put, "disable": True}
    end = getattr(sampling, name)(lambda x, sigma: 4 / exact(sigma), exact(sigmas[:1]), sigmas, **options)
    return float(abs(end - exact(sigmas[-1:])))

for name in ("sample_dpmpp_2m_sde", "sample_dpmpp_3m_sde"):
    print(name, [round(log2(error(name, h) / error(name, h / 2)), 1) for h in (0.01, 0.005)])
""",
    "sample_dpmpp_2m_sde [3.0, 3.0]\nsample_dpmpp_3m_sde [3.0, 3.0]",
)

_UNIPC = Contradiction(
    "diffusers",
    'UniPCMultistepScheduler(solver_type="bh1")',
    f"{SCHEDULERS}/scheduling_unipc_multistep.py",
    "It is recommended to use `bh1` for unconditional sampling when steps < 10",
    "unipc_bh1_2_x0",
    "At the default final_sigmas_type the last step goes to sigma 0, where B(h) = -h is infinite and is multiplied by "
    "a zero correction: every run ends in NaN. The term could be left out of a last step of order 1.",
    """\
import torch
from diffusers import UniPCMultistepScheduler

for kind in ("bh1", "bh2"):
    scheduler = UniPCMultistepScheduler(solver_type=kind)
    scheduler.set_timesteps(5)
    z = torch.ones(1, 1, 1)
    for t in scheduler.timesteps:
        z = scheduler.step(0 * z, t, z).prev_sample
    print(kind, z.isnan().all().item())
""",
    "bh1 True\nbh2 False",
)

SAMPLERS = (
    _DPM_THIRD,
    _IPNDM,
    _DPM_3M_SDE,
    _UNIPC,
)
