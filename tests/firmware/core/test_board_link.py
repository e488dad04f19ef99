"""The board's end of the link against a Pi over hashlib; runs on CPython and on MicroPython.

One long file on purpose: every rule of the link is tried on the same bench, and the interpreter loads it once.
"""

from helpers.link_bench import KEY, LinkBench, Pi

from firmware.core import bodies, codes
from firmware.core.compat import ON_MICROPYTHON, micropython
from firmware.core.framing import MAX_COUNTER
from firmware.core.parameters import HOST_STALL_MS

STATE_BODY = bytes([codes.STATE_READY, 0, 0, codes.FLAG_PAIRED])


def opened(**settings):
    bench = LinkBench(**settings)
    bench.open()
    return bench


def send_state(bench):
    bench.link.event[bench.link.event_start : bench.link.event_start + 4] = STATE_BODY
    return bench.link.send_event(codes.EVENT_STATE, 4)


# --- identify and sessions ---


def test_identify_opens_a_session_and_proves_the_key():
    bench = LinkBench()
    identity = bench.identity
    identity.unique = b"8 bytes."
    identity.board = codes.BOARD_RP2040
    identity.reset_cause = codes.RESET_WATCHDOG
    identity.slot = 1
    identity.sensor_model = codes.MODEL_R503
    identity.capabilities = codes.CAN_TAMPER | codes.CAN_BUTTON
    identity.flags = codes.FLAG_LID_OPEN
    identity.uptime_ms = 123_456
    identity.boots = 7
    identity.version = b"1.2.3"
    assert not bench.link.in_session
    assert bench.send(bench.pi.identify(sequence=0x102)) == 0
    raw = bench.wire.take()
    assert raw[0] == 0  # the Pi's reader may be within a broken frame
    body = bench.pi.read(raw)[0][3]
    told = bodies.IDENTITY.named(body, 0)
    bench.pi.derive(told["board_nonce"])
    assert bench.pi.read(raw) == [(0x81, 0x102, 1, body, "up")]
    assert told == {
        "error": 0,
        "lowest": 1,
        "highest": 1,
        "flags": codes.FLAG_LID_OPEN | codes.FLAG_PAIRED | codes.FLAG_SESSION,
        "board_nonce": b"\x01" * 16,
        "unique": b"8 bytes.",
        "board": codes.BOARD_RP2040,
        "reset_cause": codes.RESET_WATCHDOG,
        "slot": 1,
        "sensor_model": codes.MODEL_R503,
        "capabilities": 12,
        "uptime_ms": 123_456,
        "boots": 7,
        "version": b"1.2.3" + bytes(11),
    }
    assert bench.link.in_session
    assert bench.counted() == {}


def test_a_board_without_a_key_speaks_with_a_pi_without_a_key():
    bench = LinkBench(board_key=None, pi_key=bytes(32))
    assert not bench.open()["flags"] & codes.FLAG_PAIRED
    assert not bench.link.paired
    assert bench.send(bench.pi.frame(codes.STATUS)) == codes.STATUS


def test_another_key_is_told_so_politely_and_opens_nothing():
    for board_key, pi_key in ((KEY, b"x" * 32), (KEY, bytes(32)), (None, KEY)):
        bench = LinkBench(board_key=board_key, pi_key=pi_key)
        assert bench.send(bench.pi.identify(sequence=9)) == 0
        ((kind, sequence, counter, body, whose),) = bench.frames()
        assert (kind, sequence, counter, whose) == (0x81, 9, 0, "everybody")
        told = bodies.IDENTITY.named(body, 0)
        assert told["error"] == codes.ERROR_NOT_PAIRED_WITH_YOU
        assert bool(told["flags"] & codes.FLAG_PAIRED) == (board_key is not None)
        assert told["board_nonce"] == bytes(16)
        assert not bench.link.in_session
        assert bench.counted() == {"link_bad_mac": 1}


def test_another_key_does_not_end_the_session_of_the_right_one():
    bench = opened()
    stranger = Pi(b"x" * 32)
    bench.send(stranger.identify())
    assert bench.frames()[0][4] == "everybody"
    assert bench.link.in_session
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=2)) == codes.STATUS


def test_no_version_in_common_is_told_so():
    for lowest, highest in ((2, 9), (0, 0), (3, 2)):
        bench = LinkBench()
        bench.send(bench.pi.identify(lowest=lowest, highest=highest))
        ((_, _, _, body, whose),) = bench.frames()
        assert (body[0], body[1], body[2], whose) == (codes.ERROR_PROTOCOL, 1, 1, "everybody")
        assert not bench.link.in_session
    bench = LinkBench()
    assert bench.send(bench.pi.identify(lowest=0, highest=9)) == 0
    assert bench.link.in_session


