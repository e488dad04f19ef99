"""The oversight report: what the centre did with people's prints, counted, so that anybody can ask why."""

from matcher_service.oversight.figures import Cell, Figures, Stage
from matcher_service.oversight.gathering import gather
from matcher_service.oversight.writing import write_report

__all__ = ["Cell", "Figures", "Stage", "gather", "write_report"]
