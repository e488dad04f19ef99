"""What of a log may leave the kiosk: nothing but what is known to be harmless.

A line stays if its message is one that stands, letter for letter, in this program's own source; of its facts those
stay whose names and forms are listed here. Numbers of bookings become marks that are equal for equal numbers within
one bundle and mean nothing outside it. Of a traceback the places in our own files stay, and the kind of the error.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Final

from interchange.tcn import TCN_PATTERN

PACKAGES = ("edge_service", "interchange")
LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
LOGGING_CALLS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_ERROR = re.compile(
    r"([A-Z][A-Za-z]{2,40}(?:Error|Exception|Refused|Silent|Garbled|Unplugged))\b.*", re.DOTALL
)
_FLAG = re.compile(r"True|False")
_WORD = re.compile(r"queued|sent|acknowledged|replied|refused|stored|duplicate|booking")

FACTS: Final = {
    "again": _FLAG,
    "again_in_s": _NUMBER,
    "attempts": _NUMBER,
    "bytes": _NUMBER,
    "code": _NUMBER,
    "count": _NUMBER,
    "port": _NUMBER,
    "position": _NUMBER,
    "prints": _NUMBER,
    "purpose": _WORD,
    "state": _WORD,
    "status": _WORD,
    "undelivered": _NUMBER,
}

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")
_PAIR = re.compile(r'([a-z_]{1,30})=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_PLACE = re.compile(
    r'\s*File "[^"]*/((?:edge_service|interchange)/[a-z0-9_/]+\.py)", line ([0-9]+), in ([a-z0-9_<>]+)'
)
_TCN = re.compile(TCN_PATTERN)


class LogFilter:
    """Filters lines; one for each bundle, because its marks are its own."""

    def __init__(self, *, secret: bytes) -> None:
        self._secret = secret

    def mark(self, tcn: str) -> str:
        """What stands for `tcn` in this bundle."""
        return "tcn#" + hmac.new(self._secret, tcn.encode(), hashlib.sha256).hexdigest()[:8]

    def filtered(self, text: str) -> list[str]:
        """The lines of `text` that may leave, as far as they may; how many did not is said at the end."""
        kept: list[str] = []
        dropped = 0
        for line in text.splitlines():
            safe = self._line(line)
            if safe is None:
                dropped += bool(line.strip())
            else:
                kept.append(safe)
        return [*kept, f"({dropped} lines not shown)"] if dropped else kept

    def _line(self, line: str) -> str | None:
        place = _PLACE.fullmatch(line)
        if place:
            return f"  {place[1]}:{place[2]} {place[3]}"
        time, _, rest = line.partition(" ")
        if not _TIME.fullmatch(time):
            error = _ERROR.fullmatch(line)
            return f"  {error[1]}" if error else None
        pairs = {key: _unquoted(value) for key, value in _PAIR.findall(rest)}
        message = pairs.get("msg", "")
        if pairs.get("level") not in LEVELS or message not in known_messages():
            return None
        words = [time, pairs["level"], f'"{message}"']
        words += [
            f"{key}={safe}" for key, value in pairs.items() if (safe := self._fact(key, value)) is not None
        ]
        return " ".join(words)

    def _fact(self, key: str, value: str) -> str | None:
        if key in {"level", "at", "msg"}:
            return None
        if key == "tcn" and _TCN.fullmatch(value):
            return self.mark(value)
        if key == "reason" and (error := _ERROR.fullmatch(value)):
            return error[1]
        form = FACTS.get(key)
        return value if form is not None and form.fullmatch(value) else "(not shown)"


@cache
def known_messages() -> frozenset[str]:
    """Every message that the program's own source logs."""
    found: set[str] = set()
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for file in Path(folder).rglob("*.py"):
                found.update(_messages(ast.parse(file.read_text("utf-8"))))
    return frozenset(found)


def _messages(tree: ast.AST) -> set[str]:
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in LOGGING_CALLS
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        # Our own writer quotes as JSON does, which is also how Python reads it.
        text = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return ""
    return text if isinstance(text, str) else ""
