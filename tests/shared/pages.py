"""Fenced blocks of the documentation's pages."""

import re
from pathlib import Path


def fenced(text: str) -> list[tuple[str, str]]:
    """(language, text) of every block of the text of a page, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The text of a page's blocks of one language."""
    return [text for found, text in fenced(page.read_text(encoding="utf-8")) if found == language]
