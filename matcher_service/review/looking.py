"""What an examiner is given of a task: the prints of the probe, and those of each candidate, by place.

No score, no rank, no colour; no name, reference, TCN or number of an identity; not who was put there as a stranger;
and not whether anybody looked before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.errors import MessageError, TemplateError
from interchange.fingers import finger_name
from interchange.messages import Submission, decode_message
from matcher_service.images import images_of
from matcher_service.repositories import Repositories, read_single
from matcher_service.repositories.review_tables import ReviewCandidate
from matcher_service.repositories.sealed_records import payload_of
from matcher_service.review.errors import BadDecision

if TYPE_CHECKING:
    from datetime import datetime

    from interchange import Minutiae
    from matcher_service.repositories import Database
    from matcher_service.review.tasks import Task


@dataclass(frozen=True, slots=True, eq=False)
class ShownPrint:
    """A print, drawn when it is asked for. `position` is 0 unknown, 1-5 right thumb to little, 6-10 left."""

    position: int
    minutiae: Minutiae
    image: bytes = field(default=b"", repr=False)  # PNG, where the submission carried it by rule

    @property
    def finger(self) -> str:
        """In words."""
        return finger_name(self.position)

    @property
    def quality(self) -> int:
        """0 to 100; 0 where it was not reported."""
        return self.minutiae.finger_quality

    def svg(self) -> str:
        """The print as a drawing."""
        from matcher_service.review.sheet import draw_print

        title = f"{self.finger}, {len(self.minutiae)} minutiae"
        return draw_print(self.minutiae, title=title, image=self.image)


@dataclass(frozen=True, slots=True, eq=False)
class ShownCandidate:
    """A candidate at its place, with everything that is enrolled of it, by finger."""

    place: int
    prints: tuple[ShownPrint, ...]

    def of(self, position: int) -> tuple[ShownPrint, ...]:
        """Its prints that may be of the same finger as a probe of that position."""
        from matcher_service.search.positions import labels_agree

        return tuple(one for one in self.prints if labels_agree(position, one.position))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Look:
    """A task as an examiner sees it."""

    task: int
    repository: str
    due_at: datetime
    expires_at: datetime
    probes: tuple[ShownPrint, ...]
    candidates: tuple[ShownCandidate, ...]

    def candidate(self, place: int) -> ShownCandidate:
        """The one at a place. Raises BadDecision."""
        for one in self.candidates:
            if one.place == place:
                return one
        raise BadDecision(self.task, "place", f"there is no candidate {place}, or no longer; look again")

    def probe(self, position: int) -> ShownPrint:
        """The probe of a position. Raises BadDecision."""
        for one in self.probes:
            if one.position == position:
                return one
        raise BadDecision(self.task, "position", f"finger {position} was not submitted")

    def pairs(self, *, place: int, position: int, number: int = 0) -> str | None:
        """The probe beside a print of the candidate, with what could be paired, as SVG; without a score.

        `number` counts the candidate's prints of that finger. None where there is none such.
        """
        probe, theirs = self.probe(position), self.candidate(place).of(position)
        if not 0 <= number < len(theirs):
            return None
        from matcher_service.explaining import explain
        from matcher_service.explaining.drawing import draw

        other = theirs[number]
        found = explain(probe.minutiae, other.minutiae, positions=(probe.position, other.position))
        return draw(found, blind=True)


def gather(database: Database, task: Task, *, expires_at: datetime, images: bool = False) -> Look:
    """Read everything, and `images` if they may be seen. What is no longer enrolled, or cannot be read, is left out."""
    from matcher_service.intake import read_prints

    with database.read() as session:
        payload = payload_of(session, task.row.submission_id)
        pictures = images_of(session, task.row.submission_id) if images else {}
        shown = session.scalars(
            select(ReviewCandidate)
            .where(ReviewCandidate.task_id == task.number)
            .order_by(ReviewCandidate.place)
        )
        places = {one.identity_id: one.place for one in shown if one.identity_id is not None}
    theirs: dict[str, list[ShownPrint]] = {identity: [] for identity in places}
    for stored in Repositories(database).prints(task.repository, theirs):
        try:
            position, minutiae = read_single(stored.record)
        except TemplateError:
            continue  # `stats --verify` lists them
        theirs[stored.identity].append(ShownPrint(position, minutiae))
    try:
        probes = read_prints(decode_message(Submission, payload))
    except MessageError:
        probes = []
    return Look(
        task=task.number,
        repository=task.repository,
        due_at=task.row.due_at,
        expires_at=expires_at,
        probes=tuple(ShownPrint(*one, image=pictures.get(number, b"")) for number, one in enumerate(probes)),
        candidates=tuple(
            ShownCandidate(places[identity], tuple(sorted(prints, key=lambda one: one.position)))
            for identity, prints in theirs.items()
        ),
    )
