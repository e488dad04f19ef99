"""What the board remembers: whatever happens to its files, it comes back as it was before or as it was to be."""

import os

from firmware.core.counters import BOOTS, NAMES, TAMPERS, Counters
from firmware.core.store import Store

KEY = bytes(range(1, 33))
FOLDER = "/tmp/whorl-store-test"
PATHS = (FOLDER + "/state.a", FOLDER + "/state.b")


def fresh():
    if FOLDER[5:] not in os.listdir("/tmp"):
        os.mkdir(FOLDER)
    for path in PATHS:
        write(path, None)
    return Store(folder=FOLDER, counters=Counters())


def again():
    store = Store(folder=FOLDER, counters=Counters())
    store.load()
    return store


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def write(path, data):
    if data is None:
        if read(path) is not None:
            os.remove(path)
    else:
        with open(path, "wb") as file:
            file.write(data)


def paired():
    store = fresh()
    store.pairing_key = KEY
    store.baud = 115200
    store.counters.add(BOOTS)
    assert store.save()
    return store


def test_a_new_board_knows_nothing():
    store = fresh()
    assert not store.load()
    assert (store.pairing_key, store.tampered, store.baud) == (None, False, 0)
    assert store.damaged == 0


def test_what_was_saved_is_there_after_a_reset():
    paired()
    store = again()
    assert store.pairing_key == KEY
    assert store.baud == 115200
    assert not store.tampered
    assert store.counters.values[BOOTS] == 1
    store.tampered = True
    store.save()
    assert again().tampered


def test_saves_alternate_and_the_newer_copy_counts():
    store = paired()
    for rate in (9600, 19200, 38400, 57600):
        store.baud = rate
        before = [read(path) for path in PATHS]
        store.save()
        after = [read(path) for path in PATHS]
        assert sum(1 for old, new in zip(before, after) if old != new) == 1  # noqa: B905 - MicroPython's zip has no strict
        assert again().baud == rate
    assert again().saves == 5


def test_a_save_cut_off_at_any_byte_leaves_the_one_before():
    store = paired()
    store.baud = 57600
    store.save()
    before = [read(path) for path in PATHS]
    store.baud = 9600
    store.save()
    after = [read(path) for path in PATHS]
    changed = 0 if before[0] != after[0] else 1
    for length in list(range(len(after[changed]))) + [None]:  # noqa: RUF005 - MicroPython unpacks nothing in a list
        write(PATHS[changed], after[changed][:length] if length is not None else None)
        store = again()
        assert store.baud == 57600
        assert store.pairing_key == KEY
        # and the next save mends what was cut off
        if length in (None, 0, 20):
            store.baud = 19200
            store.save()
            assert again().baud == 19200


def test_a_flipped_bit_anywhere_is_noticed():
    store = paired()
    store.baud = 9600
    store.save()
    newest = PATHS[1]
    good = read(newest)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << (at % 8)
        write(newest, bad)
        store = again()
        assert store.baud == 115200
        assert store.damaged == 1


def test_garbage_in_both_copies_is_a_new_board():
    paired()
    for garbage in (b"", b"\0" * 200, b"\xff" * 600, bytes(range(256)), b"WRL1" + b"\xff" * 130):
        for path in PATHS:
            write(path, garbage)
        store = Store(folder=FOLDER, counters=Counters())
        assert not store.load()
        assert store.damaged == 2
        assert store.pairing_key is None
        assert store.save()
        assert again().damaged == 1


def test_a_forgotten_key_is_in_no_copy():
    store = paired()
    store.save()
    store.counters.add(TAMPERS)
    assert store.forget_key(tampered=True)
    for path in PATHS:
        assert KEY[:8] not in read(path)
    store = again()
    assert store.pairing_key is None
    assert store.tampered
    assert store.counters.values[TAMPERS] == 1


def test_forgetting_that_was_cut_off_is_finished_at_the_next_start():
    store = paired()
    store.save()
    with_key = read(PATHS[1])
    store.forget_key(tampered=True)
    write(PATHS[1], with_key)  # as if the power had gone between the two saves
    store = again()
    assert store.pairing_key is None
    assert store.tampered
    for path in PATHS:
        assert KEY[:8] not in read(path)


def test_unpairing_is_no_alarm_but_ends_none():
    store = paired()
    store.forget_key(tampered=False)
    assert not again().tampered
    store = paired()
    store.tampered = True
    store.forget_key(tampered=False)
    assert again().tampered


def test_another_firmware_may_count_other_things():
    store = paired()
    values = store.counters.values
    store.counters.values = type(values)("I", [7] * (len(NAMES) + 5))
    store.save()
    assert list(again().counters.values) == [7] * len(NAMES)
    store.counters.values = type(values)("I", [9] * 3)
    store.save()
    assert list(again().counters.values) == [9] * 3 + [0] * (len(NAMES) - 3)


def test_flash_that_refuses_is_told():
    store = Store(folder=FOLDER + "/not/there", counters=Counters())
    assert not store.load()
    assert not store.save()
    assert not store.forget_key(tampered=True)
    assert store.tampered
