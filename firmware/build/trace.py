"""`python -m firmware.build.trace MAP < log`: a board's tracebacks in terms of the sources.

The build makes names short and puts modules together (firmware/build/shrink); the map beside a bundle says what was
what. A line such as

    File "firmware/always.py", line 812, in deque

becomes

    File "firmware/core/session.py", line 204, in step
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = re.compile(r'File "([^"]+)", line (\d+)(, in \S+)?')
_ATTRIBUTE = re.compile(r"(?<=has no attribute ')\w+")
_NAME = re.compile(r"(?<=name ')\w+|(?<=keyword argument ')\w+")


def main(
    *,
    trace_map: Annotated[
        Path, typer.Argument(help="The .map.json beside the bundle that the board runs.", exists=True)
    ],
) -> None:
    """Read a log on the standard input and write it with the sources' names and lines.

    Example: python -m firmware.build.trace build/firmware/whorl-firmware-0.1.0-rp2040.map.json < board.log
    """
    reader = LogReader(json.loads(trace_map.read_text(encoding="ascii")))
    for line in sys.stdin:
        sys.stdout.write(reader.readable(line))


class LogReader:
    """Reads logs by a map that `firmware.build` wrote."""

    def __init__(self, trace_map: Mapping[str, Any]) -> None:
        self._lines: dict[str, list[str]] = trace_map.get("lines", {})
        self._plain = {short: name for name, short in trace_map.get("plain", {}).items()}
        self._attributes = {short: name for name, short in trace_map.get("attributes", {}).items()}

    def readable(self, line: str) -> str:
        """One line of a log: places and names in it as in the sources."""
        line = _PLACE.sub(self._place, line)
        line = _ATTRIBUTE.sub(lambda match: self._attributes.get(match[0], match[0]), line)
        return _NAME.sub(lambda match: self._plain.get(match[0], match[0]).rpartition("__")[2], line)

    def _place(self, match: re.Match[str]) -> str:
        lines = self._lines.get(match[1], [])
        number = int(match[2])
        found = lines[number] if number < len(lines) else ""
        if not found:
            return match[0]
        place, _, function = found.partition(" ")
        file, _, line = place.rpartition(":")
        return f'File "{file}", line {line}' + (f", in {function}" if match[3] else "")


if __name__ == "__main__":
    typer.run(main)
