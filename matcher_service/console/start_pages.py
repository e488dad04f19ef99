"""The start page: what waits for whoever is signed in, by what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from matcher_service.accounts import TWO_PEOPLE, Action, reach, two_person
from matcher_service.accounts.people import permitted
from matcher_service.console.pages import SIGNED_IN, Card, signed_in
from matcher_service.console.submission_rows import within
from matcher_service.repositories.notice_tables import Notification, Subscriber
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import StoredSubmission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console


def add_pages(console: Console) -> None:
    """The page at /, and the cards of what this helper's pages show."""
    database = console.database

    @console.get("/", needs=SIGNED_IN, menu="Start", place=0)
    def start(request: Request) -> Response:
        account = signed_in(request)
        cards = console.cards(account)
        waits = [card for card in cards if card.count]
        return console.show(
            request, "start.html", waits=waits, rest=[card for card in cards if not card.count]
        )

    @console.waiting
    def two_people(account: Account) -> Iterator[Card]:
        asked_of_me = {needed for needed in TWO_PEOPLE.values() if reach(account, needed)}
        if not asked_of_me:
            return
        with database.read() as session:
            found = two_person.requests(session)
        mine = [
            one
            for one in found
            if one.state == "open"
            and one.requested_by != account.name
            and permitted(account, TWO_PEOPLE[one.action], repository=one.repository or None)
        ]
        yield Card(
            title="Requests for a second person",
            count=len(mine),
            words="Somebody asked for it; another has to agree." if mine else "Nobody waits for you.",
            href="/requests",
        )

    @console.waiting
    def dead_letters(account: Account) -> Iterator[Card]:
        how_far = reach(account, Action.SUBMISSION_READ)
        if not how_far:
            return
        query = (
            select(StoredSubmission.outcome, func.count())
            .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == StoredSubmission.id)
            .where(StoredSubmission.outcome.in_(("failed", "waiting")), within(how_far))
            .group_by(StoredSubmission.outcome)
        )
        with database.read() as session:
            counts = dict(list(session.execute(query)))
        yield Card(
            title="Dead letters",
            count=counts.get("failed", 0),
            words="Submissions that were given up; they can be sent again."
            if counts.get("failed")
            else "No submission was given up.",
            href="/submissions?outcome=failed",
            urgent=bool(counts.get("failed")),
        )
        yield Card(
            title="Waiting to be searched",
            count=counts.get("waiting", 0),
            words="Submissions in the queue now." if counts.get("waiting") else "The queue is empty.",
            href="/submissions?outcome=waiting",
        )

    @console.waiting
    def undelivered(account: Account) -> Iterator[Card]:
        how_far = reach(account, Action.NOTIFICATION_READ)
        if not how_far.everywhere:
            return
        query = (
            select(func.count())
            .select_from(Notification)
            .join(Subscriber, Subscriber.id == Notification.subscriber_id)
            .where(Notification.state.in_(("failed", "dead")))
        )
        with database.read() as session:
            count = session.scalar(query) or 0
        yield Card(
            title="Undelivered notifications",
            count=count,
            words="Subscribers that could not be told." if count else "Everybody was told.",
            href="/notices?show=overdue",
            urgent=bool(count),
        )
