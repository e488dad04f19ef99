"""Which slot starts, and whether it is on trial: 32 bytes, kept twice.

Every save writes the older of two copies, with a serial number one higher and a CRC-32 over the whole. Whoever
reads takes the newest copy whose CRC is right, so a power cut while one is written leaves what was true before.
Nothing is written at an ordinary start.

The loader and the application share these files, not this code: the loader on a board stays what it was at its
installation. So the layout below never changes; what is needed later goes into the spare bytes.

    state = BootState(root="")                # "" on a board, a folder elsewhere
    state.active, state.on_trial, state.trial_boots, state.last_fall_back, state.fall_backs
    state.begin_trial(slot)                   # an update is in place: start it next, on trial
    state.confirm()                           # what runs is good
"""

import binascii
import struct

TRIAL_BOOTS = 3
"""Starts that an unconfirmed version gets: one may end by a pulled cable and one by a power cut, a third says it."""

FALL_BACK_NONE = 0
FALL_BACK_UNCONFIRMED = 1
FALL_BACK_RAISED = 2
FALL_BACK_UNREADABLE = 3
"""Why the last fall back was: nobody confirmed the trial; an error at the start; files missing or damaged."""

COPIES = ("/boot_a", "/boot_b")
LAYOUT = ">4sIBBBBBBH12x"
"""Magic, serial number, active slot, trial, its boots, failed slots (bits), reason, not yet told, fall backs, spare."""
MAGIC = b"WBS1"
RECORD_BYTES = 32
MOST_FALL_BACKS = 0xFFFF


class BootState:
    """The state as read at construction; each change is saved at once.

    `save` (and so every change) raises OSError when the flash refuses.
    """

    def __init__(self, *, root: str):
        self._root = root
        self._copy = 1
        self._serial = 0
        self.active = 0
        self.on_trial = False
        self.trial_boots = 0
        self.failed = 0
        self.last_fall_back = FALL_BACK_NONE
        self.untold = False
        self.fall_backs = 0
        for copy in range(2):
            self._read(copy)

    def count_trial_boot(self) -> None:
        """One more start of a version on trial; saved before the version gets a chance to do harm."""
        self.trial_boots += 1
        self.save()

    def fall_back(self, reason: int) -> None:
        """Start the other slot from now on, for good; the next start tells of it."""
        self.failed |= 1 << self.active
        self.active = 1 - self.active
        self.on_trial = False
        self.trial_boots = 0
        self.last_fall_back = reason
        self.untold = True
        self.fall_backs = min(self.fall_backs + 1, MOST_FALL_BACKS)
        self.save()

    def told(self) -> None:
        """The fall back has been handed to the application that tells the Pi of it."""
        self.untold = False
        self.save()

    def forget_failures(self) -> None:
        """Both slots may be tried again, at the next start."""
        self.failed = 0
        self.save()

    def begin_trial(self, slot: int) -> None:
        """From the next start on `slot` runs, on trial."""
        self.active = slot
        self.on_trial = True
        self.trial_boots = 0
        self.failed = 0
        self.save()

    def keep(self, slot: int) -> None:
        """Start `slot`, which is known to be good, after all: the update that was in place is given up."""
        self.active = slot
        self.on_trial = False
        self.trial_boots = 0
        self.save()

    def confirm(self) -> None:
        """What runs is good: the trial is over. Writes nothing when there was none."""
        if self.on_trial or self.failed:
            self.on_trial = False
            self.trial_boots = 0
            self.failed = 0
            self.save()

    def save(self) -> None:
        """Write the older copy."""
        serial = self._serial + 1
        copy = 1 - self._copy
        record = struct.pack(
            LAYOUT,
            MAGIC,
            serial,
            self.active,
            self.on_trial,
            self.trial_boots,
            self.failed,
            self.last_fall_back,
            self.untold,
            self.fall_backs,
        )
        with open(self._root + COPIES[copy], "wb") as file:
            file.write(record + struct.pack(">I", binascii.crc32(record)))
        self._serial = serial
        self._copy = copy

    def _read(self, copy: int) -> None:
        try:
            with open(self._root + COPIES[copy], "rb") as file:
                record = file.read(RECORD_BYTES + 1)
        except OSError:
            return
        if len(record) != RECORD_BYTES or record[:4] != MAGIC:
            return
        if struct.unpack(">I", record[-4:])[0] != binascii.crc32(record[:-4]):
            return
        _, serial, active, trial, boots, failed, reason, untold, fall_backs = struct.unpack(
            LAYOUT, record[:-4]
        )
        if serial <= self._serial:
            return
        self._copy = copy
        self._serial = serial
        self.active = active & 1
        self.on_trial = bool(trial)
        self.trial_boots = boots
        self.failed = failed
        self.last_fall_back = reason
        self.untold = bool(untold)
        self.fall_backs = fall_backs
