"""From settings to a desk that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matcher_service.abis.opening import open_galleries
from matcher_service.errors import MatcherError
from matcher_service.osia.desk import OsiaDesk

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

VERIFY_FMR: Final = 1e-4
"""One stranger in ten thousand passes, where a verification names no threshold."""


def open_osia(settings: MatcherSettings, database: Database) -> OsiaDesk | None:
    """None where no client is named. Galleries are opened at the first search."""
    clients = settings.osia.clients
    if not clients:
        return None
    both = {one.token for one in clients} & {one.token for one in settings.abis.clients}
    if both:
        raise MatcherError(
            f"[osia] and [abis] name the same token ({', '.join(sorted(both))}); make one for each"
        )
    galleries = open_galleries(settings, database, {one.repository for one in clients}, "osia")
    return OsiaDesk(
        database, settings.osia, galleries=galleries, fpir=settings.search.yellow_fpir, verify_fmr=VERIFY_FMR
    )
