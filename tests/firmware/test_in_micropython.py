"""The core's tests again, in the real interpreter with the memory of an RP2040: one item for each function."""

import ast
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
HEAP = "264k"
HEAP_MARK = "# heap: "
"""A file may say, in a line of its own, that it and the firmware's sources do not fit into a board together."""


def find_interpreter():
    beside = Path(sys.executable).with_name("micropython")
    return os.environ.get("WHORL_MICROPYTHON") or (
        str(beside) if beside.exists() else shutil.which("micropython")
    )


def functions():
    for path in sorted((FOLDER / "core").glob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield pytest.param(path, node.name, id=f"{path.stem}-{node.name}")


@functools.cache
def run_file(path):
    """What became of each function, and what was printed after the last one that ended."""
    marks = [line for line in path.read_text("utf-8").splitlines() if line.startswith(HEAP_MARK)]
    heap = marks[0].split()[2] if marks else HEAP
    command = [find_interpreter(), "-X", f"heapsize={heap}", str(FOLDER / "runner.py"), str(path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False, errors="replace"
    )
    results = {}
    lines = []
    for line in (done.stdout + done.stderr).splitlines():
        word, _, name = line.partition(" ")
        if word in {"ok", "failed"} and name.startswith("test_"):
            results[name] = (word, "\n".join(lines))
            lines = []
        elif word != "run":
            lines.append(line)
    return results, "\n".join([*lines, f"exit status {done.returncode}"])


@pytest.mark.skipif(
    find_interpreter() is None,
    reason="no MicroPython interpreter: there are wheels for x86_64 only (or set WHORL_MICROPYTHON)",
)
@pytest.mark.parametrize(("path", "name"), list(functions()))
def test_in_micropython(path, name):
    results, rest = run_file(path)
    word, text = results.get(name, ("did not run", rest))
    assert word == "ok", f"{word} in MicroPython:\n{text}"
