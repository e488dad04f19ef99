"""The case desk: the queue of an agency, and a case: what matched, convictions, level, evaluation, history.

Whatever was typed comes back when it could not be recorded: because another officer has the case meanwhile, or
because something is wrong with it. A case of another agency and one that there is not look the same.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from dataclasses import field as own
from datetime import date
from typing import TYPE_CHECKING, Final

from matcher_service import cases
from matcher_service.accounts import Action, NotPermitted, reach
from matcher_service.cases import CaseRefused, CaseState, CaseTaken, OffenceClass, UnknownCase
from matcher_service.cases.parameters import MAX_SOURCE_CHARACTERS, MAX_WORDS_CHARACTERS
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import Card, asked, field, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.accounts import Account
    from matcher_service.cases import CaseView, Desk, Levelled
    from matcher_service.console.pages import Console

NOT_THERE: Final = "There is no case of this number among those of your agency."
_MAX_NUMBER_DIGITS: Final = 18
_KEPT: Final = "kept."
_KEPT_PARTS: Final = ("conviction", "evaluation")
_HEAD_OF_CLASS: Final = {
    OffenceClass.AGGRAVATED_FELONY: "aggravated felony",
    OffenceClass.FELONY: "felony",
    OffenceClass.MISDEMEANOR: "misdemeanor",
    OffenceClass.INFRACTION: "infraction (counts for no level)",
}
_FIELDS: Final = {
    "offence_code": "The offence code",
    "offence_class": "The class",
    "convicted_on": "The day of the judgment",
    "sentence_days": "The sentence",
    "source": "The source",
    "words": "The words",
    "outcome": "The outcome",
    "action": "The action",
    "conviction": "The conviction",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was filled in and not recorded, by the fields' names, and what is said about it."""

    problem: str = ""
    near: tuple[str, ...] = ()
    part: str = ""
    values: dict[str, str] = own(default_factory=dict[str, str])

    @classmethod
    def of(cls, request: Request, part: str) -> Typed:
        """All that was sent with a form."""
        sent: dict[str, list[str]] = request.scope["whorl.form"]
        return cls(
            part=part, values={name: text[0] for name, text in sent.items() if name != "csrf" and text}
        )

    @classmethod
    def kept(cls, request: Request) -> Typed | None:
        """What another form on the page kept of one that was not recorded; None if there is none."""
        part = field(request, "kept", most=16, needed=False)
        if part not in _KEPT_PARTS:
            return None
        values = {
            name.removeprefix(_KEPT): text
            for name, text in cls.of(request, part).values.items()
            if name.startswith(_KEPT)
        }
        return cls(part=part, values=values)

    def get(self, name: str) -> str:
        """The value of a field, "" if it was not sent."""
        return self.values.get(name, "")

    @property
    def to_keep(self) -> dict[str, str]:
        """For hidden fields: what `kept` gives back."""
        if self.part not in _KEPT_PARTS:
            return {}
        return {"kept": self.part} | {_KEPT + name: text for name, text in self.values.items()}


