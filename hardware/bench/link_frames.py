"""Lists the frames in a record of the board's link: ``python -m hardware.bench.link_frames FILE``.

Bodies are not shown, for images and, once in a pairing, the key are in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.sensors.board.checks import Checks
from firmware.core import codes, framing
from hardware.bench.trace import DOWN, TOLD, UP, Trace, TraceError, read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARROWS = {DOWN: "->", UP: "<-"}
_DAMAGE = {
    framing.TOO_LONG: "too long",
    framing.BAD_COBS: "bad stuffing",
    framing.BAD_CRC: "bad CRC",
    framing.BAD_LENGTH: "bad length",
    framing.BAD_VERSION: "another protocol",
}
_EPILOG = """
-> is from the Pi to the board, <- from the board to the Pi; then the time in milliseconds.

\b
Examples:
  python -m hardware.bench.link_frames runs/hil/bytes/0000-twenty-captures.jsonl
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A frame, or something else that happened.

    Attributes:
        at_ms: when it was complete, from the start of the record.
        way: `DOWN`, `UP`, or `TOLD` for what happened to the wire.
        name: of the message, or what happened.
        sequence: of the request.
        counter: of this direction in the session.
        body_bytes: length of its body.
        whole: False for a frame that arrived damaged.
    """

    at_ms: float
    way: str
    name: str
    sequence: int = 0
    counter: int = 0
    body_bytes: int = 0
    whole: bool = True

    def __str__(self) -> str:
        if self.way == TOLD:
            return f"   {self.at_ms:10.1f}  {self.name}"
        start = f"{_ARROWS[self.way]} {self.at_ms:10.1f}  {self.name:<18}"
        return (
            f"{start}  seq {self.sequence}  no. {self.counter}  {self.body_bytes} bytes"
            if self.whole
            else start
        )


def lines_of(trace: Trace) -> Iterator[Line]:
    """The frames of a record, in the order in which they were complete. MACs are not checked: the keys are gone."""
    readers = {way: framing.FrameReader(Checks()) for way in (DOWN, UP)}
    for entry in trace.entries:
        if entry.what == TOLD:
            for reader in readers.values():
                reader.forget()
            yield Line(entry.at_ms, TOLD, entry.text)
            continue
        reader = readers[entry.what]
        reader.feed(bytearray(entry.data), len(entry.data))
        while (found := reader.next()) != framing.NOTHING:
            if found == framing.FRAME:
                yield Line(
                    entry.at_ms,
                    entry.what,
                    _name(reader.type),
                    reader.sequence,
                    reader.counter,
                    reader.body_length,
                )
            else:
                yield Line(entry.at_ms, entry.what, f"damaged: {_DAMAGE[reader.damage]}", whole=False)


_NAMES = {
    getattr(codes, name): name
    for name in (
        *("IDENTIFY", "STATUS", "CAPTURE", "WAIT_LIFT", "CANCEL", "GET_CHUNKS", "RELEASE", "POWER_CYCLE"),
        *("COUNTERS", "PAIR", "UNPAIR", "REBOOT", "SENSOR", "CONFIRM", "CONFIGURE"),
        *("UPDATE_BEGIN", "UPDATE_MANIFEST", "UPDATE_FILE", "UPDATE_WRITE", "UPDATE_END", "UPDATE_ABORT"),
        *("EVENT_STATE", "EVENT_IMAGE", "EVENT_CHUNK", "EVENT_IMAGE_END", "EVENT_TAMPER"),
    )
}


def _name(kind: int) -> str:
    if kind in _NAMES:
        return _NAMES[kind]
    if kind - codes.ANSWER in _NAMES:
        return f"{_NAMES[kind - codes.ANSWER]}'s answer"
    return f"type {kind:02X}"


def main(
    file: Annotated[
        Path, typer.Argument(help="A record of the link: from runs/hil/bytes, or a recorded wire.")
    ],
) -> None:
    """List the frames in a record of the link between Pi and board."""
    try:
        trace = read_trace(file)
    except TraceError as error:
        typer.echo(f"link frames: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(trace.note)
    for line in lines_of(trace):
        typer.echo(str(line))


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(epilog=_EPILOG)(main)

if __name__ == "__main__":
    app()