def test_identify_of_another_length_is_answered_too():
    bench = LinkBench()
    bench.send(bench.pi.frame(codes.IDENTIFY, b"\1\1", counter=0, key=bench.pi.hello))
    assert bench.frames()[0][3][0] == codes.ERROR_BAD_BODY
    assert not bench.link.in_session


def test_an_identify_asked_again_is_answered_in_the_same_session():
    bench = LinkBench()
    first = bench.open(sequence=5)
    assert bench.send(bench.pi.identify(sequence=5)) == 0
    ((kind, sequence, counter, body, whose),) = bench.frames()
    assert (kind, sequence, counter, whose) == (0x81, 5, 2, "up")
    assert bodies.IDENTITY.named(body, 0) == first
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=6)) == codes.STATUS


def test_an_identify_played_back_later_opens_another_session_for_which_no_one_has_the_keys():
    bench = LinkBench()
    recorded = bench.pi.identify(sequence=5)
    bench.open(sequence=5)
    bench.send(bench.pi.frame(codes.STATUS, sequence=6))
    bench.link.answer(0)
    bench.frames()
    old = bench.pi.frame(codes.CANCEL, sequence=7)
    bench.send(recorded)
    assert bench.frames()[0][4] == "nobody"
    assert bench.send(old) == 0
    assert bench.count("link_bad_mac") == 1


def test_a_session_recorded_and_played_back_is_refused():
    bench = opened()
    request = bench.pi.frame(codes.STATUS, sequence=2)
    assert bench.send(request) == codes.STATUS
    bench.link.answer(0)
    bench.frames()
    assert bench.send(request) == 0
    assert bench.frames() == []
    assert bench.counted() == {"link_replayed": 1}
    bench.open(sequence=3)
    assert bench.send(request) == 0
    ((kind, _, counter, body, whose),) = bench.frames()
    assert (kind, counter, body, whose) == (0x82, 0, bytes([codes.ERROR_NO_SESSION, 0]), "everybody")
    assert bench.counted() == {"link_replayed": 1, "link_bad_mac": 1}


def test_a_request_without_a_session_is_told_so():
    bench = LinkBench()
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=3, key=b"d" * 32)) == 0
    assert bench.frames() == [(0x82, 3, 0, bytes([codes.ERROR_NO_SESSION, 0]), "everybody")]


def test_the_keys_of_a_wiped_session_open_nothing():
    bench = LinkBench()
    assert bench.send(bench.pi.frame(codes.STATUS, key=bytes(32))) == 0
    opened_and_ended = opened()
    opened_and_ended.link.forget_key()
    assert opened_and_ended.send(opened_and_ended.pi.frame(codes.STATUS, sequence=2)) == 0
    assert opened_and_ended.count("link_bad_mac") == 1


# --- requests ---


def test_a_request_is_given_once_and_answered():
    bench = opened()
    assert bench.send(bench.pi.frame(codes.CAPTURE, b"\0\0\x10\0\x02", sequence=2)) == codes.CAPTURE
    link = bench.link
    assert bodies.CAPTURE.fits(link.request_length)
    assert bodies.CAPTURE.unpack_from(link.request, link.request_start) == (4096, 2)
    assert link.poll() == 0  # once is enough
    link.reply[link.reply_start : link.reply_start + 3] = b"abc"
    link.answer(codes.ERROR_OK, 3)
    assert link.poll() == 0
    assert bench.frames() == [(0x83, 2, 2, b"\0abc", "up")]
    assert link.idle


def test_an_error_carries_its_detail():
    bench = opened()
    bench.send(bench.pi.frame(codes.CAPTURE, sequence=2))
    bench.link.answer(codes.ERROR_BUSY, detail=codes.STATE_TAKING)
    assert bench.frames()[0][3] == bytes([codes.ERROR_BUSY, codes.STATE_TAKING])


def test_a_request_asked_again_is_answered_again_and_not_done_again():
    bench = opened()
    bench.send(bench.pi.frame(codes.RELEASE, b"\0\1", sequence=2))
    bench.link.reply[bench.link.reply_start] = 77
    bench.link.answer(codes.ERROR_OK, 1)
    assert bench.frames() == [(0x87, 2, 2, b"\0\x4d", "up")]
    send_state(bench)
    assert bench.send(bench.pi.frame(codes.RELEASE, b"\0\1", sequence=2)) == 0
    assert bench.frames() == [
        (codes.EVENT_STATE, 0, 3, STATE_BODY, "up"),
        (0x87, 2, 4, b"\0\x4d", "up"),
    ]
    assert bench.count("link_repeated") == 1
    assert bench.send(bench.pi.frame(codes.RELEASE, b"\0\1", sequence=3)) == codes.RELEASE


