import pytest

from tests.derivations.running import OWN, SOURCES, run_source

# The fifth runs whole searches and a pytest of its own: it belongs to the longer tier.
RUN = [pytest.param(path, marks=pytest.mark.slow if path == OWN else (), id=path.stem) for path in SOURCES]


@pytest.fixture(scope="package", params=RUN)
def ran(request):
    """A source and what its cells show, run in this process from top to bottom."""
    if request.param == OWN:
        pytest.importorskip("diffusers")
    return run_source(request.param)


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def source(request):
    return request.param
