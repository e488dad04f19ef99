"""What happens to bytes on a wire: a script of incidents, each at a byte. Pure: no I/O, no clock.

An incident is tied to a position in the stream and not to a time or to a piece of it. So the same script does
the same to the same stream, however the kernel cut that stream up.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Harm(StrEnum):
    """What may happen to a wire; what `Incident.size` counts stands behind each."""

    FLIP = "flip"  # bytes, in each of which `bits` are turned over
    LOSE = "lose"  # bytes
    DOUBLE = "double"  # bytes, which come once more right after themselves
    NOISE = "noise"  # bytes of noise put in between
    DELAY = "delay"  # milliseconds; what comes later waits behind
    CUT = "cut"  # milliseconds until the cable is mended; 0 is not by itself
    CALL = "call"  # number handed to the wire's owner, who does something then


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that happens.

    Attributes:
        at_byte: before (for `FLIP`, `LOSE` and `DOUBLE`: from) which byte of the stream, the first being 0.
        kind: what.
        size: see `Harm`.
        bits: for `FLIP`.
    """

    at_byte: int
    kind: Harm
    size: int = 1
    bits: int = 1

    def __str__(self) -> str:
        bits = f"/{self.bits:02x}" if self.kind is Harm.FLIP else ""
        return f"{self.kind}@{self.at_byte}x{self.size}{bits}"

    @classmethod
    def parse(cls, text: str) -> Incident:
        """Read `KIND@BYTE[xSIZE][/BITS]`, as `str` writes it: "lose@1200x5", "flip@77x1/80".

        Raises ValueError that names the kinds.
        """
        match = _SPEC.fullmatch(text)
        kinds = {kind.value: kind for kind in Harm}
        if match is None or match["kind"] not in kinds:
            names = ", ".join(kinds)
            raise ValueError(f"{text!r} is no incident: KIND@BYTE[xSIZE][/BITS] with KIND one of {names}")
        return cls(
            int(match["at"]), kinds[match["kind"]], int(match["size"] or 1), int(match["bits"] or "1", 16)
        )


_SPEC = re.compile(r"(?P<kind>[a-z]+)@(?P<at>\d+)(x(?P<size>\d+))?(/(?P<bits>[0-9a-fA-F]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing passes for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The cable is pulled here; `mend_after_s` None leaves it so."""

    mend_after_s: float | None


@dataclass(frozen=True, slots=True)
class Call:
    """The wire's owner is told."""

    number: int


Passing: TypeAlias = bytes | Pause | Cut | Call


@dataclass(slots=True)
class FaultScript:
    """The incidents of one direction, and how far its stream has got.

    Attributes:
        incidents: those still to come, by position.
        happened: those that have begun.
        position: bytes that have come in so far.
        noise: what `NOISE` is made of.
    """

    incidents: list[Incident] = field(default_factory=list)
    seed: int = 1
    happened: list[Incident] = field(default_factory=list)
    position: int = 0
    noise: random.Random = field(init=False)
    _losing: int = 0
    _flipping: int = 0
    _bits: int = 0
    _copying: int = 0
    _copy: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.incidents = sorted(self.incidents, key=lambda incident: incident.at_byte)
        self.noise = random.Random(self.seed)  # noqa: S311 - noise must be repeatable

    @classmethod
    def parse(cls, texts: Iterable[str], *, seed: int = 1) -> FaultScript:
        """A script of incidents as `Incident.parse` reads them."""
        return cls([Incident.parse(text) for text in texts], seed=seed)

    def feed(self, data: bytes) -> list[Passing]:
        """What comes out at the other end when `data` goes in here."""
        out: list[Passing] = []
        start = 0
        while start < len(data) or self._due():
            while self._due():
                out += self._begin(self.incidents.pop(0))
            if start >= len(data):
                break
            end = start + self._run_bytes(len(data) - start)
            out += self._run(data[start:end])
            self.position += end - start
            start = end
        return _joined(out)

    def _due(self) -> bool:
        return bool(self.incidents) and self.incidents[0].at_byte <= self.position

    def _run_bytes(self, most: int) -> int:
        """How many bytes may be treated alike."""
        ends = [most, *(n for n in (self._losing, self._flipping, self._copying) if n)]
        if self.incidents:
            ends.append(self.incidents[0].at_byte - self.position)
        return min(ends)

    def _begin(self, incident: Incident) -> list[Passing]:
        self.happened.append(incident)
        match incident.kind:
            case Harm.FLIP:
                self._flipping, self._bits = incident.size, incident.bits
            case Harm.LOSE:
                self._losing += incident.size
            case Harm.DOUBLE:
                rest = self._end_copy()
                self._copying = incident.size
                return rest
            case Harm.NOISE:
                return [self.noise.randbytes(incident.size)]
            case Harm.DELAY:
                return [Pause(incident.size / 1000)]
            case Harm.CUT:
                return [Cut(incident.size / 1000 or None)]
            case Harm.CALL:
                return [Call(incident.size)]
        return []

    def _run(self, data: bytes) -> list[Passing]:
        out: list[Passing] = []
        if self._flipping:
            data = bytes(byte ^ self._bits for byte in data)
            self._flipping -= len(data)
        if self._losing:
            self._losing -= len(data)
        else:
            out.append(data)
            if self._copying:
                self._copy += data
        if self._copying:
            self._copying -= len(data)
            if not self._copying:
                out += self._end_copy()
        return out

    def _end_copy(self) -> list[Passing]:
        copy, self._copy = bytes(self._copy), bytearray()
        self._copying = 0
        return [copy] if copy else []


def _joined(items: Sequence[Passing]) -> list[Passing]:
    out: list[Passing] = []
    for item in items:
        if isinstance(item, bytes) and out and isinstance(last := out[-1], bytes):
            out[-1] = last + item
        elif item:
            out.append(item)
    return out
