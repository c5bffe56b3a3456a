"""Files that several tests of figures read."""

import observed_runs
import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Observables of three phases at three temperatures, and prepared networks."""
    folder = tmp_path_factory.mktemp("observables")
    observed_runs.write(folder)
    return folder
