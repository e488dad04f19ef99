"""The page's words, in English and Spanish: one JSON file a language, read once."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "messages"
LANGUAGES = ("en", "es")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Words by id. Raises KeyError for a language that nobody has written yet."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))


def placeholders(text: str) -> set[str]:
    """Names in braces, which the page fills in."""
    return set(PLACEHOLDER.findall(text))
