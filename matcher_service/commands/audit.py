"""`matcher-service audit`: look at it, take it out, sign its head, and see whether it holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    print_json,
    settings_of,
    table,
    tracked,
    who,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matcher_service.auditing.heads import Head
    from matcher_service.auditing.reading import Entry, Filter
    from matcher_service.auditing.verifying import Verification
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

app = typer.Typer(no_args_is_help=True, help="Who did or looked at what: show, export, sign, verify.")

Actor = Annotated[str, typer.Option(help="Only what this account, device:NAME or system:PART did.")]
What = Annotated[
    str, typer.Option("--action", help="Only this: review.decide, or review. for all of review.")
]
Subject = Annotated[str, typer.Option(help="Only what was done to this: a TCN or a reference.")]
Repository = Annotated[str, typer.Option(help="Only in this repository.")]
Since = Annotated[str, typer.Option(help="From then on: 2026-01-31, or 2026-01-31T14:00 (UTC).")]
Until = Annotated[str, typer.Option(help="Before then.")]
Purpose = Annotated[str, typer.Option(help="Why you look. Your look is an entry itself.", show_default=False)]


@app.command()
def show(
    *,
    purpose: Purpose,
    actor: Actor = "",
    what: What = "",
    subject: Subject = "",
    repository: Repository = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Show entries, the newest last. That you looked, and why, is written down first.

    Examples:
      matcher-service audit show --purpose "complaint 12" --subject kiosk-1-20260131-0007

      matcher-service audit show --purpose "monthly check" --action account. --since 2026-01-01
    """
    wanted = _filter(actor, what, subject, repository, since, until)
    with database_of(settings_of(config, assign, quiet=True)) as database:
        from matcher_service.auditing.reading import newest

        _look(database, "audit.read", purpose, wanted)
        with database.read() as session:
            found = newest(session, wanted, limit=limit)[::-1]
    if as_json:
        print_json([_tree(entry) for entry in found])
        return
    table(
        ("", "time (UTC)", "who", "action", "subject", "repository", "purpose", "more"),
        (
            (
                str(one.seq),
                one.at[:19].replace("T", " "),
                f"{one.actor} ({one.role})" if one.role else one.actor,
                one.action,
                one.subject,
                one.repository,
                one.purpose,
                " ".join(f"{key}={value}" for key, value in one.facts.items()),
            )
            for one in found
        ),
        right=(0,),
    )
    typer.echo(
        f"{len(found)} entries" + (f", the newest {limit}; --limit shows more" if len(found) == limit else "")
    )


