"""The kiosk's figures for Prometheus: read when they are asked for; no names, no prints, no number of a booking."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from edge_service.clock import is_synchronised
from edge_service.errors import SpoolError
from edge_service.ops import parameters
from edge_service.ops.board_figures import board_figures
from edge_service.ops.figures import ACKNOWLEDGED_AT, CONNECTED, WRITTEN
from edge_service.sensors.errors import SensorError
from edge_service.uplink import UplinkNews
from interchange.certificate_age import days_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.metrics_core import Metric

    from edge_service.ops.watched_uplink import WatchedUplink
    from edge_service.settings import EdgeSettings
    from edge_service.spool import Spool

CERTIFICATE_LOOK_S = 3600.0


class EdgeMetrics:
    """All figures in a registry of their own."""

    def __init__(
        self,
        *,
        settings: EdgeSettings,
        spool: Spool,
        uplink: WatchedUplink,
        board_counters: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        """`board_counters` gives what the board counted last; it must not ask the board there and then."""
        self._registry = CollectorRegistry()
        self._sensor_errors: Counter[str] = Counter()
        ProcessCollector(registry=self._registry)
        reply = Histogram(
            "whorl_edge_reply_seconds",
            "From a submission's first sending to its reply",
            buckets=parameters.REPLY_BUCKETS_S,
            registry=self._registry,
        )
        uplink.on_reply_s = reply.observe
        self._registry.register(
            _Reader(
                settings=settings,
                spool=spool,
                uplink=uplink,
                sensor_errors=self._sensor_errors,
                board_counters=board_counters or dict,
            )
        )

    def sensor_failed(self, error: Exception) -> None:
        """Count an error of the sensor by its kind, which is one of a few."""
        kind = type(error).__name__ if isinstance(error, SensorError) else "other"
        self._sensor_errors[kind] += 1

    def page(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class _Reader(Collector):
    def __init__(
        self,
        *,
        settings: EdgeSettings,
        spool: Spool,
        uplink: WatchedUplink,
        sensor_errors: Counter[str],
        board_counters: Callable[[], Mapping[str, int]],
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._uplink = uplink
        self._sensor_errors = sensor_errors
        self._board_counters = board_counters
        self._days_left: float | None = None
        self._looked_at = -CERTIFICATE_LOOK_S

    def collect(self) -> Iterable[Metric]:
        yield from self._of_the_spool()
        yield from self._of_the_uplink()
        yield _counters("whorl_edge_sensor_errors", "Errors of the sensor", "kind", dict(self._sensor_errors))
        yield from board_figures(self._settings, self._board_counters())
        yield GaugeMetricFamily(
            "whorl_edge_clock_synchronised", "Whether a time server keeps the clock", float(is_synchronised())
        )
        written = written_bytes()
        if written is not None:
            yield CounterMetricFamily(
                WRITTEN.removesuffix("_total"), "Bytes that this process had written to disks", written
            )
        days = self._certificate_days()
        if days is not None:
            yield GaugeMetricFamily(
                "whorl_edge_certificate_days_left", "Until the kiosk's certificate runs out", days
            )

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: what there is depends on the settings."""
        return ()

    def _of_the_spool(self) -> Iterable[Metric]:
        try:
            stats = self._spool.stats()
        except SpoolError:
            yield GaugeMetricFamily("whorl_edge_spool_readable", "Whether the spool can be read", 0)
            return
        yield GaugeMetricFamily("whorl_edge_spool_readable", "Whether the spool can be read", 1)
        states = GaugeMetricFamily("whorl_edge_submissions", "Submissions kept, by state", labels=["state"])
        for state, count in stats.by_state.items():
            states.add_metric([state.value], count)
        yield states
        yield GaugeMetricFamily("whorl_edge_undelivered", "Submissions not acknowledged", stats.undelivered)
        yield GaugeMetricFamily("whorl_edge_spool_bytes", "Bytes of submissions held", stats.held_bytes)
        yield GaugeMetricFamily(
            "whorl_edge_spool_limit_bytes", "Most bytes that are held", self._settings.spool.max_bytes
        )
        yield GaugeMetricFamily(
            "whorl_edge_spool_damaged_files", "Damaged spools set aside", len(self._spool.quarantined())
        )
        room = os.statvfs(self._spool.path.parent)
        yield GaugeMetricFamily(
            "whorl_edge_disk_free_bytes", "Free on the spool's disk", room.f_bavail * room.f_frsize
        )

    def _of_the_uplink(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(CONNECTED, "Whether the broker is reached", float(self._uplink.connected))
        counts = self._uplink.counts
        news = {kind.value: counts[kind] for kind in UplinkNews}
        yield _counters("whorl_edge_uplink_events", "What the uplink reported", "event", news)
        if self._uplink.acknowledged_at is not None:
            yield GaugeMetricFamily(
                ACKNOWLEDGED_AT, "The matcher's last acknowledgement", self._uplink.acknowledged_at
            )

    def _certificate_days(self) -> float | None:
        tls = self._settings.broker.tls
        if tls is not None and time.monotonic() - self._looked_at >= CERTIFICATE_LOOK_S:
            self._days_left, self._looked_at = days_left(tls.certificate), time.monotonic()
        return self._days_left


def written_bytes(io: Path = Path("/proc/self/io")) -> int | None:
    """Bytes that this process caused to be written to storage; None where the kernel does not say."""
    try:
        lines = io.read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), None)


def _counters(name: str, words: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for key, count in counts.items():
        family.add_metric([key], count)
    return family
