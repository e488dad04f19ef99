"""Export of a repository: ISO/IEC 19794-2:2005 files in a folder for each identity, as `enroll` takes them back.

    OUT/IDENTITY/ENCOUNTER/02-right-index.iso

Everything is written beside the target first and moved there at the end: what is there is whole.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from interchange.fingers import finger_name
from matcher_service.errors import MatcherError, UnknownIdentity
from matcher_service.parameters import ENROL_BATCH
from matcher_service.repositories import Repositories
from matcher_service.repositories.schema import Identity, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from matcher_service.repositories import Database, StoredPrint

    Watch = Callable[[Iterator[Any], int], Iterable[Any]]

_OWNER_ONLY_FILE, _OWNER_ONLY_FOLDER = 0o600, 0o700


class ExportRefused(MatcherError):  # noqa: N818 - reads as what it is
    """An export that would overwrite something, or cannot be written.

    Attributes:
        target: where it was to go.
    """

    def __init__(self, target: Path, problem: str) -> None:
        self.target = target
        super().__init__(f"{target}: {problem}")


@dataclass(slots=True)
class ExportReport:
    """How much was written."""

    identities: int = 0
    prints: int = 0


def export(
    database: Database,
    repository: str,
    target: Path,
    *,
    identity: str | None = None,
    watch: Watch | None = None,
) -> ExportReport:
    """Write the prints of a repository, or of one identity in it, into the new folder `target`.

    `watch` is given the people and their number, and gives them on. Raises ExportRefused if there is
    something at `target` already or it cannot be written, UnknownRepository, UnknownIdentity, StoreError.
    """
    store = Repositories(database)
    store.prints(repository, [])  # of nobody: tells a wrong name before anything is made
    people = _identities(database, repository)
    if identity is not None:
        if identity not in people:
            raise UnknownIdentity(identity, repository)
        people = [identity]
    if target.exists():
        raise ExportRefused(target, "is there already, and nothing is overwritten; name a new folder")
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    report = ExportReport()
    try:
        partial.mkdir(mode=_OWNER_ONLY_FOLDER)
        walked = _walk(store, repository, people)
        for person, prints in walked if watch is None else watch(walked, len(people)):
            report.prints += _write(partial / person, prints)
            report.identities += 1
        partial.rename(target)
    except OSError as error:
        raise ExportRefused(target, f"cannot be written: {error.strerror}; choose another place") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def _walk(store: Repositories, repository: str, people: list[str]) -> Iterator[tuple[str, list[StoredPrint]]]:
    for start in range(0, len(people), ENROL_BATCH):
        batch = people[start : start + ENROL_BATCH]
        found: dict[str, list[StoredPrint]] = {person: [] for person in batch}
        for stored in store.prints(repository, batch):
            found[stored.identity].append(stored)
        yield from found.items()


def _identities(database: Database, repository: str) -> list[str]:
    query = (
        select(Identity.id)
        .join(Repository, Repository.id == Identity.repository_id)
        .where(Repository.name == repository)
        .order_by(Identity.created_at, Identity.id)
    )
    with database.read() as session:
        return list(session.scalars(query))


def _write(folder: Path, prints: Iterable[StoredPrint]) -> int:
    written = 0
    folder.mkdir(mode=_OWNER_ONLY_FOLDER)
    for stored in prints:
        inside = folder / stored.encounter
        inside.mkdir(mode=_OWNER_ONLY_FOLDER, exist_ok=True)
        name = f"{stored.position:02d}-{finger_name(stored.position).replace(' ', '-')}"
        file, again = inside / f"{name}.iso", 1
        while file.exists():  # several prints of one finger in one encounter
            again += 1
            file = inside / f"{name}-{again}.iso"
        file.touch(mode=_OWNER_ONLY_FILE, exist_ok=False)
        file.write_bytes(stored.record)
        written += 1
    return written
