"""A recorded session as questions and what was answered to each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_service.sensors.zfm_codes import Instruction, Pid
from edge_service.sensors.zfm_frame import FrameParser, Packet
from hardware.bench.trace import DOWN, TOLD, UP

if TYPE_CHECKING:
    from hardware.bench.trace import Trace

_WITH_A_SECRET = frozenset({Instruction.VFY_PWD, Instruction.SET_PWD})


@dataclass(frozen=True, slots=True)
class Step:
    """Something the device did.

    Attributes:
        after_s: the question (or the start) that was the last before it.
        data: what it sent; b"" when it did something else.
        event: "gone" or "back", or "".
    """

    after_s: float
    data: bytes
    event: str = ""


@dataclass(slots=True)
class Exchange:
    """A question, as `key_of` names it, and what the device did until the next one."""

    key: bytes
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """How well the host's questions fitted the recorded ones.

    Attributes:
        matched: the next one in the record.
        skipped: questions of the record that this host did not ask.
        repeated: asked oftener than in the record, and answered as the time before.
        unanswered: never asked in the record: silence.
    """

    matched: int = 0
    skipped: int = 0
    repeated: int = 0
    unanswered: int = 0


def key_of(packet: Packet) -> bytes:
    """What makes a question the same: all of it but the password."""
    content = packet.content
    if packet.pid == Pid.COMMAND and content and content[0] in _WITH_A_SECRET:
        content = content[:1]
    return bytes([packet.pid]) + content


def exchanges_of(trace: Trace) -> list[Exchange]:
    """The session in order; the first exchange has no question and holds what came before any."""
    parser = FrameParser(None)
    exchanges = [Exchange(b"")]
    asked_ms = 0.0
    for entry in trace.entries:
        if entry.what == DOWN:
            for event in parser.feed(entry.data):
                if isinstance(event, Packet):
                    exchanges.append(Exchange(key_of(event)))
                    asked_ms = entry.at_ms
        elif entry.what == UP:
            exchanges[-1].steps.append(Step((entry.at_ms - asked_ms) / 1000, entry.data))
        elif entry.what == TOLD and entry.text in {"gone", "back"}:
            exchanges[-1].steps.append(Step((entry.at_ms - asked_ms) / 1000, b"", entry.text))
    # The device that was there from the start did not come back.
    first = exchanges[0].steps
    if first and first[0].event == "back":
        del first[0]
    return exchanges


class TraceScript:
    """What to answer to a host that may ask a little differently than the recorded one.

    A question is looked for from where the record was left: the next one, else a later one (a host that looks for
    a finger less often), else the last one of the same kind (a host that looks more often).
    """

    def __init__(self, trace: Trace) -> None:
        self.tally = Tally()
        self._exchanges = exchanges_of(trace)
        self._next = 1

    def before_any_question(self) -> list[Step]:
        """What the device did by itself at the start."""
        return self._exchanges[0].steps

    def answer(self, packet: Packet) -> list[Step]:
        """What the device did when it was asked this."""
        key = key_of(packet)
        ahead = range(self._next, len(self._exchanges))
        at = next((i for i in ahead if self._exchanges[i].key == key), None)
        if at is not None:
            self.tally.matched += 1
            self.tally.skipped += at - self._next
            self._next = at + 1
            return self._exchanges[at].steps
        behind = range(min(self._next, len(self._exchanges)) - 1, 0, -1)
        at = next((i for i in behind if self._exchanges[i].key == key), None)
        if at is not None:
            self.tally.repeated += 1
            # What came and went then does not do so again.
            return [step for step in self._exchanges[at].steps if not step.event]
        self.tally.unanswered += 1
        return []
