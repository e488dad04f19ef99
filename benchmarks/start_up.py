"""`python -m benchmarks.start_up`: how long from the start of the edge service until it is ready?

Ready is what systemd is told (READY=1), taken from a socket as systemd listens on one: from then on a booking can be
taken. Beside it, when the page was there. Warm is a service that was started before; cold is one whose files the kernel
has forgotten (`/proc/sys/vm/drop_caches`, for which one has to be root), as after switching the kiosk on. The broker
and the sensor are there; the matcher is not.

With --imports, which packages Python's loading of modules is spent on (`-X importtime`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.kiosk_memory.appliance import free_port
from edge_service.running_parts import open_spool
from edge_service.settings import EdgeSettings
from hardware.bench.broker import Broker
from hardware.bench.emulator import SensorEmulator
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from hardware.bench.secure_centre import SecureCentre
from interchange.messages import encode_message
from interchange.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BAR_S = 5.0
DEVICE, ORI = "bench-kiosk", "MO0100000"  # made up
UNDELIVERED = 1000
PATIENCE_S = 120.0
DROP = Path("/proc/sys/vm/drop_caches")
_LINE = re.compile(rb"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """A way to start: the words of the command line, and whether anything is waited for but its end."""

    name: str
    words: tuple[str, ...]
    page: int | None = None
    serves: bool = True


class StartFailed(Exception):  # noqa: N818 - reads as what it is
    """A service that did not become ready; its output says why."""

    def __init__(self, case: Case, output: str) -> None:
        super().__init__(f"{case.name}: did not become ready; the end of what it said:\n{output[-2000:]}")


def main(
    *,
    runs: Annotated[int, typer.Option(min=1, help="Of each case, warm and cold.")] = 10,
    cold: Annotated[
        bool, typer.Option(help="Also with the kernel's cache of files emptied; asks for root.")
    ] = True,
    only: Annotated[str, typer.Option(help="Cases whose names hold this.")] = "",
    imports: Annotated[
        bool, typer.Option(help="Show which packages are loaded, and how long that takes.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Measure, print a table, and exit with 1 where the bar is missed.

    Examples:
      python -m benchmarks.start_up

      python -m benchmarks.start_up --no-cold --only kiosk --imports
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console()
    if cold and not os.access(DROP, os.W_OK):
        console.print("not root: only warm starts are measured")
        cold = False
    kinds = ("warm", "cold") if cold else ("warm",)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="whorl-start-") as name, cases(Path(name)) as found:
        chosen = [case for case in found if only in case.name]
        if imports:
            for case in chosen:
                console.print(f"{case.name}: {_imports(case)}", highlight=False)
            return
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("starts", total=len(chosen) * runs * len(kinds))
            for kind in kinds:
                for case in chosen:
                    start(case)  # compiled modules are written, once
                    rows: list[tuple[float, float]] = []
                    for _ in range(runs):
                        if kind == "cold":
                            forget_files()
                        rows.append(start(case))
                        progress.advance(task)
                    figures.setdefault(case.name, {})[kind] = _summary(rows)
    _show(figures)
    within = all(figure["worst_s"] <= BAR_S for kinds_of in figures.values() for figure in kinds_of.values())
    result = {
        "runs": runs,
        "bar_s": BAR_S,
        "within_the_bar": within,
        "load": os.getloadavg()[0],
        "cases": figures,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(0 if within else 1)


@contextlib.contextmanager
def cases(folder: Path) -> Generator[list[Case]]:
    """All of them, with broker, sensor and centre running."""
    with ExitStack() as stack:
        sensor = stack.enter_context(SensorEmulator("R307", auto_next=True, baud=115_200))
        sensors = ["sensor.through=uart", f"sensor.port={sensor.path}", "sensor.model=R307"]
        plain = stack.enter_context(Broker(folder / "broker"))
        open_ = [f"device={DEVICE}", f"broker.port={plain.port}", f"identity.folder={folder}/none"]
        centre = SecureCentre(folder, database_url=f"sqlite:///{folder}/matcher.db")
        stack.enter_context(centre.broker)
        centre.start_api()
        stack.callback(centre.stop_api)
        identity = folder / "identity"
        centre.provision(identity, centre.invite(DEVICE, ORI))
        sealed = [f"identity.folder={identity}"]
        port = free_port()

        def words(command: str, name: str, *settings: str) -> tuple[str, ...]:
            (folder / name).mkdir(exist_ok=True)
            own = [f"spool.path={folder}/{name}/spool.db", f"kiosk.port={port}", *sensors, *settings]
            return (command, *(word for setting in own for word in ("--set", setting)))

        full = [f"spool.path={folder}/full/spool.db", *sealed]
        (folder / "full").mkdir()
        _fill(load_settings(EdgeSettings, None, full))
        yield [
            Case("--help", ("--help",), serves=False),
            Case("run", words("run", "run", *open_)),
            Case("kiosk", words("kiosk", "kiosk", *open_), port),
            Case("kiosk, provisioned", words("kiosk", "sealed", *sealed), port),
            Case(f"kiosk, provisioned, {UNDELIVERED} to deliver", words("kiosk", "full", *sealed), port),
        ]


def start(case: Case) -> tuple[float, float]:
    """Seconds until ready (or, for what serves nothing, its end) and until the page was there. It is ended again."""
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        address = f"{name}/notify"
        listener.bind(address)
        listener.settimeout(0.25)
        environment = {**os.environ, "NOTIFY_SOCKET": address}
        with (Path(name) / "log").open("w+b") as log:
            began = time.monotonic()
            process = subprocess.Popen(  # noqa: S603 - our own
                _command(case),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                ready_s = _await(case, process, listener, began)
                page_s = ready_s if case.page is None else _page(case.page, began)
            except TimeoutError:
                log.seek(0)
                raise StartFailed(case, log.read().decode("utf-8", "replace")) from None
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                process.wait(20)
    return ready_s, page_s


def forget_files() -> None:
    """Have the kernel forget what it has read."""
    os.sync()
    DROP.write_text("3\n", encoding="ascii")


def _command(case: Case, *python: str) -> list[str]:
    return [sys.executable, *python, "-m", "edge_service", *case.words]


def _await(case: Case, process: subprocess.Popen[bytes], listener: socket.socket, began: float) -> float:
    if not case.serves:
        process.wait(PATIENCE_S)
        return time.monotonic() - began
    while time.monotonic() - began < PATIENCE_S:
        try:
            told = listener.recv(4096)
        except TimeoutError:
            if process.poll() is not None:
                raise
            continue
        if b"READY=1" in told.split(b"\n"):
            return time.monotonic() - began
    raise TimeoutError


def _page(port: int, began: float) -> float:
    while time.monotonic() - began < PATIENCE_S:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                page.read()
            return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    raise TimeoutError


def _fill(settings: EdgeSettings) -> None:
    """Bookings that nobody has acknowledged."""
    logging.getLogger("edge").setLevel(logging.ERROR)  # that it is nearly full is what is wanted
    prints = {position: made_up_minutiae(position) for position in (2, 3, 7, 8)}
    with open_spool(settings) as spool:
        for _ in range(UNDELIVERED):
            submission = made_up_submission(DEVICE, prints)
            spool.add(submission.tcn, encode_message(submission))


def _imports(case: Case) -> str:
    """Milliseconds of loading by package, of one warm start."""
    with tempfile.TemporaryFile() as log:
        command = _command(case, "-X", "importtime")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)  # noqa: S603
        try:
            process.wait(PATIENCE_S if not case.serves else 6.0)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        log.seek(0)
        found = _LINE.findall(log.read())
    spent: Counter[str] = Counter()
    for self_us, module in found:
        spent[module.decode().split(".")[0]] += int(self_us)
    largest = ", ".join(f"{name} {us / 1000:.0f}" for name, us in spent.most_common(16))
    return f"{len(found)} modules, {sum(spent.values()) / 1000:.0f} ms under -X importtime: {largest}"


def _summary(rows: list[tuple[float, float]]) -> dict[str, float]:
    ready, page = zip(*rows, strict=True)
    pick: Callable[[float], float] = lambda value: round(value, 3)  # noqa: E731 - three digits are enough
    return {
        "median_s": pick(statistics.median(ready)),
        "worst_s": pick(max(ready)),
        "page_median_s": pick(statistics.median(page)),
        "page_worst_s": pick(max(page)),
    }


def _show(figures: dict[str, dict[str, dict[str, float]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("seconds until ready", "", "median", "worst", "page: median", "worst", box=None)
    for name, kinds in figures.items():
        for kind, figure in kinds.items():
            table.add_row(name, kind, *(f"{value:.2f}" for value in figure.values()))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
