"""Health, metrics and watchdog of a running edge service, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.ops.progress import EdgeProgress
from interchange.health import Vitals
from interchange.sd_notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_service.ops.metrics import EdgeMetrics
    from edge_service.ops.watched_uplink import WatchedUplink
    from edge_service.settings import EdgeSettings
    from edge_service.spool import Spool
    from interchange.health_server import HealthServer


class Ops:
    """What runs beside the service. Without a port and without a supervisor it is nothing and costs nothing.

    Attributes:
        port: where the pages are answered; None where they are not.
    """

    def __init__(
        self,
        *,
        settings: EdgeSettings,
        spool: Spool,
        uplink: WatchedUplink,
        sensor_trouble: Callable[[], str] | None = None,
        board_counters: Callable[[], Mapping[str, int]] | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        """Raises CannotListen when the port is taken."""
        notifier = notifier or Notifier.from_environment()
        self.port: int | None = None
        self._metrics: EdgeMetrics | None = None
        self._server: HealthServer | None = None
        self._vitals: Vitals | None = None
        if settings.ops.port is None and not notifier.heard:
            return
        progress = EdgeProgress(
            spool=spool, limits=settings.spool, uplink=uplink, sensor_trouble=sensor_trouble
        )
        vitals = Vitals(prove=progress.prove, status=progress.words, notifier=notifier)
        self._vitals = vitals
        if settings.ops.port is not None:
            from edge_service.ops.metrics import EdgeMetrics
            from interchange.health_server import HealthServer

            self._metrics = EdgeMetrics(
                settings=settings, spool=spool, uplink=uplink, board_counters=board_counters
            )
            self._server = HealthServer(
                port=settings.ops.port,
                alive=lambda: [vitals.alive()],
                ready=lambda: [vitals.alive(), *progress.ready()],
                metrics=self._metrics.page,
            )
            self.port = self._server.port

    def start(self) -> None:
        """The service is ready: say so, and begin to watch it."""
        if self._server is not None:
            self._server.start()
        if self._vitals is not None:
            self._vitals.start()

    def sensor_failed(self, error: Exception) -> None:
        """Count an error of the sensor."""
        if self._metrics is not None:
            self._metrics.sensor_failed(error)

    def stop(self) -> None:
        """The service ends."""
        if self._vitals is not None:
            self._vitals.stop()
        if self._server is not None:
            self._server.stop()