def add_pages(console: Console, *, now: Callable[[], datetime]) -> None:  # noqa: C901 - a list of pages, each for itself
    """The pages under /cases, and their cards on the start page."""
    desk = cases.Desk(console.database, now=now)
    console.waiting(lambda account: _waiting(desk, account))

    def page(request: Request, typed: Typed | None = None, *, status: int = 200) -> Response:
        with _hidden():
            view = desk.show(signed_in(request), number_of(request))
        return console.show(
            request,
            "case.html",
            status=status,
            view=view,
            row=view.row,
            typed=typed or Typed(),
            offences=cases.offences().offences,
            outcomes=cases.outcomes(),
            classes=_HEAD_OF_CLASS,
            today=f"{now():%Y-%m-%d}",
            days=(now() - view.row.opened_at).days,
            strength=_strength(view),
            state=_state_words(view),
            most_words=MAX_WORDS_CHARACTERS,
            most_source=MAX_SOURCE_CHARACTERS,
        )

    def tried(request: Request, part: str, step: Callable[[Account, int], str]) -> Response:
        """On with a message, or the case again with what was typed and why it was not recorded."""
        number = number_of(request)
        typed = Typed.of(request, part)
        try:
            with _hidden():
                said = step(signed_in(request), number)
        except CaseTaken as error:
            return page(request, replace(typed, problem=_taken(error)), status=409)
        except CaseRefused as error:
            return page(request, replace(typed, problem=_refused(error), near=error.near), status=409)
        except BadForm as error:
            return page(request, replace(typed, problem=str(error)), status=400)
        # Whoever takes a case over goes on with what was typed before.
        before = Typed.kept(request)
        return console.go(request, f"/cases/{number}", good=said) if before is None else page(request, before)

    @console.get("/cases", needs=Action.CASE_READ, menu="Cases", place=25)
    def queue(request: Request) -> Response:
        closed = asked(request, "closed") == "yes"
        rows = desk.queue(signed_in(request), closed=closed)
        return console.show(
            request, "cases.html", rows=[(row, (now() - row.opened_at).days) for row in rows], closed=closed
        )

    @console.get("/cases/{case}", needs=Action.CASE_READ)
    def case(request: Request) -> Response:
        return page(request)

    @console.post("/cases/{case}/take", needs=Action.CASE_EVALUATE)
    def take(request: Request) -> Response:
        def step(account: Account, number: int) -> str:
            owner = field(request, "take_over_from", most=64, needed=False)
            words = field(request, "words", most=300, needed=bool(owner))
            desk.take(account, number, take_over_from=owner, words=words)
            return f"The case is yours; it was {owner}'s." if owner else "The case is yours."

        return tried(request, "take", step)

    @console.post("/cases/{case}/convictions", needs=Action.CONVICTION_RECORD)
    def convict(request: Request) -> Response:
        def step(account: Account, number: int) -> str:
            found = desk.convict(
                account,
                number,
                # Whoever picks one from the list has the code before its name.
                code=field(request, "code", most=200).partition(" ")[0],
                offence_class=field(request, "offence_class", most=32),
                convicted_on=_day(field(request, "convicted_on", most=10)),
                source=field(request, "source", most=MAX_SOURCE_CHARACTERS),
                sentence_days=_days(field(request, "sentence_days", most=6, needed=False)),
            )
            return f"Recorded. {_level_words(found)}"

        return tried(request, "conviction", step)

    @console.post("/cases/{case}/convictions/{conviction}/vacate", needs=Action.CONVICTION_RECORD)
    def vacate(request: Request) -> Response:
        def step(account: Account, number: int) -> str:
            conviction = request.path_params["conviction"]
            if not _is_number(conviction):
                raise NotThere(NOT_THERE)
            found = desk.vacate(account, number, int(conviction), words=field(request, "words", most=300))
            return f"It counts no more. {_level_words(found)}"

        return tried(request, "vacate", step)

    @console.post("/cases/{case}/evaluate", needs=Action.CASE_EVALUATE)
    def evaluate(request: Request) -> Response:
        def step(account: Account, number: int) -> str:
            outcome = field(request, "outcome", most=64, needed=False)
            if not outcome:
                raise BadForm("outcome", "Choose what you found.")
            action = field(request, f"action-{outcome[:32]}", most=64, needed=False) or "none"
            words = field(request, "words", most=MAX_WORDS_CHARACTERS)
            # A button that was pressed twice, or a page from before it was closed.
            if desk.show(account, number).row.state is CaseState.CLOSED:
                raise BadForm(
                    "outcome", "It is closed already. To evaluate it again, take it up again first."
                )
            desk.evaluate(account, number, outcome=outcome, action=action, words=words)
            return "Evaluated and closed. The jail is told that a match was confirmed or not, never this outcome."

        return tried(request, "evaluation", step)


def number_of(request: Request) -> int:
    """The number of the case in the address. Raises NotThere."""
    text = request.path_params["case"]
    if not _is_number(text):
        raise NotThere(NOT_THERE)
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_DIGITS


@contextlib.contextmanager
def _hidden() -> Generator[None]:
    """Nobody learns which cases there are: another agency's is as good as none. What was refused is in the audit."""
    try:
        yield
    except (UnknownCase, NotPermitted):
        raise NotThere(NOT_THERE) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadForm("convicted_on", "The day of the judgment is written as 2009-03-14.") from None


def _days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadForm("sentence_days", "The sentence is a number of days, or left empty.")
    return int(text)


def _taken(error: CaseTaken) -> str:
    if error.owner:
        return (
            f"{error.owner} has this case now, and nothing was recorded. Talk to {error.owner}; what you typed is still"
            " below. To go on yourself, take it over."
        )
    return "Nobody has this case yet, and nothing was recorded. Take it first; what you typed is still below."


def _refused(error: CaseRefused) -> str:
    said = _FIELDS.get(error.field, error.field[:1].upper() + error.field[1:])
    return f"{said}: {error.reason.partition('; see: ')[0]}."


def _level_words(found: Levelled) -> str:
    name = "No level" if found.level is None else f"Level {found.level}"
    return f"{name}: {found.because}."


def _strength(view: CaseView) -> str:
    """How often chance alone would match as well, in words."""
    if view.match.log10_fmr is None:
        return "not kept"
    return f"one false match in {10 ** min(-view.match.log10_fmr, 30):,.0f} comparisons"


def _state_words(view: CaseView) -> str:
    row = view.row
    if row.state is CaseState.WITHDRAWN:
        return "Withdrawn: what it stood on was taken back"
    if row.state is CaseState.CLOSED:
        return "Evaluated and closed"
    if not row.owner:
        return "Nobody has it yet"
    return "You have it" if row.mine else f"{row.owner} has it"


def _waiting(desk: Desk, account: Account) -> Iterator[Card]:
    if not reach(account, Action.CASE_READ):
        return
    found = desk.waiting(account)
    yield Card(
        title="Cases that nobody has",
        count=found.unclaimed,
        words=f"{found.first_level} of them of level 1."
        if found.unclaimed
        else "Every case has its officer.",
        href="/cases",
        urgent=bool(found.first_level),
    )
    yield Card(
        title="Your cases",
        count=found.mine,
        words="Taken by you, and not evaluated yet." if found.mine else "You have none open.",
        href="/cases",
    )
