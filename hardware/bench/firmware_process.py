"""The firmware as a process: the real interpreter, or CPython, with what it inherits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from hardware.bench.compiled_firmware import CHECKOUT, compiled_firmware

if TYPE_CHECKING:
    from collections.abc import Mapping

Interpreter: TypeAlias = Literal["micropython", "cpython"] | Path
"""A path is a MicroPython of one's own."""


def find_micropython() -> str | None:
    """MicroPython's unix port: beside this Python, on the PATH, or where WHORL_MICROPYTHON says; None."""
    beside = Path(sys.executable).with_name("micropython")
    if beside.exists():
        return str(beside)
    return shutil.which("micropython") or os.environ.get("WHORL_MICROPYTHON")


def firmware_command(
    interpreter: Interpreter, *, heap: str, firmware: Path | None
) -> tuple[list[str], dict[str, str]]:
    """How to start the firmware, and in which environment.

    Args:
        interpreter: which one.
        heap: of MicroPython, as for its option heapsize.
        firmware: a board's flash with its main.py; None for this checkout, compiled, without a loader.

    Raises FileNotFoundError when there is no MicroPython, CompileError when the sources do not compile.
    """
    if interpreter == "cpython":
        command = [sys.executable]
        path = {"PYTHONPATH": str(CHECKOUT)}
    else:
        found = str(interpreter) if isinstance(interpreter, Path) else find_micropython()
        if found is None:
            raise FileNotFoundError("no MicroPython: make setup installs it; or set WHORL_MICROPYTHON")
        command = [found, "-X", f"heapsize={heap}"]
        path = {} if firmware else {"MICROPYPATH": str(compiled_firmware())}
    program = ["-m", "firmware.unix"] if firmware is None else [str(firmware / "main.py")]
    # A board without a bench is of no use to anybody: it dies with the thread that started it.
    leash = shutil.which("setpriv")
    prefix = [leash, "--pdeathsig", "KILL"] if leash else []
    env = {name: value for name, value in os.environ.items() if name not in {"MICROPYPATH", "PYTHONPATH"}}
    return [*prefix, *command, *program], env | path


def start_firmware(
    command: list[str],
    env: Mapping[str, str],
    *,
    words: Mapping[str, str | int],
    inherit: tuple[int, ...],
    log: Path,
) -> subprocess.Popen[bytes]:
    """Start it.

    Args:
        command: from `firmware_command`, as is `env`.
        env: its environment.
        words: what it is told, as `name=value`.
        inherit: descriptors that it gets.
        log: what it says goes to the end of this file.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own program
            [*command, *(f"{name}={value}" for name, value in words.items())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            pass_fds=inherit,
            process_group=0,  # Ctrl-C is for the bench, which then ends the board
        )
