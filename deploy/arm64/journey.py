"""A kiosk's first day in the arm64 system: admitted by the centre, started as its unit says, one booking."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.arm64 import parameters as p
from deploy.arm64.centre import POSITIONS, REPOSITORY, Centre
from deploy.arm64.errors import NotTheSame, StepFailed
from deploy.arm64.minutiae import difference
from deploy.arm64.officer import Officer
from deploy.arm64.samples import BOOKED
from deploy.arm64.supervisor import Supervisor
from edge_service.extraction import read_image
from hardware.bench.emulator import SensorEmulator
from interchange import iso19794

if TYPE_CHECKING:
    from collections.abc import Generator

    from deploy.arm64.machine import Machine
    from deploy.arm64.unit_file import Unit
    from hardware.bench.process import ChildProcess

_SENSOR = "/dev/whorl-sensor"
_STOP_S = 60.0


def settle_in(machine: Machine, unit: Unit, centre: Centre) -> int:
    """The technician's part: settings, the one-time code, an officer. Gives the port of the kiosk's page."""
    port = _free_port()
    path = machine.path(p.SETTINGS_FILE)
    settings = path.read_text(encoding="utf-8")
    for shipped, ours in (
        ('port = "/dev/whorl-board"', f'through = "uart"\nport = "{_SENSOR}"\nmodel = "{p.SENSOR_MODEL}"'),
        ("port = 8322", f"port = {_free_port()}"),  # the network is shared with this machine
    ):
        if shipped not in settings:
            raise StepFailed(f"{p.SETTINGS_FILE} as the package makes it", f"has no line {shipped}", settings)
        settings = settings.replace(shipped, ours)
    settings += f"\n[kiosk]\nport = {port}\nidle_lock_s = 3600\naccept_good_after_s = 0\n"
    path.write_text(settings, encoding="utf-8")  # owner and rights stay
    code = centre.invite()
    told = machine.run(
        "edge-service",
        "provision",
        code,
        "--centre",
        centre.address,
        "--config",
        p.SETTINGS_FILE,
        user=unit.user,
    )
    if p.DEVICE not in told:
        raise StepFailed("edge-service provision", "did not say who the kiosk is", told)
    add = ("edge-service", "kiosk-users", "add", p.OFFICER, "--config", p.SETTINGS_FILE)
    machine.run(*add, user=unit.user, text=f"{p.PIN}\n{p.PIN}\n")
    return port


@contextmanager
def sensor(machine: Machine) -> Generator[SensorEmulator]:
    """An emulated R307 out here, wired to the machine in there, with the fingers that are to be booked waiting."""
    link = machine.path(_SENSOR)
    with SensorEmulator(p.SENSOR_MODEL, link=link, baud=p.SENSOR_BAUD, speed=0.0, auto_next=True) as emulator:
        terminal = Path(emulator.path).resolve()
        os.chown(terminal, 0, _group(machine, "dialout"))
        terminal.chmod(0o660)
        emulator.enqueue([read_image(sample.image) for sample in BOOKED])
        yield emulator


@contextmanager
def kiosk(machine: Machine, unit: Unit) -> Generator[tuple[ChildProcess, float]]:
    """The service, started as its unit starts it; with the seconds until it was ready. Ends it as systemd would."""
    with Supervisor(machine, watchdog_s=unit.watchdog_s) as supervisor:
        environment = unit.environment | supervisor.environment
        service = machine.start(*unit.command, user=unit.user, name="whorl-edge", more=environment)
        try:
            ready_s = supervisor.wait_for("READY=1", service, timeout_s=p.READY_TIMEOUT_S)
            supervisor.wait_for("WATCHDOG=1", service, timeout_s=unit.watchdog_s or p.READY_TIMEOUT_S)
            yield service, ready_s
            code = service.stop(_STOP_S)
            if code != 0:
                raise StepFailed(
                    "the kiosk's service, told to stop,", f"ended with {code}", service.output()[-1500:]
                )
        finally:
            service.kill()


def book(centre: Centre, port: int) -> str:
    """One booking at the page; gives the answer in words. Raises StepFailed, or NotTheSame for other minutiae."""
    with Officer(port) as officer:
        result = officer.book(POSITIONS, pin=p.PIN, number="B-2026-0417")
        officer.leave()
    answers = {one["repository"]: one["kind"] for one in result.get("repositories", ())}
    if answers != {REPOSITORY: "strong"}:
        raise StepFailed("the booking of an enrolled person", f"was answered with {answers or result}")
    sent = centre.submissions()
    if len(sent) != 1:
        raise StepFailed("the booking", f"is {len(sent)} times at the matcher")
    _compare_sent(sent[0].prints)
    return (
        f"{REPOSITORY}: {answers[REPOSITORY]} candidate, {len(sent[0].prints)} fingers, once at the matcher"
    )


def doctor(machine: Machine) -> str:
    """What `edge-service doctor` says beside the running service: worth a look is allowed, a problem is not."""
    import json

    said = machine.run("edge-service", "doctor", "--json", "--config", p.SETTINGS_FILE, also=(1, 2))
    findings = json.loads(said)
    wrong = [f"{one['check']}: {one['what']}" for one in findings if one["level"] == "problem"]
    if wrong:
        raise StepFailed("edge-service doctor", "finds problems", "\n".join(wrong))
    return ", ".join(f"{one['check']} {one['level']}" for one in findings)


def _compare_sent(prints: object) -> None:
    wrong: list[str] = []
    for sent, sample in zip(prints, BOOKED, strict=True):  # pyright: ignore[reportArgumentType]
        record = sample.record.read_bytes()
        packed = [iso19794.decode(data).views[0].packed for data in (sent.template, record)]
        if packed[0] != packed[1]:
            wrong.append(f"{sample.name} through sensor and service: {difference(sent.template, record)}")
    if wrong:
        raise NotTheSame(wrong)


def _group(machine: Machine, name: str) -> int:
    for line in machine.path("/etc/group").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2])
    raise StepFailed(f"the group {name}", "is not in the arm64 system")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
