"""The firmware: link, sensor session, image, lid, store, watchdog and update, put together and stepped.

`step` reads as what the board does. Nothing in it waits; while an image is under way nothing in it allocates, unless
a request has to be answered.
"""

from array import array

from firmware.core import codes
from firmware.core import counters as counts
from firmware.core.board_link import BoardLink, Identity
from firmware.core.fault_light import BOARD_ITSELF, STRANGERS, blinks_of, fault_pattern
from firmware.core.image_uplink import ImageUplink
from firmware.core.led import led_of
from firmware.core.lid_guard import LidGuard
from firmware.core.parameters import (
    COUNTERS_SAVE_EVERY_MS,
    IDLE_BUSY_MS,
    IDLE_MS,
    LAST_BYTES_MS,
    REBOOT_MS,
    SAVE_AGAIN_MS,
)
from firmware.core.progress_guard import ProgressGuard
from firmware.core.requests import Requests
from firmware.core.session import SensorSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.core.image import ImageBuffer
    from firmware.core.ports import Board, BytePort, Clock, SensorPort
    from firmware.core.slots import Slots
    from firmware.core.store import Store

_BOARDS = {"rp2040": codes.BOARD_RP2040, "rp2350": codes.BOARD_RP2350, "unix": codes.BOARD_UNIX}
_EVERY_BOARD_CAN = (
    codes.CAN_SWITCH_SENSOR | codes.CAN_TAMPER | codes.CAN_BUTTON | codes.CAN_LIGHT | codes.CAN_WATCHDOG
)
_SECOND_MS = 1000
_MOST = 0x3FFFFFFF


