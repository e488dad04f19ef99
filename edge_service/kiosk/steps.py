"""A booking in single steps: one press, then a decision of the officer, and at the end the saving."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.extraction.errors import ExtractionError
from edge_service.kiosk.state import Phase
from edge_service.ops.freed_memory import give_back_freed_memory
from edge_service.sensors.errors import NoFinger, SensorError
from edge_service.service import EdgeService
from interchange.errors import TemplateError
from interchange.logs import facts
from interchange.messages import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge_service.booking import About, Extractor, Finger
    from edge_service.extraction.quality import Assessment
    from interchange.minutiae import Minutiae

log = logging.getLogger("edge.kiosk")


class Interrupted(Exception):  # noqa: N818 - never leaves this package
    """The officer decided something while the sensor was waited for."""


class ListenedExtractor:
    """The extractor, and the reason that it gave last, as an id rather than in the words of one language."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self.model_sha256 = extractor.model_sha256
        self.model_version = extractor.model_version
        self.reason = ""

    def assess(self, image: NDArray[np.uint8], dpi: float) -> tuple[Minutiae, Assessment]:
        """As the extractor's."""
        found, assessment = self._extractor.assess(image, dpi)
        self.reason = "" if assessment.reason is None else str(assessment.reason)
        return found, assessment

    def forget(self) -> None:
        """As the extractor's; what the booking's memory was goes back to the kernel."""
        self._extractor.forget()
        give_back_freed_memory()


@dataclass(frozen=True, slots=True)
class Press:
    """What one press gave.

    Attributes:
        finger: the finger, if it can be used at all.
        reason: id of what could be better (`extraction.advice.Reason`); empty for a good print.
        trouble: id of what went wrong instead, so that there is no image; empty if there is one.
    """

    finger: Finger | None
    reason: str = ""
    trouble: str = ""

    @property
    def quality(self) -> int:
        """0-100; 0 without a print."""
        return 0 if self.finger is None else self.finger.minutiae.finger_quality


class BookingSteps(EdgeService):
    """The parts of `EdgeService.book`, for whoever decides between them. One thread at a time.

    `sensor_failed` is told every error of the sensor but that nobody pressed.
    """

    sensor_failed: Callable[[Exception], None] | None = None

    @property
    def first_phase(self) -> Phase:
        """What the next press begins with: nobody is to be asked to press while the last finger may lie there."""
        return Phase.LIFT if self._finger_is_on else Phase.PRESS

    def look(self) -> str:
        """Id of what is wrong with the sensor; empty while it is ready."""
        try:
            self._sensor.connect(timeout_s=0.0, cancel=self.cancel)
        except SensorError as error:
            return trouble_of(error)
        return ""

    def press(self, position: int, attempt: int, heard: ListenedExtractor) -> Press:
        """One press. Raises Interrupted when `cancel` was set."""
        try:
            finger = self._one_press(position, attempt)
        except NoFinger as error:
            if error.cancelled:
                raise Interrupted from None
            return Press(None, trouble=trouble_of(error))
        except (SensorError, ExtractionError, TemplateError) as error:
            if isinstance(error, SensorError) and self.sensor_failed is not None:
                self.sensor_failed(error)
            log.warning("press not used", extra=facts(position=position, kind=type(error).__name__))
            return Press(None, trouble=trouble_of(error))
        if not len(finger.minutiae):
            return Press(None, reason=heard.reason or "not_a_finger")
        return Press(finger, reason=heard.reason)

    def save(self, fingers: Sequence[Finger], *, announce: Callable[[str], None], about: About) -> str:
        """Save the submission; its TCN, which is announced before. Raises SpoolError: then nothing was."""
        tcn = self._save(fingers, self._clock.now(), Purpose.BOOKING, announce=announce, about=about)
        self._wake_uplink()
        return tcn


_TROUBLES = {
    "NoFinger": "no_finger",
    "SensorUnplugged": "unplugged",
    "SensorSilent": "silent",
    "SensorGarbled": "garbled",
    "SensorLocked": "locked",
    "BoardUnpaired": "board_unpaired",
    "BoardTampered": "board_tampered",
    "BoardForeign": "board_foreign",
    "BoardMismatch": "board_mismatch",
    "BoardFault": "board_fault",
    "ImageRefused": "garbled",
}
# Those that last until somebody does something about the sensor.
SENSOR_TROUBLES = frozenset(_TROUBLES.values()) - {"no_finger", "garbled"}
TROUBLES = frozenset(_TROUBLES.values()) | {"other", "store_full", "store_failed"}


def trouble_of(error: Exception) -> str:
    """Id of the message that tells the officer about `error`."""
    for kind in type(error).__mro__:
        if kind.__name__ in _TROUBLES:
            return _TROUBLES[kind.__name__]
    return "other"
