"""An export takes two people: nobody carries a repository away alone.

Where there are no accounts yet, there are no two people to ask, and whoever has the machine has its files anyway: the
export goes through, and the audit says that nobody agreed to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.accounts.errors import TwoPersonError
from matcher_service.accounts.permissions import Action
from matcher_service.accounts.two_person import use
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow

if TYPE_CHECKING:
    from matcher_service.repositories.database import Database


def allow_export(
    database: Database, repository: str, *, identity: str | None, request: int | None, actor: str
) -> None:
    """Use up the request, and record that the export begins. Raises TwoPersonError if two people did not agree."""
    with database.write() as session:
        alone = session.scalar(select(AccountRow.id).limit(1)) is None
        purpose, agreed = "export", ""
        if request is not None:
            done = use(
                session,
                request,
                Action.REPOSITORY_EXPORT,
                actor=actor,
                details={"identity": identity or ""},
                repository=repository,
            )
            purpose, agreed = done.reason, f"{done.requested_by},{done.decided_by}"
        elif not alone:
            more = f" --detail identity={identity}" if identity else ""
            raise TwoPersonError(
                0,
                "",
                "an export takes two people. Ask for it with: matcher-service accounts request repository.export"
                f" --repository {repository}{more} --reason WHY --as NAME; then name the request with --request",
            )
        record(
            session,
            Action.REPOSITORY_EXPORT,
            actor=actor,
            purpose=purpose,
            repository=repository,
            subject=identity or "",
            details={"agreed": agreed},
        )
