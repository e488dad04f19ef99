"""The package in the arm64 system: built, installed as on a Pi, and looked at."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.arm64 import parameters as p
from deploy.arm64.errors import StepFailed
from deploy.arm64.root import run_logged

if TYPE_CHECKING:
    from deploy.arm64.machine import Machine
    from deploy.arm64.unit_file import Unit

_REPOSITORY = Path(__file__).parents[2]
_INSIDE = "/tmp/whorl.deb"  # noqa: S108 - the machine's own, a file system of its own
# Every module is imported, each by the processor it is meant for: a wheel's library that cannot be loaded shows here.
_IMPORT_ALL = """
import importlib, importlib.util, json, pkgutil, platform, sys
names, failed = [], {}
for package in PACKAGES:
    top = importlib.import_module(package)
    names += [m.name for m in pkgutil.walk_packages(top.__path__, package + ".") if not m.name.endswith("__main__")]
for name in names:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
surplus = [name for name in UNWANTED if importlib.util.find_spec(name)]
print(json.dumps({"modules": len(names), "failed": failed, "surplus": surplus,
                  "python": platform.python_version(), "machine": platform.machine()}))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What was found of the installed package.

    Attributes:
        version: the package's.
        package_bytes: size of the .deb.
        installed_bytes: of its files.
        python: version of the interpreter.
        modules: how many were imported.
    """

    version: str
    package_bytes: int
    installed_bytes: int
    python: str
    modules: int


def build(folder: Path) -> Path:
    """The kiosk's package, built now from this checkout."""
    out = folder / "deb"
    out.mkdir(parents=True, exist_ok=True)
    for earlier in out.glob("*.deb"):  # the wheels that were fetched stay
        earlier.unlink()
    command = [sys.executable, "-m", "deploy.debian", "--arch", p.ARCHITECTURE, "--package", p.PACKAGE]
    command += ["--compression", "none"]  # it is unpacked a moment later
    run_logged([*command, "--out", str(out)], log=folder / "package.log", cwd=_REPOSITORY)
    made = sorted(out.glob(f"{p.PACKAGE}_*_{p.ARCHITECTURE}.deb"))
    if len(made) != 1:
        raise StepFailed(
            "make deb", f"made {len(made)} packages where one was wanted (see {folder / 'package.log'})"
        )
    return made[0]


def install(machine: Machine, package: Path) -> str:
    """Install it and nothing else; what the installation said. What it depends on has to be there."""
    shutil.copy(package, machine.path(_INSIDE))
    return machine.run("apt-get", "install", "-qq", "--yes", "--no-install-recommends", _INSIDE)


def run_python(machine: Machine, program: str, *, text: str = "", user: str = "root") -> str:
    """What a Python program prints that runs with the package's modules, as its own programs do."""
    paths = [p.PROGRAM_FOLDER, p.LIBRARY_FOLDER]
    begin = f"import sys; sys.path[:0] = {paths!r}\n"
    return machine.run("/usr/bin/python3", "-ISB", "-c", begin + program, text=text, user=user)


def look_at(machine: Machine, package: Path) -> Installed:
    """Check the installation. Raises StepFailed with what is wrong."""
    program = f"PACKAGES = {p.IMPORT_PACKAGES!r}\nUNWANTED = {p.NOT_ON_A_KIOSK!r}\n{_IMPORT_ALL}"
    said = json.loads(run_python(machine, program).splitlines()[-1])
    if said["machine"] != "aarch64" or said["failed"] or said["surplus"]:
        failed = "".join(f"\n{name}: {why}" for name, why in said["failed"].items())
        surplus = f"\nnot meant for a kiosk: {', '.join(said['surplus'])}" if said["surplus"] else ""
        raise StepFailed(
            "the installed program", "is not whole", (failed + surplus).strip() or said["machine"]
        )
    shown = machine.run("dpkg-query", "--show", "--showformat", "${Version} ${Installed-Size}", p.PACKAGE)
    version, kibibytes = shown.split()
    return Installed(
        version=version,
        package_bytes=package.stat().st_size,
        installed_bytes=int(kibibytes) * 1024,
        python=said["python"],
        modules=said["modules"],
    )


def verify_units(machine: Machine, unit: Unit) -> None:
    """Ask systemd itself about the unit that takes bookings. Raises StepFailed with its complaints."""
    folder = Path(unit.path).parent
    said = machine.run("sh", "-c", f"systemd-analyze verify --man=no {folder}/{p.UNIT} 2>&1", also=(1,))
    wrong = [line for line in said.splitlines() if "whorl" in line]
    if wrong:
        raise StepFailed("systemd-analyze verify", "complains", "\n".join(wrong))
