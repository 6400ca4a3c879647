"""The atlas: every solver and guidance rule of the catalogue with what is proved of it, as JSON, figures and HTML.

:func:`atlas` computes and writes it. The records are those of :mod:`.samplers` and :mod:`.guidance`; the figures and
the page are drawn from the records alone (:mod:`cfg_equiv.report`).
"""

from cfg_equiv.atlas.build import Atlas, OutputError, atlas

__all__ = ["Atlas", "OutputError", "atlas"]
