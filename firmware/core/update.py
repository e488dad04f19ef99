"""The board's part of an update: a new version is written into the slot that does not run.

    flash = Flash(root="")                                  # firmware.core.flash
    boot_state = BootState(root="")                         # firmware.boot.boot_state
    updater = Updater(flash=flash, boot_state=boot_state, board_name=board.name, slot=slot,
                      progress=board.feed_watchdog, clock=clock)
    updater.begin(length, digest) -> error                  # UPDATE_BEGIN; digest: 32 bytes, not kept
    updater.manifest(offset, buffer, start, end) -> error   # UPDATE_MANIFEST: bytes start to end of buffer
    updater.file(number) -> error                           # UPDATE_FILE
    updater.write(offset, buffer, start, end) -> error      # UPDATE_WRITE
    updater.end() -> error                                  # UPDATE_END: updater.next_slot starts next, on trial
    updater.abort() -> error                                # UPDATE_ABORT
    updater.received                                        # for the answers to manifest and write
    updater.detail                                          # the detail byte beside an error
    updater.busy                                            # an update is under way; ask at least once a minute
    updater.slot                                            # the one that runs; its trial is firmware.core.slots'

`error` is one of codes.ERROR_*, 0 when all is well; nothing raises. Everything is strictly in order: the whole
manifest first, then the files as it lists them, each from its first byte to its last. After any error but ORDER
the update is off and can be begun again. The request that was done last may come once more, in a new session after
its answer got lost: it is not done again, and answered well.

The running slot is never touched. The other one has no `manifest.json` from the first moment of an update until
all its files are in place and were what the manifest says, and without one the loader does not start it: whenever
the power is cut, the board starts what it ran before.

How the application starts (docs/firmware-update.md): the loader puts /slotN first in sys.path, imports the entry
that the manifest names (firmware.board.main or firmware.unix.main), calls its

    build(root=str, slot=int, fell_back=bool) -> application          # fell_back: tell codes.RESET_FALL_BACK
    application.run()                                                 # for ever

An error that build raises makes the board fall back to the other slot; one that run raises is a reboot.
"""

import hashlib

