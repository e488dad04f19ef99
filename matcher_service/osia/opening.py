"""From settings to a desk that answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from matcher_service.abis.opening import open_galleries
from matcher_service.accounts.key_file import sealer_of
from matcher_service.errors import MatcherError
from matcher_service.osia.desk import OsiaDesk

if TYPE_CHECKING:
    from matcher_service.osia.working import OsiaWork
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
        database,
        settings.osia,
        galleries=galleries,
        fpir=settings.search.yellow_fpir,
        verify_fmr=VERIFY_FMR,
        sealer=partial(sealer_of, settings.accounts, database),
        networks=settings.notify.webhook_networks,
        instance=f"{settings.instance}-api",
    )


def open_work(settings: MatcherSettings, database: Database, desk: OsiaDesk | None) -> OsiaWork | None:
    """What the desk's tasks and messages are done by; None without a desk. Raises BadTokens."""
    if desk is None:
        return None
    from matcher_service.api.tokens import Tokens
    from matcher_service.notify.webhooks import Webhooks
    from matcher_service.osia.delivering import OsiaDelivery
    from matcher_service.osia.working import OsiaWork

    delivery = OsiaDelivery(
        database,
        desk.clients,
        desk.outbox,
        webhooks=Webhooks(settings.notify),
        secret_of=Tokens.read(settings.api.tokens).secret_of,
    )
    return OsiaWork(desk, delivery)
