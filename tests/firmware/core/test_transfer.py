"""An image over a wire that loses, damages and repeats: the right one, or a named error, and never a wrong one."""

from helpers.scripted_sensor import UP_IMAGE, packet
from helpers.session_bench import Bench, in_state

from firmware.core import codes
from firmware.core import counters as count

PACKETS = 288


class Once:
    """Spoils one packet of an image, the first `times` that it is sent."""

    def __init__(self, number, change, times=1):
        self.number = number
        self.change = change
        self.left = times

    def __call__(self, code, number, data):
        if code == UP_IMAGE and number == self.number and self.left:
            self.left -= 1
            return self.change(data)
        return data


def flipped(data):
    return data[:60] + bytes((data[60] ^ 0x10,)) + data[61:]


def shortened(data):
    return data[:60] + data[65:]


def left_out(_):
    return b""


def repeated(data):
    return data + data


def after_noise(data):
    return b"\x01\xef\xef\x01\xff\xff\xff\xff\x02" + data


def after_half_a_packet(data):
    """Its header is good: what follows looks like a damaged packet."""
    return data[:14] + data


def longer(data):
    """Its length says 256, and the sum is right."""
    return data[:7] + b"\x01\x02" + data[9:]


def ready(password=0):
    bench = Bench(remembered_baud=57600, model=codes.MODEL_R307, password=password)
    bench.sensor.password = password
    bench.run(in_state(codes.STATE_READY))
    bench.sensor.asked.clear()
    return bench


def generations_used(bench, before):
    return (bench.image.generation - before) & 0xFFFF


def test_every_fault_once_in_any_packet():
    for change in (flipped, shortened, left_out, repeated, after_noise, after_half_a_packet, longer):
        for number in (1, 144, PACKETS):
            bench = ready()
            bench.sensor.spoil = Once(number, change)
            before = bench.image.generation
            assert bench.capture() == 0, (change, number)
            assert bench.has_image(), (change, number)
            harmless = change is after_noise or (change is repeated and number == PACKETS)
            again = 0 if harmless else 1
            assert generations_used(bench, before) == 1 + again, (change, number)
            assert (bench.counters.values[count.SENSOR_DAMAGED] > 0) == bool(again)
            assert bench.counters.values[count.SENSOR_POWER_CYCLES] == 0


def test_a_repeated_last_packet_is_no_answer_to_the_next_question():
    bench = ready()
    bench.sensor.spoil = Once(PACKETS, repeated)
    assert bench.capture() == 0
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.counters.values[count.SENSOR_DAMAGED] == 0


def test_a_packet_left_out_and_another_repeated_is_noticed():
    # The count of bytes and every sum are right: only the repetition gives it away.
    bench = ready()
    bench.sensor.spoil = lambda code, number, data: (
        Once(100, left_out)(code, number, Once(40, repeated)(code, number, data))
        if bench.sensor.asked.count(UP_IMAGE) == 1
        else data
    )
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.sensor.asked.count(UP_IMAGE) == 3  # one that differs, two that agree


def test_an_attempt_that_contradicts_an_earlier_one_is_not_believed():
    # Two flips that cancel in the sum, and a damaged packet later on: the next attempt shows both.
    def cancelling(data):
        one = bytearray(data)
        at = 20
        while not (one[at] & 1 and not one[at + 1] & 1):
            at += 1
        one[at] ^= 1
        one[at + 1] ^= 1
        return bytes(one)

    bench = ready()
    bench.sensor.spoil = lambda code, number, data: (
        Once(200, flipped)(code, number, Once(40, cancelling)(code, number, data))
        if bench.sensor.asked.count(UP_IMAGE) == 1
        else data
    )
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.sensor.asked.count(UP_IMAGE) == 3


