"""How long a repository's bookings are kept: its owner's rules with their source, what a run would erase, and holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher_service.accounts import Action
from matcher_service.console.errors import BadForm
from matcher_service.console.pages import field
from matcher_service.console.repository_desk import Typed, at, beside, choice, plain, repository_of, typed_in
from matcher_service.retention import RetentionRefused, holding
from matcher_service.retention.foresight import foresee
from matcher_service.retention.parameters import LONGEST_DAYS, MAX_WORDS
from matcher_service.retention.policies import Outcome, policies, set_policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console
    from matcher_service.settings import MatcherSettings

OUTCOMES: Final = {
    Outcome.NO_CANDIDATES: ("Nobody was found", "The search found nobody."),
    Outcome.EXCLUDED: ("Excluded", "Examiners said that it was none of those found."),
    Outcome.INCONCLUSIVE: ("Inconclusive", "Examiners could not tell."),
    Outcome.UNREVIEWED: (
        "Not reviewed",
        "Somebody was found, and the review was withdrawn, or there was none.",
    ),
    Outcome.IDENTIFIED: ("Identified", "It was identified, and the identification stands."),
    Outcome.RETRACTED: ("Taken back", "It was identified, and that was taken back."),
    Outcome.DISMISSED: (
        "Dismissed",
        "The charge was dismissed, or the person acquitted. Comes before all others.",
    ),
}
KEPT: Final = {
    "undecided_here": "nobody decided",
    "elsewhere": "wanted elsewhere",
    "not_yet": "time not up",
    "under_way": "still worked on",
    "held": "held",
}
_MOST_TCN: Final = 64
_IDENTITY: Final = 32


def add_pages(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    """The pages under /repositories/{repository}/retention and /holds."""
    _add_rules(console, settings=settings, now=now)
    _add_holds(console, now=now)


def _add_rules(console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]) -> None:
    database = console.database

    def page(request: Request, typed: Typed | None = None) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        console.looked(account, Action.RETENTION_MANAGE, purpose="console: rules of keeping", repository=name)
        with database.read() as session:
            every = [one for one in policies(session, history=True) if one.repository == name]
        newest = {}
        for one in every:
            newest.setdefault(one.outcome, one)
        return console.show(
            request,
            "retention.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            outcomes=OUTCOMES,
            rules=newest,
            every=sorted(every, key=lambda one: one.entered_at, reverse=True),
            undecided=[
                OUTCOMES[one][0] for one in Outcome if one not in newest or newest[one].keep_days is None
            ],
            every_hours=settings.retention.run_every_hours if settings.retention.run else None,
            typed=typed or Typed(),
            most_days=LONGEST_DAYS,
            most_words=MAX_WORDS,
        )

    @console.get("/repositories/{repository}/retention", needs=Action.RETENTION_MANAGE)
    def rules(request: Request) -> Response:
        return page(request)

    @console.post("/repositories/{repository}/retention", needs=Action.RETENTION_MANAGE)
    def enter(request: Request) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        try:
            outcome = field(request, "outcome", most=16)
            days = _days(field(request, "days", most=6, needed=False))
            with database.write() as session:
                set_policy(
                    session, name, outcome, days, source=field(request, "source", most=MAX_WORDS), by=account.name,
                    role=account.acting_as, now=now(),
                )  # fmt: skip
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, "rule", plain(error)))
        title = OUTCOMES[Outcome(outcome)][0]
        kept = "kept until somebody decides" if days is None else f"kept {days} day{'s' if days > 1 else ''}"
        return console.go(
            request, at(name, "/retention"), good=f"{title}: {kept}. What was entered before stays on record."
        )

    @console.get("/repositories/{repository}/retention/dry-run", needs=Action.RETENTION_MANAGE)
    def dry_run(request: Request) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        console.looked(account, Action.RETENTION_MANAGE, purpose="console: dry run", repository=name)
        at_moment = now()
        found = foresee(database, name, not_searched_days=settings.retention.not_searched_days, now=at_moment)
        return console.show(
            request,
            "retention_dry_run.html",
            repository=name,
            tabs=beside(account, name),
            found=found,
            outcomes=OUTCOMES,
            reasons=KEPT,
            at_moment=at_moment,
            goes=found.erased.total(),
            # `in` a command's words, not a page's: the way on is for an administrator.
            clock=found.clock.partition("; ")[0],
        )


def _add_holds(console: Console, *, now: Callable[[], datetime]) -> None:
    database = console.database

    def page(request: Request, typed: Typed | None = None) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        console.looked(account, Action.RETENTION_MANAGE, purpose="console: holds", repository=name)
        with database.read() as session:
            rows = [(one, holding.may_lift(session, one, account)) for one in holding.holds_in(session, name)]
        return console.show(
            request,
            "holds.html",
            status=409 if typed is not None else 200,
            repository=name,
            tabs=beside(account, name),
            rows=rows,
            typed=typed or Typed(),
            most_words=MAX_WORDS,
        )

    @console.get("/repositories/{repository}/holds", needs=Action.RETENTION_MANAGE)
    def holds(request: Request) -> Response:
        return page(request)

    @console.post("/repositories/{repository}/holds", needs=Action.RETENTION_MANAGE)
    def place(request: Request) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        try:
            what = choice(
                request, "what", ("booking", "identity"), "Choose whether a booking is held, or an identity."
            )
            number = field(request, "number", most=_MOST_TCN)
            with database.write() as session:
                holding.place(
                    session, name, tcn=number if what == "booking" else None,
                    identity=number.lower() if what == "identity" else None,
                    reason=field(request, "reason", most=MAX_WORDS), by=account, now=now(),
                )  # fmt: skip
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, "hold", plain(error)))
        return console.go(request, at(name, "/holds"), good="Held, until somebody lifts it.")

    @console.post("/repositories/{repository}/holds/{hold}/lift", needs=Action.RETENTION_MANAGE)
    def lift(request: Request) -> Response:
        account, name = repository_of(request, console, Action.RETENTION_MANAGE)
        text = request.path_params["hold"]
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
        try:
            with database.write() as session:
                holding.lift(
                    session,
                    name,
                    number,
                    reason=field(request, "reason", most=MAX_WORDS),
                    by=account,
                    now=now(),
                )
        except (RetentionRefused, BadForm) as error:
            return page(request, typed_in(request, f"lift-{number}", plain(error)))
        return console.go(
            request, at(name, "/holds"), good=f"Hold {number} is lifted. The rules apply again."
        )


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_DAYS):
        raise BadForm(
            "days",
            f"Write the days as a whole number from 1 to {LONGEST_DAYS:,}, or leave it empty to keep them",
        )
    return int(text)
