"""`matcher-service why`: where a submission was searched, by which rule, and what the rules say now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interchange.command_line import Config, Set  # noqa: TC001 - typer reads the annotations at run time
from matcher_service.commands.shared import AsJson, database_of, print_json, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from matcher_service.routing.judging import Decision
    from matcher_service.routing.replay import Step, Why

DISAGREES = 3


def why(
    tcn: Annotated[str, typer.Argument(help="The submission's number.", show_default=False)],
    *,
    as_json: AsJson = False,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Replay why a submission was searched where it was: with the rules as they were then, and as they are now.

    Ends with code 3, and says so loudly, where the replay does not come to what was recorded: then the register or
    the record was changed by other means than this program.

    Examples:
      matcher-service why kiosk-1.01M00000000000000000000000

      matcher-service why kiosk-1.01M00000000000000000000000 --json
    """
    settings = settings_of(config, assign, quiet=True)
    with database_of(settings) as database:
        from matcher_service.auditing import note
        from matcher_service.commands.signing_in import shell_actor
        from matcher_service.routing.replay import why as replayed

        with database.read() as session:
            found = replayed(session, tcn, now=datetime.now(UTC))
        note(database, "submission.read", actor=shell_actor(), purpose="why it was searched", subject=tcn)
    if as_json:
        print_json(tree_of(found))
    else:
        _show(found)
    if not found.agrees:
        raise typer.Exit(DISAGREES)


def tree_of(found: Why) -> dict[str, Any]:
    """As JSON values."""
    return {
        "tcn": found.tcn,
        "device": found.device,
        "received_at": found.received_at.isoformat(),
        "ori": found.facts.ori,
        "agency": str(found.facts.agency),
        "jurisdiction": found.jurisdiction,
        "transaction": str(found.facts.transaction),
        "charge_class": found.facts.charge_class,
        "disposition": found.facts.disposition,
        "fingers": found.facts.fingers,
        "mode": str(found.mode),
        "agrees": found.agrees,
        "images": None
        if found.images is None
        else {
            "offered": found.images.offered,
            "repositories": list(found.images.repositories),
            "decided_at": found.images.decided_at.isoformat(),
        },
        "reports": [
            {
                "charge_class": one.charge_class, "disposition": one.disposition,
                "reported_at": one.reported_at.isoformat(), "reported_by": one.reported_by,
            }
            for one in found.reports
        ],
        "repositories": [
            {
                "repository": one.repository,
                "searched_at": None if one.searched_at is None else one.searched_at.isoformat(),
                "failed": one.failed,
                "then": [
                    {
                        "recorded": _decision(step.recorded), "replayed": _decision(step.replayed),
                        "agrees": step.agrees,
                    }
                    for step in one.steps
                ],
                "now": _decision(one.now),
            }
            for one in found.repositories
        ],
    }  # fmt: skip


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "verdict": str(one.verdict),
        "answer": str(one.answer),
        "reason": str(one.reason_code),
        "words": one.words,
        "activation": one.activation,
        "version": one.activation_version,
        "register": one.registry_version,
        "at": one.decided_at.isoformat(),
    }


def _show(found: Why) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    known = found.facts
    console.print(found.tcn, style="bold")
    console.print(
        f"  came {_time(found.received_at)} from {found.device}, agency {known.ori or 'not known'}"
        f" ({known.agency}), {found.jurisdiction or 'in no jurisdiction of the register'}"
    )
    charge = known.charge_class or "not given"
    console.print(
        f"  {known.transaction}, charge {charge}, disposition {known.disposition or 'not given'},"
        f" {known.fingers} fingers"
    )
    for one in found.reports:
        told = ", ".join(word for word in (one.charge_class, one.disposition) if word)
        console.print(f"  reported {_time(one.reported_at)} by {one.reported_by}: {told}")
    if found.images is not None:
        kept = " and ".join(found.images.repositories)
        said = (
            f"kept for those who review in {kept}" if kept else "no rule lets it carry them; none was taken"
        )
        console.print(f"  {found.images.offered} images offered {_time(found.images.decided_at)}: {said}")
    if found.mode == "everything":
        console.print("  The rules are NOT in force here: everything is searched.", style="bold yellow")
    for one in found.repositories:
        console.print(f"\n{one.repository}", style="bold")
        for step in one.steps:
            _show_step(console, step)
        if not one.steps:
            console.print("  then: nothing was decided yet")
        console.print(f"  now:  {one.now.verdict} ({one.now.reason_code}). {one.now.words}")
        if one.searched_at is not None:
            failed = ", which failed" if one.failed else ""
            console.print(f"  searched {_time(one.searched_at)}{failed}")
    if not found.agrees:
        console.print(
            "\nThe replay does NOT come to what was recorded. Somebody changed the register or the record behind this"
            " program's back. Run: matcher-service audit verify",
            style="bold red",
        )


def _show_step(console: Console, step: Step) -> None:
    from matcher_service.routing import ReasonCode

    recorded = step.recorded
    console.print(
        f"  then: {recorded.verdict} ({recorded.reason_code}), {_time(recorded.decided_at)}. {recorded.words}"
    )
    if step.rule is not None:
        rule = step.rule
        people = " and ".join(who for who in (rule.entered_by, rule.approved_by) if who)
        console.print(
            f"        version {rule.version} of {rule.jurisdiction}, entered {_time(rule.entered_at)} by {people},"
            f" document {rule.document_sha256[:12]}..."
        )
    if step.agrees and step.recorded.reason_code is ReasonCode.OWNER:
        console.print("        not by the register, but by role: the audit has it")
    elif step.recorded.reason_code is ReasonCode.OWNER:
        console.print("        THE AUDIT HAS NO SUCH SEARCH", style="bold red")
    elif step.agrees:
        console.print("        replayed with the rules of then: the same")
    else:
        again = step.replayed
        console.print(
            f"        REPLAYED WITH THE RULES OF THEN: {again.verdict} ({again.reason_code}). {again.words}",
            style="bold red",
        )


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}Z"
