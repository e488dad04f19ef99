"""An image from the sensor's buffer into ours: fetched at once, judged, and fetched again when it is not right.

The wire numbers nothing and its sum is weak, so three things are looked at besides the sums: the count of bytes;
whether an attempt contradicts what an earlier one had received before it went wrong; and whether a packet full
of ridges is the very packet before it, which no finger does but a repeated packet. An image in doubt counts only
when the next attempt gives the same bytes.

What no receiver can tell: a packet of even background repeated in place of another packet that was dropped, and
two errors in one packet whose sums cancel, as long as nothing else goes wrong in that image.
"""

from firmware.core import counters as count
from firmware.core import zfm_codes as zfm
from firmware.core.compat import const
from firmware.core.kernels import differ
from firmware.core.parameters import (
    BUSY_CHANGES,
    IMAGE_FACTOR,
    IMAGE_MARGIN_MS,
    SILENCE_IN_IMAGE_MS,
    TRANSFER_ATTEMPTS,
)
from firmware.core.sensor_models import model_by_size
from firmware.core.zfm_packet import DAMAGED, NOTHING, OVERHEAD_BYTES, PREFIX_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.ports import Clock
    from firmware.core.sensor import Conversation
    from firmware.core.sensor_status import SensorStatus

RECEIVED = const(0)
SPOILED = const(-3)
"""Every attempt went wrong, though the sensor answers."""
WRONG_SIZE = const(-4)
"""Complete and undamaged, twice, and of another model's size."""

_DATA_PIDS = (zfm.PID_DATA, zfm.PID_END)
_BITS_PER_BYTE = const(10)  # one start bit, eight data bits, one stop bit


class Transfer:
    """Fetches the image that lies in the sensor's buffer."""

    def __init__(
        self,
        *,
        conversation: "Conversation",
        clock: "Clock",
        counters: "Counters",
        status: "SensorStatus",
        image: "ImageBuffer",
    ):
        self._conversation = conversation
        self._clock = clock
        self._counters = counters
        self._status = status
        self._image = image
        self._trusted = 0
        self._total = 0
        self._doubt = False
        self._damaged = False
        self._last_bytes = 0

    def fetch(self) -> "Generator[None, None, int]":
        """RECEIVED, the sensor's refusal, SILENT, GARBLED, SPOILED or WRONG_SIZE."""
        self._trusted = 0
        odd_size = 0
        for _ in range(TRANSFER_ATTEMPTS):
            code = yield from self._conversation.command(zfm.UP_IMAGE)
            if code != zfm.OK:
                return code
            outcome = yield from self._receive()
            if outcome == RECEIVED:
                return RECEIVED
            self._counters.add(count.SENSOR_DAMAGED)
            if outcome == WRONG_SIZE:
                if self._total == odd_size:
                    return WRONG_SIZE
                odd_size = self._total
        return SPOILED

    def _receive(self) -> "Generator[None, None, int]":
        """One attempt. From here to the last packet nothing is allocated."""
        conversation = self._conversation
        clock = self._clock
        limit_ms = self._begin()
        # Whatever happens, something may still follow: a repeated last packet, the rest of a broken image.
        conversation.restless = conversation.sending_image = True
        started = conversation.heard_at = clock.now()
        good = True
        while True:
            kind = conversation.next()
            if kind == NOTHING:
                if clock.since(conversation.heard_at) > SILENCE_IN_IMAGE_MS:
                    return SPOILED
            elif kind == DAMAGED:
                if good:
                    self._trusted = self._image.length
                good = False
                self._damaged = True
            elif conversation.reader.pid in _DATA_PIDS:
                self._status.proven()
                self._total += conversation.reader.content_bytes
                if good and not self._take():
                    # Something was lost or repeated before: where is not known.
                    self._trusted = 0
                    good = False
                if conversation.reader.pid == zfm.PID_END:
                    self._status.wire_ms = clock.since(started)
                    return self._judge() if good else self._judge_size()
            if clock.since(started) > limit_ms:
                return SPOILED
            yield

    def _begin(self) -> int:
        """Make room; how long the image may take, in ms."""
        info = self._status.info
        expected = info.image_bytes or self._image.capacity
        self._image.clear(expected)
        self._total = 0
        self._doubt = False
        self._damaged = False
        self._last_bytes = 0
        packets = expected // info.packet_bytes + 1
        on_wire_ms = (expected + packets * OVERHEAD_BYTES) * _BITS_PER_BYTE * 1000 // info.baud
        return on_wire_ms * IMAGE_FACTOR + IMAGE_MARGIN_MS

    def _take(self) -> bool:
        """Take the packet at hand; False when it cannot belong to the image."""
        reader = self._conversation.reader
        image = self._image
        size = reader.content_bytes
        at = image.length
        if reader.pid == zfm.PID_DATA and size != self._status.info.packet_bytes:
            return False
        known = min(size, self._trusted - at)
        if known > 0 and differ(reader.raw, PREFIX_BYTES, image.data, at, known):
            self._doubt = True
            self._trusted = 0
        if size == self._last_bytes and not differ(reader.raw, PREFIX_BYTES, image.data, at - size, size):
            busy = changes(reader.raw, PREFIX_BYTES, PREFIX_BYTES + size) * BUSY_CHANGES >= size
            self._doubt = self._doubt or busy
        self._last_bytes = size
        return image.append(reader.raw, PREFIX_BYTES, size)

    def _judge(self) -> int:
        """The outcome of an attempt whose packets were all good and whose last one came."""
        image = self._image
        info = self._status.info
        if not info.image_bytes:
            model = model_by_size(image.length)
            if model is not None:
                info.use_model(model)
        if image.length != info.image_bytes:
            self._trusted = 0
            return self._judge_size()
        agrees = self._trusted >= image.length
        if self._doubt and not agrees:
            self._trusted = image.length
            return SPOILED
        image.finish()
        return RECEIVED

    def _judge_size(self) -> int:
        """Whether too many or too few bytes are those of another model."""
        if self._damaged or self._total == self._status.info.image_bytes:
            return SPOILED
        return SPOILED if model_by_size(self._total) is None else WRONG_SIZE


def changes(buffer: bytearray, start: int, end: int) -> int:
    """How many bytes from `start` to `end` differ from the one before them: 0 for an even area."""
    found = 0
    start += 1
    while start < end:
        if buffer[start] != buffer[start - 1]:
            found += 1
        start += 1
    return found
