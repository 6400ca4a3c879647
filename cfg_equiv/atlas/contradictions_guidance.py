"""What the documentation of released guidance options says and the verdict on their rule refutes."""

from cfg_equiv.atlas.contradiction import Contradiction

GUIDERS = "diffusers/guiders"

_SPACES = """\
import torch
from diffusers.guiders import {guider}

z, cond, uncond = torch.tensor([[[1.0, 3.0]], [[0.0, 1.0]], [[1.0, 0.0]]])  # a latent and noise predictions, t = 1/2
guider = {guider}(guidance_scale=3.0, {option})
guider.set_state(step=0, num_inference_steps=10, timestep=torch.tensor(500))
noise = guider.forward(cond, uncond).pred
velocity = guider.forward(2 * (cond - z), 2 * (uncond - z)).pred  # the same network as a velocity, noise - data
print(noise, z + velocity / 2)  # the guided noise prediction of both
"""

_RESCALE = Contradiction(
    "diffusers",
    "rescale_noise_cfg, and guidance_rescale of every guider",
    f"{GUIDERS}/guider_utils.py",
    "The predicted noise tensor for the guided diffusion process.",
    "CFG rescale",
    "It is handed what the network emits: noise, data, v or a velocity. The rule depends on which, so that one network "
    "written in two ways gives two samples at one guidance_rescale. The documentation could name the space, or the "
    "guider convert to it.",
    _SPACES.format(guider="ClassifierFreeGuidance", option="guidance_rescale=0.7"),
    "tensor([[-0.8800,  1.3200]]) tensor([[-0.6000,  3.0000]])",
)

_ZERO_STAR = Contradiction(
    "diffusers",
    "ClassifierFreeZeroStarGuidance",
    f"{GUIDERS}/classifier_free_zero_star_guidance.py",
    "introduces an optimal rescaling factor for the noise predictions",
    "CFG-Zero*",
    "The factor is the least-squares one for what the network emits, and that of the noise predictions only if it "
    "emits noise. Of a flow model, for which the paper derives it, it is that of the velocities: another sample.",
    _SPACES.format(guider="ClassifierFreeZeroStarGuidance", option="zero_init_steps=0"),
    "tensor([[0., 3.]]) tensor([[-2.,  1.]])",
)

_ZERO_INIT = Contradiction(
    "diffusers",
    "ClassifierFreeZeroStarGuidance(zero_init_steps)",
    f"{GUIDERS}/classifier_free_zero_star_guidance.py",
    "The number of inference steps for which the noise predictions are zeroed out",
    "zero-init",
    "What is zeroed is the network's output. Of a flow model that is the velocity: the latent stays, and the noise "
    "prediction is the latent itself. Only of a network that emits noise is it 0.",
    """\
import torch
from diffusers.guiders import ClassifierFreeZeroStarGuidance

z, t = torch.tensor([[1.0, 3.0]]), 0.5
guider = ClassifierFreeZeroStarGuidance(zero_init_steps=1)
guider.set_state(step=0, num_inference_steps=10, timestep=torch.tensor(1000 * t))
velocity = guider.forward(torch.ones(1, 2), torch.zeros(1, 2)).pred
print(z + (1 - t) * velocity, torch.zeros(1, 2))  # the noise prediction, and zero
""",
    "tensor([[1., 3.]]) tensor([[0., 0.]])",
)

_ZERO_RESCALED = Contradiction(
    "diffusers",
    "ClassifierFreeZeroStarGuidance(guidance_rescale)",
    f"{GUIDERS}/classifier_free_zero_star_guidance.py",
    "This is used to improve image quality and fix overexposure.",
    "zero-init",
    "With zero_init_steps above 0, as by default, the zero prediction is rescaled too: its deviation is 0, and 0 times "
    "the infinite quotient makes the first prediction, and with it the sample, NaN. The rescale could be left "
    "out in those steps.",
    """\
import torch
from diffusers.guiders import ClassifierFreeZeroStarGuidance

for rescale in (0.0, 0.7):
    guider = ClassifierFreeZeroStarGuidance(guidance_rescale=rescale)
    guider.set_state(step=0, num_inference_steps=10, timestep=torch.tensor(999))
    print(guider.forward(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])).pred)
""",
    "tensor([[0., 0.]])\ntensor([[nan, nan]])",
)

