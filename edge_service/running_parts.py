"""The parts that `edge-service run`, `book` and `kiosk` share, made from the settings; each fails with words."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from interchange.command_line import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from edge_service.ops.running import Ops
    from edge_service.ops.watched_uplink import WatchedUplink
    from edge_service.settings import EdgeSettings
    from edge_service.spool import Spool
    from edge_service.spool.images import ImageStore

log = logging.getLogger("edge")


def open_spool(settings: EdgeSettings, *, start_empty: bool = False, only_look: bool = False) -> Spool:
    """The kiosk's spool; what is wrong with it ends the program with words.

    Whoever will `only_look` does not need its key: without it payloads and replies are not to be had.
    """
    from edge_service.at_rest import Vault, key_file_of
    from edge_service.at_rest.keys import NoKeys
    from edge_service.errors import SpoolError, SpoolKeyError
    from edge_service.spool import Spool
    from interchange.logs import facts

    def opened(vault: Vault | None = None) -> Spool:
        return Spool(
            settings.spool.path,
            device=settings.device,
            max_submissions=settings.spool.max_submissions,
            max_bytes=settings.spool.max_bytes,
            disk_reserve_bytes=settings.spool.disk_reserve_bytes,
            keep_days=settings.spool.keep_days,
            start_empty=start_empty,
            keys=key_file_of(settings.spool.path, named=settings.spool.key_file),
            vault=vault,
        )

    try:
        try:
            spool = opened()
        except SpoolKeyError as error:
            if not only_look:
                raise
            log.warning(
                "the spool key is not here; prints and replies stay closed", extra=facts(reason=error)
            )
            spool = opened(Vault(NoKeys()))
    except SpoolError as error:
        fail(error)
    for path in spool.quarantined():
        log.warning("a damaged spool was set aside; look at it", extra=facts(file=path))
    return spool


@contextlib.contextmanager
def open_images(settings: EdgeSettings, spool: Spool) -> Generator[ImageStore | None]:
    """Where images are kept; None where they are not sent, and then what was kept before is gone."""
    from edge_service.errors import SpoolError
    from edge_service.spool.images import ImageStore, images_path, remove_images

    path = images_path(spool.path)
    if not settings.uplink.send_images:
        with contextlib.suppress(OSError):
            remove_images(path)
        yield None
        return
    try:
        opened = ImageStore(path, vault=spool.vault, disk_reserve_bytes=settings.spool.disk_reserve_bytes)
    except SpoolError as error:
        fail(error)
    with opened:
        yield opened


@contextlib.contextmanager
def delivering_from(spool: Spool) -> Generator[None]:
    """While this lasts no other process delivers from `spool`; one that does already ends the program with words."""
    from edge_service.uplink_lock import UplinkLock

    lock = UplinkLock(spool.path)
    if not lock.acquire():
        fail(f"{spool.path}: another edge-service delivers from this spool already; stop that one first.")
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def said_ready(ready_file: Path | None) -> Generator[None]:
    """The service is ready while this lasts, and says so: in the log, and in a file where one is wanted."""
    log.info("ready")
    if ready_file is not None:
        ready_file.write_text("ready\n", encoding="ascii")
    try:
        yield
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


def make_uplink(settings: EdgeSettings, spool: Spool, images: ImageStore | None = None) -> WatchedUplink:
    """The uplink, which seals what it sends where this kiosk has an identity."""
    from edge_service.clock import SystemClock
    from edge_service.errors import EdgeError
    from edge_service.ops.watched_uplink import WatchedUplink
    from edge_service.provisioning import channel_of

    clock = SystemClock(store=spool)
    try:
        channel = channel_of(settings, clock=clock)
    except EdgeError as error:
        fail(error)
    return WatchedUplink(
        spool=spool,
        device=settings.device,
        broker=settings.broker,
        settings=settings.uplink,
        clock=clock,
        channel=channel,
        images=images,
    )


def make_ops(
    settings: EdgeSettings,
    spool: Spool,
    uplink: WatchedUplink,
    *,
    sensor_trouble: Callable[[], str] | None = None,
    board_counters: Callable[[], Mapping[str, int]] | None = None,
) -> Ops:
    """Health pages, metrics and the watchdog of this process."""
    from edge_service.ops.running import Ops
    from interchange.health_server import CannotListen

    try:
        return Ops(
            settings=settings,
            spool=spool,
            uplink=uplink,
            sensor_trouble=sensor_trouble,
            board_counters=board_counters,
        )
    except CannotListen as error:
        fail(error)
