"""`matcher-service ebts`: files of other systems in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.exchange_files import (
    check_new,
    check_ori,
    ebts_tree,
    error_reply,
    read_ebts,
    tell_ebts,
    write_new,
)
from matcher_service.commands.shared import (
    AsJson,
    database_of,
    plain_errors,
    print_json,
    settings_of,
    tracked,
)
from matcher_service.commands.signing_in import shell_actor

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


@app.command()
def show(file: EbtsPath, *, charges: Charges = None, as_json: AsJson = False) -> None:
    """Say what a file holds, what of it can be used, and what is wrong, record by record. No names are shown.

    Examples:
      matcher-service ebts show booking.eft

      matcher-service ebts show booking.eft --json
    """
    with plain_errors():
        read = read_ebts(file, charges)
    if as_json:
        print_json(ebts_tree(read))
    else:
        tell_ebts(read)
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
        check_ori(ori)
        check_new(errt)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import note
        from matcher_service.exchange.errors import EbtsRefused
        from matcher_service.exchange.submitting import submit as take

        sender = None
        try:
            read = read_ebts(file, charges)
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
                write_new(errt, error_reply(error.problems, sender, ori))
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
    check_ori(ori)
    check_new(out)
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
            asked = read_ebts(file, None).sender
            tcn = our_tcn(asked, channel)
        made = answer(database, tcn, kind=ReplyKind(kind), ori=ori, asked=asked, actor=shell_actor())
        write_new(out, made.content)
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
    check_ori(ori)
    check_new(out)
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
        write_new(out, content)
    typer.echo(f"{out}: {kind} of {tcn or identity}")