_APG_FORM = Contradiction(
    "diffusers",
    "AdaptiveProjectedGuidance(use_original_formulation), which refers to ClassifierFreeGuidance",
    f"{GUIDERS}/classifier_free_guidance.py",
    "Equivalent in theory but more intuitive.",
    "APG (u + w form)",
    "Of plain guidance the two formulations are one with the scale shifted by 1. Of APG with eta other than 1, or with "
    "its threshold reached, they are not: cond - uncond is no longer added whole, and the default form lacks what was "
    "projected away, whatever the scale.",
    """\
import torch
from diffusers.guiders import AdaptiveProjectedGuidance

cond, uncond = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]])
for scale, original in ((3.0, False), (2.0, True)):
    guider = AdaptiveProjectedGuidance(guidance_scale=scale, eta=0.0, use_original_formulation=original)
    print(guider.forward(cond, uncond).pred)
""",
    "tensor([[-5.4000,  3.2000]])\ntensor([[-4.6000,  4.8000]])",
)

_MIX_START = Contradiction(
    "diffusers",
    "AdaptiveProjectedMixGuidance(adaptive_projected_guidance_start_step)",
    f"{GUIDERS}/adaptive_projected_guidance_mix.py",
    "The step at which the adaptive projected guidance starts",
    "APG (u + w form)",
    "Steps are counted from 0 and compared with >, so that the step named is still plain guidance and APG starts at "
    "the next one; with 0 the first step is never APG.",
    """\
import torch
from diffusers.guiders import AdaptiveProjectedMixGuidance

guider = AdaptiveProjectedMixGuidance(
    2.0, adaptive_projected_guidance_scale=2.0, eta=0.0, adaptive_projected_guidance_start_step=5
)
for step in (4, 5, 6):
    guider.set_state(step=step, num_inference_steps=10, timestep=torch.tensor(500))
    print(step, guider.forward(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])).pred)
""",
    "4 tensor([[-1.,  5.]])\n5 tensor([[-1.,  5.]])\n6 tensor([[-2.6000,  1.8000]])",
)

_MAGNITUDE = Contradiction(
    "diffusers",
    "MagnitudeAwareGuidance",
    f"{GUIDERS}/magnitude_aware_guidance.py",
    "Higher values may lead to saturation and deterioration of image quality.",
    "MAMBO-G",
    "Predictions of shape (batch, channels, height, width) raise: torch.norm takes at most two axes at once. Token "
    "sequences pass. torch.linalg.vector_norm takes any number.",
    """\
import torch
from diffusers.guiders import MagnitudeAwareGuidance

for shape in ((1, 64, 16), (1, 4, 8, 8)):  # tokens, an image
    try:
        print(MagnitudeAwareGuidance().forward(torch.ones(shape), torch.full(shape, 2.0)).pred.shape)
    except RuntimeError as error:
        print(shape, type(error).__name__)
""",
    "torch.Size([1, 64, 16])\n(1, 4, 8, 8) RuntimeError",
)

_NEGATIVE_GLOBAL = Contradiction(
    "stable-audio-tools",
    "DiffusionTransformer.forward(negative_global_embed)",
    "stable_audio_tools/models/dit.py",
    "negative_global_embed=None,",
    "negative prompt",
    "It is cast and not used: both branches are given global_embed, so that guidance leaves out what is conditioned "
    "globally. The cross-attention counterpart, negative_cross_attn_cond, is used.",
    """\
import torch
from stable_audio_tools.models.dit import DiffusionTransformer

model = DiffusionTransformer(io_channels=1, embed_dim=2, cond_token_dim=1, num_heads=1, depth=1)
model._forward = lambda x, t, global_embed, **others: print(global_embed) or x  # as given to the two branches
z, given = torch.zeros(1, 1, 1), torch.ones(1, 1)
model(z, given[0], cross_attn_cond=z + 1, cfg_scale=3.0, global_embed=given, negative_global_embed=-given)
""",
    "tensor([[1.],\n        [1.]])",
)

GUIDANCE = (
    _RESCALE,
    _ZERO_STAR,
    _ZERO_INIT,
    _ZERO_RESCALED,
    _APG_FORM,
    _MIX_START,
    _MAGNITUDE,
    _NEGATIVE_GLOBAL,
)
