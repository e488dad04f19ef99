"""What may go wrong, and where: makers of trouble, each with how often it is chosen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from benchmarks.board_faults import parameters as p
from edge_service.sensors.models import find_model
from hardware.bench.faults import FaultKind
from hardware.bench.wire_faults import Harm, Incident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator

SENSOR_UP, SENSOR_DOWN = "sensor-up", "sensor-down"
LINK_UP, LINK_DOWN = "link-up", "link-down"
PLACES = (SENSOR_UP, SENSOR_DOWN, LINK_UP, LINK_DOWN)
MODULE, HOST = "module", "host"


class Deed(IntEnum):
    """What a hand does when a wire calls (`Harm.CALL`): it cannot be done by the bytes."""

    RESET_BY_WATCHDOG = 1
    RESET_BY_POWER = 2
    RESET_BY_BROWN_OUT = 3
    UNPLUG_BOARD = 4
    POWER_CYCLE_SENSOR = 5
    UNPLUG_SENSOR = 6
    REPLAY = 7
    FORGE = 8


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble in one place.

    Attributes:
        kind: for the summary, such as "sensor-up flip".
        where: one of `PLACES`, or `MODULE`, or `HOST`.
        incidents: on that wire; of the host, by bytes of the image that it has got.
        faults: of the emulated module, as `Fault.parse` reads them.
    """

    kind: str
    where: str
    incidents: tuple[Incident, ...] = ()
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.where, *map(str, self.incidents), *self.faults])


@dataclass(frozen=True, slots=True)
class RigKind:
    """What stands on the bench.

    Attributes:
        model: of the sensor.
        packet_bytes: of its data packets, as it comes.
        baud: the same.
        detect_line: whether its finger-detect line is wired.
    """

    model: str
    packet_bytes: int
    baud: int
    detect_line: bool


if TYPE_CHECKING:
    Maker: TypeAlias = Callable[[Generator, RigKind], Trouble]
    MakerOnAWire: TypeAlias = Callable[[Generator, RigKind, str], Trouble]


# -- where


def stream_bytes(where: str, rig: RigKind) -> int:
    """About how many bytes pass there in one capture."""
    image = find_model(rig.model).image_bytes
    return {
        SENSOR_UP: image + image // rig.packet_bytes * p.PACKET_OVERHEAD_BYTES + 40,
        SENSOR_DOWN: p.SENSOR_DOWN_BYTES,
        LINK_UP: image + image // p.LINK_CHUNK_BYTES * p.LINK_OVERHEAD_BYTES + 400,
        LINK_DOWN: p.LINK_DOWN_BYTES,
    }[where]


