"""A state bureau's way up: what stands where, what is kept here, and second responses that wait for a person's word.

Only where `[relay] identity` is set; of the repository that the centre above is called in this state's rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from matcher_service.accounts import Action, permitted, reach
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import Card, asked, field, require
from matcher_service.console.repository_desk import plain
from matcher_service.relay.answers import WAITING, RelayAnswers, readable
from matcher_service.relay.errors import RelayRefused
from matcher_service.relay.looking import standing
from matcher_service.relay.outbox import ItemState, RelayOutbox
from matcher_service.relay.wording import said_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console
    from matcher_service.relay.outbox import Item
    from matcher_service.repositories.relay_tables import RelayReply
    from matcher_service.settings import MatcherSettings

STATES: Final = {
    ItemState.WAITING: ("Waiting", "not acknowledged by the centre above yet"),
    ItemState.ACKNOWLEDGED: ("Acknowledged", "the centre above has it; its first response is to come"),
    ItemState.ANSWERED: ("Answered", "its first response is here"),
    ItemState.REFUSED: ("Refused", "by the centre above, or because nothing proves whose it is"),
    ItemState.HELD: ("Held", "kept here by a person"),
    ItemState.WITHDRAWN: ("Withdrawn", "the rules closed before it went"),
}
REPLIES: Final = {
    "waiting": "waits for a word",
    "kept": "kept here",
    "passed": "passed on",
    "withdrawn": "not passed on: the rules here have closed",
}
_PASSING: Final = {
    "always": "is passed on at once",
    "never": "stays here",
    "word": "waits for a person's word",
}
_MOST_WORDS: Final = 200
_NOT_THERE: Final = "There is no submission of this number among those that go up."


def add_pages(  # noqa: C901 - a list of pages, each for itself
    console: Console, *, settings: MatcherSettings, now: Callable[[], datetime]
) -> None:
    """The pages under /relay; none where this centre does not relay."""
    relay = settings.relay
    if relay.identity is None:
        return
    outbox = RelayOutbox(console.database, repository=relay.repository, now=now)
    answers = RelayAnswers(console.database, settings=relay, outbox=outbox, now=now)

    def asker(request: Request, action: Action) -> Account:
        return require(request, action, repository=relay.repository)

    def one_of(request: Request, action: Action, purpose: str) -> tuple[Account, Item]:
        account, tcn = asker(request, action), request.path_params["tcn"]
        found = outbox.items(tcn=tcn)
        console.looked(
            account, action, purpose=purpose, subject=tcn, repository=relay.repository,
            outcome="done" if found else "not found",
        )  # fmt: skip
        if not found:
            raise NotThere(_NOT_THERE)
        return account, found[0]

    def tell(request: Request, item: Item, *, good: str = "", bad: str = "") -> Response:
        return console.go(request, f"/relay/{quote(item.tcn, safe='')}", good=good, bad=bad)

    @console.get("/relay", needs=Action.RELAY_READ, menu="Centre above", place=28)
    def overview(request: Request) -> Response:
        account = asker(request, Action.RELAY_READ)
        tcn = asked(request, "tcn", most=64)
        if tcn:
            return console.go(request, f"/relay/{quote(tcn, safe='')}")
        state = asked(request, "state", most=16)
        chosen = ItemState(state) if state in set(ItemState) else None
        console.looked(
            account, Action.RELAY_READ, purpose="console: what goes up", repository=relay.repository
        )
        return console.show(
            request,
            "relay.html",
            standing=standing(relay, now=now()),
            centre=relay.repository,
            passing=(_PASSING[relay.pass_first], _PASSING[relay.pass_second]),
            counts=outbox.counts(),
            waiting=[(one, _said(one)) for one in answers.waiting()],
            items=outbox.items(state=chosen),
            state=state if chosen else "",
            states=STATES,
            may_decide=permitted(account, Action.RELAY_DECIDE, repository=relay.repository),
        )

    @console.get("/relay/{tcn}", needs=Action.RELAY_READ)
    def one(request: Request) -> Response:
        account, item = one_of(request, Action.RELAY_READ, "console: where it stands")
        replies = answers.all_of(item.tcn)
        return console.show(
            request,
            "relay_item.html",
            item=item,
            centre=relay.repository,
            states=STATES,
            replies=[(row, _said(row), _state(row)) for row in replies],
            waits=sum(row.state == WAITING for row in replies),
            kept=sum(row.state == "kept" for row in replies),
            may_decide=permitted(account, Action.RELAY_DECIDE, repository=relay.repository),
            most_words=_MOST_WORDS,
        )

    @console.post("/relay/{tcn}/pass-on", needs=Action.RELAY_DECIDE)
    def pass_on(request: Request) -> Response:
        account, item = one_of(request, Action.RELAY_DECIDE, "console: to pass it on")
        try:
            passed = answers.pass_on(item.tcn, by=account.name, role=account.acting_as)
        except RelayRefused as error:
            return tell(request, item, bad=_plain(error))
        if not passed:
            return tell(
                request,
                item,
                bad="Nothing was passed on: nothing waits, or the rules here have closed meanwhile.",
            )
        return tell(request, item, good="Passed on. The kiosk has it when it is next connected.")

    @console.post("/relay/{tcn}/keep", needs=Action.RELAY_DECIDE)
    def keep(request: Request) -> Response:
        account, item = one_of(request, Action.RELAY_DECIDE, "console: to keep it")
        reason = _reason(request)
        if not answers.keep_here(item.tcn, by=account.name, reason=reason, role=account.acting_as):
            return tell(request, item, bad="Nothing waits any more; somebody else decided it.")
        return tell(request, item, good="Kept here. You can still pass it on later.")

    @console.post("/relay/{tcn}/hold", needs=Action.RELAY_DECIDE)
    def hold(request: Request) -> Response:
        account, item = one_of(request, Action.RELAY_DECIDE, "console: to hold it")
        try:
            outbox.hold(item.tcn, by=account.name, reason=_reason(request), role=account.acting_as)
        except RelayRefused as error:
            return tell(request, item, bad=_plain(error))
        more = " It was sent up before; what the centre above says of it stays here." if item.sendings else ""
        return tell(request, item, good=f"Held.{more}")

    @console.post("/relay/{tcn}/send", needs=Action.RELAY_DECIDE)
    def send(request: Request) -> Response:
        account, item = one_of(request, Action.RELAY_DECIDE, "console: to send it")
        try:
            state = outbox.release(item.tcn, by=account.name, role=account.acting_as)
        except RelayRefused as error:
            return tell(request, item, bad=_plain(error))
        return tell(request, item, good=f"Let go: it is {state} now.")

    @console.waiting
    def words_wanted(account: Account) -> Iterator[Card]:
        if not reach(account, Action.RELAY_DECIDE).covers(relay.repository, None):
            return
        count, refused = len(answers.waiting()), outbox.counts()[ItemState.REFUSED]
        yield Card(
            title="Responses of the centre above that wait for a word",
            count=count,
            words="Pass each on to the jail, or keep it here." if count else "None waits.",
            href="/relay",
            urgent=bool(count),
        )
        yield Card(
            title="Submissions that the centre above refused",
            count=refused,
            words="See why; each can be sent again." if refused else "None was refused.",
            href="/relay?state=refused",
        )


def _said(row: RelayReply) -> list[str]:
    return said_of(readable(row.payload))


def _state(row: RelayReply) -> str:
    return (
        "the kiosk was told that nothing follows"
        if row.stage == "none"
        else REPLIES.get(row.state, row.state)
    )


def _reason(request: Request) -> str:
    reason = field(request, "reason", most=_MOST_WORDS)
    if not reason.isprintable():
        raise BadForm("reason", "Write the reason in one line.")
    return reason


def _plain(error: RelayRefused) -> str:
    return plain(error).partition("; first: ")[0].rstrip(".") + "."
