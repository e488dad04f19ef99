"""The desk: an agency's officers take the cases they were told of, record convictions, and evaluate.

Each step is one transaction that locks its case, asks whether the account may, and ends with an entry in the audit;
looks are in it too, and so is what was refused.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy import case as sql_case

from matcher_service.accounts import Action, NotPermitted, reach, require
from matcher_service.auditing import note, record
from matcher_service.cases import parameters
from matcher_service.cases.errors import CaseRefused, CaseTaken, UnknownCase
from matcher_service.cases.levelling import levels_in_force, relevel
from matcher_service.cases.looking import CaseState, owner_name, row_of, view_of
from matcher_service.cases.responding import second_response
from matcher_service.cases.tables import OffenceClass, offences, outcomes
from matcher_service.repositories.case_tables import CaseFile, Conviction, Evaluation
from matcher_service.repositories.notice_tables import Identification, Subscriber
from matcher_service.repositories.schema import Repository, StoredSubmission

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.accounts.people import Reach
    from matcher_service.cases.levels import Levelled
    from matcher_service.cases.looking import CaseRow, CaseView
    from matcher_service.repositories import Database

_PURPOSE = "case desk"
_DONE = (CaseState.CLOSED, CaseState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class _Held:
    """A case that is locked for this transaction, with what it stands on."""

    session: Session
    account: Account
    case: CaseFile
    identification: Identification
    subscriber: Subscriber
    repository: Repository
    tcn: str
    details: dict[str, str | int | float | bool | None]

    @property
    def owner(self) -> str:
        return owner_name(self.session, self.case)

    def require_mine(self) -> None:
        """Raises CaseRefused, CaseTaken."""
        if self.case.state == CaseState.WITHDRAWN:
            raise CaseRefused(
                f"case {self.case.id}",
                "was withdrawn: what it stood on was taken back. Undo what was done upon it",
            )
        if self.case.owner_id != self.account.id:
            raise CaseTaken(self.case.id, self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many cases nobody has, how many of those are of level 1, and how many are the account's own."""

    unclaimed: int
    first_level: int
    mine: int