class App:
    """One board.

    Args:
        usb: the Pi.
        sensor: the sensor's UART.
        board: pins.
        clock: time.
        store: loaded already.
        image: the buffer, made before the rest: later there may be no 36 KB in one piece.
        random: fills a bytearray with random bytes that nobody can guess.
        version: of the firmware, at most 16 ASCII characters.
        unique_id: the board's own number, 8 bytes.
        slots: the two places for firmware; None on a board without a loader.
        fell_back: the loader gave the last version up.

    Attributes:
        session, image, link: for those who look on.
    """

    def __init__(
        self,
        *,
        usb: "BytePort",
        sensor: "SensorPort",
        board: "Board",
        clock: "Clock",
        store: "Store",
        image: "ImageBuffer",
        random: "Callable[[bytearray], object]",
        version: str,
        unique_id: bytes,
        slots: "Slots | None" = None,
        fell_back: bool = False,
    ):
        self._board = board
        self._clock = clock
        self._store = store
        self._counters = counters = store.counters
        self._slots = slots
        self._identity = identity = Identity()
        identity.unique = unique_id
        identity.board = _BOARDS[board.name]
        identity.slot = slots.slot if slots else 0
        identity.version = version.encode()
        identity.capabilities = (
            _EVERY_BOARD_CAN
            | (codes.CAN_DETECT if board.has_detect_line else 0)
            | (codes.CAN_UPDATE if slots else 0)
        )
        self.image = image
        self.session = SensorSession(
            port=sensor,
            board=board,
            clock=clock,
            counters=counters,
            image=image,
            remembered_baud=store.baud,
        )
        self.link = BoardLink(port=usb, clock=clock, counters=counters, random=random, identity=identity)
        if store.pairing_key:
            self.link.set_pairing_key(bytearray(store.pairing_key))
        self._lid = LidGuard(board=board, clock=clock)
        self._uplink = ImageUplink(
            link=self.link, session=self.session, image=image, clock=clock, counters=counters
        )
        self._requests = Requests(
            link=self.link,
            session=self.session,
            image=image,
            uplink=self._uplink,
            lid=self._lid,
            board=board,
            store=store,
            counters=counters,
            slots=slots,
        )
        self._guard = ProgressGuard(board=board, clock=clock, session=self.session, link=self.link)
        self._told = bytearray(5)  # state, error, detail, flags as last told, and whether they were
        self._shown = self._lit_state = -1
        self._progress = 0
        self._second_at = self._saved_at = self._reboot_at = clock.now()
        self._rebooting = False
        self._save_due = False
        self._saved_counts = array("I", counters.values)
        self._begin(codes.RESET_FALL_BACK if fell_back else board.reset_cause())

    def run(self) -> None:
        """For ever."""
        while True:
            self.step()
            self.rest()

    def step(self) -> None:
        """Everything once."""
        self._mind_lid()
        self.session.step()
        self._uplink.mind()
        self._mind_flags()
        self.link.step()
        self._guard.look_at_link()
        request = self.link.poll()
        if request:
            self._requests.handle(request)
        self._send_one()
        self._mind_light()
        self._mind_time()
        self._guard.step()

    def rest(self) -> None:
        """Sleep until something may have come; not at all where a packet has just come and the next may be there."""
        progress = self.session.progress
        if progress != self._progress:
            self._progress = progress
        elif self.session.busy or not self.link.idle:
            self._clock.idle(IDLE_BUSY_MS)
        else:
            self._clock.idle(IDLE_MS)

    # -- one thing each

    def _begin(self, cause: int) -> None:
        """Count this start, and why it was one."""
        self._identity.reset_cause = cause
        counters = self._counters
        counters.add(counts.BOOTS)
        if cause == codes.RESET_WATCHDOG:
            counters.add(counts.WATCHDOG_RESETS)
        elif cause == codes.RESET_FALL_BACK:
            counters.add(counts.FALLBACKS)
        self._identity.boots = counters.values[counts.BOOTS]
        self._mind_flags()
        self._save()

    def _mind_lid(self) -> None:
        """An open lid: nobody gets at the print or the key that were here."""
        if self._lid.step(key_at_stake=self.link.paired):
            self._uplink.forget()
            self.session.cancel()
            self.link.forget_key(codes.EVENT_TAMPER)
            self._counters.add(counts.TAMPERS)
            self._save_due = not self._store.forget_key(tampered=True)

    def _mind_flags(self) -> None:
        identity = self._identity
        info = self.session.info
        flags = codes.FLAG_TAMPERED if self._store.tampered else 0
        if self._lid.open:
            flags |= codes.FLAG_LID_OPEN
        if self._board.button_pressed():
            flags |= codes.FLAG_BUTTON
        if self._slots is not None and self._slots.on_trial:
            flags |= codes.FLAG_TRIAL
        if info.library_held and info.library_emptied:
            flags |= codes.FLAG_EMPTIED
        identity.flags = flags
        identity.sensor_model = info.model

    def _send_one(self) -> None:
        """One frame at most: how things are, else what is next of the image. An answer went before, in `handle`."""
        link = self.link
        if not link.can_send:
            return
        session = self.session
        told = self._told
        flags = link.flags()
        error = 0 if session.busy else session.error  # as in STATUS
        detail = 0 if session.busy else session.detail
        if not (
            told[4]
            and told[0] == session.state
            and told[1] == error
            and told[2] == detail
            and told[3] == flags
        ):
            told[0] = session.state
            told[1] = error
            told[2] = detail
            told[3] = flags
            at = link.event_start
            link.event[at] = told[0]
            link.event[at + 1] = told[1]
            link.event[at + 2] = told[2]
            link.event[at + 3] = told[3]
            told[4] = link.send_event(codes.EVENT_STATE, 4)
        else:
            self._uplink.step()

    def _mind_light(self) -> None:
        """An alarm, an update and a fault of the board itself are more important than what the sensor does."""
        light = self._light()
        if light != self._shown or self.session.state != self._lit_state:
            self._shown = light
            self._lit_state = self.session.state  # the session has shown its own pattern for that
            self._board.led(light)

    def _light(self) -> int:
        if self._store.tampered:
            return codes.LED_TAMPER
        if self._slots is not None and self._slots.busy:
            return codes.LED_UPDATE
        if self._save_due:
            return fault_pattern(BOARD_ITSELF)
        if not self.link.paired:
            return fault_pattern(STRANGERS)
        if self.session.state == codes.STATE_FAULT:
            return fault_pattern(blinks_of(self.session.error))
        return led_of(self.session.state)

    def _mind_time(self) -> None:
        """What happens by the clock: the count of seconds, saving, a reboot."""
        clock = self._clock
        if self._requests.reboot_asked or self._rebooting:
            self._reboot_when_told()
        passed = clock.since(self._second_at)
        if passed < _SECOND_MS:
            return
        self._second_at = clock.now()
        self._identity.uptime_ms = min(self._identity.uptime_ms + passed, _MOST)
        if self._slots is not None and self._slots.trial_is_over():
            self._rebooting = True
        if self._is_quiet():
            self._save_what_changed()

    def _is_quiet(self) -> bool:
        """Writing flash stops the board for a moment: not while bytes come or go."""
        updating = self._slots is not None and self._slots.busy
        return not (self.session.busy or updating or self._uplink.holds_image) and self.link.idle

    def _save_what_changed(self) -> None:
        store = self._store
        since = self._clock.since(self._saved_at)
        baud = self.session.baud_to_remember
        if baud and baud != store.baud:
            store.baud = baud
            self._save()
        elif self._save_due and since >= SAVE_AGAIN_MS:
            if store.pairing_key is None:
                self._save_due = not store.forget_key(tampered=store.tampered)
                self._saved_at = self._clock.now()
            else:
                self._save()
        elif since >= COUNTERS_SAVE_EVERY_MS:
            self._saved_at = self._clock.now()
            if self._saved_counts != self._counters.values:
                self._save()

    def _save(self) -> None:
        self._save_due = not self._store.save()
        self._saved_at = self._clock.now()
        self._saved_counts[:] = self._counters.values

    def _reboot_when_told(self) -> None:
        """Once its answer is on its way, as far as that can be known."""
        if not self._rebooting or self._requests.reboot_asked:
            self._requests.reboot_asked = False
            self._rebooting = True
            self._reboot_at = self._clock.now()
        waited = self._clock.since(self._reboot_at)
        if (self.link.idle and waited >= LAST_BYTES_MS) or waited >= REBOOT_MS:
            self._store.save()
            self._board.reboot()