def _at(rng: Generator, where: str, rig: RigKind) -> int:
    """A byte of the stream; the first and the last of it more often than others."""
    size = stream_bytes(where, rig)
    edge = min(300, size // 3)
    share = rng.random()
    if share < 0.15:
        return int(rng.integers(0, edge))
    if share < 0.3:
        return int(size - rng.integers(0, edge))
    return int(rng.integers(0, size))


# -- what


def _few(rng: Generator) -> int:
    return int(rng.choice([1, 1, 1, 2, 3, 6]))


def _spread(kind: Harm, *, sizes: tuple[int, int], label: str | None = None) -> MakerOnAWire:
    """Incidents of one kind here and there."""

    def make(rng: Generator, rig: RigKind, where: str) -> Trouble:
        incidents = [
            Incident(_at(rng, where, rig), kind, int(rng.integers(sizes[0], sizes[1] + 1)))
            for _ in range(_few(rng))
        ]
        return Trouble(f"{where} {label or kind}", where, tuple(incidents))

    return make


def _flips(rng: Generator, rig: RigKind, where: str) -> Trouble:
    """Single bits, each somewhere."""
    incidents = [
        Incident(_at(rng, where, rig), Harm.FLIP, 1, 1 << int(rng.integers(0, 8))) for _ in range(_few(rng))
    ]
    return Trouble(f"{where} flip", where, tuple(incidents))


def _crackle(rng: Generator, rig: RigKind, where: str) -> Trouble:
    """A crackle on the line: several bits wrong, and bytes gone, within a few bytes."""
    start = _at(rng, where, rig)
    incidents: list[Incident] = []
    for _ in range(int(rng.integers(2, 12))):
        at = start + int(rng.integers(0, 24))
        if rng.random() < 0.2:
            incidents.append(Incident(at, Harm.LOSE, 1))
        else:
            incidents.append(Incident(at, Harm.FLIP, 1, int(rng.integers(1, 256))))
    return Trouble(f"{where} crackle", where, tuple(incidents))


def _packet_for_packet(rng: Generator, rig: RigKind, where: str) -> Trouble:
    """One stretch as long as a packet is lost, another one doubled: the count of bytes comes out right."""
    size = rig.packet_bytes + p.PACKET_OVERHEAD_BYTES
    lost, doubled = _at(rng, where, rig), _at(rng, where, rig)
    incidents = (Incident(lost, Harm.LOSE, size), Incident(doubled, Harm.DOUBLE, size))
    return Trouble(f"{where} lose+double", where, incidents)


def _called(deed: Deed, label: str, places: Sequence[str]) -> Maker:
    def make(rng: Generator, rig: RigKind) -> Trouble:
        where = str(rng.choice(list(places)))
        return Trouble(label, where, (Incident(_at(rng, where, rig), Harm.CALL, int(deed)),))

    return make


def _cut(label: str, where: str) -> Maker:
    def make(rng: Generator, rig: RigKind) -> Trouble:
        after_ms = int(rng.integers(5, 400))
        return Trouble(label, where, (Incident(_at(rng, where, rig), Harm.CUT, after_ms),))

    return make


def _pause(label: str, where: str, least_ms: int, most_ms: int) -> Maker:
    def make(rng: Generator, rig: RigKind) -> Trouble:
        pause_ms = int(rng.integers(least_ms, most_ms))
        return Trouble(label, where, (Incident(_at(rng, where, rig), Harm.DELAY, pause_ms),))

    return make


def _nap(rng: Generator, rig: RigKind) -> Trouble:
    """The host does nothing for a while, in the middle of an image."""
    at, nap_ms = int(rng.integers(0, find_model(rig.model).image_bytes)), int(rng.integers(20, 1000))
    return Trouble("host stops reading", HOST, (Incident(at, Harm.DELAY, nap_ms),))


def _module_fault(rng: Generator, rig: RigKind) -> Trouble:
    """The module itself drops, repeats or spoils packets."""
    packets = find_model(rig.model).image_bytes // rig.packet_bytes
    kinds = [
        FaultKind.DROP,
        FaultKind.REPEAT,
        FaultKind.BAD_CHECKSUM,
        FaultKind.LOSE_BYTES,
        FaultKind.GARBAGE,
    ]
    faults = [
        f"{rng.choice([k.value for k in kinds])}@{'ack' if rng.random() < 0.15 else rng.integers(1, packets + 1)}"
        for _ in range(_few(rng))
    ]
    return Trouble("module packets", MODULE, faults=tuple(faults))


def _module_swap(rng: Generator, rig: RigKind) -> Trouble:
    """The module drops one packet and repeats another: every sum and the count of bytes come out right."""
    packets = find_model(rig.model).image_bytes // rig.packet_bytes
    dropped, repeated = rng.choice(np.arange(1, packets), size=2, replace=False)
    return Trouble("module drop+repeat", MODULE, faults=(f"drop@{dropped}", f"repeat@{repeated}"))


def _module_state(rng: Generator, rig: RigKind) -> Trouble:
    """The module falls silent, sees no finger or no image for a while."""
    del rig
    kind = rng.choice([FaultKind.SILENCE, FaultKind.NO_FINGER, FaultKind.BAD_IMAGE])
    times = "" if kind == FaultKind.SILENCE else f"x{rng.integers(1, 6)}"
    return Trouble(f"module {kind}", MODULE, faults=(f"{kind}{times}",))


def _there(make: MakerOnAWire, where: str) -> Maker:
    return lambda rng, rig: make(rng, rig, where)


def _on_wires() -> list[tuple[Maker, float, bool]]:
    kinds: list[tuple[Maker, float, bool]] = []
    for where in PLACES:
        direct = where in {SENSOR_UP, SENSOR_DOWN}
        weight = 1.0 if where in {SENSOR_UP, LINK_UP} else 0.5
        kinds += [
            (_there(make, where), weight, direct)
            for make in (
                _flips,
                _crackle,
                _spread(Harm.LOSE, sizes=(1, 5)),
                _spread(Harm.LOSE, sizes=(20, 900), label="burst lost"),
                _spread(Harm.DOUBLE, sizes=(1, 8)),
                _spread(Harm.DOUBLE, sizes=(40, 600), label="burst doubled"),
                _spread(Harm.NOISE, sizes=(1, 60)),
                _spread(Harm.DELAY, sizes=(2, 80)),
            )
        ]
    return kinds


KINDS: list[tuple[Maker, float, bool]] = [
    *_on_wires(),
    (_there(_packet_for_packet, SENSOR_UP), 1.0, True),
    (_module_fault, 1.0, True),
    (_module_swap, 0.3, True),
    (_module_state, 0.6, True),
    (_cut("sensor cable pulled", SENSOR_UP), 1.0, True),
    (_pause("sensor pauses", SENSOR_UP, 100, 500), 0.6, True),
    (_called(Deed.POWER_CYCLE_SENSOR, "sensor power lost", [SENSOR_UP, SENSOR_DOWN]), 0.8, True),
    (_called(Deed.UNPLUG_SENSOR, "sensor unplugged", [SENSOR_UP]), 0.5, True),
    (_called(Deed.RESET_BY_WATCHDOG, "board reset (watchdog)", PLACES), 0.7, False),
    (_called(Deed.RESET_BY_POWER, "board reset (power)", PLACES), 0.7, False),
    (_called(Deed.RESET_BY_BROWN_OUT, "board reset (brown-out)", PLACES), 0.3, False),
    (_called(Deed.UNPLUG_BOARD, "board unplugged", PLACES), 0.7, False),
    (_cut("usb cable pulled", LINK_UP), 1.0, False),
    (_pause("usb wire mute", LINK_UP, 100, 900), 0.6, False),
    (_nap, 1.2, True),
    (_called(Deed.REPLAY, "old frames replayed", [LINK_UP, LINK_DOWN]), 0.8, False),
    (_called(Deed.FORGE, "frames forged", [LINK_UP, LINK_DOWN]), 0.5, False),
]
"""Maker, weight, and whether it also makes sense without a board."""
