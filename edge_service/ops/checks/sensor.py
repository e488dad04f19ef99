"""The fingerprint sensor, and the board before it; asked only while nobody else uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.ops import parameters
from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient


def check(patient: Patient) -> Finding:
    """Who answers on the settings' port. A port that the service uses is left alone."""
    from edge_service.sensors.errors import SensorError, SensorUnplugged

    try:
        return _board(patient) if patient.settings.sensor.through == "board" else _uart(patient)
    except SensorUnplugged as error:
        if error.reason == "busy":
            return Finding(
                "sensor",
                Level.NOTE,
                "in use by the running service, which was not disturbed",
                "Its state is on the kiosk's page and at /readyz; to ask it here: sudo systemctl stop whorl-edge",
                {"busy": True},
            )
        return Finding("sensor", Level.PROBLEM, *_split(error))
    except SensorError as error:
        return Finding("sensor", Level.PROBLEM, *_split(error))


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
    return Finding("sensor", Level.OK, what.rstrip("; "), facts=facts)


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
