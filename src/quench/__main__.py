"""``python -m quench``."""

import sys

from quench.cli import main

if __name__ == "__main__":
    sys.exit(main())
