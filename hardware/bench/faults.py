"""How the emulated sensor can be told to misbehave. Pure: packets in, packets out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

LOST_BYTES = 5
GARBAGE_BYTES = 24


class FaultKind(StrEnum):
    """The faults, by the name they have on the command line."""

    SILENCE = "silence"
    """No answer at all, until the fault is taken away or the power is cycled."""
    GARBAGE = "garbage"
    """Noise before a header, with half a header in it."""
    STRAY_ZERO = "stray-zero"
    """One 00 before a header."""
    BAD_CHECKSUM = "bad-checksum"
    DROP = "drop"
    """A packet is left out."""
    REPEAT = "repeat"
    """A packet is sent twice."""
    LOSE_BYTES = "lose-bytes"
    """Some bytes in the middle of a packet are lost, as when a UART overflows."""
    UNPLUG = "unplug"
    """The port goes away instead of a packet."""
    NO_FINGER = "no-finger"
    """The finger on the window is not seen."""
    BAD_IMAGE = "bad-image"
    """The finger is seen but no image can be taken."""
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - the name of a fault


LASTING = frozenset({FaultKind.SILENCE, FaultKind.NO_FINGER, FaultKind.BAD_IMAGE, FaultKind.WRONG_PASSWORD})
"""States of the module rather than accidents on the wire: without a number of times they last."""


class Mark(Enum):
    """Something that happens between two packets rather than being sent."""

    UNPLUG = "unplug"
    RESTART = "restart"
    SWITCH_BAUD = "switch-baud"


Outgoing: TypeAlias = bytes | Mark
_SPEC = re.compile(r"(?P<kind>[a-z-]+?)(@(?P<packet>ack|\d+))?(x(?P<times>\d+|always))?")


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong.
        packet: in which packet of an answer: 0 is the acknowledgement, 1 the first data packet; None is all.
        times: how many answers it still spoils; None is all.
    """

    kind: FaultKind
    packet: int | None = None
    times: int | None = None

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `KIND[@PACKET][xTIMES]`: "silence", "drop@10", "garbage@ackx3", "bad-checksum@7xalways".

        Without TIMES an accident on the wire happens once and a state of the module lasts. Raises ValueError
        that names the kinds.
        """
        match = _SPEC.fullmatch(text)
        kinds = {kind.value: kind for kind in FaultKind}
        if match is None or match["kind"] not in kinds:
            names = ", ".join(kinds)
            raise ValueError(f"{text!r} is no fault: KIND[@PACKET][xTIMES] with KIND one of {names}")
        kind = kinds[match["kind"]]
        packet = None if match["packet"] is None else int(match["packet"].replace("ack", "0"))
        if match["times"] is None:
            return cls(kind, packet, None if kind in LASTING else 1)
        return cls(kind, packet, None if match["times"] == "always" else int(match["times"]))


@dataclass(slots=True)
class FaultPlan:
    """The faults that are armed."""

    faults: list[Fault] = field(default_factory=list)

    def takes(self, kind: FaultKind) -> bool:
        """Whether a state of the module is armed; counts one use of it."""
        for fault in self.faults:
            if fault.kind == kind and fault.times != 0:
                self._use(fault)
                return True
        return False

    def has(self, kind: FaultKind) -> bool:
        """Whether such a fault is armed; counts nothing."""
        return any(fault.kind == kind and fault.times != 0 for fault in self.faults)

    def remove(self, kind: FaultKind) -> None:
        """Take all faults of one kind away."""
        self.faults[:] = [fault for fault in self.faults if fault.kind != kind]

    def spoil(self, packets: Sequence[bytes], noise: random.Random) -> list[Outgoing]:
        """An answer as it goes out: each armed fault applied to the packets it names."""
        outgoing: list[list[Outgoing]] = [[packet] for packet in packets]
        for fault in list(self.faults):
            if fault.kind in LASTING or fault.times == 0:
                continue
            if fault.packet is not None and fault.packet >= len(packets):
                continue
            hit = range(len(packets)) if fault.packet is None else [fault.packet]
            for number in hit:
                outgoing[number] = _spoil(fault.kind, packets[number], noise)
            self._use(fault)
        return [item for items in outgoing for item in items]

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1


def _spoil(kind: FaultKind, packet: bytes, noise: random.Random) -> list[Outgoing]:
    middle = len(packet) // 2
    half_header = noise.randbytes(GARBAGE_BYTES) + packet[:7]
    outcomes: dict[FaultKind, list[Outgoing]] = {
        FaultKind.GARBAGE: [half_header, packet],
        FaultKind.STRAY_ZERO: [b"\x00", packet],
        FaultKind.BAD_CHECKSUM: [packet[:-1] + bytes([packet[-1] ^ 0x5A])],
        FaultKind.DROP: [],
        FaultKind.REPEAT: [packet, packet],
        FaultKind.LOSE_BYTES: [packet[:middle] + packet[middle + LOST_BYTES :]],
        FaultKind.UNPLUG: [Mark.UNPLUG],
    }
    return outcomes[kind]
