"""How the register is shown: as tables for a person, as trees for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matcher_service.commands.shared import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from matcher_service.routing.entries import ActivationEntry
    from matcher_service.routing.looking import VersionView


def show_versions(versions: Sequence[VersionView], now: datetime) -> None:
    """One a line."""
    from matcher_service.routing.conditions import in_words

    table(
        ("code", "name", "repository", "v", "is", "from", "until", "conditions", "signed by", "entered by"),
        (
            (
                one.jurisdiction, one.name, one.repository, str(one.version), one.now(now), _day(one.from_at),
                _day(one.until_at), in_words(one.conditions), one.signed_by,
                " + ".join(who for who in (one.entered_by, one.approved_by) if who),
            )
            for one in versions
        ),
        right=(3,),
    )  # fmt: skip


def show_entries(entries: Sequence[ActivationEntry]) -> None:
    """What is proposed, one a line."""
    from matcher_service.routing.conditions import in_words

    table(
        ("code", "repository", "is", "from", "until", "conditions", "signed by", "document"),
        (
            (
                one.jurisdiction, one.repository, str(one.state), _day(one.from_at), _day(one.until_at),
                in_words(one.conditions), one.signed_by, one.document_sha256[:12],
            )
            for one in entries
        ),
    )  # fmt: skip


def version_tree(one: VersionView, now: datetime) -> dict[str, Any]:
    """As JSON values."""
    from dataclasses import asdict

    return {
        "jurisdiction": one.jurisdiction,
        "name": one.name,
        "repository": one.repository,
        "version": one.version,
        "state": str(one.state),
        "now": one.now(now),
        "from": one.from_at.isoformat(),
        "until": None if one.until_at is None else one.until_at.isoformat(),
        "conditions": asdict(one.conditions),
        "signed_by": one.signed_by,
        "document_sha256": one.document_sha256,
        "entered_by": one.entered_by,
        "approved_by": one.approved_by,
        "entered_at": one.entered_at.isoformat(),
        "reason": one.reason,
    }


def _day(when: datetime | None) -> str:
    if when is None:
        return ""
    return f"{when:%Y-%m-%d}" if when.hour == when.minute == when.second == 0 else f"{when:%Y-%m-%d %H:%M}Z"
