"""The board's part of an update. Runs on CPython over a folder and on MicroPython over a littlefs in memory.

On MicroPython the power cuts leave files that the collector closes later; what it prints about them is no failure.

One long file on purpose: every way to spoil an update starts from the same one.
"""

import binascii
import hashlib
import json
import os
import sys

from firmware.boot.boot_state import FALL_BACK_NONE, BootState
from firmware.core import codes, parameters, update_manifest
from firmware.core import update as update_module
from firmware.core.flash import Flash
from firmware.core.slots import Slots
from firmware.core.update import Updater

BLOCK_BYTES = 4096
BLOCKS = 24
PIECE = 100
CONTENTS = {
    "firmware/__init__.mpy": b"",
    "firmware/core/a.mpy": bytes(range(256)) * 3,
    "firmware/core/b.mpy": b"b" * 101,
}
OLD = b"the old version, untouched"


class PowerCut(OSError):  # noqa: N818 - reads as what it is
    def __init__(self):
        super().__init__(5)


class RamDisk:
    """A block device as the RP2040's flash is one: 4 KB to erase, 256 bytes to write. Its power can be cut."""

    memory = None  # one for all, because a small heap finds no second place for it

    def __init__(self):
        RamDisk.memory = RamDisk.memory or bytearray(BLOCK_BYTES * BLOCKS)
        self.data = RamDisk.memory
        self.left = -1
        self.gone = False  # after a reset nobody of before can touch the flash

    def spend(self):
        if self.left == 0 or self.gone:
            raise PowerCut
        self.left -= 1

    def readblocks(self, number, buffer, offset=0):
        if self.gone:
            return -5
        at = number * BLOCK_BYTES + offset
        buffer[:] = memoryview(self.data)[at : at + len(buffer)]
        return 0

    def writeblocks(self, number, buffer, offset=0):
        self.spend()
        at = number * BLOCK_BYTES + offset
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, what, argument):
        if what == 4:
            return BLOCKS
        if what == 5:
            return BLOCK_BYTES
        if what == 6:
            self.spend()
            at = argument * BLOCK_BYTES
            self.data[at : at + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0


class LittleFsDisk:
    """A littlefs in memory, mounted; MicroPython only."""

    def __init__(self):
        self.device = RamDisk()
        os.VfsLfs2.mkfs(self.device, progsize=256)
        self.mount()

    def mount(self):
        os.mount(os.VfsLfs2(self.device, progsize=256), "/flash")
        self.root = "/flash"

    def flash(self):
        return Flash(root=self.root)

    def cut_after(self, writes):
        self.device.left = writes

    def power_on(self):
        """What a reset does: all that was open is gone, and the file system is what the flash holds."""
        os.umount("/flash")
        self.device.gone = True
        self.device = RamDisk()
        self.mount()

    def close(self):
        os.umount("/flash")


class CutFlash(Flash):
    """A folder whose power can be cut before any of the operations that change it."""

    left = -1

    def spend(self):
        if self.left == 0:
            raise PowerCut
        self.left -= 1

    def open(self, path, mode):
        if mode == "wb":
            self.spend()
        return CutFile(super().open(path, mode), self)

    def rename(self, old, new):
        self.spend()
        super().rename(old, new)

    def remove(self, path):
        self.spend()
        super().remove(path)


class CutFile:
    def __init__(self, file, flash):
        self.file = file
        self.flash = flash

    def write(self, data):
        self.flash.spend()
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


class FolderDisk:
    """A folder of the PC; CPython only."""

    def __init__(self):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.cut = CutFlash(root=self.root)

    def flash(self):
        return self.cut

    def cut_after(self, writes):
        self.cut.left = writes

    def power_on(self):
        self.cut = CutFlash(root=self.root)

    def close(self):
        self.folder.cleanup()


class HandClock:
    def __init__(self):
        self.ms = 0

    def now(self):
        return self.ms

    def since(self, then):
        return self.ms - then


class Board:
    """A disk with an old version in slot 0, and the updater that runs from there."""

    def __init__(self, **options):
        self.disk = LittleFsDisk() if sys.implementation.name == "micropython" else FolderDisk()
        os.mkdir(self.disk.root + "/slot0")
        self.put("/slot0/manifest.json", OLD)
        self.clock = HandClock()
        self.options = options
        self.times = 1
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.updater.abort()
        self.disk.close()

    def start(self, slot=0):
        self.boot_state = BootState(root=self.disk.root)
        self.progress = 0
        self.updater = Updater(
            flash=self.options.get("flash") or self.disk.flash(),
            boot_state=self.boot_state,
            board_name="unix",
            slot=slot,
            clock=self.clock,
            progress=self.one_more,
        )
        self.slots = Slots(
            boot_state=self.boot_state, slot=slot, clock=self.clock, make_updater=lambda: self.updater
        )

    def one_more(self):
        self.progress += 1

    def put(self, path, data):
        with open(self.disk.root + path, "wb") as file:
            file.write(data)

    def get(self, path):
        try:
            with open(self.disk.root + path, "rb") as file:
                return file.read()
        except OSError:
            return None

    def send(self, manifest, contents=CONTENTS, digest=None):
        """A whole update, as the Pi sends it; the first error, or 0."""
        digest = digest or hashlib.sha256(manifest).digest()
        error = self.updater.begin(len(manifest), digest) or self.pieces(self.updater.manifest, manifest)
        for number, path in enumerate(sorted(contents)):
            error = error or self.ask(self.updater.file, number)
            error = error or self.pieces(self.updater.write, contents[path])
        return error or self.ask(self.updater.end)

    def pieces(self, take, data):
        frame = bytearray(PIECE + 7)
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            frame[7 : 7 + len(piece)] = piece
            error = self.ask(take, at, frame, 7, 7 + len(piece))
            if error:
                return error
            assert self.updater.received == at + len(piece)
        return 0

    def ask(self, request, *arguments):
        """The answer; it is the same when it is asked for `times` times."""
        answers = set()
        for _ in range(self.times):
            answers.add(request(*arguments))
        assert len(answers) == 1
        return answers.pop()


def manifest_of(contents, **changes):
    manifest = {
        "format": 1,
        "board": "unix",
        "mpy": update_manifest.this_mpy("6.3"),
        "entry": "firmware.unix.main",
        "files": [
            {"path": path, "size": len(contents[path]), "sha256": hex_digest(contents[path])}
            for path in sorted(contents)
        ],
    }
    manifest.update(changes)
    return json.dumps(manifest).encode()


def hex_digest(data):
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


GOOD = manifest_of(CONTENTS)


def test_a_whole_update_starts_next_on_trial():
    with Board() as board:
        assert board.send(GOOD) == codes.ERROR_OK
        assert board.updater.next_slot == 1
        assert not board.updater.busy
        assert not board.slots.on_trial, "what runs is still the old version"
        assert board.progress >= len(CONTENTS)
        for path, data in CONTENTS.items():
            assert board.get("/slot1/" + path) == data
        assert board.get("/slot1/manifest.json") == GOOD
        assert board.get("/slot0/manifest.json") == OLD
        state = BootState(root=board.disk.root)
        assert (state.active, state.on_trial, state.trial_boots) == (1, True, 0)


def test_a_second_update_replaces_all_that_the_first_left():
    with Board() as board:
        assert board.send(GOOD) == codes.ERROR_OK
        other = {"firmware/c.mpy": b"c"}
        assert board.send(manifest_of(other), other) == codes.ERROR_OK
        assert board.get("/slot1/firmware/c.mpy") == b"c"
        assert board.get("/slot1/firmware/core/a.mpy") is None


def test_a_new_update_after_one_that_has_not_started_yet_keeps_the_running_slot():
    with Board() as board:
        assert board.send(GOOD) == codes.ERROR_OK
        assert board.updater.begin(len(GOOD), hashlib.sha256(GOOD).digest()) == codes.ERROR_OK
        state = BootState(root=board.disk.root)
        assert (state.active, state.on_trial) == (0, False)
        assert board.get("/slot1/manifest.json") is None


def test_everything_in_its_order():
    with Board() as board:
        updater, frame = board.updater, bytearray(b"x" * 64)
        order = codes.ERROR_UPDATE_ORDER
        assert updater.manifest(0, frame, 0, 1) == order
        assert updater.file(0) == order
        assert updater.write(0, frame, 0, 1) == order
        assert updater.end() == order
        assert updater.detail == update_module.IDLE
        assert updater.abort() == codes.ERROR_OK
        updater.begin(len(GOOD), hashlib.sha256(GOOD).digest())
        assert updater.busy
        assert updater.manifest(1, frame, 0, 1) == order, "a gap"
        assert updater.manifest(0, frame, 0, 0) == order, "nothing in it"
        assert updater.manifest(0, bytearray(len(GOOD) + 1), 0, len(GOOD) + 1) == order, (
            "more than was announced"
        )
        assert updater.file(0) == order
        assert board.pieces(updater.manifest, GOOD) == codes.ERROR_OK, "an error of order breaks nothing"
        assert updater.manifest(len(GOOD), frame, 0, 1) == order
        assert updater.file(1) == order, "not the first"
        assert updater.write(0, frame, 0, 1) == order, "no file begun"
        assert updater.end() == order
        assert updater.file(0) == codes.ERROR_OK, "an empty file is whole at once"
        assert updater.file(1) == codes.ERROR_OK
        assert updater.file(2) == order, "the one before is not whole"
        assert updater.write(1, frame, 0, 1) == order
        assert updater.end() == order
        assert updater.detail == update_module.TAKING_FILES
        assert updater.abort() == codes.ERROR_OK
        assert not updater.busy
        assert updater.write(0, frame, 0, 1) == order


def test_every_request_may_come_twice():
    with Board() as board:
        board.times = 2
        assert board.send(GOOD) == codes.ERROR_OK
        assert board.updater.next_slot == 1
        for path, data in CONTENTS.items():
            assert board.get("/slot1/" + path) == data


def test_only_the_very_last_request_may_come_again():
    with Board() as board:
        updater = board.updater
        updater.begin(len(GOOD), hashlib.sha256(GOOD).digest())
        board.pieces(updater.manifest, GOOD)
        assert updater.file(0) == codes.ERROR_OK
        assert updater.file(1) == codes.ERROR_OK
        assert updater.file(0) == codes.ERROR_UPDATE_ORDER
        assert updater.file(1) == codes.ERROR_UPDATE_ORDER, "something else was asked in between"


def test_a_manifest_that_is_not_the_announced_one():
    with Board() as board:
        assert board.send(GOOD, digest=bytes(32)) == codes.ERROR_UPDATE_BAD_MANIFEST
        assert board.updater.detail == update_manifest.BAD_DIGEST
        assert not board.updater.busy
        assert board.send(GOOD) == codes.ERROR_OK


def test_lengths_that_no_manifest_has():
    with Board() as board:
        for length in (0, -1, parameters.UPDATE_MANIFEST_BYTES + 1):
            assert board.updater.begin(length, bytes(32)) == codes.ERROR_UPDATE_BAD_MANIFEST
        assert board.updater.begin(100, bytes(31)) == codes.ERROR_UPDATE_BAD_MANIFEST


def test_manifests_that_cannot_be_used():
    deep = b"[" * 5000
    for bad, detail in (
        (b"not json", update_manifest.BAD_FIELDS),
        (b"\xff\xfe\x00", update_manifest.BAD_FIELDS),
        (deep, update_manifest.BAD_FIELDS),
        (b"[]", update_manifest.BAD_FIELDS),
        (b"{}", update_manifest.BAD_FIELDS),
        (manifest_of(CONTENTS, files=5), update_manifest.BAD_FIELDS),
        (
            manifest_of(CONTENTS, files=[{"path": "firmware/x", "size": "1", "sha256": "00" * 32}]),
            update_manifest.BAD_FIELDS,
        ),
        (
            manifest_of(CONTENTS, files=[{"path": "firmware/x", "size": 1, "sha256": "00"}]),
            update_manifest.BAD_FIELDS,
        ),
        (
            manifest_of(CONTENTS, files=[{"path": 7, "size": 1, "sha256": "00" * 32}]),
            update_manifest.BAD_PATH,
        ),
        (
            manifest_of(CONTENTS, files=[{"path": "firmware/x", "size": 1.5, "sha256": "00" * 32}]),
            update_manifest.BAD_SIZE,
        ),
        (
            manifest_of(CONTENTS, files=[{"path": "firmware/x", "size": -1, "sha256": "00" * 32}]),
            update_manifest.BAD_SIZE,
        ),
        (
            manifest_of(CONTENTS, files=[{"path": "firmware/x", "size": 2**30 - 1, "sha256": "00" * 32}]),
            update_manifest.BAD_SIZE,
        ),
        (manifest_of({}), update_manifest.BAD_SIZE),
    ):
        with Board() as board:
            assert board.send(bad) == codes.ERROR_UPDATE_BAD_MANIFEST, bad[:60]
            assert board.updater.detail == detail, bad[:60]
            assert board.get("/slot0/manifest.json") == OLD


def test_paths_that_leave_the_slot():
    for path in (
        "../slot0/manifest.json",
        "/slot0/manifest.json",
        "manifest.json",
        "firmware",
        "firmware/",
        "firmware//x",
        "firmware/../../slot0/x",
        "firmware/./x",
        "firmware/.hidden",
        "firmware/X",
        "firmware/a b",
        "firmware/\\x",
        "firmware/" + "x" * 64,
    ):
        with Board() as board:
            assert board.send(manifest_of({path: b"x"}), {path: b"x"}) == codes.ERROR_UPDATE_BAD_MANIFEST, (
                path
            )
            assert board.updater.detail == update_manifest.BAD_PATH, path


def test_one_path_twice():
    twice = [{"path": "firmware/x", "size": 1, "sha256": hex_digest(b"x")}] * 2
    with Board() as board:
        assert board.send(manifest_of({}, files=twice)) == codes.ERROR_UPDATE_BAD_MANIFEST
        assert board.updater.detail == update_manifest.BAD_PATH


def test_another_boards_firmware():
    with Board() as board:
        assert board.send(manifest_of(CONTENTS, board="rp2040")) == codes.ERROR_UPDATE_WRONG_BOARD
        assert board.updater.detail == update_manifest.BY_NAME
        assert board.send(manifest_of(CONTENTS, format=2)) == codes.ERROR_UPDATE_WRONG_BOARD


def test_files_that_this_micropython_does_not_load():
    if update_manifest.this_mpy("") == "":
        return  # CPython loads none, whatever the version
    with Board() as board:
        assert board.send(manifest_of(CONTENTS, mpy="5.2")) == codes.ERROR_UPDATE_WRONG_BOARD
        assert board.updater.detail == update_manifest.BY_MICROPYTHON


def test_a_file_that_is_not_what_the_manifest_says():
    changed = dict(CONTENTS)
    changed["firmware/core/a.mpy"] = b"?" * 768
    with Board() as board:
        assert board.send(GOOD, changed) == codes.ERROR_UPDATE_BAD_HASH
        assert board.updater.detail == 1
        assert board.get("/slot1/manifest.json") is None
        assert BootState(root=board.disk.root).active == 0
        assert board.send(GOOD) == codes.ERROR_OK


def test_more_than_there_is_room_for():
    big = {"firmware/x.mpy": bytes(1000), "firmware/y.mpy": bytes(20_000)}
    with Board() as board:
        board.options["flash"] = Flash(root=board.disk.root, limit_bytes=60_000)
        board.start()
        assert board.send(manifest_of(big), big) == codes.ERROR_UPDATE_NO_ROOM
        assert not board.updater.busy
        assert board.get("/slot0/manifest.json") == OLD
        assert board.send(GOOD) == codes.ERROR_OK


def test_nothing_is_overwritten_while_on_trial():
    with Board() as board:
        assert board.send(GOOD) == codes.ERROR_OK
        board.start(slot=1)
        assert board.slots.on_trial
        assert board.updater.begin(len(GOOD), hashlib.sha256(GOOD).digest()) == codes.ERROR_UPDATE_ORDER
        assert board.updater.detail == update_module.ON_TRIAL
        assert board.get("/slot0/manifest.json") == OLD
        assert board.slots.confirm()
        assert not board.slots.on_trial
        assert not BootState(root=board.disk.root).on_trial
        assert board.updater.begin(len(GOOD), hashlib.sha256(GOOD).digest()) == codes.ERROR_OK


def test_a_trial_ends_by_itself_when_nobody_confirms():
    with Board() as board:
        board.send(GOOD)
        board.start(slot=1)
        board.clock.ms = parameters.TRIAL_MS
        assert not board.slots.trial_is_over()
        board.clock.ms += 1
        assert board.slots.trial_is_over()
        board.slots.confirm()
        assert not board.slots.trial_is_over()


def test_an_update_that_the_pi_left_alone_is_given_up():
    with Board() as board:
        updater = board.updater
        updater.begin(len(GOOD), hashlib.sha256(GOOD).digest())
        board.clock.ms += parameters.UPDATE_STALL_MS
        assert updater.busy
        assert updater.manifest(0, bytearray(GOOD), 0, 10) == codes.ERROR_OK
        board.clock.ms += parameters.UPDATE_STALL_MS
        assert updater.busy
        board.clock.ms += 1
        assert not updater.busy
        assert updater.manifest(10, bytearray(GOOD), 10, 20) == codes.ERROR_UPDATE_ORDER
        assert board.send(GOOD) == codes.ERROR_OK


def test_a_confirmation_of_what_is_not_on_trial_writes_nothing():
    with Board() as board:
        assert board.slots.confirm()
        assert board.get("/boot_a") is None


def test_the_power_cut_at_every_single_write():
    writes = 0
    done = False
    while not done:
        with Board() as board:
            board.disk.cut_after(writes)
            try:
                error = board.send(GOOD)
            except PowerCut:  # the boot state has files of its own
                error = codes.ERROR_UPDATE_STORAGE
            board.disk.power_on()
            state = BootState(root=board.disk.root)
            done = error == codes.ERROR_OK
            assert error in (codes.ERROR_OK, codes.ERROR_UPDATE_STORAGE), error
            assert state.last_fall_back == FALL_BACK_NONE
            assert board.get("/slot0/manifest.json") == OLD
            if state.active == 1:
                assert state.on_trial
                assert [board.get("/slot1/" + path) for path in sorted(CONTENTS)] == [
                    CONTENTS[path] for path in sorted(CONTENTS)
                ]
            board.start(slot=0)
            assert board.send(GOOD) == codes.ERROR_OK, writes
        writes += 1
    assert writes > 10
