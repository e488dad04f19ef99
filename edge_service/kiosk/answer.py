"""What has become of a saved booking, as the page shows it: never more than the matcher said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.spool import SpoolState
from interchange.errors import MessageError
from interchange.messages import Colour, Reply, RepositoryReply, decode_message

if TYPE_CHECKING:
    from edge_service.kiosk.store import Note
    from edge_service.spool import SpoolEntry

# How far it has come, in the order in which that happens.
SAVED, SENT, DELIVERED, ANSWERED, REFUSED = "saved", "sent", "delivered", "answered", "refused"
# Where it has stopped on its way. Only what is held goes on by itself, once the centre trusts this kiosk again.
HELD, EXPIRED, DAMAGED = "held", "expired", "damaged"
_DELIVERY = {
    SpoolState.QUEUED: SAVED,
    SpoolState.SENT: SENT,
    SpoolState.ACKNOWLEDGED: DELIVERED,
    SpoolState.REPLIED: ANSWERED,
    SpoolState.REFUSED: REFUSED,
    SpoolState.EXPIRED: EXPIRED,
    SpoolState.DAMAGED: DAMAGED,
}
# Kinds of answer: each has its own colour, words and shape. "unsearched" is the matcher's yellow for a failure.
STRONG, POSSIBLE, NONE, UNSEARCHED = "strong", "possible", "none", "unsearched"
_KINDS = {Colour.RED: STRONG, Colour.YELLOW: POSSIBLE, Colour.GREEN: NONE}
_GRAVEST_FIRST = (STRONG, POSSIBLE, UNSEARCHED, NONE)


@dataclass(frozen=True, slots=True)
class RepositoryAnswer:
    """One repository: the kind of its answer and how many candidates it named."""

    repository: str
    kind: str
    candidates: int


@dataclass(frozen=True, slots=True)
class CaptureSlip:
    """What went wrong when the prints were taken, as the matcher saw it: id and finger positions."""

    fault: str
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A saved booking and what came back.

    Attributes:
        tcn: its number at the matcher.
        number: the jail's own number; empty for a booking that was not taken on the page.
        delivery: "saved", "sent", "delivered" or "answered"; "refused", "held", "expired" or "damaged".
        gravest: the kind that is shown in a list; empty without a reply.
        refused: the field and the reason, in the matcher's words.
        held: why the matcher does not trust this kiosk, in its words.
        made_ms: when it was saved, in milliseconds since 1970 by the kiosk's clock.
    """

    tcn: str
    number: str
    delivery: str
    gravest: str = ""
    repositories: tuple[RepositoryAnswer, ...] = ()
    slips: tuple[CaptureSlip, ...] = ()
    refused: str = ""
    held: str = ""
    made_ms: int = 0

    @property
    def final(self) -> bool:
        """Whether nothing more will come."""
        return self.delivery in {REFUSED, ANSWERED, EXPIRED, DAMAGED}


def answer_of(entry: SpoolEntry, note: Note | None) -> Answer:
    """The answer as it is now."""
    number = "" if note is None else note.number
    reply = _reply(entry)
    if entry.state is SpoolState.REFUSED:
        why = f"{entry.refused_field}: {entry.refused_reason}"
        return Answer(entry.tcn, number, REFUSED, refused=why, made_ms=entry.saved_ms)
    if reply is None and entry.state is SpoolState.SENT and entry.held_reason is not None:
        return Answer(entry.tcn, number, HELD, held=entry.held_reason, made_ms=entry.saved_ms)
    if reply is None:
        return Answer(entry.tcn, number, _DELIVERY[entry.state], made_ms=entry.saved_ms)
    rows = tuple(RepositoryAnswer(r.name, _kind(r), len(r.candidates)) for r in reply.repositories)
    kinds = {row.kind for row in rows}
    return Answer(
        entry.tcn,
        number,
        ANSWERED,
        gravest=next((kind for kind in _GRAVEST_FIRST if kind in kinds), ""),
        repositories=rows,
        slips=tuple(CaptureSlip(str(p.fault), p.positions) for p in reply.capture_problems),
        made_ms=entry.saved_ms,
    )


def _kind(reply: RepositoryReply) -> str:
    return UNSEARCHED if reply.failed else _KINDS[reply.colour]


def _reply(entry: SpoolEntry) -> Reply | None:
    if entry.reply is None:
        return None
    try:
        return decode_message(Reply, entry.reply)
    except MessageError:
        return None  # the uplink has let in what this version cannot read: then it is not shown at all
