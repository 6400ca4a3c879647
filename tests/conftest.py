"""A strict environment for every test: the Hypothesis profiles by name, none with a deadline."""

from hypothesis import Phase, settings

from cfg_equiv import profiles

# For mutation runs: the same examples every time, and no time spent on shrinking.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, max_examples=50, phases=[Phase.explicit, Phase.generate]
)
profiles.load()


def pytest_report_header() -> str:
    """Say which profile runs: a green run means little without it."""
    return f"cfg_equiv: hypothesis profile {settings().get_current_profile_name()!r}"
