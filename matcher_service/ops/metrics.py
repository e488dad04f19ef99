"""The matcher's figures for Prometheus: read when they are asked for; no device, no person, no booking in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from interchange.certificate_age import days_left
from matcher_service.errors import StoreError
from matcher_service.ops import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from matcher_service.ops.watched_matcher import WatchedMatcher
    from matcher_service.settings import MatcherSettings


class MatcherMetrics:
    """All figures in a registry of their own."""

    def __init__(self, *, settings: MatcherSettings, matcher: WatchedMatcher) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        reply = Histogram(
            "whorl_matcher_reply_seconds",
            "From a submission's arrival to its reply",
            buckets=parameters.REPLY_BUCKETS_S,
            registry=self._registry,
        )
        matcher.on_reply_s = reply.observe
        self._registry.register(_Reader(settings=settings, matcher=matcher))

    def page(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class _Reader(Collector):
    def __init__(self, *, settings: MatcherSettings, matcher: WatchedMatcher) -> None:
        self._tls = settings.broker.tls
        self._matcher = matcher
        self._counted: dict[str, int] = {}
        self._counted_at = -parameters.COUNT_EVERY_S
        self._days: float | None = None
        self._days_at = -parameters.CERTIFICATE_LOOK_S

    def collect(self) -> Iterable[Metric]:
        matcher = self._matcher
        yield GaugeMetricFamily(
            "whorl_matcher_link_connected", "Whether the broker is reached", float(matcher.connected)
        )
        yield GaugeMetricFamily(
            "whorl_matcher_warm", "Whether searches are fast", float(matcher.warm.is_set())
        )
        yield GaugeMetricFamily(
            "whorl_matcher_intake_waiting", "Messages not yet stored", matcher.intake_waiting
        )
        yield CounterMetricFamily(
            "whorl_matcher_received", "Messages taken from the broker", matcher.received
        )
        yield CounterMetricFamily("whorl_matcher_replies", "Replies handed to the broker", matcher.replied)
        prints = GaugeMetricFamily("whorl_matcher_prints", "Prints searched", labels=["repository"])
        for name, count in matcher.gallery_sizes().items():
            prints.add_metric([name], count)
        yield prints
        stored = GaugeMetricFamily(
            "whorl_matcher_submissions", "Submissions kept, by outcome", labels=["outcome"]
        )
        for outcome, count in self._outcomes().items():
            stored.add_metric([outcome], count)
        yield stored
        days = self._certificate_days()
        if days is not None:
            yield GaugeMetricFamily(
                "whorl_matcher_certificate_days_left", "Until the matcher's certificate runs out", days
            )

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: what there is depends on the settings."""
        return ()

    def _outcomes(self) -> dict[str, int]:
        if time.monotonic() - self._counted_at >= parameters.COUNT_EVERY_S:
            self._counted_at = time.monotonic()
            try:
                self._counted = {outcome.value: count for outcome, count in self._matcher.counted().items()}
            except StoreError:
                self._counted = {}
        return self._counted

    def _certificate_days(self) -> float | None:
        if self._tls is not None and time.monotonic() - self._days_at >= parameters.CERTIFICATE_LOOK_S:
            self._days, self._days_at = days_left(self._tls.certificate), time.monotonic()
        return self._days
