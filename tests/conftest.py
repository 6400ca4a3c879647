"""A strict environment for every test: one thread, no deadline, and the Hypothesis profiles by name."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# For mutation runs: the same examples every time, and no time spent on shrinking.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, max_examples=50, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


def pytest_report_header() -> str:
    """Say which profile runs: a green run means little without it."""
    return f"cfg_equiv: hypothesis profile {settings().get_current_profile_name()!r}"
