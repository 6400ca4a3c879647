"""Guidance rules, one paper or family a file; :data:`RULES` is the catalogue, by name.

Where a linear rule is used on tensors and by other formulas (:mod:`.cfg`, :mod:`.composable`, :mod:`.instruct_pix2pix`)
the bare formula takes the branches alone, and the catalogue wraps it. The non-smooth or non-linear ones of
:mod:`.interval` and :mod:`.nonlinear` say so; those are what theorem Q7 is about.
"""

from cfg_equiv.algebra.guidance import (
    adg,
    apg,
    autoguidance,
    cfg,
    cfg_zero_star,
    characteristic,
    classifier,
    composable,
    distillation,
    distilled,
    dit_channels,
    elementwise,
    fdg,
    fresca,
    history,
    icg_tsg,
    instruct_pix2pix,
    interval,
    mahiro,
    mimic,
    norms,
    per_frame,
    perp_neg,
    perturbed,
    powers,
    ratio_aware,
    recfg,
    rectified_cfg_pp,
    regions,
    rescale,
    s_cfg,
    sag,
    saliency_fusion,
    score_scaling,
    semantic,
    skimmed,
    sld,
    smc_cfg,
    tcfg,
    thresholding,
    tone_map,
)
from cfg_equiv.algebra.guidance.record import Rule

RULES: dict[str, Rule] = {
    rule.name: rule
    for module in (
        cfg,
        composable,
        instruct_pix2pix,
        autoguidance,
        perturbed,
        icg_tsg,
        distilled,
        interval,
        regions,
        per_frame,
        dit_channels,
        fdg,
        fresca,
        perp_neg,
        semantic,
        s_cfg,
        tone_map,
        characteristic,
        elementwise,
        recfg,
        score_scaling,
        sld,
        skimmed,
        smc_cfg,
        powers,
        saliency_fusion,
        sag,
        rectified_cfg_pp,
        history,
        classifier,
        distillation,
        apg,
        rescale,
        norms,
        cfg_zero_star,
        tcfg,
        ratio_aware,
        adg,
        mahiro,
        mimic,
        thresholding,
    )
    for rule in module.RULES
}

ABSENT_RULES: dict[str, str] = {
    "CADS": "it adds noise to the condition (arXiv:2310.17347): nothing is done to a prediction, so nothing can depend "
    "on its space",
    "NAG, PLADIS": "they act on attention inside the network; what comes out is one prediction",
    "ControlNet and LoRA weights": "they act inside the network; what comes out is one prediction",
    "CFG++": "it is a step, not a rule on predictions: a solver of the catalogue, and theorem G9 says which CFG it is",
    "VSD, CSD": "SDS with another network's prediction, or another condition's, as the target: the formula of SDS",
    "LatentOperationBlend": "it mixes a constant picture into the difference (ComfyUI LatentApplyOperationCFG); its "
    "source was not at hand",
    "statistics over a batch": "Mahiro's mean, ComfyUI's Perp-Neg, mimic-CFG with one scale for all channels: items "
    "of one batch may be at different levels, and a common statistic mixes them (theorem G7)",
    "zig-zag and resampling schemes": "they repeat steps; each step's guidance is a rule of the catalogue",
    "learned variance": "the variance channels are no predictions: neither guided nor converted (theorem Q7); on "
    "the mean channels the rule is CFG",
    "low-rank guidance": "no public source was found that truncates c - u; by theorem G2 it would commute",
    "HiGS": "arXiv:2509.22300: its equations could not be checked against the paper; momentum of x0, so of class E",
    "SAMG": "arXiv:2604.26503: its equations could not be checked against the paper",
    "linear multistep solvers": "affine in the predictions with fixed coefficients: theorem S6, not a guidance rule",
}
