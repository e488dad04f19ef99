"""JSON whose lists know in which line each of their items began, so that what is wrong can be found."""

from __future__ import annotations

import json
import re
from typing import Any, cast

_SPACE = re.compile(r"[ \t\n\r]*")


class BadJson(ValueError):  # noqa: N818 - reads as what it is
    """Not JSON, or not an object. Attributes: line, reason."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


def items_with_lines(text: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The object in `text`, and for each of its lists the lines, from 1, where the items begin. Raises BadJson."""
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
    try:
        tree = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise BadJson(error.lineno, f"is not JSON: {error.msg} (character {error.colno})") from None
    except RecursionError:
        raise BadJson(1, "is nested too deeply") from None
    except ValueError as error:
        raise BadJson(0, str(error)) from None
    if not isinstance(tree, dict):
        raise BadJson(1, "is not an object")
    return cast("dict[str, Any]", tree), _lines(text, decoder)


def _lines(text: str, decoder: json.JSONDecoder) -> dict[str, list[int]]:
    """Of a text that is known to be an object."""
    found: dict[str, list[int]] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        if text[at] == "[":
            found[key], at = _items(text, at, decoder)
        else:
            _, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _items(text: str, at: int, decoder: json.JSONDecoder) -> tuple[list[int], int]:
    lines: list[int] = []
    line, counted = text.count("\n", 0, at) + 1, at
    at = _skip(text, at + 1)
    while text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        lines.append(line)
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return lines, at + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object names '{twice[:40]}' twice")
    return made


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
