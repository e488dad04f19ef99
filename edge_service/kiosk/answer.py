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
# What has become of a repository that is answered after review: of what was said last, by the centre's clock.
TO_FOLLOW, MATCH, NO_MATCH, UNDECIDED = "to_follow", "match", "no_match", "undecided"
NO_MORE, TAKEN_BACK = "no_more", "taken_back"
# A search at a centre above, which nobody has looked at: passed on by a state bureau.
FOUND = "found"
_SECOND_KINDS = {Colour.RED: MATCH, Colour.YELLOW: UNDECIDED, Colour.GREEN: NO_MATCH}
_GRAVEST_SECOND_FIRST = (TAKEN_BACK, MATCH, FOUND, UNDECIDED, TO_FOLLOW, NO_MATCH, NO_MORE)
_GRAVEST_FIRST = (STRONG, POSSIBLE, UNSEARCHED, NONE)


@dataclass(frozen=True, slots=True)
class RepositoryAnswer:
    """One repository: the kind of its answer and how many candidates it named."""

    repository: str
    kind: str
    candidates: int


@dataclass(frozen=True, slots=True)
class SecondAnswer:
    """One repository that is answered after review: what is to follow, has come, or was taken back."""

    repository: str
    kind: str


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
        seconds: what follows, or has followed, after review; `second` is the gravest kind of it.
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
    seconds: tuple[SecondAnswer, ...] = ()
    second: str = ""
    refused: str = ""
    held: str = ""
    made_ms: int = 0

    @property
    def final(self) -> bool:
        """Whether nothing more will come; what was said after review can still be taken back."""
        return self.delivery in {REFUSED, ANSWERED, EXPIRED, DAMAGED} and not self.seconds


def answer_of(entry: SpoolEntry, note: Note | None) -> Answer:
    """The answer as it is now."""
    number = "" if note is None else note.number
    reply = _reply(entry.reply)
    if entry.state is SpoolState.REFUSED:
        why = f"{entry.refused_field}: {entry.refused_reason}"
        return Answer(entry.tcn, number, REFUSED, refused=why, made_ms=entry.saved_ms)
    if reply is None and entry.state is SpoolState.SENT and entry.held_reason is not None:
        return Answer(entry.tcn, number, HELD, held=entry.held_reason, made_ms=entry.saved_ms)
    if reply is None:
        seconds = _seconds(entry, ())
        return Answer(
            entry.tcn,
            number,
            _DELIVERY[entry.state],
            seconds=seconds,
            second=_gravest_second(seconds),
            made_ms=entry.saved_ms,
        )
    seconds = _seconds(entry, reply.to_follow)
    rows = tuple(RepositoryAnswer(r.name, _kind(r), len(r.candidates)) for r in reply.repositories)
    kinds = {row.kind for row in rows}
    return Answer(
        entry.tcn,
        number,
        ANSWERED,
        gravest=next((kind for kind in _GRAVEST_FIRST if kind in kinds), ""),
        repositories=rows,
        slips=tuple(CaptureSlip(str(p.fault), p.positions) for p in reply.capture_problems),
        seconds=seconds,
        second=_gravest_second(seconds),
        made_ms=entry.saved_ms,
    )


def _kind(reply: RepositoryReply) -> str:
    return UNSEARCHED if reply.failed else _KINDS[reply.colour]


def _seconds(entry: SpoolEntry, to_follow: tuple[str, ...]) -> tuple[SecondAnswer, ...]:
    """By repository what was said last; replies can come in another order than they were made in."""
    kinds = dict.fromkeys(to_follow, TO_FOLLOW)
    read = [reply for reply in map(_reply, entry.seconds) if reply is not None]
    for reply in sorted(read, key=lambda one: one.answered_at):
        kinds |= {one.name: _second_kind(one) for one in reply.repositories}
        kinds |= dict.fromkeys(reply.not_searched, NO_MORE) | dict.fromkeys(reply.taken_back, TAKEN_BACK)
    return tuple(SecondAnswer(name, kind) for name, kind in kinds.items())


def _second_kind(reply: RepositoryReply) -> str:
    """An examiner's word names no candidates; a search does, and one that failed says nothing yet."""
    if reply.failed:
        return TO_FOLLOW
    if reply.candidates and reply.colour is not Colour.GREEN:
        return FOUND
    return _SECOND_KINDS[reply.colour]


def _gravest_second(seconds: tuple[SecondAnswer, ...]) -> str:
    kinds = {one.kind for one in seconds}
    return next((kind for kind in _GRAVEST_SECOND_FIRST if kind in kinds), "")


def _reply(payload: bytes | None) -> Reply | None:
    if payload is None:
        return None
    try:
        return decode_message(Reply, payload)
    except MessageError:
        return None  # the uplink has let in what this version cannot read: then it is not shown at all
