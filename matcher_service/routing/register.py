"""The register, for those who change it: each method is one transaction, whole or not at all, and audited."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matcher_service.auditing import note, record
from matcher_service.routing import looking, proposals
from matcher_service.routing.entering import Entered, enter, limit, switch_off, turn_clock
from matcher_service.routing.errors import BadRegisterFile, NotInRegister, RegisterRefused
from matcher_service.routing.places import Placed, enter_agencies, enter_jurisdictions
from matcher_service.routing.proposals import PURPOSE
from matcher_service.routing.rules import Mode, RuleState
from matcher_service.routing.snapshot import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.accounts import Account
    from matcher_service.repositories import Database
    from matcher_service.routing.entries import ActivationEntry
    from matcher_service.routing.files import RegisterContent
    from matcher_service.routing.looking import VersionView
    from matcher_service.routing.proposals import Proposal


class Register:
    """See the module. Raises StoreError when the database fails."""

    def __init__(
        self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._now = now

    # -- two people

    def propose(
        self, entries: Sequence[ActivationEntry], *, by: Account, reason: str, historic: bool = False
    ) -> list[int]:
        """Ask for activations; a request for each repository. Raises RegisterRefused, NotInRegister, NotPermitted."""
        with self._refusals(by.name, "propose"), self._database.write() as session:
            return proposals.propose(
                session, entries, by=by, reason=reason, now=self._now(), historic=historic
            )

    def approve(self, number: int, *, by: Account) -> list[Entered]:
        """Agree to somebody else's proposal, and enter it. Raises RegisterRefused, TwoPersonError, NotPermitted."""
        with self._refusals(by.name, "approve"), self._database.write() as session:
            return proposals.approve(session, number, by=by, now=self._now())

    def refuse(self, number: int, *, by: Account, words: str) -> None:
        """Say no to one, and why. Raises TwoPersonError, NotPermitted."""
        with self._database.write() as session:
            proposals.refuse(session, number, by=by, words=words, now=self._now())

    def proposals(self, *, waiting: bool = True) -> list[Proposal]:
        """Those that wait for their second person, or all."""
        with self._database.read() as session:
            return proposals.proposals(session, waiting=waiting, now=self._now())

    def enter_agreed(
        self, entries: Sequence[ActivationEntry], *, by: str, approved_by: str, historic: bool = False
    ) -> list[Entered]:
        """Enter what two people agreed on elsewhere: the demo's, the tests', or a state's own register.

        Raises RegisterRefused, also where it is the same person twice, and NotInRegister.
        """
        with self._refusals(by, "enter"), self._database.write() as session:
            if by == approved_by:
                raise RegisterRefused("same person", "an activation takes two people; this is one")
            entered = enter(
                session, entries, by=by, approved_by=approved_by, now=self._now(), historic=historic
            )
            for one in entered:
                _note(session, "activation.enter", one, actor=by, approved_by=approved_by)
            return entered

    # -- one person

    def suspend(
        self, jurisdiction: str, repository: str | None = None, *, by: str, reason: str
    ) -> list[Entered]:
        """Switch off at once, for one repository or all; what was switched off. Raises NotInRegister."""
        return self._switch_off(
            RuleState.SUSPENDED, "activation.suspend", jurisdiction, repository, by=by, reason=reason
        )

    def end(self, jurisdiction: str, repository: str | None = None, *, by: str, reason: str) -> list[Entered]:
        """End at once, for one repository or all. Raises NotInRegister."""
        return self._switch_off(
            RuleState.ENDED, "activation.end", jurisdiction, repository, by=by, reason=reason
        )

    def end_on(self, jurisdiction: str, repository: str, until: datetime, *, by: str, reason: str) -> Entered:
        """Let it run out on a day to come. Raises RegisterRefused, NotInRegister."""
        with self._database.write() as session:
            entered = limit(session, jurisdiction, repository, until, by=by, reason=reason, now=self._now())
            _note(session, "activation.end", entered, actor=by, on=until.isoformat())
            return entered

    def bring(
        self, content: RegisterContent, *, source: str, by: str, proposer: Account | None = None
    ) -> tuple[Placed, Placed, list[int]]:
        """Take a file: jurisdictions, agencies, and activations as proposals of `proposer`. All of it or nothing.

        Raises BadRegisterFile, which names the line.
        """
        now = self._now()
        if content.activations and proposer is None:
            raise BadRegisterFile(
                source,
                content.activations[0].line,
                "",
                "holds activations, which take two people: say who proposes them (--as NAME)",
            )
        try:
            with self._refusals(by, "import"), self._database.write() as session:
                placed = enter_jurisdictions(session, content.jurisdictions, now=now)
                agencies = enter_agencies(session, content.agencies)
                numbers: list[int] = []
                if proposer is not None and content.activations:
                    numbers = proposals.propose(
                        session,
                        content.activations,
                        by=proposer,
                        reason=f"from {source}"[:200],
                        now=now,
                        historic=True,
                    )
                record(
                    session,
                    "jurisdiction.import",
                    actor=by,
                    purpose=PURPOSE,
                    details={
                        "jurisdictions": len(content.jurisdictions),
                        "agencies": len(content.agencies),
                        "activations": len(content.activations),
                    },
                )
                return placed, agencies, numbers
        except RegisterRefused as error:
            raise BadRegisterFile(source, error.line, error.column, error.reason) from None
        except NotInRegister as error:
            line = next(
                (one.line for one in content.activations if error.name in {one.jurisdiction, one.repository}),
                0,
            )
            raise BadRegisterFile(source, line, error.what, str(error)) from None

    def note_refusal(self, actor: str, tried: str, *, because: str, line: int = 0, column: str = "") -> None:
        """A file or an entry of which nothing was taken, for the audit: what was tried, and where it is wrong."""
        note(
            self._database,
            "register.refused",
            actor=actor,
            purpose=PURPOSE,
            outcome="refused",
            tried=tried,
            because=because,
            line=line,
            column="".join(sign for sign in column if sign.isprintable())[:40],
        )

    def set_mode(self, mode: Mode, *, by: str) -> bool:
        """Put the rules in force, or out of it. False if it is so already."""
        with self._database.read() as session:
            if clock(session)[1] is mode:
                return False
        with self._database.write() as session:
            turn_clock(session, mode=mode)
            record(session, "routing.mode", actor=by, purpose=PURPOSE, details={"mode": str(mode)})
        return True

    # -- looking

    def history(self, jurisdiction: str | None = None, repository: str | None = None) -> list[VersionView]:
        """All versions, oldest first. Raises NotInRegister."""
        with self._database.read() as session:
            return looking.history(session, jurisdiction=jurisdiction, repository=repository)

    def content(self) -> RegisterContent:
        """All that is taken elsewhere."""
        with self._database.read() as session:
            return looking.content(session)

    # -- inside

    @contextlib.contextmanager
    def _refusals(self, actor: str, tried: str) -> Generator[None]:
        """What does not fit the register changes nothing, and that somebody tried it stands in the audit."""
        try:
            yield
        except RegisterRefused as error:
            self.note_refusal(actor, tried, because=error.outcome, line=error.line, column=error.column)
            raise
        except NotInRegister as error:
            self.note_refusal(actor, tried, because="not in the register", column=error.what)
            raise

    def _switch_off(
        self,
        state: RuleState,
        action: str,
        jurisdiction: str,
        repository: str | None,
        *,
        by: str,
        reason: str,
    ) -> list[Entered]:
        with self._database.write() as session:
            entered = switch_off(
                session, state, jurisdiction, repository, by=by, reason=reason, now=self._now()
            )
            for one in entered:
                _note(session, action, one, actor=by)
            return entered


def _note(session: Session, action: str, one: Entered, *, actor: str, **more: str) -> None:
    record(
        session,
        action,
        actor=actor,
        purpose=PURPOSE,
        subject=f"{one.jurisdiction}/{one.repository}",
        repository=one.repository,
        jurisdiction=one.jurisdiction,
        details={"version": one.version, "state": str(one.state), **more},
    )