def test_strangers_and_noise_do_not_spoil_the_answer_that_is_kept():
    bench = opened()
    bench.send(bench.pi.frame(codes.RELEASE, sequence=2))
    bench.link.answer(codes.ERROR_BUSY, detail=5)
    bench.frames()
    bench.send(Pi(b"x" * 32).identify(sequence=2))
    bench.send(bench.pi.frame(codes.RELEASE, b"other", sequence=2, key=b"x" * 32))
    bench.send(b"\0noise\0" * 20)
    bench.frames()
    bench.send(bench.pi.frame(codes.RELEASE, sequence=2))
    assert bench.frames() == [(0x87, 2, 3, bytes([codes.ERROR_BUSY, 5]), "up")]


def test_while_a_request_waits_for_its_answer_nothing_else_is_read():
    bench = opened()
    both = bench.pi.frame(codes.STATUS, sequence=2) + bench.pi.frame(codes.CANCEL, sequence=3)
    assert bench.send(both) == codes.STATUS
    for _ in range(5):
        assert bench.link.poll() == 0
    bench.link.answer(0)
    assert bench.link.poll() == codes.CANCEL
    bench.link.answer(0)
    bench.link.answer(0)  # nothing at hand: nothing is said
    assert [frame[0] for frame in bench.frames()] == [0x82, 0x85]


def test_an_unknown_request_is_refused_and_counted():
    bench = opened()
    assert bench.send(bench.pi.frame(codes.UPDATE_ABORT + 1, b"?", sequence=2)) == 0
    assert bench.frames() == [(0x96, 2, 2, bytes([codes.ERROR_UNKNOWN_REQUEST, 0x16]), "up")]
    assert bench.send(bench.pi.frame(codes.LAST_REQUEST, sequence=3)) == 0
    assert bench.frames()[0][3][0] == codes.ERROR_UNKNOWN_REQUEST
    assert bench.counted() == {"link_unknown": 2}


def test_what_is_no_request_is_dropped():
    bench = opened()
    for kind in (0, 0x40, codes.EVENT_CHUNK, 0x81, 0xFF):
        assert bench.send(bench.pi.frame(kind, sequence=2)) == 0
    assert bench.frames() == []
    assert bench.counted() == {"link_unknown": 5}


def test_damage_is_counted_by_its_kind_and_answered_with_nothing():
    bench = opened()
    good = bench.pi.frame(codes.STATUS, sequence=2)
    bench.send(good[:-3] + bytes([good[-3] ^ 1 or 2]) + good[-2:])
    assert bench.counted() == {"link_bad_crc": 1}
    bench.send(b"\x05\x01\0")
    assert bench.count("link_damaged") == 1
    bench.send(b"\x11" * 700 + b"\0")
    assert bench.counted() == {"link_bad_crc": 1, "link_damaged": 1, "link_too_long": 1}
    assert bench.frames() == []
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=2)) == codes.STATUS


def test_counters_have_to_rise_and_may_leave_some_out():
    bench = opened()
    for counter, known in ((5, True), (4, False), (5, False), (6, True), (MAX_COUNTER - 1, True), (7, False)):
        request = bench.send(bench.pi.frame(codes.STATUS, sequence=counter & 0xFFFF, counter=counter))
        assert bool(request) is known, counter
        bench.link.answer(0)
    assert bench.count("link_replayed") == 3
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=8, counter=MAX_COUNTER + 1)) == 0
    assert bench.count("link_replayed") == 4


def test_the_last_counter_ends_the_session():
    bench = opened()
    bench.send(bench.pi.frame(codes.STATUS, sequence=2, counter=MAX_COUNTER))
    assert not bench.link.in_session
    bench = opened()
    bench.link._up_counter = MAX_COUNTER - 1
    assert send_state(bench)
    assert bench.frames() == [(codes.EVENT_STATE, 0, MAX_COUNTER, STATE_BODY, "up")]
    assert not bench.link.in_session
    assert not send_state(bench)


# --- pairing and tampering ---


