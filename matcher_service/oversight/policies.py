"""Who agreed to what: each jurisdiction's rule for each repository, for everybody to read.

Nobody has to ask whether a jurisdiction shares, since when, on whose signature, or whether it has opted out.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from matcher_service.oversight.figures import Policy
from matcher_service.routing.conditions import in_words
from matcher_service.routing.looking import history, in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.routing.looking import VersionView


def policies(session: Session, *, now: datetime) -> list[Policy]:
    """What holds now or will, and of what was suspended, ended or ran out the last version; by jurisdiction.

    Who entered and approved it inside of the centre is not part of it; who signed it is.
    """
    return [
        Policy(
            jurisdiction=one.jurisdiction,
            name=one.name,
            repository=one.repository,
            version=one.version,
            state=one.now(now),
            from_at=one.from_at,
            until_at=one.until_at,
            covers=in_words(one.conditions),
            signed_by=one.signed_by,
            document_sha256=one.document_sha256,
        )
        for one in _that_count(in_force(history(session)), now)
    ]


def _that_count(versions: Iterable[VersionView], now: datetime) -> Iterator[VersionView]:
    """Without what a later version of the same rule has replaced, or ran out before it."""
    for _, its in groupby(versions, key=attrgetter("jurisdiction", "repository")):
        kept = list(its)
        yield from ([one for one in kept if one.now(now) != "over"] or kept[-1:])
