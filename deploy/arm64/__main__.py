"""`python -m deploy.arm64`: the kiosk's package on an arm64 Debian, from its installation to a booking's answer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import zlib
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.arm64 import parameters as p
from deploy.arm64.emulation import emulation
from deploy.arm64.errors import Arm64Error, CannotRun
from deploy.arm64.isolation import run_isolated
from deploy.arm64.machine import Machine
from deploy.arm64.mounts import remove_tree
from deploy.arm64.processors import PI_4, PROCESSORS
from deploy.arm64.report import Report
from deploy.arm64.root import RootMaker
from deploy.arm64.unit_file import read_unit

if TYPE_CHECKING:
    from collections.abc import Generator


def main(
    *,
    deb: Annotated[
        Path | None, typer.Option(help="The package to try, instead of one that is built now.")
    ] = None,
    mirror: Annotated[str, typer.Option(help="Where Debian is fetched from, the first time.")] = p.MIRROR,
    folder: Annotated[Path, typer.Option(help="Where everything is made and kept.")] = p.BUILD,
) -> None:
    """Install the kiosk's package in an arm64 Debian 12 and take a booking there. Needs root, and says what for.

    It enters mounts and processes of its own, which nobody else sees and which end with it. It mounts proc, terminals
    and temporary file systems below build/arm64/root, and tells the kernel, while it runs, to give arm64's programs to
    QEMU. Nothing is installed on this machine. The first time takes minutes, since Debian is made then; it is kept.

    Examples:
      sudo .venv/bin/python -m deploy.arm64

      sudo .venv/bin/python -m deploy.arm64 --deb build/deb/whorl-kiosk_0.1.0-1_arm64.deb
    """
    raise typer.Exit(run_isolated(lambda: _run(folder.resolve(), mirror, deb)))


def _run(folder: Path, mirror: str, deb: Path | None) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    try:
        with _alone(folder):
            try:
                _steps(folder, mirror, deb, report)
            finally:
                report.save(folder / "report.json")
    except Arm64Error as error:
        _fail(error)
        return 1
    finally:
        _give_back(folder)
    return 0


def _steps(folder: Path, mirror: str, deb: Path | None, report: Report) -> None:
    from deploy.arm64 import journey, minutiae, package
    from deploy.arm64.centre import Centre

    root, logs = folder / "root", folder / "logs"
    remove_tree(logs)
    logs.mkdir()
    with contextlib.ExitStack() as stack:
        with report.step("emulation") as tell:
            tell(stack.enter_context(emulation(f"{p.BINFMT_NAME}-{zlib.crc32(bytes(folder)):08x}")))
        maker = RootMaker(folder, mirror=mirror, tell=lambda _: None)
        with report.step("arm64 Debian") as tell:
            maker.tell = tell
            maker.unpack(root)
            tell(f"{p.SUITE}, {maker.archive.name}")
        stack.callback(remove_tree, root)
        with report.step("package") as tell:
            file = deb.resolve() if deb is not None else package.build(folder)
            tell(f"{file.name}, {file.stat().st_size / 1e6:.1f} MB")
        machine = stack.enter_context(Machine(root, logs=logs))
        with report.step("installation") as tell:
            package.install(machine, file)
            unit = read_unit(machine, p.UNIT)
            package.verify_units(machine, unit)
            tell(f"{unit.path} verified, runs as {unit.user}")
        with report.step("every module imported") as tell:
            found = package.look_at(machine, file)
            tell(f"{found.modules} on Python {found.python}, {found.installed_bytes / 1e6:.0f} MB installed")
        here = minutiae.records_here()
        for processor in PROCESSORS:
            with report.step(f"prints on {processor.board}") as tell:
                machine.become(processor)
                count = minutiae.compare(minutiae.records_in(machine), here, processor)
                tell(
                    f"{len(here)} records with {count} minutiae as on x86-64, byte for byte ({processor.name})"
                )
        machine.become(PI_4)
        with report.step("the centre, here"):
            centre = stack.enter_context(Centre(logs / "centre"))
        with report.step("provisioning"):
            port = journey.settle_in(machine, unit, centre)
        with journey.sensor(machine), contextlib.ExitStack() as running:
            with report.step("the kiosk's service") as tell:
                _, ready_s = running.enter_context(journey.kiosk(machine, unit))
                tell(f"ready after {ready_s:.1f} s, emulated")
            with report.step("a booking, sealed") as tell:
                tell(journey.book(centre, port))
            with report.step("edge-service doctor") as tell:
                tell(journey.doctor(machine))
            with report.step("told to stop"):
                running.close()


@contextlib.contextmanager
def _alone(folder: Path) -> Generator[None]:
    """One run at a time in one folder. Raises CannotRun for the second."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(
                f"another run uses {folder}", "wait for its end, or name another --folder"
            ) from None
        yield


def _give_back(folder: Path) -> None:
    """What sudo made belongs to who asked for it, so that `make clean` can remove it."""
    owner, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if not (owner and group):
        return
    for top in (folder, *folder.iterdir()):
        if top.name in {"root", "making"}:
            continue  # something is mounted there still, and it was said so
        for path in (top,) if top == folder else (top, *top.rglob("*")):
            os.chown(path, int(owner), int(group), follow_symlinks=False)


def _fail(error: Arm64Error) -> None:
    typer.secho(str(error), fg=typer.colors.RED, err=True)
    if not isinstance(error, CannotRun):
        typer.secho("The arm64 run found a fault.", err=True)


def command() -> None:
    """The command line; ends with 1 for what cannot run and for what is found."""
    try:
        typer.run(main)
    except Arm64Error as error:
        _fail(error)
        sys.exit(1)


if __name__ == "__main__":
    command()
