"""Health, metrics and watchdog of a running matcher, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.health import Condition, Vitals
from interchange.sd_notify import Notifier

if TYPE_CHECKING:
    from interchange.health_server import HealthServer
    from matcher_service.ops.watched_matcher import WatchedMatcher
    from matcher_service.settings import MatcherSettings


class Ops:
    """What runs beside the matcher. Its pages answer from the start; its supervisor hears "ready" once it is warm.

    Attributes:
        port: where the pages are answered; None where they are not.
    """

    def __init__(
        self, *, settings: MatcherSettings, matcher: WatchedMatcher, notifier: Notifier | None = None
    ) -> None:
        """Raises CannotListen when the port is taken."""
        self._matcher = matcher
        self._vitals = Vitals(
            prove=matcher.prove, status=matcher.words, notifier=notifier or Notifier.from_environment()
        )
        self._server: HealthServer | None = None
        self.port: int | None = None
        matcher.on_warm = self._vitals.start
        if settings.ops.port is not None:
            from interchange.health_server import HealthServer
            from matcher_service.ops.metrics import MatcherMetrics

            metrics = MatcherMetrics(settings=settings, matcher=matcher)
            self._server = HealthServer(
                port=settings.ops.port,
                alive=lambda: [self._alive()],
                ready=lambda: [self._alive(), *matcher.conditions()],
                metrics=metrics.page,
            )
            self.port = self._server.port

    def start(self) -> None:
        """Before the matcher starts."""
        if self._server is not None:
            self._server.start()

    def stop(self) -> None:
        """The matcher ends."""
        self._vitals.stop()
        if self._server is not None:
            self._server.stop()

    def _alive(self) -> Condition:
        if not self._matcher.warm.is_set():
            return Condition("progress", holds=True, words="still starting")
        return self._vitals.alive()