from firmware.core import codes, parameters
from firmware.core.compat import const
from firmware.core.update_manifest import (
    BAD_DIGEST,
    BAD_LENGTH,
    DIGEST_BYTES,
    Refused,
    files_of,
    room_for,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.boot.boot_state import BootState
    from firmware.core.flash import Flash
    from firmware.core.ports import Clock

IDLE = const(0)
TAKING_MANIFEST = const(1)
TAKING_FILES = const(2)
ENDED = const(3)
"""Stages: the detail of ERROR_UPDATE_ORDER."""
ON_TRIAL = const(9)
"""Its detail when what runs is on trial: the other slot is what the board would fall back to."""

MANIFEST = const(1)
FILE = const(2)
WRITE = const(3)
END = const(4)
"""Requests, as the last one that was done is remembered."""

ENOSPC = const(28)


def no_progress() -> None:
    """For those who have no watchdog."""


class Updater:
    """One update at a time. See the top of this file."""

    def __init__(
        self,
        *,
        flash: "Flash",
        boot_state: "BootState",
        board_name: str,
        slot: int,
        clock: "Clock",
        progress: "Callable[[], None]" = no_progress,
    ):
        self.slot = slot
        self.next_slot = slot
        self.detail = 0
        self.received = 0
        self._flash = flash
        self._boot_state = boot_state
        self._board_name = board_name
        self._clock = clock
        self._progress = progress
        self._heard_at = clock.now()
        self._folder = "/slot%d" % (1 - slot)
        self._stage = IDLE
        self._due = 0
        self._digest = b""
        self._hash = None
        self._out = None
        self._files = []
        self._number = 0
        self._last: "tuple[int, int, int] | None" = None

    @property
    def busy(self) -> bool:
        """Whether an update is under way. One that the Pi has left alone is given up when this is asked."""
        under_way = self._stage in (TAKING_MANIFEST, TAKING_FILES)
        if under_way and self._clock.since(self._heard_at) > parameters.UPDATE_STALL_MS:
            self._stop()
            return False
        return under_way

    def begin(self, length: int, digest: bytes) -> int:
        """Forget what the other slot holds; a manifest of `length` bytes with this SHA-256 will come."""
        return self._answer(None, self._begin, length, digest)

    def manifest(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        """The next bytes of the manifest; the last ones are answered when it was found to be good."""
        return self._answer((MANIFEST, offset, end - start), self._manifest, offset, buffer, start, end)

    def file(self, number: int) -> int:
        """What comes now is this file of the manifest."""
        return self._answer((FILE, number, 0), self._file, number)

    def write(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        """The next bytes of the file; the last ones are answered when its SHA-256 was right."""
        return self._answer((WRITE, offset, end - start), self._write, offset, buffer, start, end)

    def end(self) -> int:
        """All files are in place: the other slot starts next, on trial."""
        return self._answer((END, 0, 0), self._end)

    def abort(self) -> int:
        """Give up what is under way, if anything."""
        if self.busy:
            self._stop()
        self._last = None
        return codes.ERROR_OK

    def _answer(
        self, request: "tuple[int, int, int] | None", step: "Callable[..., None]", *arguments: object
    ) -> int:
        self.detail = 0
        self._heard_at = self._clock.now()
        if request is not None and request == self._last:
            return codes.ERROR_OK
        self._last = None
        try:
            step(*arguments)
        except Refused as refused:
            self.detail = refused.detail
            if refused.error != codes.ERROR_UPDATE_ORDER:
                self._stop()
            return refused.error
        except OSError as error:
            self._stop()
            self.detail = error.args[0] & 0xFF if error.args else 0
            return codes.ERROR_UPDATE_NO_ROOM if self.detail == ENOSPC else codes.ERROR_UPDATE_STORAGE
        self._last = request
        return codes.ERROR_OK

    def _begin(self, length: int, digest: bytes) -> None:
        if self._boot_state.on_trial and self._boot_state.active == self.slot:
            raise Refused(codes.ERROR_UPDATE_ORDER, ON_TRIAL)
        if not 0 < length <= parameters.UPDATE_MANIFEST_BYTES or len(digest) != DIGEST_BYTES:
            raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_LENGTH)
        self._stop()
        if self._boot_state.active != self.slot:
            self._boot_state.keep(self.slot)
            self.next_slot = self.slot
        # Without its manifest the slot is nothing to start from, whatever else of it is still there.
        self._flash.remove(self._folder + "/manifest.json")
        self._flash.remove_tree(self._folder, progress=self._progress)
        self._flash.make_folder(self._folder)
        self._digest = bytes(digest)
        self._open(self._folder + "/manifest.new", length)
        self._stage = TAKING_MANIFEST

    def _manifest(self, offset: int, buffer: bytearray, start: int, end: int) -> None:
        self._must_be(TAKING_MANIFEST)
        if not self._take(offset, buffer, start, end):
            return
        if self._close() != self._digest:
            raise Refused(codes.ERROR_UPDATE_BAD_MANIFEST, BAD_DIGEST)
        with self._flash.open(self._folder + "/manifest.new", "rb") as file:
            self._files = files_of(file.read(), board_name=self._board_name)
        if room_for(self._files, block_bytes=self._flash.block_bytes()) > self._flash.free_bytes():
            raise Refused(codes.ERROR_UPDATE_NO_ROOM, 0)
        self._number = 0
        self._stage = TAKING_FILES

    def _file(self, number: int) -> None:
        self._must_be(TAKING_FILES)
        if self._out is not None or number != self._number or number >= len(self._files):
            raise Refused(codes.ERROR_UPDATE_ORDER, self._stage)
        path, size, _ = self._files[number]
        folder = self._folder
        for part in path.split("/")[:-1]:
            folder += "/" + part
            self._flash.make_folder(folder)
        self._open(self._folder + "/" + path, size)
        if size == 0:
            self._check_file()

    def _write(self, offset: int, buffer: bytearray, start: int, end: int) -> None:
        self._must_be(TAKING_FILES)
        if self._out is None:
            raise Refused(codes.ERROR_UPDATE_ORDER, self._stage)
        if self._take(offset, buffer, start, end):
            self._check_file()

    def _check_file(self) -> None:
        if self._close() != self._files[self._number][2]:
            raise Refused(codes.ERROR_UPDATE_BAD_HASH, self._number & 0xFF)
        self._number += 1

    def _end(self) -> None:
        self._must_be(TAKING_FILES)
        if self._out is not None or self._number != len(self._files):
            raise Refused(codes.ERROR_UPDATE_ORDER, self._stage)
        other = 1 - self.slot
        self._flash.rename(self._folder + "/manifest.new", self._folder + "/manifest.json")
        self._boot_state.begin_trial(other)
        self._files = []
        self._stage = ENDED
        self.next_slot = other

    def _must_be(self, stage: int) -> None:
        if self._stage != stage:
            raise Refused(codes.ERROR_UPDATE_ORDER, self._stage)

    def _open(self, path: str, size: int) -> None:
        self._out = self._flash.open(path, "wb")
        self._hash = hashlib.sha256()
        self._due = size
        self.received = 0

    def _take(self, offset: int, buffer: bytearray, start: int, end: int) -> bool:
        """Write and hash; True when that was the last of it."""
        if offset != self.received or not start < end <= start + self._due - offset:
            raise Refused(codes.ERROR_UPDATE_ORDER, self._stage)
        out, digest = self._out, self._hash
        assert out is not None
        assert digest is not None
        piece = memoryview(buffer)[start:end]
        if out.write(piece) != end - start:
            raise OSError(ENOSPC)
        digest.update(piece)
        self.received += end - start
        self._progress()
        return self.received == self._due

    def _close(self) -> bytes:
        out, self._out = self._out, None
        digest = self._hash
        assert out is not None
        assert digest is not None
        out.close()
        return digest.digest()

    def _stop(self) -> None:
        """What was written stays, without a manifest: the next update clears it away."""
        out, self._out = self._out, None
        self._files = []
        self._stage = IDLE
        if out is not None:
            try:
                out.close()
            except OSError:
                pass  # the file is given up anyway
