"""What passed over a sensor's wire, in a file: one JSON value a line, so that a person can read it too.

The first line is an object, `{"whorl_wire_trace": 1, "model": ..., "contents": "synthetic" or "real", "note": ...}`.
Each line after it is `[time, what, text]`: the time in milliseconds from the start, to the microsecond; what is
"down" (host to sensor) or "up" with bytes in hexadecimal, or "told" with "back", "gone" (of the device), "baud N" (of
the host) or "full" (the recorder stopped there). Lines are in the order of their times but for bytes that had to be
looked at in connection; `read_trace` sorts them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
MAGIC = "whorl_wire_trace"
MOST_LINE_CHARACTERS = 20_000
MOST_FILE_BYTES = 64_000_000
"""A booking of ten fingers is 0.8 MB in this form; a day of waiting for fingers, 20 looks a second, 90 MB."""

DOWN, UP, TOLD = "down", "up", "told"
FULL = "full"


class TraceError(Exception):
    """A file that is no trace, or cannot become one.

    Attributes:
        path: the file.
        line: which line, from 1; 0 for the file as a whole.
    """

    def __init__(self, problem: str, *, path: Path, line: int = 0) -> None:
        self.path = path
        self.line = line
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that passed, or happened.

    Attributes:
        at_ms: since the start.
        what: `DOWN`, `UP` or `TOLD`.
        data: the bytes that passed.
        text: what was told.
    """

    at_ms: float
    what: str
    data: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded session.

    Attributes:
        model: of the sensor, as the person who recorded it said; None if they did not.
        real_contents: whether a person's print may be in it.
        note: what the person who recorded it had to say.
        entries: by time.
    """

    model: str | None = None
    real_contents: bool = False
    note: str = ""
    entries: list[Entry] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From the start to the last entry."""
        return self.entries[-1].at_ms / 1000 if self.entries else 0.0


class TraceWriter:
    """Writes a trace while it happens, readable for its owner only. A context manager.

    Args:
        path: a new file; TraceError if it is there already.
        most_bytes: the file ends with "full" before it becomes larger.
    """

    def __init__(
        self,
        path: Path,
        *,
        model: str | None = None,
        real_contents: bool = False,
        note: str = "",
        most_bytes: int = MOST_FILE_BYTES,
    ) -> None:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            cure = "it exists; name a new file" if isinstance(error, FileExistsError) else error.strerror
            raise TraceError(f"cannot be written: {cure}", path=path) from error
        self._file = os.fdopen(fd, "w", encoding="ascii")
        self._left = most_bytes
        self.full = False
        contents = "real" if real_contents else "synthetic"
        warning = "HOLDS A PERSON'S FINGERPRINT" if real_contents else "contents of data packets are made up"
        self._line({MAGIC: VERSION, "warning": warning, "model": model, "contents": contents, "note": note})

    def add(self, entry: Entry) -> None:
        """Append; nothing more once the file is full."""
        if not self.full:
            text = entry.text if entry.what == TOLD else entry.data.hex()
            self._line([round(entry.at_ms, 3), entry.what, text])
            if self._left < 2 * MOST_LINE_CHARACTERS:
                self.full = True
                self._line([round(entry.at_ms, 3), TOLD, FULL])

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def __enter__(self) -> TraceWriter:  # noqa: PYI034 - final in spirit; nobody inherits
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self, value: object) -> None:
        line = json.dumps(value, separators=(",", ":")) + "\n"
        self._left -= len(line)
        self._file.write(line)
        # A trace is worth most when what it records took the program with it.
        self._file.flush()


def read_trace(path: Path) -> Trace:
    """A trace from its file. Raises TraceError that names the line, also for a version this program is too old for."""
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise TraceError(f"larger than {MOST_FILE_BYTES:,} bytes; cut it at a line", path=path)
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise TraceError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise TraceError("is no trace of a wire: not even text", path=path) from error
    head = _object(lines[0] if lines else "", path)
    entries = [_entry(line, path, number) for number, line in enumerate(lines[1:], 2) if line]
    model = head.get("model")
    return Trace(
        model=model if isinstance(model, str) else None,
        real_contents=head.get("contents") != "synthetic",
        note=str(head.get("note", "")),
        entries=sorted(entries, key=lambda entry: entry.at_ms),
    )


def _object(line: str, path: Path) -> dict[str, Any]:
    head = _json(line, path, 1)
    if not isinstance(head, dict) or MAGIC not in head:
        raise TraceError(f'is no trace of a wire: "{MAGIC}" is not in its first line', path=path, line=1)
    named = cast("dict[str, Any]", head)
    if named[MAGIC] != VERSION:
        problem = f"version {named[MAGIC]} of the format; this program reads {VERSION}: take one that fits"
        raise TraceError(problem, path=path, line=1)
    return named


def _entry(line: str, path: Path, number: int) -> Entry:
    match _json(line, path, number):
        case [int() | float() as at_ms, "told", str() as text]:
            return Entry(float(at_ms), TOLD, text=text)
        case [int() | float() as at_ms, ("down" | "up") as what, str() as digits]:
            try:
                return Entry(float(at_ms), what, bytes.fromhex(digits))
            except ValueError as error:
                raise TraceError(f"no hexadecimal bytes: {error}", path=path, line=number) from error
        case _:
            raise TraceError("expected [milliseconds, down|up|told, text]", path=path, line=number)


def _json(line: str, path: Path, number: int) -> object:
    if len(line) > MOST_LINE_CHARACTERS:
        raise TraceError(
            f"longer than {MOST_LINE_CHARACTERS} characters; the recorder writes none such",
            path=path,
            line=number,
        )
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"is no trace of a wire, or damaged: {error}", path=path, line=number) from error
