"""`matcher-service ebts` and `convert`: files of other systems in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    plain_errors,
    print_json,
    settings_of,
    table,
    tracked,
)
from matcher_service.commands.signing_in import shell_actor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher_service.exchange.errors import Problem
    from matcher_service.exchange.transaction import EbtsFile, Sender

app = typer.Typer(
    no_args_is_help=True, help="ANSI/NIST-ITL files of EBTS: CAR, CNA and RPIS in and out, replies."
)

EbtsPath = Annotated[Path, typer.Argument(help="The EBTS file.", show_default=False)]
Out = Annotated[Path, typer.Option(help="New file to write.", show_default=False)]
Ori = Annotated[
    str, typer.Option("--ori", help="This centre's own ORI, 1.008 of what it writes.", show_default=False)
]
Charges = Annotated[
    Path | None, typer.Option(help="Another table of what Type-2 fields say of charge and disposition.")
]
_OWNER_ONLY = 0o600


@app.command()
def show(file: EbtsPath, *, charges: Charges = None, as_json: AsJson = False) -> None:
    """Say what a file holds, what of it can be used, and what is wrong, record by record. No names are shown.

    Examples:
      matcher-service ebts show booking.eft

      matcher-service ebts show booking.eft --json
    """
    with plain_errors():
        read = _read(file, charges)
    if as_json:
        print_json(_tree(read))
    else:
        _tell(read)
    if read.problems:
        raise typer.Exit(1)


@app.command()
def submit(
    file: EbtsPath,
    *,
    channel: Annotated[
        str, typer.Option(help="The device under whose agency the file comes.", show_default=False)
    ],
    errt: Annotated[
        Path | None,
        typer.Option(help="If it is refused, write the ERRT reply to this new file; needs --ori."),
    ] = None,
    ori: Annotated[str, typer.Option(help="This centre's own ORI, for --errt.")] = "",
    charges: Charges = None,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Take a file as a submission: stored, decided by rule and searched by the running matcher. All of it or nothing.

    Minutiae (Type-9) are taken as they are. From images (Type-14 and Type-4) minutiae are found by the kiosk's
    extractor, where that is installed on this machine.

    Examples:
      matcher-service ebts submit booking.eft --channel boone-livescan

      matcher-service ebts submit booking.eft --channel boone-livescan --errt answer.eft --ori MO0100000
    """
    if errt is not None:
        _check_ori(ori)
        _check_new(errt)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import note
        from matcher_service.exchange.errors import EbtsRefused
        from matcher_service.exchange.submitting import submit as take

        sender = None
        try:
            read = _read(file, charges)
            sender = read.sender
            done = take(
                database,
                read,
                channel=channel,
                agencies=settings.routing.devices,
                watch=lambda fingers: tracked(fingers, total=len(fingers), doing="finding minutiae"),
            )
        except EbtsRefused as error:
            note(
                database,
                "submission.refused",
                actor=shell_actor(),
                purpose="EBTS file",
                outcome="refused",
                fields=",".join(sorted({one.field for one in error.problems if one.field}))[:200],
            )
            if errt is not None and sender is not None:
                _write(errt, _errt(error.problems, sender, ori))
                typer.echo(f"{errt}: the ERRT reply")
            for problem in error.problems:
                typer.secho(f"{file}: {problem}", err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None
        note(
            database,
            "submission.ebts",
            actor=shell_actor(),
            purpose="EBTS file",
            subject=done.tcn,
            kind=read.sender.kind,
            known=done.known,
            fingers=done.fingers,
        )
    if as_json:
        print_json({"tcn": done.tcn, "known": done.known, "fingers": done.fingers})
        return
    typer.echo(
        f"{done.tcn}: {'was there already' if done.known else f'{done.fingers} fingers, to be searched'}"
    )
    for one in read.unused:
        typer.echo(f"not used: {one}")


@app.command()
def reply(
    file: Annotated[
        Path | None, typer.Argument(help="The file that is answered; or give --tcn.", show_default=False)
    ] = None,
    *,
    out: Out,
    ori: Ori,
    channel: Annotated[str, typer.Option(help="The channel that the file came over.")] = "",
    tcn: Annotated[str, typer.Option(help="Our number, of a submission that came from a kiosk.")] = "",
    kind: Annotated[str, typer.Option(help="RPISR: at once. SRE: after the examiners.")] = "RPISR",
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write the reply to a submission: RPISR with red, yellow or green, or SRE once examiners have decided.

    Examples:
      matcher-service ebts reply booking.eft --channel boone-livescan --ori MO0100000 --out answer.eft

      matcher-service ebts reply --tcn kiosk-1.01M00000000000000000000000 --kind SRE --ori MO0100000 --out answer.eft
    """
    _check_ori(ori)
    _check_new(out)
    if (file is None) == (not tcn):
        fail("give either the file that is answered or --tcn")
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.exchange.answering import ReplyKind, answer
        from matcher_service.exchange.submitting import our_tcn

        if kind not in set(ReplyKind):
            fail("--kind: RPISR or SRE")
        asked = None
        if file is not None:
            if not channel:
                fail("--channel: the one that the file was submitted over")
            asked = _read(file, None).sender
            tcn = our_tcn(asked, channel)
        made = answer(database, tcn, kind=ReplyKind(kind), ori=ori, asked=asked, actor=shell_actor())
        _write(out, made.content)
    typer.echo(f"{out}: {made.kind} to {tcn}")


@app.command()
def export(
    tcn: Annotated[
        str, typer.Argument(help="The submission's number; or name --repository and --identity.")
    ] = "",
    *,
    out: Out,
    to: Annotated[str, typer.Option(help="The agency that it goes to, 1.007.", show_default=False)],
    ori: Ori,
    kind: Annotated[str, typer.Option(help="CAR, CNA or RPIS.")] = "CAR",
    repository: Annotated[str, typer.Option(help="Of an enrolled identity.")] = "",
    identity: Annotated[str, typer.Option(help="The enrolled identity.")] = "",
    request: Annotated[
        int | None, typer.Option(help="The request that two people agreed to: see accounts request.")
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Write a stored submission, or an enrolled identity, as an EBTS file with Type-9 minutiae. No names.

    Once there are accounts, the export of an identity takes two people, as `matcher-service export` does.

    Examples:
      matcher-service ebts export kiosk-1.01M00000000000000000000000 --to WVIAFIS0Z --ori MO0100000 --out out.eft

      matcher-service ebts export --repository criminal --identity 0123456789abcdef0123456789abcdef --request 12
      --to WVIAFIS0Z --ori MO0100000 --out out.eft
    """
    _check_ori(ori)
    _check_new(out)
    if bool(tcn) == bool(repository and identity) or bool(repository) != bool(identity):
        fail("name either a submission, or --repository and --identity")
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from interchange.errors import TemplateError
        from matcher_service.exchange import exporting
        from matcher_service.exchange.transaction import SUBMISSIONS

        if kind not in SUBMISSIONS:
            fail("--kind: CAR, CNA or RPIS")
        if not 1 <= len(to) <= 9 or not to.isalnum() or not to.isascii():
            fail("--to: at most nine letters and digits")
        actor = shell_actor()
        try:
            if tcn:
                content = exporting.submission(database, tcn, kind=kind, to=to, ori=ori, actor=actor)
            else:
                content = exporting.identity(
                    database, repository, identity, request=request, kind=kind, to=to, ori=ori, actor=actor
                )
        except TemplateError as error:
            fail(error)
        _write(out, content)
    typer.echo(f"{out}: {kind} of {tcn or identity}")


def convert(
    source: Annotated[Path, typer.Argument(help="A template or a picture of a print.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="New file; its ending says the format.", show_default=False)],
    *,
    finger: Annotated[int, typer.Option(min=0, max=10, help="Finger, where the source cannot say it.")] = 0,
    view: Annotated[
        int | None, typer.Option(min=0, max=254, help="Which of several fingers in a record, from 0.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, max=16383, help="Of an xyt file's image, pixels.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=1, max=16383, help="The same.")] = None,
    dpi: Annotated[float, typer.Option(min=100, max=2100, help="The same.")] = 500,
) -> None:
    """Turn a template into another format: iso, 378 (INCITS), cn and cc (ISO card, normal and compact), xyt.

    Pictures go from wsq to png and back. What the target cannot say is left out: xyt and cards hold no finger.

    Examples:
      matcher-service convert thumb.xyt thumb.iso --finger 1 --width 500 --height 500

      matcher-service convert thumb.iso thumb.cc

      matcher-service convert card.wsq card.png
    """
    _check_new(target)
    with plain_errors():
        from interchange.errors import TemplateError
        from matcher_service.exchange.converting import Given, converted

        given = Given(finger=finger, view=view, width=width, height=height, dpi=dpi)
        try:
            content = converted(source, target, given)
        except TemplateError as error:
            fail(f"{source}: {error}")
    _write(target, content)
    typer.echo(f"{target}: {len(content)} bytes")


def _read(file: Path, charges: Path | None) -> EbtsFile:
    from matcher_service.exchange import transaction
    from matcher_service.exchange.charge_fields import SHIPPED, read_table
    from matcher_service.exchange.parameters import MAX_FILE_BYTES

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")
    return transaction.read(data, read_table(charges or SHIPPED))


def _errt(problems: Sequence[Problem], sender: Sender, ori: str) -> bytes:
    from datetime import UTC, datetime
    from hashlib import sha256

    from matcher_service.exchange import writing

    now = datetime.now(UTC)
    number = "E" + sha256(f"{sender.ori} {sender.tcn} {now}".encode()).hexdigest()[:31].upper()
    return writing.error(
        writing.Address(to=sender.ori, ori=ori, tcn=number, at=now, tcr=sender.tcn), problems
    )


def _tell(read: EbtsFile) -> None:
    sender = read.sender
    typer.echo(
        f"{sender.kind} from {sender.ori} to {sender.destination}, {sender.sent_at:%Y-%m-%d %H:%M} UTC"
    )
    typer.echo(
        f"charge {read.charged.charge_class or 'unknown'}, disposition {read.charged.disposition or 'unknown'}"
    )
    if read.finding:
        typer.echo(f"finding {read.finding}")
    for message in read.messages:
        typer.echo(message)
    if read.fingers:
        from interchange.fingers import finger_name

        table(
            ("record", "type", "finger", "what"),
            (
                (
                    str(one.record), str(one.type), finger_name(one.position),
                    f"{len(one.minutiae)} minutiae" if one.minutiae is not None else _image_words(one.image),
                )
                for one in read.fingers
            ),
            right=(0, 1),
        )  # fmt: skip
    for one in read.unused:
        typer.echo(f"not used: {one}")
    for one in read.problems:
        typer.secho(f"wrong: {one}", err=True, fg=typer.colors.RED)


def _image_words(image: object) -> str:
    from matcher_service.exchange.image_records import FoundImage

    assert isinstance(image, FoundImage)
    return f"{image.kind.name} image, {image.width} x {image.height}, {image.dpi:.0f} dpi"


def _tree(read: EbtsFile) -> dict[str, object]:
    return {
        "transaction": read.sender.kind,
        "ori": read.sender.ori,
        "to": read.sender.destination,
        "sent_at": read.sender.sent_at.isoformat(),
        "charge_class": read.charged.charge_class,
        "disposition": read.charged.disposition,
        "finding": read.finding,
        "messages": list(read.messages),
        "fingers": [
            {
                "record": one.record,
                "type": one.type,
                "position": one.position,
                "minutiae": None if one.minutiae is None else len(one.minutiae),
            }
            for one in read.fingers
        ],
        "unused": [str(one) for one in read.unused],
        "problems": [
            {"record": one.record, "type": one.type, "field": one.field, "reason": one.reason}
            for one in read.problems
        ],
    }


def _check_ori(ori: str) -> None:
    if len(ori) != 9 or not (ori.isascii() and ori.isalnum() and ori == ori.upper()):
        fail("--ori: nine capital letters and digits, the agency of this centre")


def _check_new(target: Path) -> None:
    if target.exists():
        fail(f"{target}: is there already, and nothing is overwritten; name a new file")


def _write(target: Path, content: bytes) -> None:
    """A new file that its owner alone can read."""
    try:
        target.touch(mode=_OWNER_ONLY, exist_ok=False)
        target.write_bytes(content)
    except OSError as error:
        fail(f"{target}: cannot be written: {error.strerror}; choose another place")
