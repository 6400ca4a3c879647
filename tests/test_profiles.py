"""The profiles have what they say, and failures in a shared directory replay for everyone and are removed by few."""

import inspect
import os
import subprocess
import sys
import unittest

import pytest
from hypothesis import HealthCheck, Phase, core, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from cfg_equiv import profiles
from cfg_equiv.errors import ParameterError, UnknownNameError

KEY = b"a test"


@pytest.fixture(autouse=True)
def restored(monkeypatch, tmp_path):
    """The profiles are as before, one's own database is empty, and no variable of the environment interferes."""
    for variable in ("CI", "HYPOTHESIS_PROFILE", "CFG_EQUIV_EXAMPLES"):
        monkeypatch.delenv(variable, raising=False)
    own = DirectoryBasedExampleDatabase(tmp_path / "own")
    monkeypatch.setattr(profiles, "_BASE", settings(profiles._BASE, database=own))
    before, loaded = dict(settings._profiles), settings().get_current_profile_name()
    yield
    settings._profiles.update(before)
    settings.load_profile(loaded)


def found(profile):
    """What a profile's database has for the key."""
    return set(settings.get_profile(profile).database.fetch(KEY))


def test_each_profile_has_what_it_says():
    profiles.register()
    by_name = {name: settings.get_profile(name) for name in profiles.NAMES}
    assert {name: one.max_examples for name, one in by_name.items()} == {
        "default": 100, "ci": 100, "nightly": 1000, "campaign": 10_000
    }  # fmt: skip
    assert {one.deadline for one in by_name.values()} == {None}
    assert [name for name, one in by_name.items() if one.derandomize] == ["ci"]
    assert [name for name, one in by_name.items() if one.database is None] == ["ci"]
    assert [name for name, one in by_name.items() if one.print_blob] == ["ci", "nightly", "campaign"]
    assert [name for name, one in by_name.items() if HealthCheck.too_slow not in one.suppress_health_check] == [
        "default"
    ]


def test_a_failure_found_by_a_campaign_is_read_everywhere_and_removed_only_by_a_campaign(tmp_path):
    profiles.register(tmp_path)
    campaign, default = (settings.get_profile(name).database for name in ("campaign", "default"))
    campaign.save(KEY, b"fails")
    assert set(DirectoryBasedExampleDatabase(tmp_path).fetch(KEY)) == {b"fails"}
    assert found("default") == found("nightly") == {b"fails"}
    default.delete(KEY, b"fails")
    assert found("campaign") == {b"fails"}
    campaign.delete(KEY, b"fails")
    assert found("default") == set()


def test_the_directory_may_be_a_variable_and_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CFG_EQUIV_EXAMPLES", str(tmp_path))
    profiles.register()
    assert settings.get_profile("campaign").database == DirectoryBasedExampleDatabase(tmp_path)
    monkeypatch.setenv("CFG_EQUIV_EXAMPLES", str(tmp_path / "absent"))
    with pytest.raises(ParameterError, match=r"existing directory for shared examples, got '.*absent': make it"):
        profiles.load()


@pytest.mark.parametrize(
    ("environment", "name", "loaded"),
    [
        ({}, None, "default"),
        ({"CI": "true"}, None, "ci"),
        ({"CI": "true", "HYPOTHESIS_PROFILE": "nightly"}, None, "nightly"),
        ({"HYPOTHESIS_PROFILE": "nightly"}, "campaign", "campaign"),
    ],
)
def test_which_profile_is_loaded(monkeypatch, environment, name, loaded):
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert profiles.load(name) == settings().get_current_profile_name() == loaded


def test_an_unknown_profile_is_named():
    with pytest.raises(UnknownNameError, match="got 'campain': did you mean 'campaign'"):
        profiles.load("campain")


def test_ci_does_not_leak_into_the_other_profiles():
    """Where CI is set, Hypothesis loads its own ci profile, from which a profile without a parent would inherit."""
    code = (
        "from hypothesis import settings; assert settings().derandomize; from cfg_equiv import profiles;"
        "assert settings().get_current_profile_name() == 'ci' and 'nightly' not in settings._profiles;"
        "profiles.load('campaign'); assert not settings().derandomize and settings().database is not None"
    )
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "CI": "1"}, check=False).returncode == 0


def holds(profile, *phases):
    """Whether a property that is false holds as far as the profile sees; an example belongs to its source."""

    @settings(settings.get_profile(profile), phases=phases)
    @given(st.integers(0, 10**9))
    def small(n):
        assert n < 10**8

    try:
        small()
    except AssertionError:
        return False
    except unittest.SkipTest:  # nothing was kept, and nothing may be drawn
        return True
    return True


def test_what_a_campaign_finds_fails_for_everyone_who_draws_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(core, "global_force_seed", None)  # a seed turns the database off
    shared = tmp_path / "shared"
    shared.mkdir()
    profiles.register(shared)
    assert holds("default", Phase.reuse)
    assert not holds("campaign", Phase.reuse, Phase.generate)
    assert not holds("default", Phase.reuse)
    other = tmp_path / "other"
    other.mkdir()
    profiles.register(other)
    assert holds("campaign", Phase.reuse)


def test_the_documentation_names_every_profile():
    text = inspect.getdoc(profiles.register) + profiles.__doc__
    assert all(name in text for name in profiles.NAMES)
