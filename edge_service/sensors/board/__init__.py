"""The sensor behind its board: `BoardSensor` is the `FingerprintSensor`, `Board` what it is built on."""

from edge_service.sensors.board.board import Board
from edge_service.sensors.board.board_sensor import BoardSensor
from edge_service.sensors.board.errors import (
    BoardFault,
    BoardForeign,
    BoardMismatch,
    BoardRefused,
    BoardTampered,
    BoardUnpaired,
)

__all__ = [
    "Board",
    "BoardFault",
    "BoardForeign",
    "BoardMismatch",
    "BoardRefused",
    "BoardSensor",
    "BoardTampered",
    "BoardUnpaired",
]
