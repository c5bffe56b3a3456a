"""Tests with libraries that quench does not need; ``make test-integrations`` installs them, other runs collect nothing."""

import importlib.util

NEEDED = ("pytorch_lightning", "transformers", "accelerate")
if not all(map(importlib.util.find_spec, NEEDED)):
    collect_ignore_glob = ["test_*.py"]