@app.command("export")
def export_entries(
    target: Annotated[Path, typer.Argument(help="New file to write.", show_default=False)],
    *,
    purpose: Purpose,
    actor: Actor = "",
    what: What = "",
    subject: Subject = "",
    repository: Repository = "",
    since: Since = "",
    until: Until = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write entries as JSON lines, in the order of the chain; readable for their owner only.

    Without filters the file is the whole chain, and every hash in it can be computed again: see docs/audit.md.

    Examples:
      matcher-service audit export audit.jsonl --purpose "yearly copy for the auditor"
    """
    wanted = _filter(actor, what, subject, repository, since, until)
    with database_of(settings_of(config, assign)) as database:
        from matcher_service.auditing.reading import as_line, oldest_first

        try:
            handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            fail(f"{target}: is there already, and nothing is overwritten; name a new file")
        except OSError as error:
            fail(f"{target}: cannot be written: {error.strerror}; choose another place")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                _look(database, "audit.export", purpose, wanted)
                written = 0
                with database.read() as session:
                    for entry in tracked(oldest_first(session, wanted), total=None, doing="writing entries"):
                        file.write(as_line(entry) + "\n")
                        written += 1
        except OSError as error:
            target.unlink(missing_ok=True)
            fail(f"{target}: cannot be written: {error.strerror}; choose another place")
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    typer.echo(f"{target}: {written} entries")


@app.command()
def head(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Add it to this file; without one it is printed.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Sign the last entry's number and hash. Keep what you get on another machine, or on paper.

    Only such an anchor shows later that entries were cut off at the end, or written anew.

    Examples:
      matcher-service audit head --out /mnt/elsewhere/whorl-heads.jsonl
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing.heads import sign_head
        from matcher_service.auditing.keys import signing_key

        key = signing_key(settings, database)
        with database.read() as session:
            signed, line = sign_head(session, key, now=datetime.now(UTC))
    if out is None:
        typer.echo(line)
        return
    try:
        with out.open("a", encoding="ascii") as file:
            file.write(line + "\n")
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror}; choose another place")
    typer.echo(f"{out}: head of {signed.seq} entries, signed by key {key.public.id}")
    typer.echo("Check the chain against it with: matcher-service audit verify --anchor FILE")


@app.command("key")
def show_key(*, config: Config = None, assign: Set = None) -> None:
    """Print the public key by which signed heads are checked. Keep it with them.

    Examples:
      matcher-service audit key > whorl-audit.pem
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing.keys import signing_key

        key = signing_key(settings, database).public
    typer.echo(key.pem.decode("ascii"), nl=False)
    typer.echo(f"key {key.id}, {key.algorithm}", err=True)


@app.command()
def verify(
    *,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(help="A file of signed heads that was kept elsewhere; may be repeated."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(help="A public key (PEM) that signed them and is no longer here; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Hash every entry again and say the first place where the chain does not hold; the exit code is 1 then.

    A change, a removal, another order and an insertion are seen from the database alone. That entries were cut off at
    the end, or that all was written anew, is seen only against a signed head that was kept elsewhere.

    Examples:
      matcher-service audit verify

      matcher-service audit verify --anchor /mnt/elsewhere/whorl-heads.jsonl --key whorl-audit.pem
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import note, shell
        from matcher_service.auditing.verifying import verify as check

        heads = _heads(settings, database, anchor or [], key or [])
        found = check(database, anchors=heads, watch=_watch)
        if found.holds:  # nothing is added to a chain that is evidence now
            note(
                database,
                "audit.verify",
                actor=shell(who()),
                purpose="verification",
                entries=found.entries,
                anchored_to=found.anchored_to,
            )
    if as_json:
        print_json(_verified(found, len(heads)))
    else:
        _tell(found, anchors=len(heads))
    if not found.holds:
        raise typer.Exit(1)


def _watch(batches: Iterator[Any], total: int) -> Iterable[Any]:
    return tracked(batches, total=total, doing="verifying the audit")


def _heads(
    settings: MatcherSettings, database: Database, anchors: list[Path], files: list[Path]
) -> list[Head]:
    from matcher_service.auditing.heads import read_heads
    from matcher_service.auditing.keys import HeadPublicKey, known_keys

    if not anchors:
        return []
    keys = known_keys(settings, database)
    for file in files:
        try:
            keys.append(HeadPublicKey.read(file.read_bytes(), file=file))
        except OSError as error:
            fail(f"{file}: cannot be read: {error.strerror}")
    return [one for file in anchors for one in read_heads(file, keys=keys)]


def _tell(found: Verification, *, anchors: int) -> None:
    for one in found.clock_back[:5]:
        typer.echo(f"entry {one}: the clock had been set back; no fault of the chain")
    if not found.holds:
        first = found.findings[0]
        typer.secho(
            f"DOES NOT HOLD. First at entry {first.seq}: {first.words}.", err=True, fg=typer.colors.RED
        )
        for one in found.findings[1:]:
            typer.secho(f"  then: {one.words}", err=True)
        if found.faults > len(found.findings):
            typer.secho(f"  and {found.faults - len(found.findings)} more", err=True)
        typer.secho(
            "Stop the centre, keep a copy of the database as it is, and tell the auditor.",
            err=True,
            bold=True,
        )
        return
    typer.echo(f"holds: {found.entries} entries, the last {found.last[0]} with hash {found.last[1]}")
    if anchors:
        typer.echo(f"{anchors} signed heads agree, up to entry {found.anchored_to}")
    else:
        typer.echo(
            "Without --anchor it cannot be seen whether entries were cut off at the end, or all written anew."
        )


def _verified(found: Verification, anchors: int) -> dict[str, Any]:
    return {
        "holds": found.holds,
        "entries": found.entries,
        "last": {"seq": found.last[0], "hash": found.last[1]},
        "anchors": anchors,
        "anchored_to": found.anchored_to,
        "faults": found.faults,
        "findings": [{"seq": one.seq, "fault": one.fault, "words": one.words} for one in found.findings],
        "clock_back": found.clock_back,
    }


def _look(database: Database, action: str, purpose: str, wanted: Filter) -> None:
    from matcher_service.auditing import note, shell

    note(
        database,
        action,
        actor=shell(who()),
        purpose=purpose,
        subject=wanted.subject,
        repository=wanted.repository,
        **wanted.as_details(),
    )


def _tree(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__} | {"details": entry.facts}


def _filter(  # noqa: PLR0917 - the options of two commands, in their order
    actor: str, action: str, subject: str, repository: str, since: str, until: str
) -> Filter:
    from matcher_service.auditing.reading import Filter

    return Filter(
        actor=actor,
        action=action,
        subject=subject,
        repository=repository,
        since=_moment("--since", since),
        until=_moment("--until", until),
    )


def _moment(option: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option}: '{text[:40]}' is no time; write 2026-01-31 or 2026-01-31T14:00")
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
