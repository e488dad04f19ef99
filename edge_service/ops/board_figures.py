"""What the sensor board counts, as Prometheus wants it: a name for each thing, and a label for kinds of one thing.

A kiosk asks its board before a finger, so a figure is as old as the last press; it is on the board's flash, and starts
again with another board. What a newer firmware counts and this program does not know is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from edge_service.sensors.board.board_sensor import DAMAGED_UPWARD
from edge_service.sensors.board.errors import BoardUnpaired
from edge_service.sensors.board.pairing import PairingFile, PairingState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.metrics_core import Metric

    from edge_service.settings import EdgeSettings


class BoardFigure(NamedTuple):
    """A figure: its name without `_total`, what it is, and which of the board's counts are in it, by kind."""

    name: str
    words: str
    counts: Mapping[str, str]


def _one(name: str, words: str, count: str) -> BoardFigure:
    return BoardFigure(f"whorl_edge_board_{name}", words, {"": count})


FIGURES: Final[tuple[BoardFigure, ...]] = (
    _one("starts", "Starts of the sensor board", "boots"),
    _one("watchdog_restarts", "Starts because the board's firmware had stopped", "watchdog_resets"),
    _one("images", "Images that the board took", "images"),
    _one("captures_failed", "Captures that gave no image", "captures_failed"),
    BoardFigure(
        "whorl_edge_board_link_errors",
        "Frames of the link that were refused, by the kind of their fault",
        {
            "damaged": "link_damaged",
            "too_long": "link_too_long",
            "bad_crc": "link_bad_crc",
            "bad_mac": "link_bad_mac",
            "replayed": "link_replayed",
            "unknown": "link_unknown",
            "damaged_upward": DAMAGED_UPWARD,
        },
    ),
    _one("link_repeats", "Questions of the kiosk that the board had answered before", "link_repeated"),
    _one("link_stalls", "Frames that the kiosk did not take in time", "link_stalls"),
    BoardFigure(
        "whorl_edge_board_sensor_errors",
        "Faults of the sensor behind the board, by their kind",
        {"damaged": "sensor_damaged", "timeout": "sensor_timeouts", "refused": "sensor_refusals"},
    ),
    _one("sensor_power_cycles", "Times that the board switched the sensor off and on", "sensor_power_cycles"),
    _one("chunks_resent", "Pieces of images that were sent again", "chunks_again"),
    _one("tampers", "Times that the lid was opened while the board was paired", "tampers"),
    _one("pairings", "Pairings", "pairings"),
    _one("firmware_updates", "Updates of the board's firmware", "updates"),
    _one("firmware_updates_refused", "Updates that the board refused", "updates_refused"),
    _one("firmware_fallbacks", "Returns to the firmware before", "fallbacks"),
)
TRUSTED: Final = "whorl_edge_board_trusted"


def board_figures(settings: EdgeSettings, counts: Mapping[str, int]) -> Iterable[Metric]:
    """All that is known of the board; nothing where the sensor has none."""
    if settings.sensor.through != "board":
        return
    yield GaugeMetricFamily(
        TRUSTED, "1: the kiosk is paired and has seen no tampering", float(_trusted(settings))
    )
    for figure in FIGURES:
        kinds = {kind: counts[count] for kind, count in figure.counts.items() if count in counts}
        if not kinds:
            continue
        labels = ["kind"] if len(figure.counts) > 1 else []
        family = CounterMetricFamily(figure.name, figure.words, labels=labels)
        for kind, count in kinds.items():
            family.add_metric([kind] if labels else [], count)
        yield family


def counts_of(figures: Mapping[str, float]) -> dict[str, int]:
    """The board's counts again, from what a running service says on its page: a name and its labels, and a number."""
    found: dict[str, int] = {}
    for figure in FIGURES:
        for kind, count in figure.counts.items():
            label = f'{{kind="{kind}"}}' if kind else ""
            value = figures.get(f"{figure.name}_total{label}")
            if value is not None:
                found[count] = int(value)
    return found


def _trusted(settings: EdgeSettings) -> bool:
    try:
        return (
            PairingFile(settings.pairing_path, port=settings.sensor.port).read().state is PairingState.PAIRED
        )
    except BoardUnpaired:
        return False
