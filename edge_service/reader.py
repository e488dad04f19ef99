"""The kiosk's fingerprint reader, as its settings name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_service.sensors.board import Board
    from edge_service.sensors.protocol import FingerprintSensor
    from edge_service.settings import EdgeSettings


def fingerprint_reader(settings: EdgeSettings) -> FingerprintSensor:
    """The sensor behind its board, or straight on a UART; not opened yet.

    Raises ValueError, which names the nearest one, for an unknown model.
    """
    sensor = settings.sensor
    if sensor.through == "uart":
        from edge_service.sensors import ZfmSensor

        return ZfmSensor(sensor.port, model=sensor.model, password=sensor.password, baud=sensor.baud)
    from edge_service.sensors.board import BoardSensor

    return BoardSensor(
        sensor.port,
        pairing=settings.pairing_path,
        model=sensor.model,
        password=sensor.password,
        captures=sensor.captures,
        looks=sensor.looks,
    )


def sensor_board(settings: EdgeSettings) -> Board:
    """The board, for whoever asks it about itself or gives it a new firmware; not opened yet."""
    from edge_service.sensors.board import Board

    return Board(settings.sensor.port, pairing=settings.pairing_path)