def test_a_wire_that_damages_every_image_ends_in_a_named_error():
    for change in (flipped, left_out, repeated):
        bench = ready()
        bench.sensor.spoil = Once(7, change, times=1000)
        assert bench.capture() == codes.ERROR_SENSOR_GARBLED
        assert not bench.image.complete
        assert bench.session.state == codes.STATE_READY
        assert bench.sensor.asked.count(UP_IMAGE) == 4
        assert bench.counters.values[count.CAPTURES_FAILED] == 1
        bench.sensor.spoil = None
        assert bench.capture() == 0
        assert bench.has_image()


def test_the_count_of_bytes_never_holds_what_was_not_proven():
    bench = ready()
    bench.sensor.spoil = Once(3, flipped)
    bench.session.start_capture(5000, 1)
    first = bench.image.generation + 1
    most = 0
    while bench.session.busy:
        bench.session.step()
        bench.clock.tick(1)
        if bench.image.generation == first:
            most = max(most, bench.image.length)
    assert most == 2 * 128


def test_silence_in_mid_transfer_is_cured_by_the_power_switch():
    bench = ready()

    def fall_silent(code, number, data):
        if code == UP_IMAGE and number == 100 and bench.sensor.power_ups == 1:
            bench.sensor.silent = True
            bench.sensor._packets = 0
            return data[:50]
        return data

    bench.sensor.spoil = fall_silent
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.sensor.power_ups == 2
    assert bench.counters.values[count.SENSOR_POWER_CYCLES] == 1
    assert bench.counters.values[count.SENSOR_TIMEOUTS] > 0


def test_a_sensor_that_restarts_by_itself_is_told_its_password_and_looked_at_again():
    bench = ready(password=0x1234)

    def restart(code, number, data):
        if code == UP_IMAGE and number == 0 and bench.sensor.asked.count(UP_IMAGE) == 1:
            bench.sensor.verified = bench.sensor.taken = False
            bench.sensor._packets = 0
            return packet(0x07, b"\x21")
        return data

    bench.sensor.spoil = restart
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.sensor.power_ups == 1


def test_stray_answers_and_half_a_packet_before_the_image():
    bench = ready()

    def stray(code, number, data):
        if code == UP_IMAGE and number == 0:
            return b"\x00\x55" + data + packet(0x07, b"\x02") + data[:5]
        return data

    bench.sensor.spoil = stray
    assert bench.capture() == 0
    assert bench.has_image()


def test_a_sensor_that_never_stops_sending_is_given_up_in_time():
    bench = ready()
    endless = packet(0x02, bytes(range(100)))

    def flood(buffer, _):
        buffer[: len(endless)] = endless
        return len(endless)

    quiet = bench.session._conversation._read
    bench.session._conversation._read = flood
    started = bench.clock.now()
    assert bench.capture() == codes.ERROR_SENSOR_GARBLED
    assert bench.session.state == codes.STATE_FAULT
    assert bench.clock.since(started) < 60_000
    bench.session._conversation._read = quiet
    assert bench.capture() == 0
    assert bench.has_image()


def test_draining_an_image_that_nobody_wants_is_progress():
    bench = ready()
    bench.sensor.cut = 5
    bench.session.start_capture(5000, 1)
    bench.run(lambda _: bench.image.length > 1000)
    bench.session.cancel()
    bench.session.start_capture(5000, 1)
    still = 0
    progress = bench.session.progress
    while bench.session.state == codes.STATE_WAITING_FINGER:
        bench.session.step()
        bench.clock.tick(1)
        still = 0 if bench.session.progress != progress else still + 1
        progress = bench.session.progress
        assert still < 300
    assert bench.session.state in (codes.STATE_TAKING, codes.STATE_RECEIVING)


def test_an_image_whose_answer_was_lost_is_drained_however_long_it_takes():
    bench = ready()
    bench.sensor.cut = 5  # eight seconds for the image
    bench.sensor.spoil = Once(0, left_out)
    assert bench.capture() == 0
    assert bench.has_image()
    assert bench.sensor.asked.count(UP_IMAGE) == 2
    assert bench.sensor.power_ups == 1
