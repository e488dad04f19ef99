"""Names of the figures that the doctor reads from a running service."""

from __future__ import annotations

from typing import Final

ACKNOWLEDGED_AT: Final = "whorl_edge_last_acknowledgement_timestamp_seconds"
WRITTEN: Final = "whorl_edge_written_bytes_total"
STARTED_AT: Final = "process_start_time_seconds"
CONNECTED: Final = "whorl_edge_uplink_connected"
