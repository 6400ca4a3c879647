import pytest

from tests.derivations.running import OWN, SOURCES, run_source

# They run whole searches, partitions and proofs: the longer tier's work.
RUN = [pytest.param(path, marks=pytest.mark.slow, id=path.stem) for path in SOURCES]


@pytest.fixture(scope="package", params=RUN)
def ran(request):
    """A source and what its cells show, run in this process from top to bottom."""
    if request.param == OWN:
        pytest.importorskip("diffusers")
    if request.param.stem.startswith("06"):
        for name in ("diffusers", "flow_matching", "azula", "einops", "torchsde"):
            pytest.importorskip(name)
    return run_source(request.param)


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def source(request):
    return request.param
