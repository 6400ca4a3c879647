"""Bare formulas, each written once and in the form its source prints it.

They use integers, ``+ - * /`` and a namespace ``xp`` with ``log``, ``expm1`` and ``sqrt``, so the same function runs on
symbols, rationals, bounded floats and torch tensors. There is no validation here and no ``if`` on a value: the public
functions of the package validate, then call these.
"""
