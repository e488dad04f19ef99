"""The boot state: two copies, of which one may always be broken. Runs on CPython and on MicroPython."""

import os
import sys

from firmware.boot.boot_state import (
    COPIES,
    FALL_BACK_RAISED,
    FALL_BACK_UNCONFIRMED,
    RECORD_BYTES,
    BootState,
)


class Folder:
    """A folder that is gone afterwards, also where there is no tempfile."""

    def __init__(self):
        self.root = "/tmp/whorl-boot-%s-%d" % (
            sys.implementation.name,
            os.urandom(4)[0] << 8 | os.urandom(1)[0],
        )

    def __enter__(self):
        os.mkdir(self.root)
        return self.root

    def __exit__(self, *_):
        for copy in COPIES:
            if has(self.root + copy):
                os.remove(self.root + copy)
        os.rmdir(self.root)


def has(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def facts(root):
    state = BootState(root=root)
    return state.active, state.on_trial, state.trial_boots, state.fall_backs


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def get(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_new_board_starts_slot_0():
    with Folder() as root:
        assert facts(root) == (0, False, 0, 0)
        assert not has(root + COPIES[0]), "reading writes nothing"


def test_a_trial_counted_and_confirmed():
    with Folder() as root:
        BootState(root=root).begin_trial(1)
        assert facts(root) == (1, True, 0, 0)
        BootState(root=root).count_trial_boot()
        BootState(root=root).count_trial_boot()
        assert facts(root) == (1, True, 2, 0)
        BootState(root=root).confirm()
        assert facts(root) == (1, False, 0, 0)


def test_a_fall_back_is_told_once():
    with Folder() as root:
        BootState(root=root).begin_trial(1)
        BootState(root=root).fall_back(FALL_BACK_UNCONFIRMED)
        state = BootState(root=root)
        assert (state.active, state.on_trial, state.failed) == (0, False, 0b10)
        assert (state.last_fall_back, state.untold, state.fall_backs) == (FALL_BACK_UNCONFIRMED, True, 1)
        state.told()
        state = BootState(root=root)
        assert (state.last_fall_back, state.untold) == (FALL_BACK_UNCONFIRMED, False)


def test_confirmed_slots_have_not_failed():
    with Folder() as root:
        BootState(root=root).fall_back(FALL_BACK_RAISED)
        assert BootState(root=root).failed == 0b01
        BootState(root=root).confirm()
        assert BootState(root=root).failed == 0


def test_a_broken_copy_leaves_what_was_before():
    for broken in (b"", b"x", b"\xff" * RECORD_BYTES, bytes(RECORD_BYTES), bytes(RECORD_BYTES + 1)):
        with Folder() as root:
            state = BootState(root=root)
            state.begin_trial(1)  # into the first copy
            state.confirm()  # into the second
            put(root + COPIES[1], broken)
            assert facts(root) == (1, True, 0, 0), broken
            BootState(root=root).count_trial_boot()
            assert facts(root) == (1, True, 1, 0), broken
            assert len(get(root + COPIES[1])) == RECORD_BYTES, "the broken copy is the one written over"


def test_every_bit_of_a_copy_counts():
    with Folder() as root:
        state = BootState(root=root)
        state.begin_trial(1)
        state.confirm()
        good = get(root + COPIES[1])
        for bit in range(8 * RECORD_BYTES):
            bad = bytearray(good)
            bad[bit >> 3] ^= 1 << (bit & 7)
            put(root + COPIES[1], bad)
            assert facts(root) == (1, True, 0, 0), bit
        put(root + COPIES[1], good[:-1])
        assert facts(root) == (1, True, 0, 0)
        put(root + COPIES[1], good + b"x")
        assert facts(root) == (1, True, 0, 0)


def test_many_saves_alternate():
    with Folder() as root:
        state = BootState(root=root)
        for count in range(1, 8):
            state.count_trial_boot()
            assert BootState(root=root).trial_boots == count
