"""`matcher-service relay`: what goes up to the centre above and comes back, and at a centre, who may bring for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of, table
from matcher_service.commands.signing_in import shell_actor

if TYPE_CHECKING:
    from matcher_service.relay.answers import RelayAnswers
    from matcher_service.relay.outbox import Item, RelayOutbox
    from matcher_service.relay.rights import RightKind
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

app = typer.Typer(
    no_args_is_help=True, help="A state bureau's way up, and whom a centre takes submissions from."
)

Tcn = Annotated[str, typer.Argument(help="The submission's number.", show_default=False)]
Relay = Annotated[str, typer.Argument(help="The relay's name, as it is registered.", show_default=False)]
Jurisdiction = Annotated[
    str, typer.Option(help="A state or county with all that lies in it: US-MO, US-MO-019.")
]
Ori = Annotated[str, typer.Option(help="One agency, by its ORI.")]
Reason = Annotated[str, typer.Option(help="Why; it goes into the audit. No names of persons.")]


@app.command()
def status(
    *,
    tcn: Annotated[str, typer.Option(help="Of this submission alone, with all that came back.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="The newest fifty one by one.")] = False,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a state: how many submissions stand where on their way up, and which replies wait for a person's word.

    Examples:
      matcher-service relay status

      matcher-service relay status --tcn kiosk-1.01M00000000000000000000000
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        outbox, answers = _stores(settings, database)
        counts, waiting = outbox.counts(), answers.waiting()
        items = outbox.items(tcn=tcn or None) if listed or tcn else []
        replies = answers.all_of(tcn) if tcn else []
        if tcn:
            from matcher_service.auditing import note

            note(database, "relay.read", actor=shell_actor(), purpose="status", subject=tcn)
    if tcn and not items:
        fail(f"{tcn}: is not among those that go up; see: matcher-service relay status --list")
    if as_json:
        print_json(
            {
                "identity": _identity(settings),
                "counts": {str(state): number for state, number in counts.items()},
                "waiting": [one.tcn for one in waiting],
                "items": [_item(one) for one in items],
                "replies": [_reply(one.payload, one.state, one.stage) for one in replies],
            }
        )
        return
    for line in _identity(settings).items():
        typer.echo(f"{line[0]}: {line[1]}")
    if tcn or listed:
        rows = ([str(value or "") for value in _item(one).values()] for one in items)
        table(("TCN", "state", "sent (UTC)", "sendings", "why not", "held by"), rows, right=(3,))
        for one in replies:
            told = _reply(one.payload, one.state, one.stage)
            typer.echo(f"{told['stage']} response, {told['state']}: {told['said']}")
    else:
        table(("state", "submissions"), ((str(k), str(v)) for k, v in counts.items()), right=(1,))
        for one in waiting:
            typer.echo(
                f"waits for a word: {one.tcn}, {one.stage} response of {one.received_at:%Y-%m-%d %H:%M}"
            )


@app.command("pass-on")
def pass_on(tcn: Tcn, *, config: Config = None, assign: Set = None) -> None:
    """At a state: pass on to the kiosk what the centre above said of one submission.

    Examples:
      matcher-service relay pass-on kiosk-1.01M00000000000000000000000
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        passed = _stores(settings, database)[1].pass_on(tcn, by=shell_actor())
    if not passed:
        fail(
            f"{tcn}: nothing of it waits, or the rules here do not let it be shared any more; see:"
            f" matcher-service relay status --tcn {tcn}"
        )
    typer.echo(f"{tcn}: {passed} passed on; the kiosk has it when it is next connected")


