"""Writes the documents of both interfaces from the program itself: ``python -m matcher_service.api.documents docs``.

docs/asyncapi.yaml   what crosses the broker
docs/openapi.json    what the API answers over HTTP

A test compares the files with what this writes; after a change to a message, run it and look at the difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from matcher_service.api.asyncapi import asyncapi_document

ASYNCAPI_FILE, OPENAPI_FILE = "asyncapi.yaml", "openapi.json"
_HOW = "# Made by: python -m matcher_service.api.documents docs\n"


def documents() -> dict[str, str]:
    """The text of each file, by its name."""
    return {ASYNCAPI_FILE: _yaml(asyncapi_document()), OPENAPI_FILE: _json(openapi_document())}


def openapi_document() -> dict[str, Any]:
    """Of the API with all its doors. Nothing is opened for it, and nobody is behind them."""
    from matcher_service.api.app import make_inner

    nobody: Any = object()
    return make_inner(database=nobody, registrar=nobody, abis=nobody, osia=nobody).openapi()


def write(folder: Path) -> None:
    """Both files into `folder`."""
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


def _yaml(tree: dict[str, Any]) -> str:
    import yaml

    return _HOW + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)


def _json(tree: dict[str, Any]) -> str:
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m matcher_service.api.documents FOLDER")
    write(Path(sys.argv[1]))
