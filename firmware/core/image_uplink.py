"""An image on its way up: announced, chunk by chunk while the sensor still sends it, its end, chunks asked for again.

Nothing is queued: what goes next is a number, and the image lies in its buffer. So a Pi that does not read makes
the uplink lag, and nothing else. `step` sends one frame at most and allocates nothing.
"""

from firmware.core import bodies, codes, kernels
from firmware.core import counters as counts
from firmware.core.framing import CHUNK_BYTES
from firmware.core.parameters import HELD_IMAGE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.board_link import BoardLink
    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.ports import Clock
    from firmware.core.session import SensorSession


class ImageUplink:
    """What of the image in the buffer has been sent, and how long the buffer has kept it."""

    def __init__(
        self,
        *,
        link: "BoardLink",
        session: "SensorSession",
        image: "ImageBuffer",
        clock: "Clock",
        counters: "Counters",
    ):
        self._link = link
        self._session = session
        self._image = image
        self._clock = clock
        self._counters = counters
        self._generation = image.generation
        self._announced = False
        self._next = 0
        self._ended = False
        self._again = 0
        self._again_end = 0
        self._held_since = 0
        self._held = False

    @property
    def holds_image(self) -> bool:
        """Whether the buffer holds a print, or the beginning of one."""
        return self._image.expected > 0

    def chunks(self) -> int:
        """How many chunks can be sent by now: whole ones, and the last when the image is complete."""
        image = self._image
        length = image.length
        return (length + CHUNK_BYTES - 1 if image.complete else length) // CHUNK_BYTES

    def send_again(self, first: int, count: int) -> None:
        """Send these chunks, as far as they are there; those that are not come by themselves."""
        self._again = first
        self._again_end = min(first + count, self.chunks())
        self._held_since = self._clock.now()

    def forget(self) -> None:
        """Overwrite the image; nothing of it is sent any more."""
        if self._image.expected:
            self._image.wipe()

    def mind(self) -> None:
        """Overwrite an image that came to nothing, and one that nobody released in time."""
        image = self._image
        if image.generation != self._generation:
            self._begin()
        if not image.expected:
            return
        if not image.complete:
            if self._session.state != codes.STATE_RECEIVING:
                self.forget()
        elif not self._held:
            self._held = True
            self._held_since = self._clock.now()
        elif self._clock.since(self._held_since) >= HELD_IMAGE_MS:
            self.forget()

    def step(self) -> None:
        """Send what is next, if the link has room and there is anything."""
        image = self._image
        if image.generation != self._generation:
            self._begin()
        if not image.expected or not self._link.can_send:
            return
        if not self._announced:
            self._announced = self._send_start()
        elif self._next < self.chunks():
            if self._send_chunk(self._next):
                self._next += 1
        elif self._again < self._again_end:
            if self._send_chunk(self._again):
                self._again += 1
                self._counters.add(counts.CHUNKS_AGAIN)
        elif image.complete and not self._ended:
            self._ended = self._send_end()

    def finger_ago_ms(self) -> int:
        """Since the finger of this image was seen; 0 without one."""
        return max(0, self._clock.since(self._session.finger_at)) if self._image.expected else 0

    def _begin(self) -> None:
        """Another generation: all that was sent is void."""
        self._generation = self._image.generation
        self._announced = self._ended = self._held = False
        self._next = self._again = self._again_end = 0

    def _send_start(self) -> bool:
        body = self._link.event
        at = self._link.event_start
        info = self._session.info
        bodies.put_u16(body, at, self._generation)
        bodies.put_u16(body, at + 2, info.width)
        bodies.put_u16(body, at + 4, info.height)
        bodies.put_u16(body, at + 6, info.dpi)
        bodies.put_u32(body, at + 8, self._image.expected)
        body[at + 12] = info.model
        body[at + 13] = self._session.look
        bodies.put_u32(body, at + 14, self.finger_ago_ms())
        return self._link.send_event(codes.EVENT_IMAGE, bodies.EVENT_IMAGE.size)

    def _send_chunk(self, number: int) -> bool:
        body = self._link.event
        at = self._link.event_start
        start = number * CHUNK_BYTES
        count = min(CHUNK_BYTES, self._image.length - start)
        bodies.put_u16(body, at, self._generation)
        bodies.put_u16(body, at + 2, number)
        kernels.copy_bytes(self._image.data, start, count, body, at + 4)
        return self._link.send_event(codes.EVENT_CHUNK, 4 + count)

    def _send_end(self) -> bool:
        body = self._link.event
        at = self._link.event_start
        bodies.put_u16(body, at, self._generation)
        bodies.put_u32(body, at + 2, self._image.length)
        self._image.sha256_into(body, at + 6)
        bodies.put_u16(body, at + 38, self._image.score)
        bodies.put_u32(body, at + 40, self._session.wire_ms)
        return self._link.send_event(codes.EVENT_IMAGE_END, bodies.EVENT_IMAGE_END.size)
