"""What the board does for each request of the Pi (docs/board-link.md, Requests).

One method a request; each answers before it returns. Those that come while an image is under way (STATUS, GET_CHUNKS)
allocate nothing.
"""

import gc

from firmware.core import bodies, codes, framing
from firmware.core import counters as counts
from firmware.core.parameters import CAPTURE_MOST_MS, CHUNKS_MOST, LIFT_MOST_MS, LOOKS_MOST
from firmware.core.sensor_models import model_by_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.board_link import BoardLink
    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.image_uplink import ImageUplink
    from firmware.core.lid_guard import LidGuard
    from firmware.core.ports import Board
    from firmware.core.session import SensorSession
    from firmware.core.slots import Slots
    from firmware.core.store import Store

_NO_KEY = bytes(32)
_UPDATES = range(codes.UPDATE_BEGIN, codes.UPDATE_ABORT + 1)


class Requests:
    """Carries requests out.

    Attributes:
        reboot_asked: a REBOOT was answered; the application sees to it.
        slots: None on a board without slots, which knows no updates then.
    """

    def __init__(
        self,
        *,
        link: "BoardLink",
        session: "SensorSession",
        image: "ImageBuffer",
        uplink: "ImageUplink",
        lid: "LidGuard",
        board: "Board",
        store: "Store",
        counters: "Counters",
        slots: "Slots | None",
    ):
        self.reboot_asked = False
        self.slots = slots
        self._link = link
        self._session = session
        self._image = image
        self._uplink = uplink
        self._lid = lid
        self._board = board
        self._store = store
        self._counters = counters
        self._model = codes.MODEL_UNKNOWN
        self._password = 0
        self._body = link.request
        self._at = link.request_start
        self._reply = link.reply
        self._reply_at = link.reply_start

    def handle(self, kind: int) -> None:
        """Carry out and answer the request at hand, of type `kind`."""
        entry = self._HANDLERS.get(kind)
        if entry is None or (kind in _UPDATES and self.slots is None):
            self._counters.add(counts.LINK_UNKNOWN)
            self._refuse(codes.ERROR_UNKNOWN_REQUEST, kind)
            return
        body = entry[0]
        length = self._link.request_length
        if length if body is None else not body.fits(length):
            self._refuse(codes.ERROR_BAD_BODY, 1)
        else:
            entry[1](self)

    def _refuse(self, error: int, detail: int = 0) -> None:
        self._link.answer(error, 0, detail)

    def _done(self, length: int = 0) -> None:
        self._link.answer(codes.ERROR_OK, length)

    def _prints_allowed(self) -> bool:
        """Whether this board may move a print; refuses otherwise."""
        if self._lid.open:
            self._refuse(codes.ERROR_LID_OPEN)
        elif not self._link.paired:
            self._refuse(codes.ERROR_UNPAIRED)
        else:
            return True
        return False

    def _sensor_free(self) -> bool:
        """Whether nobody else needs the sensor, or the time that an update takes; refuses otherwise."""
        if self._session.busy or (self.slots is not None and self.slots.busy):
            self._refuse(codes.ERROR_BUSY, self._session.state)
            return False
        return True

    # -- what is asked most

    def _status(self) -> None:
        reply = self._reply
        at = self._reply_at
        session = self._session
        image = self._image
        info = session.info
        # While a job is under way the error is still that of the one before, or one that a power cycle may cure.
        reply[at] = session.state
        reply[at + 1] = 0 if session.busy else session.error
        reply[at + 2] = 0 if session.busy else session.detail
        reply[at + 3] = self._link.flags()
        bodies.put_u16(reply, at + 4, image.generation)
        bodies.put_u32(reply, at + 6, image.length)
        bodies.put_u32(reply, at + 10, image.expected)
        whole = image.complete and image.length > 0
        reply[at + 14] = 1 if whole else 0
        if whole:
            image.sha256_into(reply, at + 15)
        else:
            for offset in range(15, 47):
                reply[at + offset] = 0
        bodies.put_u16(reply, at + 47, image.score if whole else 0)
        bodies.put_u32(reply, at + 49, session.wire_ms if whole else 0)
        bodies.put_u16(reply, at + 53, info.width)
        bodies.put_u16(reply, at + 55, info.height)
        bodies.put_u16(reply, at + 57, info.dpi)
        reply[at + 59] = info.model
        bodies.put_u32(reply, at + 60, self._uplink.finger_ago_ms())
        self._done(bodies.STATUS.size)

    def _get_chunks(self) -> None:
        if not self._prints_allowed():
            return
        first = bodies.u16(self._body, self._at + 2)
        count = bodies.u16(self._body, self._at + 4)
        if not self._is_present(bodies.u16(self._body, self._at)):
            self._refuse(codes.ERROR_NO_SUCH_IMAGE)
        elif first * framing.CHUNK_BYTES >= self._image.expected:
            self._refuse(codes.ERROR_BAD_BODY, 2)
        elif not 1 <= count <= CHUNKS_MOST:
            self._refuse(codes.ERROR_BAD_BODY, 3)
        else:
            self._uplink.send_again(first, count)
            self._done()

    # -- the sensor

    def _capture(self) -> None:
        if not (self._prints_allowed() and self._sensor_free()):
            return
        timeout_ms = bodies.u32(self._body, self._at)
        looks = self._body[self._at + 4]
        if timeout_ms > CAPTURE_MOST_MS:
            self._refuse(codes.ERROR_BAD_BODY, 1)
        elif not 1 <= looks <= LOOKS_MOST:
            self._refuse(codes.ERROR_BAD_BODY, 2)
        else:
            self._uplink.forget()
            self._session.start_capture(timeout_ms, looks)
            self._done()
            gc.collect()  # now, while somebody waits for a finger: from the first packet to the last there is no time

    def _wait_lift(self) -> None:
        timeout_ms = bodies.u32(self._body, self._at)
        if timeout_ms > LIFT_MOST_MS:
            self._refuse(codes.ERROR_BAD_BODY, 1)
        elif self._sensor_free():
            self._session.start_lift(timeout_ms)
            self._done()

    def _cancel(self) -> None:
        self._session.cancel()
        self._uplink.forget()
        self._done()

    def _release(self) -> None:
        if not self._is_present(bodies.u16(self._body, self._at)):
            self._refuse(codes.ERROR_NO_SUCH_IMAGE)
        elif not self._image.complete:
            self._refuse(codes.ERROR_BUSY, self._session.state)
        else:
            self._uplink.forget()
            self._done()

    def _power_cycle(self) -> None:
        self._uplink.forget()
        self._session.power_cycle()
        self._done()

    def _tell_sensor(self) -> None:
        info = self._session.info
        end = bodies.SENSOR.pack_into(
            self._reply,
            self._reply_at,
            info.model,
            info.width,
            info.height,
            info.dpi,
            info.packet_bytes,
            info.baud,
            info.capacity,
            info.library_emptied,
            info.system_id,
        )
        self._done(end - self._reply_at)

    def _configure(self) -> None:
        model, password = bodies.CONFIGURE.unpack_from(self._body, self._at)
        if model != codes.MODEL_UNKNOWN and model_by_code(model) is None:
            self._refuse(codes.ERROR_BAD_BODY, 1)
        elif model == self._model and password == self._password:
            self._done()  # the sensor need not be started anew for that
        elif self._sensor_free():
            self._uplink.forget()
            self._session.configure(model=model, password=password)
            self._model = model
            self._password = password
            self._done()

    # -- the board

    def _tell_counters(self) -> None:
        at = self._reply_at
        for value in self._counters.values:
            bodies.put_u32(self._reply, at, value)
            at += 4
        self._done(at - self._reply_at)

    def _pair(self) -> None:
        if self._link.paired or not (self._lid.seen_open and self._board.button_pressed()):
            self._refuse(codes.ERROR_NOT_ALLOWED)
            return
        key = self._body[self._at : self._at + 32]
        store = self._store
        if key == _NO_KEY:
            self._refuse(codes.ERROR_BAD_BODY, 1)
            return
        before = store.tampered
        store.pairing_key = bytes(key)
        store.tampered = False
        self._counters.add(counts.PAIRINGS)
        if not store.save():
            store.pairing_key = None
            store.tampered = before
            self._refuse(codes.ERROR_UPDATE_STORAGE)
            return
        self._lid.disarm()
        self._done()
        self._link.set_pairing_key(key)

    def _unpair(self) -> None:
        self._session.cancel()
        self._uplink.forget()
        if self._store.forget_key(tampered=False):
            self._done()
        else:
            self._refuse(codes.ERROR_UPDATE_STORAGE)
        self._link.forget_key()

    def _reboot(self) -> None:
        self._uplink.forget()
        self.reboot_asked = True
        self._done()

    # -- updates (firmware/core/update.py)

    def _confirm(self) -> None:
        if self.slots is None or self.slots.confirm():
            self._done()
        else:
            self._refuse(codes.ERROR_UPDATE_STORAGE)

    def _update_begin(self) -> None:
        if not self._link.paired:
            self._refuse(codes.ERROR_UNPAIRED)
        elif self._session.busy:
            self._refuse(codes.ERROR_BUSY, self._session.state)
        else:
            self._uplink.forget()
            length, digest = bodies.UPDATE_BEGIN.unpack_from(self._body, self._at)
            self._end_update_step(self._slots.updater.begin(length, digest))

    def _update_manifest(self) -> None:
        start = self._at + bodies.UPDATE_MANIFEST.size
        error = self._slots.updater.manifest(
            bodies.u32(self._body, self._at), self._body, start, self._body_end()
        )
        self._end_update_step(error, told=True)

    def _update_file(self) -> None:
        self._end_update_step(self._slots.updater.file(bodies.u16(self._body, self._at)))

    def _update_write(self) -> None:
        start = self._at + bodies.UPDATE_WRITE.size
        error = self._slots.updater.write(
            bodies.u32(self._body, self._at), self._body, start, self._body_end()
        )
        self._end_update_step(error, told=True)

    def _update_end(self) -> None:
        error = self._slots.updater.end()
        if error:
            self._end_update_step(error)
        else:
            self._counters.add(counts.UPDATES)
            self._reply[self._reply_at] = self._slots.updater.next_slot
            self._done(1)

    def _update_abort(self) -> None:
        self._end_update_step(self._slots.updater.abort())

    @property
    def _slots(self) -> "Slots":
        assert self.slots is not None
        return self.slots

    def _end_update_step(self, error: int, *, told: bool = False) -> None:
        """Answer; `told`: with the bytes so far."""
        if error:
            self._counters.add(counts.UPDATES_REFUSED)
            self._refuse(error, self._slots.updater.detail)
        elif told:
            bodies.put_u32(self._reply, self._reply_at, self._slots.updater.received)
            self._done(4)
        else:
            self._done()

    def _is_present(self, generation: int) -> bool:
        return self._image.expected > 0 and generation == self._image.generation

    def _body_end(self) -> int:
        return self._at + self._link.request_length

    _HANDLERS = {
        codes.STATUS: (None, _status),
        codes.CAPTURE: (bodies.CAPTURE, _capture),
        codes.WAIT_LIFT: (bodies.WAIT_LIFT, _wait_lift),
        codes.CANCEL: (None, _cancel),
        codes.GET_CHUNKS: (bodies.GET_CHUNKS, _get_chunks),
        codes.RELEASE: (bodies.RELEASE, _release),
        codes.POWER_CYCLE: (None, _power_cycle),
        codes.COUNTERS: (None, _tell_counters),
        codes.PAIR: (bodies.PAIR, _pair),
        codes.UNPAIR: (None, _unpair),
        codes.REBOOT: (None, _reboot),
        codes.SENSOR: (None, _tell_sensor),
        codes.CONFIRM: (None, _confirm),
        codes.CONFIGURE: (bodies.CONFIGURE, _configure),
        codes.UPDATE_BEGIN: (bodies.UPDATE_BEGIN, _update_begin),
        codes.UPDATE_MANIFEST: (bodies.UPDATE_MANIFEST, _update_manifest),
        codes.UPDATE_FILE: (bodies.UPDATE_FILE, _update_file),
        codes.UPDATE_WRITE: (bodies.UPDATE_WRITE, _update_write),
        codes.UPDATE_END: (None, _update_end),
        codes.UPDATE_ABORT: (None, _update_abort),
    }
    """By request: the layout of its body, None for an empty one, and what carries it out."""
