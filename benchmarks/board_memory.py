"""`python -m benchmarks.board_memory`: how much of an RP2040's memory is in use while an image comes in?

The compiled firmware runs in the real interpreter with a heap of 264 KB, loader, slots and all. When three quarters of
an image are there the garbage is collected and `micropython.mem_info` printed; the most that was in use during the
transfer without collecting is printed beside it.

MicroPython for PCs is mostly one of 64 bits: whatever consists of words and pointers is twice as large there as on the
boards, and only buffers and bytecode are not. With `--bits 32 --interpreter PATH` the figure is that of an interpreter
for 32-bit x86, whose words are as large as the boards' (its machine code is larger than theirs). To get one: build
MicroPython's unix port with `make MICROPY_FORCE_32BIT=1`, or on a Debian that has the package `micropython` for i386,
`dpkg --add-architecture i386 && apt update && apt install micropython:i386`.
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.board_bench import UNIX, flash_of_a_new_board, pair
from edge_service.sensors.board import BoardSensor
from edge_service.sensors.parameters import BoardTiming
from firmware.build.__main__ import TRACE_MAP
from firmware.build.shrink.program import read
from firmware.build.shrink.rename import Names
from firmware.build.shrink.strip import strip
from firmware.build.targets import UNIX_32, Target
from hardware.bench.emulator import SensorEmulator
from hardware.bench.trace_cleaning import made_up_print
from hardware.bench.virtual_board import VirtualBoard

BAR_BYTES = 120 * 1024
HEAP = "264k"
TARGETS = {64: UNIX, 32: UNIX_32}
WIRE_SPEED = 5.0
_PROBE = Path(__file__).with_name("board_memory_probe.py")
_SEEN = re.compile(r"^at (\d+) of (\d+) live (\d+) highest (\d+)$", re.MULTILINE)
_TOTAL = re.compile(r"GC: total: (\d+), used: (\d+)")


def main(
    *,
    model: Annotated[str, typer.Option(help="R307 (the larger image) or R503.")] = "R307",
    images: Annotated[int, typer.Option(min=1, help="Images, one after the other.")] = 3,
    bits: Annotated[int, typer.Option(help="32 or 64: the interpreter's words.")] = 64,
    interpreter: Annotated[
        Path | None, typer.Option(help="A MicroPython of your own; with --bits 32 you need one.", exists=True)
    ] = None,
    plain: Annotated[bool, typer.Option(help="The modules as they are, not made small.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Print the heap in use at the peak of a transfer; exit code 1 above the bar.

    Examples:
      python -m benchmarks.board_memory

      python -m benchmarks.board_memory --bits 32 --interpreter /usr/bin/micropython
    """
    from rich.console import Console

    if bits not in TARGETS or (bits == 32 and interpreter is None):
        raise typer.BadParameter("--bits is 32 or 64, and 32 goes with --interpreter")
    console = Console(stderr=True)
    with console.status("Taking images"):
        log = log_of(model, images, target=TARGETS[bits], interpreter=interpreter, small=not plain)
    found = [tuple(map(int, match.groups())) for match in _SEEN.finditer(log)]
    if len(found) < images:
        raise SystemExit(f"the firmware told of {len(found)} transfers instead of {images}:\n{log}")
    console.print(log.rstrip(), highlight=False)
    total = _TOTAL.search(log)
    assert total is not None
    in_use = max(live for _, _, live, _ in found)
    figures = {
        "model": model,
        "images": images,
        "bits": bits,
        "heap_bytes": int(total[1]),
        "in_use_bytes": in_use,
        "in_use_with_garbage_bytes": max(highest for *_, highest in found),
        "bar_bytes": BAR_BYTES,
        "within_the_bar": in_use <= BAR_BYTES,
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(0 if figures["within_the_bar"] else 1)


def log_of(model: str, images: int, *, target: Target, interpreter: Path | None, small: bool) -> str:
    """What the probe in the firmware said during that many images."""
    with tempfile.TemporaryDirectory(prefix="whorl-memory-") as folder:
        flash = flash_of_a_new_board(Path(folder) / "build", target=target, small=small)
        found = json.loads(flash.with_name(flash.name + TRACE_MAP).read_text("ascii"))
        names = Names(found.get("plain", {}), found.get("attributes", {}))
        (module,) = read({_PROBE.name: _PROBE}).values()
        strip(module)
        probe = module.tree
        probe.body = [names.apply(statement) for statement in probe.body]
        (flash / "main.py").write_text(ast.unparse(probe), encoding="utf-8")
        pairing = Path(folder) / "pairing.json"
        with (
            SensorEmulator(model, speed=WIRE_SPEED) as sensor,
            VirtualBoard(
                sensor, interpreter=interpreter or "micropython", heap=HEAP, firmware=flash, lid_open=True
            ) as board,
        ):
            pair(board, pairing, timing=BoardTiming())
            with BoardSensor(board.path, pairing=pairing, model=model) as driver:
                for _ in range(images):
                    sensor.present(made_up_print(sensor.model.width, sensor.model.height))
                    driver.capture(timeout_s=10.0)
            return board.log()


if __name__ == "__main__":
    typer.run(main)
