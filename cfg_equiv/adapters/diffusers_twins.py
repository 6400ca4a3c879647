"""Of the schedulers of diffusers: the solver of the catalogue that each is, and why some are no solver."""

RENOISED = "each step goes to the data and adds noise anew, as a consistency model is sampled"
# The solver of the catalogue that a class is at its defaults.
TWINS = {
    "DDIMScheduler": "ddim_eps",
    "DDIMParallelScheduler": "ddim_eps",
    "CogVideoXDDIMScheduler": "ddim_eps",
    "EulerDiscreteScheduler": "euler_ve",
    "HeunDiscreteScheduler": "heun",
    "KDPM2DiscreteScheduler": "dpm_2",
    "LMSDiscreteScheduler": "lms_4",
    "PNDMScheduler": "plms",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "DEISMultistepScheduler": "deis_2",
    "UniPCMultistepScheduler": "unipc_bh2_2_x0",
    "FlowMatchEulerDiscreteScheduler": "euler_flow",
    "FlowMatchHeunDiscreteScheduler": "flow_heun",
}
