"""A candidate of a recorded search, explained finger by finger from what was submitted and what is enrolled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.errors import TemplateError
from interchange.fingers import UNKNOWN_FINGER
from interchange.messages import Submission, decode_message
from matcher_service.errors import MatcherError
from matcher_service.explaining import Explanation, explain
from matcher_service.intake import read_prints
from matcher_service.repositories import Repositories, read_single
from matcher_service.repositories.schema import CandidateRecord, Repository, SearchRecord, StoredSubmission
from matcher_service.repositories.sealed_records import payload_of
from matcher_service.search import compare_prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Collection

    from interchange import Minutiae
    from matcher_service.repositories import Database


class UnknownCandidate(MatcherError):  # noqa: N818 - reads as what it is
    """There is no such candidate, or no longer, or none for the one who asks: that is told in the words of the first.

    Attributes:
        removed: whether there was one, whose identity has been removed from its repository.
        elsewhere: for the audit, the repository whose candidate it is, where who asked has no right to it; else empty.
    """

    def __init__(self, *, removed: bool = False, elsewhere: str = "") -> None:
        self.removed = removed
        self.elsewhere = elsewhere
        super().__init__(
            "this candidate's identity has been removed from its repository"
            if removed
            else "no search has found a candidate of this reference; copy it from the search's reply"
        )

    @property
    def outcome(self) -> str:
        """In one word, for the audit."""
        return "denied" if self.elsewhere else "removed" if self.removed else "unknown"


@dataclass(frozen=True, slots=True)
class FingerExplained:
    """One finger of the submission: `explanation` is None where the candidate has no print of it."""

    position: int
    explanation: Explanation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateExplained:
    """A candidate with each finger of the submission, in its order."""

    reference: str
    tcn: str
    repository: str
    score: float
    fingers: tuple[FingerExplained, ...]

    def best(self, position: int | None = None) -> Explanation | None:
        """The finger of the highest score, of all or of one position; None if nothing could be compared."""
        found = [
            one.explanation
            for one in self.fingers
            if one.explanation is not None and position in (None, one.position)
        ]
        return max(found, key=lambda one: one.score, default=None)


def explain_candidate(
    database: Database, reference: str, *, repositories: Collection[str]
) -> CandidateExplained:
    """Compare what was submitted with what is enrolled now, and explain it.

    `repositories` are those whose candidates the one who asks may see. Raises UnknownCandidate, StoreError.
    """
    query = (
        select(
            CandidateRecord.identity_id,
            CandidateRecord.score,
            Repository.name,
            StoredSubmission.tcn,
            StoredSubmission.id,
        )
        .join(SearchRecord, SearchRecord.id == CandidateRecord.search_id)
        .join(Repository, Repository.id == SearchRecord.repository_id)
        .join(StoredSubmission, StoredSubmission.id == SearchRecord.submission_id)
        .where(CandidateRecord.reference == reference)
    )
    with database.read() as session:
        row = session.execute(query).one_or_none()
        if row is None:
            raise UnknownCandidate
        if row.name not in repositories:
            raise UnknownCandidate(elsewhere=row.name)
        payload = payload_of(session, row.id)
    if row.identity_id is None or not payload:
        raise UnknownCandidate(removed=True)
    enrolled: list[tuple[int, Minutiae]] = []
    for stored in Repositories(database).prints(row.name, [row.identity_id]):
        try:
            enrolled.append(read_single(stored.record))
        except TemplateError:
            continue  # `stats --verify` lists them
    if not enrolled:
        raise UnknownCandidate(removed=True)
    probes = read_prints(decode_message(Submission, payload))
    return CandidateExplained(
        reference=reference,
        tcn=row.tcn,
        repository=row.name,
        score=row.score,
        fingers=tuple(
            FingerExplained(position, _explain(position, probe, enrolled, names=(row.tcn, reference)))
            for position, probe in probes
        ),
    )


def _explain(
    position: int, probe: Minutiae, enrolled: list[tuple[int, Minutiae]], *, names: tuple[str, str]
) -> Explanation | None:
    """The probe beside the most alike of the prints that a search compares it with.

    Where another finger is highly alike and its own is not, that one: the labels were swapped, and the positions of
    the explanation say so.
    """
    prepared = prepare(probe)
    scored = [(compare_prepared(prepared, prepare(print_)), at, print_) for at, print_ in enrolled]
    own = [one for one in scored if UNKNOWN_FINGER in (position, one[1]) or one[1] == position]

    def explained(chosen: tuple[float, int, Minutiae]) -> Explanation:
        return explain(probe, chosen[2], names=names, positions=(position, chosen[1]))

    best, likeliest = max(own, key=_score, default=None), max(scored, key=_score)
    of_its_own = None if best is None else explained(best)
    if best is not likeliest and (of_its_own is None or not of_its_own.meaning.highly_alike):
        other = explained(likeliest)
        if other.meaning.highly_alike:
            return other
    return of_its_own


def _score(one: tuple[float, int, Minutiae]) -> float:
    return one[0]
