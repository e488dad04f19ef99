"""What the board remembers over a loss of power: pairing key, tamper alarm, the sensor's baud rate, counters.

Two files hold one copy each, with a CRC-32 and a sequence number. A save goes to the older copy, so a power cut in
mid-write loses at most the save under way: the other copy is whole. A secret that is forgotten is written over in
both.

Flash wear: a copy is under 200 bytes. littlefs appends it to a 4 KB block and erases that after some 18 saves; NOR
flash stands 100,000 erasures of a block (W25Q16JV data sheet, "endurance"), and littlefs moves blocks about. Saves
happen at each start, when key, alarm or baud rate change, and for counters at most once an hour
(`parameters.COUNTERS_SAVE_EVERY_MS`): 24 a day are two erasures, and even a board that its watchdog resets every ten
seconds, 8,640 saves a day, needs more than half a year to wear out one single block if littlefs never moved it.

What this cannot do: littlefs writes the new copy beside the old one, so a forgotten key may stay readable in flash
until its block is erased, for somebody who takes the flash out or starts the board by BOOTSEL. The lid is to be
noticed while the power is on; a board that was stolen while it was off has to be unpaired at the centre.
"""

import binascii
import os
import struct

from firmware.core.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.counters import Counters

KEY_BYTES = const(32)

_MAGIC = b"WRL1"
_FILES = ("state.a", "state.b")
_HEAD = ">4sIBB32sB"  # magic, sequence, flags, baud / 9600, key, how many counters follow
_HEAD_BYTES = const(43)
_CRC_BYTES = const(4)
_MOST_BYTES = const(512)
_BAUD_UNIT = const(9600)
_HAS_KEY = const(1)
_TAMPERED = const(2)
_NO_KEY = bytes(KEY_BYTES)


class Store:
    """The durable state. Change the attributes, then `save`.

    Args:
        folder: where its files are; it is there already.
        counters: filled from the files by `load`, saved along with the rest.

    Attributes:
        pairing_key: 32 bytes, or None for an unpaired board.
        tampered: the lid was opened since the last pairing.
        baud: the sensor's rate that worked last, in baud; 0 for none.
        saves: how many times something was saved since the files were new, two for a forgotten key.
        damaged: copies that `load` found damaged.
    """

    def __init__(self, *, folder: str, counters: "Counters"):
        self.counters = counters
        self.pairing_key: "bytes | None" = None
        self.tampered = False
        self.baud = 0
        self.saves = 0
        self.damaged = 0
        self._paths = [folder + "/" + name for name in _FILES]
        self._next = 0

    def load(self) -> bool:
        """Read the newer good copy; False when there is none, which leaves a new board's state.

        Finishes what a power cut left half done: a key that the newer copy has forgotten is written over in the
        older one as well.
        """
        copies = [_read(path) for path in self._paths]
        self.damaged = sum(1 for copy in copies if copy == b"")
        good = [copy for copy in copies if copy]
        if not good:
            return False
        newest = max(good, key=_sequence)
        oldest = min(good, key=_sequence)
        self._next = 1 - copies.index(newest)
        self._take(newest)
        if _key(newest) is None and _key(oldest) is not None:
            self.save()
        return True

    def save(self) -> bool:
        """Write the state over the older copy; False when the flash refuses, then the newer copy still stands."""
        path = self._paths[self._next]
        try:
            with open(path, "wb") as file:
                file.write(self._record())
        except OSError:
            return False
        self.saves += 1
        self._next = 1 - self._next
        return True

    def forget_key(self, *, tampered: bool) -> bool:
        """Forget the key in both copies, with or without an alarm; False when the flash refuses."""
        self.pairing_key = None
        self.tampered = self.tampered or tampered
        first = self.save()
        return self.save() and first

    def _record(self) -> bytes:
        key = self.pairing_key
        flags = (_HAS_KEY if key else 0) | (_TAMPERED if self.tampered else 0)
        counts = self.counters.values
        head = struct.pack(
            _HEAD, _MAGIC, self.saves + 1, flags, self.baud // _BAUD_UNIT, key or _NO_KEY, len(counts)
        )
        body = head + struct.pack(">%dI" % len(counts), *counts)
        return body + struct.pack(">I", binascii.crc32(body))

    def _take(self, record: bytes) -> None:
        _, self.saves, flags, baud, _, count = struct.unpack_from(_HEAD, record)
        self.pairing_key = _key(record)
        self.tampered = bool(flags & _TAMPERED)
        self.baud = baud * _BAUD_UNIT
        # A newer firmware may count more things, an older one fewer: what both know is at the front.
        known = min(count, len(self.counters.values))
        for index, value in enumerate(struct.unpack_from(">%dI" % known, record, _HEAD_BYTES)):
            self.counters.values[index] = value


def _sequence(record: bytes) -> int:
    return struct.unpack_from(">I", record, 4)[0]


def _key(record: bytes) -> "bytes | None":
    return record[10 : 10 + KEY_BYTES] if record[8] & _HAS_KEY else None


def _read(path: str) -> "bytes | None":
    """A copy that is whole; None when there is none, b"" when it is damaged."""
    try:
        os.stat(path)
    except OSError:
        return None
    try:
        with open(path, "rb") as file:
            record = file.read(_MOST_BYTES)
    except OSError:
        return b""
    end = len(record) - _CRC_BYTES
    if end < _HEAD_BYTES or record[:4] != _MAGIC:
        return b""
    if struct.unpack_from(">I", record, end)[0] != binascii.crc32(record[:end]):
        return b""
    return record if end == _HEAD_BYTES + 4 * record[_HEAD_BYTES - 1] else b""
