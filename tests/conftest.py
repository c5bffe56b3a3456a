"""One thread for all arithmetic: the tests are small, and their bits must not depend on the machine's load."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
