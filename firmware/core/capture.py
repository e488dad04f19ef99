"""From an empty window to an image in the buffer, and back to an empty window."""

from firmware.core import codes
from firmware.core import counters as count
from firmware.core import zfm_codes as zfm
from firmware.core.compat import const
from firmware.core.parameters import (
    BLIND_LOOK_MS,
    CAPTURE_RESTARTS,
    DEBOUNCE_MS,
    LOOK_EVERY_MS,
    SETTLED_LOOKS,
)
from firmware.core.power_up import error_of
from firmware.core.transfer import RECEIVED, SPOILED, WRONG_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from firmware.core.counters import Counters
    from firmware.core.ports import Board, Clock
    from firmware.core.power_up import PowerUp
    from firmware.core.sensor import Conversation
    from firmware.core.sensor_status import SensorStatus
    from firmware.core.transfer import Transfer

DETAIL_IMAGE = const(1)
"""Detail of ERROR_SENSOR_GARBLED: the sensor answers well, but every transfer of the image was damaged."""

_POOR = (zfm.IMAGE_FAILED, zfm.TOO_MESSY, zfm.TOO_FEW_FEATURES)
_FINGER_THERE = (zfm.OK, zfm.IMAGE_FAILED)
_FINGER_GONE = (zfm.NO_FINGER, zfm.IMAGE_FAILED)
"""It went away, or slipped."""
_IMAGE_LOST = (zfm.UPLOAD_IMAGE_FAILED, zfm.NO_VALID_IMAGE)
"""The sensor started anew by itself."""


class Finger:
    """What is done with a finger. Every method is a generator whose value is 0 or one of `codes.ERROR_*`."""

    def __init__(
        self,
        *,
        conversation: "Conversation",
        transfer: "Transfer",
        power_up: "PowerUp",
        board: "Board",
        clock: "Clock",
        counters: "Counters",
        status: "SensorStatus",
    ):
        self._conversation = conversation
        self._transfer = transfer
        self._power_up = power_up
        self._board = board
        self._clock = clock
        self._counters = counters
        self._status = status
        self._line = False
        self._line_since = 0

    def capture(self, started: int, timeout_ms: int, looks: int) -> "Generator[None, None, int]":
        """Wait for a finger until `timeout_ms` after `started`, let it settle, and fetch its image at once."""
        status = self._status
        losses = 0
        while losses < CAPTURE_RESTARTS:
            status.state = codes.STATE_WAITING_FINGER
            yield  # so that the light says press, even to a finger that is there already
            error = yield from self._await_finger(started, timeout_ms)
            if error:
                return error
            status.state = codes.STATE_TAKING
            code = yield from self._take(looks)
            if code == zfm.OK:
                status.state = codes.STATE_RECEIVING
                code = yield from self._transfer.fetch()
                if code == RECEIVED:
                    return 0
            if code in _IMAGE_LOST:
                losses += 1
            elif code not in _FINGER_GONE:
                return self._error_of(code)
            elif self._clock.since(started) > timeout_ms:
                break
        return status.failed(codes.ERROR_IMAGE_FAILED)

    def lift(self, started: int, timeout_ms: int) -> "Generator[None, None, int]":
        """Wait until no finger is on the window, until `timeout_ms` after `started`."""
        self._status.state = codes.STATE_WAITING_LIFT
        self._forget_line()
        looked_at = started
        while True:
            late = self._clock.since(started) > timeout_ms
            if late or self._blind_look_due(looked_at) or not self._line_says_finger():
                looked_at = self._clock.now()
                code = yield from self._conversation.command(zfm.GEN_IMG)
                if code == zfm.NO_FINGER:
                    return 0
                if code not in _FINGER_THERE:
                    return self._error_of(code)
                if late:
                    return self._status.failed(codes.ERROR_STILL_ON)
                yield from self._pause(LOOK_EVERY_MS)
            else:
                yield

    def _await_finger(self, started: int, timeout_ms: int) -> "Generator[None, None, int]":
        """Until the sensor has taken an image of a finger. It looks once at least, whatever the time."""
        status = self._status
        clock = self._clock
        failed_images = 0
        looked_at = started
        self._forget_line()
        while True:
            late = clock.since(started) > timeout_ms
            if late or self._blind_look_due(looked_at) or self._line_says_finger():
                looked_at = clock.now()
                code = yield from self._conversation.command(zfm.GEN_IMG)
                if code == zfm.OK:
                    status.look = 1
                    status.finger_at = clock.now()
                    return 0
                if code == zfm.IMAGE_FAILED:
                    failed_images += 1
                elif code != zfm.NO_FINGER:
                    return self._error_of(code)
                if late:
                    error = codes.ERROR_IMAGE_FAILED if failed_images else codes.ERROR_NO_FINGER
                    return status.failed(error)
                yield from self._pause(LOOK_EVERY_MS)
            else:
                yield

    def _take(self, looks: int) -> "Generator[None, None, int]":
        """Look again, at most `looks` times in all, until the image is good or the finger has settled.

        OK, NO_FINGER or IMAGE_FAILED when there is no image any more, a refusal, SILENT or GARBLED.
        """
        status = self._status
        code = zfm.OK
        in_a_row = 1
        judged = False
        while status.look < looks:
            judges = self._power_up.tells_quality
            code = yield from self._conversation.command(zfm.GET_IMAGE_EX if judges else zfm.GEN_IMG)
            if code == zfm.UNSUPPORTED:
                self._power_up.tells_quality = False
                continue
            status.look += 1
            status.finger_at = self._clock.now()
            judged = judges
            if code == zfm.OK:
                in_a_row += 1
                if judges or in_a_row >= SETTLED_LOOKS:
                    break
            elif code in _POOR:
                in_a_row = 0
            else:
                return code
        if judged and code != zfm.OK:
            # Never found good. Whether a poor image stays in the buffer is not stated: take one without a judgement.
            code = yield from self._conversation.command(zfm.GEN_IMG)
        return code

    def _line_says_finger(self) -> bool:
        """What the detect line has said for a while now."""
        line = self._board.finger_detected()
        if line != self._line:
            self._line = line
            self._line_since = self._clock.now()
        return line and self._clock.since(self._line_since) >= DEBOUNCE_MS

    def _blind_look_due(self, looked_at: int) -> bool:
        """Whether to ask the sensor whatever the line says: always without a line, seldom with one."""
        return not self._board.has_detect_line or self._clock.since(looked_at) > BLIND_LOOK_MS

    def _forget_line(self) -> None:
        self._line = False
        self._line_since = self._clock.now()

    def _pause(self, ms: int) -> "Generator[None, None, None]":
        clock = self._clock
        started = clock.now()
        while clock.since(started) < ms:
            yield

    def _error_of(self, code: int) -> int:
        """The error behind an outcome that ends the job."""
        if code == WRONG_SIZE:
            self._counters.add(count.SENSOR_REFUSALS)
            return self._status.failed(codes.ERROR_SENSOR_UNKNOWN)
        if code == SPOILED:
            return self._status.failed(codes.ERROR_SENSOR_GARBLED, DETAIL_IMAGE)
        if code < 0:
            return self._status.failed(error_of(code))
        self._counters.add(count.SENSOR_REFUSALS)
        locked = code == zfm.WRONG_PASSWORD
        return self._status.failed(codes.ERROR_SENSOR_LOCKED if locked else codes.ERROR_SENSOR_REFUSED, code)