def test_a_new_key_ends_the_session_and_the_answer_still_goes_out():
    bench = LinkBench(board_key=None, pi_key=bytes(32))
    bench.open()
    assert bench.send(bench.pi.frame(codes.PAIR, KEY, sequence=2)) == codes.PAIR
    link = bench.link
    key = bytearray(link.request[link.request_start : link.request_start + link.request_length])
    bench.wire.room = 10
    link.answer(codes.ERROR_OK)
    link.set_pairing_key(key)
    bench.wire.room = 1000
    link.step()
    assert bench.frames() == [(0x8A, 2, 2, b"\0", "up")]
    assert link.paired
    assert not link.in_session
    assert KEY not in bytes(link._reader.plain) + bytes(link._reader._stuffed) + bytes(link._input)
    bench.pi = Pi()
    assert bench.open()["flags"] & codes.FLAG_PAIRED


def test_a_key_of_another_length_is_an_error():
    for key in (b"", b"x" * 31, b"x" * 33):
        try:
            LinkBench(board_key=None).link.set_pairing_key(bytearray(key))
        except ValueError:
            continue
        raise AssertionError(key)


def test_tampering_is_told_under_the_old_key_and_then_the_key_is_gone():
    bench = opened()
    bench.wire.room = 5
    assert send_state(bench)  # half sent
    bench.link.forget_key(codes.EVENT_TAMPER)
    assert not bench.link.paired
    assert not bench.link.in_session
    assert not bench.link.can_send
    keys = bench.link._keys
    assert not any(list(keys.down.inner) + list(keys.up.inner) + list(keys.down.outer) + list(keys.up.outer))
    bench.wire.room = 1000
    bench.link.step()
    assert bench.frames() == [
        (codes.EVENT_STATE, 0, 2, STATE_BODY, "up"),
        (codes.EVENT_TAMPER, 0, 3, b"", "up"),
    ]
    bench.send(bench.pi.identify(sequence=8))
    assert bench.frames()[0][3][0] == codes.ERROR_NOT_PAIRED_WITH_YOU


def test_tampering_without_a_session_is_silent():
    bench = LinkBench()
    bench.link.forget_key(codes.EVENT_TAMPER)
    assert bench.wire.take() == b""
    assert not bench.link.paired


# --- a Pi that does not read, and a cable that is pulled ---


def test_events_wait_for_room_and_lose_nothing():
    bench = opened()
    bench.wire.most = 7
    assert send_state(bench)
    assert not send_state(bench)
    for _ in range(20):
        bench.link.step()
    assert bench.link.can_send
    assert bench.frames() == [(codes.EVENT_STATE, 0, 2, STATE_BODY, "up")]


def test_no_event_without_a_session():
    bench = LinkBench()
    assert not send_state(bench)
    assert bench.wire.take() == b""


def test_a_frame_that_nobody_takes_is_broken_off_and_the_next_is_whole():
    bench = opened()
    bench.wire.room = 9
    assert send_state(bench)
    bench.clock.tick(HOST_STALL_MS - 1)
    bench.link.step()
    assert not bench.link.idle
    bench.clock.tick(1)
    bench.link.step()
    assert bench.link.idle
    assert bench.counted() == {"link_stalls": 1}
    bench.wire.room = 1000
    assert send_state(bench)
    raw = bench.wire.take()
    assert raw[9] == 0
    assert bench.pi.read(raw[10:]) == [(codes.EVENT_STATE, 0, 3, STATE_BODY, "up")]


def test_requests_are_read_while_an_event_is_stuck():
    bench = opened()
    bench.wire.room = 9
    send_state(bench)
    assert bench.send(bench.pi.frame(codes.CANCEL, sequence=2)) == codes.CANCEL
    bench.link.answer(0)
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=3)) == 0  # the answer first
    bench.wire.room = 1000
    bench.link.step()
    assert [frame[:3] for frame in bench.frames()] == [(codes.EVENT_STATE, 0, 2), (0x85, 2, 3)]
    assert bench.link.poll() == codes.STATUS


def test_a_half_sent_answer_is_not_overwritten_by_the_next():
    bench = opened()
    bench.send(bench.pi.frame(codes.STATUS, sequence=2))
    bench.wire.room = 12
    bench.link.answer(0)
    again = bench.pi.frame(codes.STATUS, sequence=2) + bench.pi.frame(codes.CANCEL, sequence=3)
    assert bench.send(again) == 0
    bench.wire.room = 1000
    bench.link.step()
    assert bench.send(b"") == codes.CANCEL
    bench.link.answer(0)
    assert [frame[:3] for frame in bench.frames()] == [(0x82, 2, 2), (0x82, 2, 3), (0x85, 3, 4)]


