"""Sweeps: the checks on every option of a library, resumable, in processes that may die, with the cause named.

:mod:`~cfg_equiv.sweeping.run` is the sweep, :mod:`~cfg_equiv.sweeping.explain` names the option that explains the
failures of a property. Both are read from one file of JSON lines (:mod:`~cfg_equiv.sweeping.store`).
"""
