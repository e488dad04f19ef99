"""Running arm64's programs here: the kernel is told to give them to QEMU (binfmt_misc), for as long as we need it."""

from __future__ import annotations

import contextlib
import platform
import shutil
import subprocess
from typing import TYPE_CHECKING

from deploy.arm64 import parameters as p
from deploy.arm64.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def native() -> bool:
    """Whether this machine is of the appliance's architecture itself."""
    return platform.machine() == "aarch64"


@contextlib.contextmanager
def emulation(name: str = p.BINFMT_NAME, *, folder: Path = p.BINFMT) -> Generator[str]:
    """While this lasts arm64's programs run, also behind a chroot; gives in words by what. Raises CannotRun.

    An entry that is there already is used if it keeps the emulator open itself (flag F); otherwise one of ours is
    registered as `name`, and taken away in the end; so runs beside each other need different names.
    """
    if native():
        yield "this machine is arm64 itself"
        return
    emulator = shutil.which(p.EMULATOR, path="/usr/bin:/usr/local/bin:/bin")
    if emulator is None:
        raise CannotRun(f"{p.EMULATOR} is not installed", "install it: sudo apt install qemu-user-static")
    _mount(folder)
    if _serves(folder / "qemu-aarch64"):
        yield "QEMU, as this machine has it registered"
        return
    ours = folder / name
    if not ours.exists():  # one that a run left which was killed is as good
        _register(folder, name, emulator)
    try:
        yield f"QEMU, registered as {name} for this run"
    finally:
        if ours.exists():
            ours.write_text("-1", encoding="ascii")


def _mount(folder: Path) -> None:
    if (folder / "register").exists():
        return
    command = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        raise CannotRun(
            f"the kernel has no binfmt_misc for us ({done.stderr.strip()})",
            "load it (sudo modprobe binfmt_misc); a container needs the right to mount it (--privileged)",
        )


def _serves(entry: Path) -> bool:
    """Whether an entry is switched on and works behind a chroot."""
    if not entry.exists():
        return False
    lines = entry.read_text("ascii").splitlines()
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags:")), "")
    return lines[0] == "enabled" and "F" in flags


def _register(folder: Path, name: str, emulator: str) -> None:
    entry = b":%s:M::%s:%s:%s:OPF" % (
        name.encode(),
        p.ELF_MAGIC,
        p.ELF_MASK,
        emulator.encode(),
    )
    try:
        with (folder / "register").open("wb", buffering=0) as register:
            register.write(entry)
    except OSError as error:
        raise CannotRun(
            f"the kernel refuses to give arm64's programs to {emulator} ({error.strerror})",
            "binfmt_misc must be writable for root; many containers forbid it",
        ) from error
