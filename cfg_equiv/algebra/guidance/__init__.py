"""Guidance rules, one paper or family a file.

The linear rules (:mod:`.cfg`, :mod:`.composable`, :mod:`.instruct_pix2pix`, :mod:`.learned_variance`) are bare
formulas. The non-smooth or non-linear ones (:mod:`.interval`, :mod:`.nonlinear`) say so; they are what theorem Q7 is
about.
"""
