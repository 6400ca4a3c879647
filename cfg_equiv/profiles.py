"""Hypothesis profiles by name: ``default``, ``ci``, ``nightly`` and ``campaign``, for a ``conftest.py``.

.. code-block:: python

    from cfg_equiv import profiles

    profiles.load()  # what HYPOTHESIS_PROFILE names; else ci where CI is set; else default

Nothing is registered before :func:`register` or :func:`load` is called. No profile has a deadline: a run of a sampler
may take longer than Hypothesis' 200 ms.

Campaigns
---------
A campaign looks for failures for hours, in any number of processes and on any number of machines that see one
directory. Each of them runs this, and any of them can be killed and started again at any time::

    export HYPOTHESIS_PROFILE=campaign CFG_EQUIV_EXAMPLES=/shared/examples TMPDIR=/shared/tmp
    while true; do pytest -m hypothesis -n 4; done

Every process draws from a randomness of its own, so that none repeats another's work. A failure is written to the
directory as soon as it is found, a file each, and so are its smaller forms. Every process tries what is there first: it
fails with what others found, and after a kill goes on from there. What has passed leaves nothing to be resumed. Where
the variable is set, the profiles ``default`` and ``nightly`` read the directory too and never write to it: failures
replay on everyone's machine. A campaign removes what no longer fails. ``ci`` has no database and prints the blob of a
failure.

What has to be the same everywhere: the version of Hypothesis, the tests (an example belongs to the source of a test and
to its id) and the folder pytest starts from. ``--hypothesis-seed`` turns the database off: a campaign goes without.
``TMPDIR``, a folder on the file system of the directory, makes a file appear there whole, by one rename.
"""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, MultiplexedDatabase, ReadOnlyDatabase
from hypothesis.errors import InvalidArgument

from cfg_equiv.errors import ParameterError, sentence, unknown_name

NAMES = ("default", "ci", "nightly", "campaign")
_BASE = settings.get_profile("default")  # Hypothesis' own, whatever profile an environment with CI has loaded


def register(shared: str | Path | None = None) -> None:
    """Register the four profiles; that which is loaded stays so, and changes at once if it is one of them.

    ========  ==================================================================================================
    default   Hypothesis' own without a deadline
    ci        the same examples every time, no database; the blob of a failure is printed
    nightly   1000 examples, or what a test says itself
    campaign  10000 examples, failures kept in the shared directory, slow data allowed
    ========  ==================================================================================================

    Parameters
    ----------
    shared
        The directory of failures that machines share; if left out, what the variable ``CFG_EQUIV_EXAMPLES`` names; if
        that is not set, each works in its own ``.hypothesis``.

    Raises
    ------
    ParameterError
        If there is no such directory: Hypothesis would go on, and keep nothing.
    """
    common = _common(shared or os.environ.get("CFG_EQUIV_EXAMPLES"))
    slow = [HealthCheck.too_slow]
    reading = _reading(_BASE.database, common)
    settings.register_profile("default", _BASE, deadline=None, database=reading)
    settings.register_profile(
        "ci", _BASE, deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=slow
    )
    settings.register_profile(
        "nightly",
        _BASE,
        deadline=None,
        max_examples=1000,
        database=reading,
        print_blob=True,
        suppress_health_check=slow,
    )
    settings.register_profile(
        "campaign",
        _BASE,
        deadline=None,
        max_examples=10_000,
        database=common or _BASE.database,
        print_blob=True,
        suppress_health_check=slow,
    )


def load(name: str | None = None, *, shared: str | Path | None = None) -> str:
    """Register the profiles and load one; its name is returned.

    Parameters
    ----------
    name
        One of the four, or any profile that is registered. If left out, what the variable ``HYPOTHESIS_PROFILE`` names;
        if that is not set, ``ci`` where the variable ``CI`` is, else ``default``.
    shared
        As in :func:`register`.

    Raises
    ------
    UnknownNameError
        If there is no profile of that name.
    ParameterError
        As in :func:`register`.
    """
    register(shared)
    chosen = name or os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
    try:
        settings.get_profile(chosen)
    except InvalidArgument as error:
        raise unknown_name("Hypothesis profile", chosen, NAMES) from error
    settings.load_profile(chosen)
    return chosen


def _common(place: str | Path | None) -> ExampleDatabase | None:
    if not place:
        return None
    if not Path(place).is_dir():
        do = "make it, or correct the variable CFG_EQUIV_EXAMPLES"
        raise ParameterError(sentence("an existing directory for shared examples", repr(str(place)), do))
    return DirectoryBasedExampleDatabase(place)


def _reading(own: ExampleDatabase | None, common: ExampleDatabase | None) -> ExampleDatabase | None:
    """One's own database, and the shared one to read from."""
    if common is None or own is None:
        return own
    return MultiplexedDatabase(own, ReadOnlyDatabase(common))
