"""Settings of all tests: one thread for arithmetic, whose bits must not depend on the load, and no time limits."""

import os
import signal

import hypothesis

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# The first example of a test may compile.
hypothesis.settings.register_profile("quench", deadline=None)
hypothesis.settings.load_profile("quench")

# Jobs in the background of a shell ignore Ctrl-C, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
