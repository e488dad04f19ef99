"""Enrolment from template files on disk, with a progress bar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matcher_service import parameters
from matcher_service.reading import UnusableTemplate, read_file
from matcher_service.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matcher_service.repositories import Database, NewPrint

SUFFIXES = frozenset({".iso", ".fmr", ".378", ".ist", ".ansi"})


@dataclass(slots=True)
class EnrolmentReport:
    """How many people were enrolled, were there already, and what was wrong with which file."""

    enrolled: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list[str])


def enroll_paths(database: Database, repository: str, paths: Sequence[Path]) -> EnrolmentReport:
    """Enroll everybody found under `paths`; see `people` for who is who.

    A person with a file that cannot be read is left out whole, and reported. Raises UnknownRepository,
    StoreError.
    """
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    store = Repositories(database)
    report = EnrolmentReport()
    batch: list[list[NewPrint]] = []

    def enroll_batch() -> None:
        done = store.enroll_many(repository, batch)
        report.enrolled += sum(one.new for one in done)
        report.known += sum(not one.new for one in done)
        batch.clear()

    enroll_batch()  # of nobody: tells a wrong name before any file is read
    for files in track(
        list(people(paths, report)),
        description=f"enrolling in {repository}",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        prints = _read(files, report)
        if prints:
            batch.append(prints)
        if len(batch) >= parameters.ENROL_BATCH:
            enroll_batch()
    enroll_batch()
    return report


def people(paths: Iterable[Path], report: EnrolmentReport) -> Iterator[list[Path]]:
    """The files of each person: a file is a person; so is a folder of files within a given folder."""
    for path in paths:
        if path.is_file():
            yield [path]
        elif path.is_dir():
            for inside in sorted(path.iterdir()):
                if inside.is_dir():
                    files = sorted(p for p in inside.rglob("*") if p.suffix.lower() in SUFFIXES)
                    if files:
                        yield files
                elif inside.suffix.lower() in SUFFIXES:
                    yield [inside]
        else:
            report.problems.append(f"{path}: no such file or folder")


def _read(files: Iterable[Path], report: EnrolmentReport) -> list[NewPrint]:
    prints: list[NewPrint] = []
    for file in files:
        try:
            prints.extend(one.print for one in read_file(file))
        except UnusableTemplate as error:
            report.problems.append(str(error))
            return []
    return prints
