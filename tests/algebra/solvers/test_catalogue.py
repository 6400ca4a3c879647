"""The catalogue of solvers, and of those it does not have."""

import re

from cfg_equiv.algebra.solvers import ABSENT, SOLVERS


def test_a_solver_is_an_entry_or_absent():
    assert not set(SOLVERS) & set(ABSENT)
    aliases = {alias for solver in SOLVERS.values() for alias in solver.aliases.values()}
    assert not aliases & set(ABSENT)


def test_every_reason_is_a_sentence():
    for name, reason in ABSENT.items():
        assert name.strip() == name != ""
        assert re.fullmatch(r"[^\s].{30,}[^\s.]\.", reason), name


def test_the_entries_a_reason_points_to_are_there():
    """A reason names entries as they are, or the beginning of their names."""
    named = {word for reason in ABSENT.values() for word in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", reason)}
    pointed = {word for word in named if any(entry.startswith(word) for entry in SOLVERS)}
    assert {"dpm_solver_12", "dpm_solver_23", "res_3s", "seeds_2", "seeds_3", "unipc_bh2_4", "f_pndm"} <= pointed
    assert named - pointed <= {"sample_dpm_adaptive", "sample_heunpp2", "solver_p"}