@app.command()
def keep(
    tcn: Tcn,
    *,
    reason: Reason,
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a state: keep here what waits of one submission. The kiosk is told that nothing follows, once nothing does.

    Examples:
      matcher-service relay keep kiosk-1.01M00000000000000000000000 --reason "not for the desk"
    """
    _refuse_reason(reason)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        kept = _stores(settings, database)[1].keep_here(tcn, by=shell_actor(), reason=reason)
    if not kept:
        fail(f"{tcn}: nothing of it waits; see: matcher-service relay status --tcn {tcn}")
    typer.echo(f"{tcn}: {kept} kept here; to pass it on after all: matcher-service relay pass-on {tcn}")


@app.command()
def hold(
    tcn: Tcn,
    *,
    reason: Reason,
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a state: keep one submission here. It does not go up, and nothing that comes back is passed on by itself.

    Examples:
      matcher-service relay hold kiosk-1.01M00000000000000000000000 --reason "booking is disputed"
    """
    _refuse_reason(reason)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        outbox = _stores(settings, database)[0]
        outbox.hold(tcn, by=shell_actor(), reason=reason)
        sent = outbox.items(tcn=tcn)[0].sendings
    typer.echo(f"{tcn}: held")
    if sent:
        typer.echo("it was sent up before; what the centre above says of it stays here", err=True)


@app.command()
def send(tcn: Tcn, *, config: Config = None, assign: Set = None) -> None:
    """At a state: let go what was held, or send once more what the centre above refused.

    Examples:
      matcher-service relay send kiosk-1.01M00000000000000000000000
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        state = _stores(settings, database)[0].release(tcn, by=shell_actor())
    typer.echo(f"{tcn}: {state}")


@app.command()
def allow(
    relay: Relay,
    *,
    jurisdiction: Jurisdiction = "",
    ori: Ori = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a centre: let a registered device bring submissions of others. It is a relay from then on, and no kiosk.

    Examples:
      matcher-service relay allow mo-bureau --jurisdiction US-MO

      matcher-service relay allow mo-bureau --ori MO0100000
    """
    kind, value = _right(jurisdiction, ori)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.relay.rights import Rights

        new = Rights(database).give(relay, kind, value, by=shell_actor())
    typer.echo(f"{relay}: {'may now' if new else 'could already'} bring for {value}")


@app.command()
def forbid(
    relay: Relay,
    *,
    jurisdiction: Jurisdiction = "",
    ori: Ori = "",
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a centre: take such a right back. What the relay brings for them is refused from now on.

    Examples:
      matcher-service relay forbid mo-bureau --jurisdiction US-MO
    """
    kind, value = _right(jurisdiction, ori)
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.relay.rights import Rights

        if not Rights(database).take(relay, kind, value, by=shell_actor()):
            fail(f"{relay}: had no right for {value}; see: matcher-service relay rights")
    typer.echo(f"{relay}: may no longer bring for {value}")


@app.command()
def rights(*, as_json: AsJson = False, config: Config = None, assign: Set = None) -> None:
    """At a centre: who may bring for whom.

    Examples:
      matcher-service relay rights
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.relay.rights import Rights

        found = Rights(database).all()
    rows = [
        {
            "relay": r.relay,
            "kind": str(r.kind),
            "value": r.value,
            "by": r.given_by,
            "at": f"{r.given_at:%Y-%m-%d}",
        }
        for r in found
    ]
    if as_json:
        print_json(rows)
    else:
        table(("relay", "kind", "for", "given by", "on"), (list(row.values()) for row in rows))


@app.command()
def move(
    device: Annotated[str, typer.Argument(help="A kiosk that is known through a relay.", show_default=False)],
    *,
    config: Config = None,
    assign: Set = None,
) -> None:
    """At a centre: let another relay bring a kiosk's bookings, because the kiosk has moved.

    Examples:
      matcher-service relay move kiosk-1
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.relay.rights import Rights

        if not Rights(database).release(device, by=shell_actor()):
            fail(f"{device}: is not known through any relay")
    typer.echo(f"{device}: belongs to whichever relay with a right brings it next")


def _refuse_reason(text: str) -> None:
    """What cannot go into the audit."""
    if not text.isprintable() or not 0 < len(text) <= 200:
        fail("--reason: 1 to 200 characters")


def _stores(settings: MatcherSettings, database: Database) -> tuple[RelayOutbox, RelayAnswers]:
    from matcher_service.relay.answers import RelayAnswers
    from matcher_service.relay.outbox import RelayOutbox

    outbox = RelayOutbox(database, repository=settings.relay.repository)
    return outbox, RelayAnswers(database, settings=settings.relay, outbox=outbox)


def _identity(settings: MatcherSettings) -> dict[str, str]:
    from matcher_service.relay.looking import standing

    found = standing(settings.relay, now=datetime.now(UTC))
    more = {} if found.days_left is None else {"certificate": f"{found.days_left} days left"}
    return {"relays": found.relays, **more}


def _item(one: Item) -> dict[str, object]:
    return {
        "tcn": one.tcn,
        "state": str(one.state),
        "sent_at": None if one.sent_at is None else f"{one.sent_at:%Y-%m-%d %H:%M:%S}",
        "sendings": one.sendings,
        "why": None if one.reason is None else f"{one.field or 'held'}: {one.reason}",
        "held_by": one.held_by,
    }


def _reply(payload: bytes, state: str, stage: str) -> dict[str, str]:
    from matcher_service.relay.answers import readable
    from matcher_service.relay.wording import said_of

    return {"stage": stage, "state": state, "said": ", ".join(said_of(readable(payload)))}


def _right(jurisdiction: str, ori: str) -> tuple[RightKind, str]:
    from matcher_service.relay.rights import RightKind

    if bool(jurisdiction) == bool(ori):
        fail("say for whom: --jurisdiction CODE or --ori ORI, one of them")
    return (RightKind.JURISDICTION, jurisdiction) if jurisdiction else (RightKind.ORI, ori)