def test_a_pi_that_never_reads_freezes_nothing():
    bench = opened()
    bench.wire.room = 0
    for i in range(2, 30):
        bench.send(bench.pi.frame(codes.STATUS, sequence=i))
        bench.link.answer(0)
        send_state(bench)
        bench.clock.tick(HOST_STALL_MS)
        bench.link.step()
    assert bench.count("link_stalls") == 28
    bench.wire.room = 1000
    bench.send(b"")
    bench.link.answer(0)
    bench.send(bench.pi.frame(codes.STATUS, sequence=50))
    bench.link.answer(0)
    assert bench.frames()[-1][:2] == (0x82, 50)


def test_a_pulled_cable_forgets_what_was_half_done():
    bench = opened()
    whole = bench.pi.frame(codes.STATUS, sequence=2)
    bench.send(whole[:20])
    bench.wire.room = 9
    send_state(bench)
    bench.wire.pulled = True
    assert bench.link.poll() == 0
    bench.link.step()
    assert bench.link.idle
    assert bench.counted() == {}
    bench.wire.pulled = False
    bench.wire.room = 1000
    bench.wire.take()
    bench.send(whole[20:])
    assert bench.count("link_damaged") == 1
    bench.open(sequence=3)
    assert bench.link.in_session


# --- memory ---


def test_a_chunk_and_a_request_take_no_memory():
    bench = opened()
    bench.wire.most = 64
    bench.wire.coming = bytearray()
    request = bench.pi.frame(codes.GET_CHUNKS, b"\0\1\0\0\0\1", sequence=2)
    again = bench.pi.frame(codes.GET_CHUNKS, b"\0\1\0\0\0\1", sequence=2)
    wrong = bench.pi.frame(codes.GET_CHUNKS, b"\0\1\0\0\0\1", sequence=3, key=b"x" * 32)
    noise = b"\x07noise\0" + b"\x55" * 600 + b"\0"
    coming = request + again + wrong + noise + bench.pi.identify(sequence=9, nonce=b"another nonce...")
    image = bytes(i & 255 for i in range(256))
    port = Port(coming)
    link = bench.link
    link._read = port.read_into
    link._write = port.write
    link._keys._random = no_nonce
    link._clock = ShortClock()

    micropython.heap_lock()
    try:
        work(link, image)
    finally:
        micropython.heap_unlock()

    assert port.done == len(coming)
    frames = bench.pi.read(bytes(port.gone[: port.written]))
    chunk = (codes.EVENT_CHUNK, 0, 2, b"\0\1\0\7" + image, "up")
    assert frames[0] == chunk
    assert [frame[0] for frame in frames] == [codes.EVENT_CHUNK, 0x86, 0x86, 0x86, 0x81]
    assert [frame[4] for frame in frames] == ["up", "up", "up", "everybody", "nobody"]
    assert bench.counted() == {
        "link_repeated": 1,
        "link_bad_mac": 1,
        "link_damaged": 1,
        "link_too_long": 1,
    }


def no_nonce(buffer):
    pass


class ShortClock:
    """A clock without large numbers, which 32-bit boards would have to make objects of."""

    def now(self):
        return 5

    def since(self, then):
        return 5 - then


class Port:
    """A port that takes 64 bytes at a time and allocates nothing itself."""

    def __init__(self, coming):
        self.coming = coming
        self.done = 0
        self.gone = bytearray(2000)
        self.written = 0

    def read_into(self, buffer, count):
        i = 0
        while i < count and self.done < len(self.coming):
            buffer[i] = self.coming[self.done]
            self.done += 1
            i += 1
        return i

    def write(self, buffer, offset, count):
        i = 0
        while i < count and i < 64:
            self.gone[self.written] = buffer[offset + i]
            self.written += 1
            i += 1
        return i


def work(link, image):
    """What the application does in a transfer, without a single object."""
    bodies.put_u16(link.event, link.event_start, 1)
    bodies.put_u16(link.event, link.event_start + 2, 7)
    i = 0
    while i < 256:
        link.event[link.event_start + 4 + i] = image[i]
        i += 1
    link.send_event(codes.EVENT_CHUNK, 260)
    i = 0
    while i < 100:
        link.step()
        if link.poll() == codes.GET_CHUNKS:
            link.answer(codes.ERROR_OK)
        i += 1


def test_the_heap_is_really_locked_where_there_is_a_lock():
    micropython.heap_lock()
    try:
        allocated = bytearray(100)
    except MemoryError:
        allocated = None
    finally:
        micropython.heap_unlock()
    assert (allocated is None) == ON_MICROPYTHON
