"""What a reader's board had counted when the reader last asked it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.sensors.board import BoardSensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_service.sensors.protocol import FingerprintSensor


def counts_of(reader: FingerprintSensor) -> Mapping[str, int]:
    """By name, without asking now; none where there is no board."""
    return reader.counts if isinstance(reader, BoardSensor) else {}
