"""From settings to a desk that answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matcher_service.abis.desk import AbisDesk
from matcher_service.abis.failures import NotInScope
from matcher_service.abis.galleries import AbisGalleries
from matcher_service.abis.link import AbisLink
from matcher_service.repositories.names import Holder, holder_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


def open_desk(settings: MatcherSettings, database: Database) -> AbisDesk | None:
    """None where no client is named. Galleries are opened at the first identify. Raises NotInScope for a taken name."""
    if not settings.abis.clients:
        return None
    _refuse_taken(settings, database)
    galleries = open_galleries(settings, database, {one.repository for one in settings.abis.clients}, "abis")
    return AbisDesk(database, settings.abis, galleries=galleries, fpir=settings.search.yellow_fpir)


def _refuse_taken(settings: MatcherSettings, database: Database) -> None:
    with database.read() as session:
        for client in settings.abis.clients:
            holder = holder_of(session, client.token, but=Holder.CLIENT, now=datetime.now(UTC))
            if holder is not None:
                raise NotInScope(
                    client.token,
                    f"abis.clients: '{client.token}' is the name of {holder}, and would share its topics at the"
                    " broker; give the client another token and name",
                )


def open_galleries(
    settings: MatcherSettings, database: Database, names: Iterable[str], kind: str
) -> AbisGalleries:
    """Of these repositories, in a folder of their own beside the matcher's."""
    from matcher_service.search import Gallery
    from matcher_service.service import gallery_folder

    beside = gallery_folder(settings, database)
    threads = settings.search.threads
    return AbisGalleries(
        database,
        names,
        make_gallery=lambda source: Gallery(source=source, threads=threads),
        folder=None if beside is None else beside.with_name(f"{beside.name}-{kind}"),
        threads=threads,
    )


def open_link(settings: MatcherSettings, desk: AbisDesk | None) -> AbisLink | None:
    """The same desk over MQTT; None without a desk, or unless `abis.mqtt` is on."""
    if desk is None or not settings.abis.mqtt:
        return None
    return AbisLink(desk, broker=settings.broker, client_id=f"{settings.instance}-abis")
