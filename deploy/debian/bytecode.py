"""Compiled Python files, made when the package is built, by the Python version that will run them.

A read-only root could not keep any, and a kiosk that compiles its modules at each start is a slow kiosk. "Unchecked":
Python does not compare them with their sources, which nobody changes below /usr/lib.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.debian.target import Target

TIMEOUT_S = 600
COMPILE = """
import compileall, py_compile, sys
good = compileall.compile_dir(
    sys.argv[1], maxlevels=100, quiet=2, force=True, stripdir=sys.argv[1], prependdir=sys.argv[2],
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
sys.exit(not good)
"""


def find_python(target: Target) -> str:
    """An interpreter of the target's version on this machine. Raises BuildError."""
    if sys.version_info[:2] == target.python_pair:
        return sys.executable
    found = shutil.which(f"python{target.python}")
    if found is None or not _is_one(found, target):
        others = "3.13 (trixie)" if target.python == "3.11" else "3.11 (bookworm)"
        raise BuildError(
            f"python{target.python} is not installed here, and only that can compile for it. "
            f"Build on a Debian that has it, or for Python {others} with PYTHON_DEB"
        )
    return found


def _is_one(python: str, target: Target) -> bool:
    """Whether it starts, and is of that version: a version manager leaves names that lead nowhere."""
    asked = [python, "-IS", "-c", "import sys; print(*sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    return done.stdout.split() == [str(number) for number in target.python_pair]


def compile_all(folder: Path, installed_as: str, target: Target) -> int:
    """Compile all below `folder`, which will be `installed_as`; how many files there are then.

    What does not compile is somebody's example or for a newer Python; it stays a source.
    """
    subprocess.run(  # noqa: S603 - our own interpreter and words
        [find_python(target), "-IS", "-c", COMPILE, str(folder), installed_as],
        # Sets would be written in an order of chance.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        timeout=TIMEOUT_S,
        check=False,
    )
    made = sum(1 for _ in folder.rglob("*.pyc"))
    if not made:
        raise BuildError(f"python{target.python} compiled nothing: what it said stands above")
    return made
