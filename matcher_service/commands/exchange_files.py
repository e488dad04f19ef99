"""Files that `ebts` and `convert` read and write, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from interchange.command_line import fail
from matcher_service.commands.shared import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matcher_service.exchange.errors import Problem
    from matcher_service.exchange.transaction import EbtsFile, Sender

_OWNER_ONLY = 0o600


def read_ebts(file: Path, charges: Path | None) -> EbtsFile:
    """What is in an EBTS file, or a message and exit code 1. Raises EbtsRefused, BadChargeTable."""
    from matcher_service.exchange import transaction
    from matcher_service.exchange.charge_fields import SHIPPED, read_table
    from matcher_service.exchange.parameters import MAX_FILE_BYTES

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")
    return transaction.read(data, read_table(charges or SHIPPED))


def error_reply(problems: Sequence[Problem], sender: Sender, ori: str) -> bytes:
    """The ERRT reply to a file that is refused."""
    from datetime import UTC, datetime
    from hashlib import sha256

    from matcher_service.exchange import writing

    now = datetime.now(UTC)
    number = "E" + sha256(f"{sender.ori} {sender.tcn} {now}".encode()).hexdigest()[:31].upper()
    return writing.error(
        writing.Address(to=sender.ori, ori=ori, tcn=number, at=now, tcr=sender.tcn), problems
    )


def tell_ebts(read: EbtsFile) -> None:
    """What is in a file, for a person."""
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


def ebts_tree(read: EbtsFile) -> dict[str, object]:
    """The same for a program."""
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


def check_ori(ori: str) -> None:
    """A message and exit code 1 where it is none."""
    if len(ori) != 9 or not (ori.isascii() and ori.isalnum() and ori == ori.upper()):
        fail("--ori: nine capital letters and digits, the agency of this centre")


def check_new(target: Path) -> None:
    """A message and exit code 1 where something is there already."""
    if target.exists():
        fail(f"{target}: is there already, and nothing is overwritten; name a new file")


def write_new(target: Path, content: bytes) -> None:
    """A new file that its owner alone can read."""
    try:
        target.touch(mode=_OWNER_ONLY, exist_ok=False)
        target.write_bytes(content)
    except OSError as error:
        fail(f"{target}: cannot be written: {error.strerror}; choose another place")
