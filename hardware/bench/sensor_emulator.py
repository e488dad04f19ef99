"""The sensor emulator as a program: ``python -m hardware.bench.sensor_emulator --help``.

In a program or a test, use `SensorEmulator` instead.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardware.bench.emulator import SensorEmulator
from hardware.bench.faults import Fault, FaultKind
from hardware.bench.finger_images import images_in

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["SensorEmulator", "main"]

_CHECK_ALIVE_S = 0.5
_KINDS = ", ".join(kind.value for kind in FaultKind)
_EPILOG = f"""
Faults are KIND[@PACKET][xTIMES]: which packet of an answer (ack, or 1 for the first data packet; without it
all of them) and how many times (a number, or always). Kinds: {_KINDS}.

\b
Examples:
  python -m hardware.bench.sensor_emulator --images prints --link /tmp/sensor
  python -m hardware.bench.sensor_emulator --model R503 --images prints --pace real --baud 115200
  python -m hardware.bench.sensor_emulator --images prints --fault drop@10 --fault garbage@ackx3
  python -m hardware.bench.sensor_emulator --control   (then type: present prints/101_1.png)
"""
_CONTROL_HELP = """Read commands from standard input, one a line, and answer each with ok or an error: present
FILE, queue FILE..., lift, unplug, replug, power-cycle, fault SPEC, clear-faults, quit. End of input ends."""


class Model(StrEnum):
    """Models on the command line."""

    R307 = "R307"
    R503 = "R503"


def speed_of(pace: str) -> float:
    """`--pace` as a factor: real is 1, fast is 0 (unpaced), a number is itself. Raises ValueError."""
    speed = {"real": 1.0, "fast": 0.0}.get(pace)
    if speed is None:
        speed = float(pace)
    if not speed >= 0:
        raise ValueError(f"{pace} is no pace: real, fast, or how many times as fast as the wire")
    return speed


def execute(emulator: SensorEmulator, line: str) -> bool:
    """Do what one line of `--control` says; False for quit. Raises ValueError or OSError with the reason."""
    word, *arguments = shlex.split(line) or [""]
    plain = {
        "": lambda: None,
        "lift": emulator.lift,
        "unplug": emulator.unplug,
        "replug": emulator.replug,
        "power-cycle": emulator.power_cycle,
        "clear-faults": emulator.clear_faults,
    }
    if word == "quit":
        return False
    if word in plain:
        plain[word]()
    elif word == "present" and len(arguments) == 1:
        emulator.present(arguments[0])
    elif word == "queue" and arguments:
        emulator.enqueue(arguments)
    elif word == "fault" and len(arguments) == 1:
        emulator.arm(arguments[0])
    else:
        raise ValueError(f"cannot do {line.strip()!r}")
    return True


def main(  # noqa: PLR0917 - one option each, given by name
    model: Annotated[Model, typer.Option(help="Which module to play.")] = Model.R307,
    images: Annotated[
        Path | None, typer.Option(help="Folder of prints (png, tif, bmp, wsq): the fingers, in turn.")
    ] = None,
    link: Annotated[Path, typer.Option(help="Where the serial port appears.")] = Path("/tmp/sensor"),  # noqa: S108 - an example's place
    pace: Annotated[str, typer.Option(help="real, fast, or how many times as fast as the wire.")] = "real",
    baud: Annotated[int, typer.Option(help="Baud rate, a multiple of 9600.")] = 57_600,
    packet: Annotated[int, typer.Option(help="Bytes in a data packet: 32, 64, 128 or 256.")] = 128,
    password: Annotated[str, typer.Option(help="The module's password, as 0x01020304 or a number.")] = "0",  # noqa: S107 - the factory's
    fault: Annotated[list[str] | None, typer.Option(help="Something that goes wrong; see below.")] = None,
    cold_start: Annotated[bool, typer.Option("--cold-start", help="Begin as after power-up.")] = False,  # noqa: FBT002 - a flag
    any_baud: Annotated[bool, typer.Option("--any-baud", help="Do not mind the host's baud rate.")] = False,  # noqa: FBT002 - a flag
    control: Annotated[bool, typer.Option("--control", help=_CONTROL_HELP)] = False,  # noqa: FBT002 - a flag
) -> None:
    """Play an R307 or R503 fingerprint sensor on a pseudo-terminal, until SIGTERM or Ctrl-C."""
    try:
        emulator = SensorEmulator(
            model.value,
            link=link,
            images=[] if images is None else images_in(images),
            auto_next=images is not None,
            password=int(password, 0),
            baud=baud,
            packet_bytes=packet,
            speed=speed_of(pace),
            check_baud=not any_baud,
            cold_start=cold_start,
            faults=[Fault.parse(text) for text in fault or []],
        )
        with _end_signals() as signal_fd, emulator:
            typer.echo(f"ready {emulator.path}")
            sys.stdout.flush()
            _attend(emulator, signal_fd=signal_fd, control=control)
    except (ValueError, OSError) as error:
        typer.echo(f"sensor emulator: {error}", err=True)
        raise typer.Exit(2) from error


def _attend(emulator: SensorEmulator, *, signal_fd: int, control: bool) -> None:
    """Wait for a signal, or for the end of the input; do in between what the input says."""
    stdin = sys.stdin.fileno() if control else None
    pending = b""
    while emulator.alive:
        watched = [signal_fd] if stdin is None else [signal_fd, stdin]
        ready = select.select(watched, [], [], _CHECK_ALIVE_S)[0]
        if signal_fd in ready:
            return
        if stdin not in ready or stdin is None:
            continue
        data = os.read(stdin, 4096)
        *lines, pending = (pending + data).split(b"\n")
        if not data:
            lines, pending = [pending], b""
        for line in lines:
            if not _obey(emulator, line.decode("utf-8", "replace")):
                return
        if not data:
            return


def _obey(emulator: SensorEmulator, line: str) -> bool:
    try:
        go_on = execute(emulator, line)
    except (ValueError, OSError) as error:
        typer.echo(f"error {error}")
    else:
        typer.echo("ok")
        sys.stdout.flush()
        return go_on
    sys.stdout.flush()
    return True


@contextmanager
def _end_signals() -> Generator[int, None, None]:
    """A file descriptor that becomes readable on SIGTERM and SIGINT, which do nothing else meanwhile."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    ends = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: None) for number in ends}
    former_fd = signal.set_wakeup_fd(write_fd)
    try:
        yield read_fd
    finally:
        signal.set_wakeup_fd(former_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(read_fd)
        os.close(write_fd)


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(epilog=_EPILOG)(main)

if __name__ == "__main__":
    app()
