"""A real SLURM of three virtual nodes, and copies of the repository whose workflows run on it or, for comparison, here."""

import pytest
from virtual import Cluster, Unavailable
from workflows import Workflow


@pytest.fixture(scope="session")
def cluster():
    try:
        started = Cluster()
        started.start()
    except Unavailable as reason:
        pytest.skip(f"no SLURM here: {reason}")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def workflow(cluster, tmp_path_factory):
    """A workflow whose jobs run on the cluster, with the folder that every node sees."""
    return Workflow(tmp_path_factory.mktemp("cluster") / "there", cluster.environment)


@pytest.fixture(scope="session")
def here(cluster, tmp_path_factory):
    """The same scenario on this machine alone."""
    return Workflow(tmp_path_factory.mktemp("cluster") / "here", {})
