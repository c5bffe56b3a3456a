"""Settings of all tests: their order, no time limits, and one thread for arithmetic: bits must not depend on the load."""

import os
import signal
from pathlib import Path

import hypothesis

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# The first example of a test may compile.
hypothesis.settings.register_profile("quench", deadline=None)
hypothesis.settings.load_profile("quench")

# Jobs in the background of a shell ignore Ctrl-C, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# In the order in which they start: the cluster mostly waits, and a workflow that starts last keeps a single core busy.
_FOLDERS = ("cluster", "workflow", "unit", "integrations")


def pytest_collection_modifyitems(items):
    def rank(item):
        (folder, *_) = item.path.relative_to(Path(__file__).parent).parts
        return _FOLDERS.index(folder), item.get_closest_marker("slow") is None

    items.sort(key=rank)
