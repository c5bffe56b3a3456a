"""Folders of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
CONFIG = ROOT / "config"
DOCS = ROOT / "docs"
