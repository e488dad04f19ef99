"""Finding the baud rate that a sensor speaks, and raising it to the highest that works."""

from firmware.core import codes
from firmware.core import zfm_codes as zfm
from firmware.core.parameters import (
    BAUD_PROOFS,
    BAUDS_TO_RAISE_TO,
    BAUDS_TO_TRY,
    BLIND_TELLS,
    PROBE_MS,
    REQUEST_ATTEMPTS,
)
from firmware.core.sensor import GARBLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from firmware.core.sensor import Conversation
    from firmware.core.sensor_status import SensorStatus


class BaudRate:
    """The baud rate of one sensor.

    Attributes:
        settled: the rate that was found to be the highest that works, at this or at an earlier start; 0 when that
            is not known. The sensor's flash is not written again for a rate that is settled.
    """

    def __init__(
        self,
        *,
        conversation: "Conversation",
        status: "SensorStatus",
        switch_on: "Callable[[], Generator[None, None, None]]",
        remembered: int,
    ):
        self.settled = remembered
        self._conversation = conversation
        self._status = status
        self._switch_on = switch_on

    def find(self) -> "Generator[None, None, int]":
        """Offer the password at one rate after the other; any answer settles the rate. 0, or one of `codes.ERROR_*`."""
        noise = False
        if self.settled:
            code = yield from self._probe(self.settled)
            if code >= 0:
                return self._verdict(code)
        for baud in BAUDS_TO_TRY:
            code = yield from self._probe(baud)
            if code >= 0:
                return self._verdict(code)
            noise = noise or code == GARBLED
        return self._status.failed(codes.ERROR_SENSOR_GARBLED if noise else codes.ERROR_SENSOR_SILENT)

    def raise_it(self, stated: int) -> "Generator[None, None, int]":
        """Set the highest rate that works. `stated`: the one in the sensor's register. 0, or an error.

        Some modules speak at the new rate at once, some from their next power-up on. A rate is kept when several
        questions in a row were answered at it; otherwise the old one is set again, blindly if need be.
        """
        slow = self._status.info.baud
        for baud in BAUDS_TO_RAISE_TO:
            # A register that says more than what the module speaks has been written in vain before.
            if baud <= slow or slow == self.settled or stated == baud:
                break
            code = yield from self._set(baud)
            if code > 0:
                continue  # refused: it does not know this rate
            # Also when the answer was lost: the module may have done it.
            found = yield from self._try_out(baud, slow)
            if not found:
                return self._status.failed(codes.ERROR_SENSOR_SILENT)
            if found == baud:
                break
        self.settled = self._status.info.baud
        return 0

    def _try_out(self, baud: int, slow: int) -> "Generator[None, None, int]":
        """Which of the two rates is spoken in the end; 0 for none."""
        if (yield from self._works_at(baud)):
            return baud
        if (yield from self._works_at(slow)):
            yield from self._switch_on()
            if (yield from self._works_at(baud)):
                return baud
            if (yield from self._works_at(slow)):
                return slow
        self._conversation.start(baud)
        for _ in range(BLIND_TELLS):
            yield from self._conversation.verify(PROBE_MS, 1, counted=False)
            yield from self._set(slow)
        yield from self._switch_on()
        return slow if (yield from self._works_at(slow)) else 0

    def _set(self, baud: int) -> "Generator[None, None, int]":
        """Write the register, once: whoever does not answer may be speaking at the new rate already."""
        parameters = bytes((zfm.REGISTER_BAUD, baud // zfm.BAUD_UNIT))
        return (yield from self._conversation.ask(zfm.SET_SYS_PARA, parameters, PROBE_MS, 1, counted=False))

    def _works_at(self, baud: int) -> "Generator[None, None, bool]":
        self._conversation.start(baud)
        for _ in range(BAUD_PROOFS):
            if (yield from self._conversation.verify(PROBE_MS, REQUEST_ATTEMPTS, counted=False)) != zfm.OK:
                return False
        return True

    def _probe(self, baud: int) -> "Generator[None, None, int]":
        self._conversation.start(baud)
        return (yield from self._conversation.verify(PROBE_MS, 1, counted=False))

    def _verdict(self, code: int) -> int:
        if code == zfm.OK:
            return 0
        locked = code == zfm.WRONG_PASSWORD
        return self._status.failed(codes.ERROR_SENSOR_LOCKED if locked else codes.ERROR_SENSOR_REFUSED, code)
