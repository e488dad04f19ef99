"""The fingerprint sensor, and the board before it; asked only while nobody else uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_service.ops import parameters
from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_service.ops.patient import Patient

DAMAGED: Final = ("link_damaged", "link_too_long", "link_bad_crc", "damaged_upward")


def check(patient: Patient) -> Finding:
    """Who answers on the settings' port. A port that the service uses is left alone."""
    from edge_service.sensors.errors import SensorError, SensorUnplugged

    try:
        return _board(patient) if patient.settings.sensor.through == "board" else _uart(patient)
    except SensorUnplugged as error:
        if error.reason == "busy":
            return _in_use(patient)
        return Finding("sensor", Level.PROBLEM, *_split(error))
    except SensorError as error:
        return Finding("sensor", Level.PROBLEM, *_split(error))


def _in_use(patient: Patient) -> Finding:
    """What the service that has the port says of its board, where it has pages that tell."""
    from edge_service.ops.board_figures import TRUSTED, counts_of

    what = "in use by the running service, which was not disturbed"
    figures = patient.service.figures
    facts: dict[str, object] = {"busy": True}
    if figures.get(TRUSTED) == 0.0:
        facts["trusted"] = False
        return Finding(
            "sensor",
            Level.PROBLEM,
            "the running service does not trust its board: never paired, or the lid was opened",
            "sudo systemctl stop whorl-edge, then: edge-service board status",
            facts,
        )
    counts = counts_of(figures)
    if counts:
        facts["counters"] = counts
        what += f". {count_words(counts)}"
        worn = wear(counts)
        if worn:
            return Finding("sensor", Level.WARNING, f"{what}. {worn[0]}", worn[1], facts)
    return Finding(
        "sensor",
        Level.NOTE,
        what,
        "Its state is on the kiosk's page and at /readyz; to ask it here: sudo systemctl stop whorl-edge",
        facts,
    )


def _board(patient: Patient) -> Finding:
    from edge_service.board_view import BoardReport
    from edge_service.reader import sensor_board

    board = sensor_board(patient.settings)
    try:
        report = BoardReport.of(board)
    finally:
        board.close()
    facts = {"counters": report.counters}
    if report.problems:
        return Finding(
            "sensor", Level.PROBLEM, " ".join(report.problems), "All of it: edge-service board status", facts
        )
    named = dict(report.facts)
    what = f"board with firmware {named.get('firmware', '?')}, {named.get('pairing', '?')}; {named.get('sensor', '')}"
    what = f"{what.rstrip('; ')}. {count_words(report.counters)}"
    worn = wear(report.counters)
    if worn:
        return Finding("sensor", Level.WARNING, f"{what}. {worn[0]}", worn[1], facts)
    return Finding("sensor", Level.OK, what, facts=facts)


def count_words(counts: Mapping[str, int]) -> str:
    """The counts that tell how board, cable and lid do, since they were new."""
    return (
        f"Counted: {counts.get('images', 0)} images, {_link_errors(counts)} damaged frames,"
        f" {counts.get('link_repeated', 0)} repeats, {counts.get('watchdog_resets', 0)} restarts by the watchdog,"
        f" {counts.get('tampers', 0)} times opened"
    )


def wear(counts: Mapping[str, int]) -> tuple[str, str] | None:
    """What is no longer an accident, and what to do about it."""
    images = max(1, counts.get("images", 0))
    errors, restarts = _link_errors(counts), counts.get("watchdog_resets", 0)
    if errors > parameters.BOARD_FEW and errors > images * parameters.BOARD_LINK_ERRORS_AN_IMAGE:
        return (
            "The board's cable damages what it carries",
            "Put in another cable, a short one with a good plug.",
        )
    if restarts > parameters.BOARD_FEW and restarts > images * parameters.BOARD_RESTARTS_AN_IMAGE:
        return (
            "The board's firmware stops again and again",
            "Look at its supply, then update it: edge-service firmware update FILE",
        )
    return None


def _link_errors(counts: Mapping[str, int]) -> int:
    return sum(counts.get(name, 0) for name in DAMAGED)


def _uart(patient: Patient) -> Finding:
    from edge_service.reader import fingerprint_reader

    reader = fingerprint_reader(patient.settings)
    try:
        reader.connect(timeout_s=parameters.SENSOR_WAIT_S)
    finally:
        reader.close()
    return Finding("sensor", Level.OK, "answers, straight on the serial port")


def _split(error: Exception) -> tuple[str, str]:
    """What is wrong, and what to do: the sensor's errors say both, in this order."""
    what, _, remedy = str(error).partition(". ")
    return what, remedy