class Desk:
    """See the module. Raises NotPermitted, CaseError, StoreError."""

    def __init__(
        self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._now = now

    def queue(
        self, account: Account, *, closed: bool = False, limit: int = parameters.QUEUE_ROWS
    ) -> list[CaseRow]:
        """The cases of the account's agency: level 1 first, those without a level last, then the oldest first."""
        within = reach(account, Action.CASE_READ)
        if not within:
            with self._refusals(account, Action.CASE_READ, "queue"):
                require(account, Action.CASE_READ)
        query = (
            select(CaseFile, Identification, Subscriber, Repository.name)
            .join(Identification, Identification.id == CaseFile.identification_id)
            .join(Subscriber, Subscriber.id == CaseFile.subscriber_id)
            .join(Repository, Repository.id == Identification.repository_id)
            .where(
                _inside(within),
                _wanted(closed=closed),
            )
            .order_by(
                sql_case((CaseFile.level.is_(None), 9), else_=CaseFile.level), CaseFile.opened_at, CaseFile.id
            )
            .limit(limit)
        )
        with self._database.write() as session:
            rows = [
                row_of(session, found, identification, subscriber, repository=name, me=account.id)
                for found, identification, subscriber, name in session.execute(query).all()
            ]
            record(
                session, Action.CASE_READ, actor=account.name, role=account.acting_as, purpose=_PURPOSE,
                subject="queue", details={"cases": len(rows)},
            )  # fmt: skip
        return rows

    def waiting(self, account: Account) -> Waiting:
        """How many cases wait, without a look at any of them."""
        within = reach(account, Action.CASE_READ)
        if not within:
            return Waiting(unclaimed=0, first_level=0, mine=0)
        query = (
            select(CaseFile.owner_id, CaseFile.level, func.count())
            .join(Identification, Identification.id == CaseFile.identification_id)
            .join(Subscriber, Subscriber.id == CaseFile.subscriber_id)
            .join(Repository, Repository.id == Identification.repository_id)
            .where(_inside(within), _wanted(closed=False))
            .group_by(CaseFile.owner_id, CaseFile.level)
        )
        with self._database.read() as session:
            rows = session.execute(query).all()
        return Waiting(
            unclaimed=sum(count for owner, _, count in rows if owner is None),
            first_level=sum(count for owner, level, count in rows if owner is None and level == 1),
            mine=sum(count for owner, _, count in rows if owner == account.id),
        )

    def show(self, account: Account, case: int) -> CaseView:
        """Everything that there is to a case."""
        with self._open(account, case, Action.CASE_READ) as held:
            row = row_of(
                held.session, held.case, held.identification, held.subscriber,
                repository=held.repository.name, me=account.id,
            )  # fmt: skip
            return view_of(
                held.session, row, held.identification, held.repository, tcn=held.tcn, now=self._now()
            )

    def take(self, account: Account, case: int, *, take_over_from: str = "", words: str = "") -> None:
        """Make it the account's own; another's only by naming who has it now, and saying why.

        Of two who do so at once one wins, and the other is told who: CaseTaken.
        """
        with self._open(account, case, Action.CASE_EVALUATE, "case.take") as held:
            if held.case.state == CaseState.WITHDRAWN:
                held.require_mine()
            owner = held.owner
            if held.case.owner_id not in {None, account.id}:
                if take_over_from != owner:
                    raise CaseTaken(case, owner)
                held.details.update({"from": owner, "words": _line("words", words, 300)})
            if held.case.owner_id == account.id and held.case.state == CaseState.EVALUATING:
                held.details["again"] = True
            held.case.owner_id, held.case.state = account.id, CaseState.EVALUATING
            held.case.closed_at = None

    def convict(
        self,
        account: Account,
        case: int,
        *,
        code: str,
        offence_class: str,
        convicted_on: date,
        source: str,
        sentence_days: int | None = None,
    ) -> Levelled:
        """Record a conviction, and work the level out anew. A charge is none: it has to be a court's judgment."""
        offence = offences().find(code)
        kind = _class(offence_class)
        today = self._now().date()
        if not date(parameters.OLDEST_CONVICTION_YEAR, 1, 1) <= convicted_on <= today:
            raise CaseRefused(
                "convicted_on", f"{convicted_on} is not a day in the past; a charge is no conviction"
            )
        if sentence_days is not None and not 0 <= sentence_days <= parameters.MAX_SENTENCE_DAYS:
            raise CaseRefused("sentence_days", f"is 0 to {parameters.MAX_SENTENCE_DAYS}")
        source = _line("source", source, parameters.MAX_SOURCE_CHARACTERS)
        with self._open(account, case, Action.CONVICTION_RECORD) as held:
            held.require_mine()
            same = held.session.scalar(
                select(Conviction.id).where(
                    Conviction.case_id == case,
                    Conviction.offence_code == offence.code,
                    Conviction.convicted_on == convicted_on,
                    Conviction.source == source,
                    Conviction.vacated_at.is_(None),
                )
            )
            if same is not None:
                raise CaseRefused(
                    "source", f"this conviction stands there already, as number {same}; another count of the same"
                    " judgment is entered with its own source, such as 'docket 11-204, count 2'",
                )  # fmt: skip
            made = Conviction(
                case_id=case,
                offence_code=offence.code,
                offence_class=kind,
                convicted_on=convicted_on,
                sentence_days=sentence_days,
                source=source,
                recorded_at=self._now(),
                recorded_by=account.name,
            )
            held.session.add(made)
            held.session.flush()
            held.details.update({"conviction": made.id, "code": offence.code, "class": str(kind)})
            return self._relevel(held)

    def vacate(self, account: Account, case: int, conviction: int, *, words: str) -> Levelled:
        """A conviction that was vacated, or entered by mistake, counts no more; it stays in sight, crossed out."""
        words = _line("words", words, 300)
        with self._open(account, case, Action.CONVICTION_RECORD, "conviction.vacate") as held:
            held.require_mine()
            found = held.session.get(Conviction, conviction)
            if found is None or found.case_id != case:
                raise CaseRefused(
                    "conviction", f"case {case} has no conviction {conviction}; see: cases show {case}"
                )
            if found.vacated_at is not None:
                raise CaseRefused(
                    "conviction", f"{conviction} was vacated already on {found.vacated_at:%Y-%m-%d}"
                )
            found.vacated_at = self._now()
            held.details.update({"conviction": conviction, "words": words})
            return self._relevel(held)

    def evaluate(
        self, account: Account, case: int, *, outcome: str, action: str = "none", words: str
    ) -> None:
        """Enter what was found and done. It closes the case, and the jail's second response goes out, if it may.

        What it says is that a match was confirmed, never the outcome. An outcome by which the hit was wrong takes the
        identification back, everywhere.
        """
        found = outcomes().find(outcome, action)
        words = _line("words", words, parameters.MAX_WORDS_CHARACTERS)
        now = self._now()
        with self._open(account, case, Action.CASE_EVALUATE) as held:
            held.require_mine()
            if held.identification.state == "frozen" and not found.while_challenged:
                raise CaseRefused(
                    "outcome", f"'{outcome}' cannot be entered while the identification is challenged; wait until that"
                    " is decided",
                )  # fmt: skip
            held.session.add(
                Evaluation(
                    case_id=case,
                    outcome=outcome,
                    action=action,
                    words=words,
                    decided_by=account.name,
                    decided_at=now,
                )
            )
            held.case.state, held.case.closed_at = CaseState.CLOSED, now
            held.session.flush()
            if found.retracts is not None:
                from matcher_service import notify

                notify.retract(
                    held.session, held.identification.id, cause=found.retracts, by=account.name,
                    role=account.acting_as, words=f"case {case}: {outcome}", now=now,
                )  # fmt: skip
            second_response(held.session, held.identification.submission_id, held.repository.name, now=now)
            held.details.update({"outcome": outcome, "act": action, "level": held.case.level})

    # -- inside

    def _relevel(self, held: _Held) -> Levelled:
        table = levels_in_force(held.session)
        before = held.case.level
        levelled = relevel(held.session, held.case, table, at=self._now())
        held.details.update({"level": levelled.level, "before": before, "table": table.version})
        return levelled

    @contextlib.contextmanager
    def _open(self, account: Account, case: int, action: Action, recorded_as: str = "") -> Generator[_Held]:
        """The case, locked, for somebody who may do this; what was done is recorded at the end, or nothing is done."""
        with self._refusals(account, action, f"case {case}"), self._database.write() as session:
            row = session.execute(
                select(CaseFile, Identification, Subscriber, Repository, StoredSubmission.tcn)
                .join(Identification, Identification.id == CaseFile.identification_id)
                .join(Subscriber, Subscriber.id == CaseFile.subscriber_id)
                .join(Repository, Repository.id == Identification.repository_id)
                .join(StoredSubmission, StoredSubmission.id == Identification.submission_id)
                .where(CaseFile.id == case)
                # In this order, as a retraction does.
                .with_for_update(of=(Identification, CaseFile))
                .execution_options(populate_existing=True)
            ).one_or_none()
            if row is None:
                raise UnknownCase(case)
            held = _Held(session, account, *row, details={"case": case})
            require(account, action, repository=held.repository.name, ori=held.subscriber.ori)
            yield held
            session.flush()
            record(
                session, recorded_as or action, actor=account.name, role=account.acting_as, purpose=_PURPOSE,
                subject=held.tcn, repository=held.repository.name, details=_shortened(held.details),
            )  # fmt: skip

    @contextlib.contextmanager
    def _refusals(self, account: Account, action: Action, subject: str) -> Generator[None]:
        """What somebody may not do is in the audit too."""
        try:
            yield
        except NotPermitted as refused:
            note(
                self._database, action, actor=account.name, role=account.acting_as, purpose=_PURPOSE, subject=subject,
                outcome="refused", repository=refused.repository or "",
            )  # fmt: skip
            raise


def _inside(within: Reach) -> ColumnElement[bool]:
    """Those that somebody may read."""
    return or_(
        true() if within.everywhere else Repository.name.in_(within.repositories),
        Subscriber.ori.in_(within.oris),
        *(and_(Repository.name == name, Subscriber.ori == ori) for name, ori in within.within),
    )


def _wanted(*, closed: bool) -> ColumnElement[bool]:
    return CaseFile.state.in_(_DONE) if closed else CaseFile.state.not_in(_DONE)


def _class(word: str) -> OffenceClass:
    try:
        return OffenceClass(word)
    except ValueError:
        raise CaseRefused(
            "offence_class", f"'{word[:32]}' is none; there are: {', '.join(OffenceClass)}"
        ) from None


def _line(field: str, text: str, longest: int) -> str:
    """One line of words that say something. Raises CaseRefused."""
    line = " ".join(text.split())
    if not line:
        raise CaseRefused(field, "is missing: say it in a few words")
    if len(line) > longest or not line.isprintable():
        raise CaseRefused(field, f"is at most {longest} printable characters, and has {len(line)}")
    return line


def _shortened(
    details: Mapping[str, str | int | float | bool | None],
) -> dict[str, str | int | float | bool | None]:
    return {key: value[:300] if isinstance(value, str) else value for key, value in details.items()}
