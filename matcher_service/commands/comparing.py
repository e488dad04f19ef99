"""`matcher-service compare` and `explain`: two template files, no database."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher_service.commands.shared import AsJson, Finger, plain_errors, print_json, table, write_private

if TYPE_CHECKING:
    from matcher_service.explaining import Explanation

Probe = Annotated[Path, typer.Argument(help="Template file: the probe.", show_default=False)]
Candidate = Annotated[Path, typer.Argument(help="Template file: the candidate.", show_default=False)]


def compare(probe: Probe, candidate: Candidate, *, finger: Finger = None, as_json: AsJson = False) -> None:
    """Compare two template files: the score of each finger that both have, and what it means.

    Files are ISO/IEC 19794-2:2005 or INCITS 378-2004. The exit code says whether they could be compared, never
    whether they are alike: that is for a person to say.

    Examples:
      matcher-service compare booked.iso card.iso

      matcher-service compare ten-fingers.iso card.378 --finger 2 --json
    """
    with plain_errors():
        from matcher_service.explaining import CAUTION, explain, meaning_of
        from matcher_service.reading import choose_fingers, read_file

        pairs = choose_fingers(read_file(probe), read_file(candidate), finger)
        found = [
            explain(a.minutiae, b.minutiae, names=(a.name, b.name), positions=(a.position, b.position))
            for a, b in pairs
        ]
        together = meaning_of([one.finger for one in found])
    if as_json:
        fingers = [_brief(one) for one in found]
        print_json({"fingers": fingers, "together": together.as_json(), "caution": CAUTION})
        return
    table(
        ("finger", "score", "minutiae", "pairs", "meaning"),
        (
            (
                _fingers(one),
                f"{one.score:.1f}",
                f"{len(one.probe.minutiae)} and {len(one.candidate.minutiae)}",
                str(len(one.pairs)),
                one.meaning.headline,
            )
            for one in found
        ),
        right=(1, 3),
    )
    if len(found) > 1:
        typer.echo(f"All fingers together: {together.headline}.")
    typer.echo(together.sentence)
    typer.echo(CAUTION)


def explain(
    probe: Probe,
    candidate: Candidate,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw both prints with their pairs here, as SVG.")
    ] = None,
    finger: Finger = None,
    as_json: AsJson = False,
) -> None:
    """Explain the score of two prints: the pairs, the alignment, and what each part says.

    The picture shows the minutiae of two persons, or of one: keep it or delete it as you would the prints.

    Examples:
      matcher-service explain booked.iso card.iso -o why.svg

      matcher-service explain ten-fingers.iso card.iso --finger 7 --json
    """
    with plain_errors():
        from matcher_service.explaining import explain as explained
        from matcher_service.reading import choose_pair, read_file

        a, b = choose_pair(read_file(probe), read_file(candidate), finger)
        found = explained(
            a.minutiae, b.minutiae, names=(probe.name, candidate.name), positions=(a.position, b.position)
        )
    if out is not None:
        from matcher_service.explaining.drawing import draw

        write_private(out, draw(found), not_over=(probe, candidate))
    if as_json:
        print_json(found.as_json())
        return
    _tell(found)
    if out is not None:
        typer.echo(
            f"drawn in {out}; it shows a person's minutiae: keep it or delete it as you would the prints"
        )


def _tell(found: Explanation) -> None:
    from matcher_service.explaining import CAUTION

    typer.echo(f"score {found.score:.1f}: {found.meaning.headline}")
    typer.echo(found.meaning.sentence)
    if len(found.pairs):
        typer.echo(
            f"{len(found.pairs)} pairs of minutiae; the probe turned by {math.degrees(found.turn):+.0f} degrees"
            f" and moved by {found.shift_mm[0]:+.1f} mm to the right and {found.shift_mm[1]:+.1f} mm down;"
            f" {found.common_mm2:.0f} mm2 in common"
        )
    else:
        typer.echo("no pairs of minutiae: the comparison found no way to lay one print over the other")
    counted = any(part.contribution is not None for part in found.parts)
    columns = ("part", "value", *(("for or against",) if counted else ()), "what it says")
    table(
        columns,
        (
            (part.label, part.shown, *((_signed(part.contribution),) if counted else ()), part.sentence)
            for part in found.parts
        ),
        right=(1, 2) if counted else (1,),
    )
    typer.echo(CAUTION)


def _fingers(found: Explanation) -> str:
    from interchange.fingers import UNKNOWN_FINGER, finger_name

    known = {side.position for side in found.sides} - {UNKNOWN_FINGER}
    if len(known) < 2:
        return finger_name(known.pop() if known else UNKNOWN_FINGER)
    return f"{finger_name(found.probe.position)} with {finger_name(found.candidate.position)}"


def _signed(contribution: float | None) -> str:
    return "" if contribution is None else f"{contribution:+.2f}"


def _brief(found: Explanation) -> dict[str, Any]:
    whole = found.as_json()
    return {key: whole[key] for key in ("probe", "candidate", "score", "meaning")} | {
        "pairs": len(found.pairs)
    }
