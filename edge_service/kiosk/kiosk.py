"""The kiosk put together: the booking desk, its gate, its stream and its page, around parts that are handed in."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Self

from edge_service.kiosk.app import make_app
from edge_service.kiosk.desk import CaptureDesk
from edge_service.kiosk.gate import Gate
from edge_service.kiosk.hub import Hub
from edge_service.kiosk.room import has_room
from edge_service.kiosk.server import PageServer
from edge_service.kiosk.status import StatusLine
from edge_service.kiosk.steps import BookingSteps, ListenedExtractor
from edge_service.kiosk.store import FILE as STORE_FILE
from edge_service.kiosk.store import KioskStore
from edge_service.kiosk.users import FILE as USERS_FILE
from edge_service.kiosk.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from edge_service.booking import BookingEvent, Extractor
    from edge_service.clock import Clock
    from edge_service.kiosk.settings import KioskSettings
    from edge_service.sensors.protocol import FingerprintSensor
    from edge_service.settings import CaptureSettings, SpoolSettings
    from edge_service.spool import Spool
    from edge_service.spool.images import ImageStore

LOOK_EVERY_S = 1.0


def users_file(settings: KioskSettings, spool: Path) -> Path:
    """Where those who may unlock the kiosk are kept."""
    return settings.users or spool.with_name(USERS_FILE)


class Kiosk:
    """A context manager; the page answers while it is open."""

    def __init__(
        self,
        settings: KioskSettings,
        *,
        device: str,
        sensor: FingerprintSensor,
        extractor: Extractor,
        spool: Spool,
        clock: Clock,
        capture: CaptureSettings,
        spool_settings: SpoolSettings,
        wake_uplink: Callable[[], None],
        connected: Callable[[], bool],
        sensor_failed: Callable[[Exception], None] = lambda _: None,
        images: ImageStore | None = None,
    ) -> None:
        """Takes the page's port. Raises CannotListen, SpoolError."""
        self.hub = Hub()
        self._stopping = threading.Event()
        self._store = KioskStore(spool.path.with_name(STORE_FILE), vault=spool.vault)
        heard = ListenedExtractor(extractor)

        def make_steps(events: Callable[[BookingEvent], None], interrupt: threading.Event) -> BookingSteps:
            steps = BookingSteps(
                device=device,
                sensor=sensor,
                extractor=heard,
                spool=spool,
                clock=clock,
                wake_uplink=wake_uplink,
                events=events,
                capture=capture,
                cancel=interrupt,
                images=images,
            )
            steps.sensor_failed = sensor_failed
            return steps

        self.gate = Gate(
            users=Users(users_file(settings, spool.path)),
            store=self._store,
            idle_lock_s=settings.idle_lock_s,
            on_lock=self._on_lock,
        )
        self.desk = CaptureDesk(
            make_steps=make_steps,
            heard=heard,
            spool=spool,
            store=self._store,
            capture=capture,
            positions=settings.positions,
            accept_good_after_s=settings.accept_good_after_s,
            officer=lambda: self.gate.officer,
            changed=self.hub.changed,
            touched=self.gate.touch,
            has_room=lambda: has_room(spool, spool_settings),
        )
        status = StatusLine(
            spool=spool,
            clock=clock,
            gate=self.gate,
            connected=connected,
            sensor_trouble=lambda: self.desk.sensor_trouble,
            boot=secrets.token_hex(4),
        )
        app = make_app(
            desk=self.desk,
            gate=self.gate,
            status=status,
            hub=self.hub,
            device=device,
            port=settings.port,
            language=settings.language,
            call=settings.call,
        )
        self._server = PageServer(app, port=settings.port)
        self._looking = threading.Thread(target=self._look, name="kiosk-gate", daemon=True)

    def __enter__(self) -> Self:
        self.desk.start()
        self._server.start()
        self._looking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.hub.stop()
        self._server.stop()
        self.desk.stop()
        self._looking.join()
        self._store.close()

    def _on_lock(self) -> None:
        self.desk.drop_prints()
        self.hub.changed()

    def _look(self) -> None:
        """Lock the kiosk in time, also when no page asks."""
        while not self._stopping.wait(LOOK_EVERY_S):
            self.gate.look()
            self.hub.changed()
