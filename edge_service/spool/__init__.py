"""The kiosk's store of submissions."""

from edge_service.spool.entry import SpoolEntry, SpoolState, SpoolStats, SpoolTimes
from edge_service.spool.spool import Spool

__all__ = ["Spool", "SpoolEntry", "SpoolState", "SpoolStats", "SpoolTimes"]
