"""From a finger to an image, on a sensor without faults and on one with the usual ones."""

from helpers.scripted_sensor import GEN_IMG, GET_IMAGE_EX, UP_IMAGE
from helpers.session_bench import R503_BYTES, Bench, in_state

from firmware.core import codes
from firmware.core import counters as count

MODEL_307 = codes.MODEL_R307


def ready(**settings):
    bench = Bench(remembered_baud=57600, **settings)
    bench.run(in_state(codes.STATE_READY))
    bench.sensor.asked.clear()
    return bench


def test_an_image_comes_whole_in_every_packet_size_and_any_cut():
    for packet_bytes in (32, 64, 128, 256):
        for cut in (5, 64, 1000):
            bench = ready(packet_bytes=packet_bytes, model=MODEL_307)
            bench.sensor.cut = cut
            assert bench.capture() == 0
            assert bench.has_image(), (packet_bytes, cut)
            assert bench.session.state == codes.STATE_DONE
            assert bench.counters.values[count.IMAGES] == 1


def test_the_first_image_settles_an_unknown_geometry():
    bench = ready(image_bytes=R503_BYTES)
    assert bench.session.info.image_bytes == 0
    assert bench.capture() == 0
    assert bench.has_image()
    info = bench.session.info
    assert (info.model, info.width, info.height, info.dpi) == (codes.MODEL_OTHER, 192, 192, 508)


def test_an_image_of_another_models_size_names_the_sensor_unknown():
    for model, size in ((codes.MODEL_R307, R503_BYTES), (codes.MODEL_AS608, R503_BYTES)):
        bench = ready(image_bytes=size, model=model)
        assert bench.capture() == codes.ERROR_SENSOR_UNKNOWN
        assert not bench.image.complete
        assert bench.sensor.asked.count(UP_IMAGE) == 2


def test_nobody_presses():
    bench = ready()
    bench.sensor.finger = [2]
    started = bench.clock.now()
    assert bench.capture(timeout_ms=3000) == codes.ERROR_NO_FINGER
    assert 3000 <= bench.clock.since(started) < 3500
    assert bench.session.state == codes.STATE_READY
    assert bench.counters.values[count.CAPTURES_FAILED] == 0
    bench.sensor.finger = [0]
    assert bench.capture() == 0


def test_a_finger_without_an_image_is_told_from_no_finger():
    bench = ready()
    bench.sensor.finger = [3]
    assert bench.capture(timeout_ms=500) == codes.ERROR_IMAGE_FAILED
    assert bench.counters.values[count.CAPTURES_FAILED] == 1


def test_a_refusal_comes_with_the_sensors_code():
    bench = ready()
    bench.sensor.finger = [0x29]
    assert bench.capture() == codes.ERROR_SENSOR_REFUSED
    assert bench.session.detail == 0x29
    assert bench.counters.values[count.SENSOR_REFUSALS] == 1


def test_the_detect_line_is_waited_for_and_debounced():
    bench = ready()
    bench.sensor.has_detect_line = True
    assert bench.session.start_capture(60_000, 1)
    for _ in range(1000):
        bench.session.step()
        bench.clock.tick(1)
    assert bench.sensor.asked == []
    for at in range(100):  # it bounces
        bench.sensor.line = at % 20 < 10
        bench.session.step()
        bench.clock.tick(1)
    assert bench.sensor.asked == []
    bench.sensor.line = True
    took = bench.run(in_state(codes.STATE_RECEIVING))
    assert 30 <= took < 200


def test_a_broken_detect_line_costs_two_seconds_and_not_the_finger():
    bench = ready()
    bench.sensor.has_detect_line = True
    started = bench.clock.now()
    assert bench.capture(timeout_ms=60_000) == 0
    assert bench.clock.since(started) < 3000


def test_looks_until_the_finger_has_settled():
    cases = (
        ([0], 1, 1),
        ([0], 5, 2),
        ([0, 3, 0, 0], 5, 4),
        ([0, 3, 3, 0], 4, 4),
    )
    for finger, looks, taken in cases:
        bench = ready()
        bench.sensor.finger = list(finger)
        assert bench.capture(looks=looks) == 0
        assert bench.sensor.asked.count(GEN_IMG) == taken, finger
        assert bench.session.look == taken
        assert bench.has_image()


def test_a_finger_that_goes_away_is_waited_for_again():
    bench = ready()
    bench.sensor.finger = [0, 2, 2, 0, 0]
    assert bench.capture(looks=3) == 0
    assert bench.sensor.asked.count(GEN_IMG) == 5


def test_a_sensor_that_judges_is_looked_at_until_the_image_is_good():
    cases = (
        ([0], 3, [GEN_IMG, GET_IMAGE_EX], 2),
        ([7, 7, 0], 5, [GEN_IMG, GET_IMAGE_EX, GET_IMAGE_EX, GET_IMAGE_EX], 4),
        ([7], 3, [GEN_IMG, GET_IMAGE_EX, GET_IMAGE_EX, GEN_IMG], 3),
    )
    for judgements, looks, asked, look in cases:
        bench = Bench(image_bytes=R503_BYTES, remembered_baud=57600)
        bench.sensor.product = (b"R503", 192, 192)
        bench.sensor.knows_ex = True
        bench.sensor.ex_codes = list(judgements)
        bench.run(in_state(codes.STATE_READY))
        bench.sensor.asked.clear()
        assert bench.capture(looks=looks) == 0
        assert bench.sensor.asked == asked + [UP_IMAGE]  # noqa: RUF005 - MicroPython knows no other way
        assert bench.session.look == look
        assert bench.has_image()


def test_a_sensor_that_does_not_judge_after_all():
    bench = Bench(image_bytes=R503_BYTES, remembered_baud=57600)
    bench.sensor.product = (b"R503", 192, 192)
    bench.run(in_state(codes.STATE_READY))
    assert bench.capture(looks=3) == 0
    assert bench.has_image()


def test_lift():
    for line in (False, True):
        bench = ready()
        bench.sensor.has_detect_line = bench.sensor.line = line
        assert bench.session.start_lift(10_000)
        for _ in range(500):
            bench.session.step()
            bench.clock.tick(1)
        assert bench.session.state == codes.STATE_WAITING_LIFT
        bench.sensor.finger = [2]
        bench.sensor.line = False
        assert bench.run(lambda session: not session.busy) < 200
        assert (bench.session.state, bench.session.error) == (codes.STATE_READY, 0)


def test_a_finger_that_stays():
    bench = ready()
    assert bench.session.start_lift(1000)
    assert 1000 <= bench.run(lambda session: not session.busy) < 1300
    assert bench.session.error == codes.ERROR_STILL_ON


def test_a_second_job_is_refused_while_one_is_under_way():
    bench = ready()
    assert bench.session.start_capture(1000, 1)
    assert not bench.session.start_capture(1000, 1)
    assert not bench.session.start_lift(1000)


def test_the_light_tells_what_to_do():
    bench = ready()
    assert bench.capture() == 0
    bench.session.start_lift(1000)
    bench.sensor.finger = [2]
    bench.run(in_state(codes.STATE_READY))
    lights = [codes.name_of("LED_", light) for light in bench.sensor.lights]
    assert lights == ["STARTING", "READY", "PRESS", "HOLD", "DONE", "READY"]


def test_cancel_at_any_moment_leaves_a_sensor_that_works():
    # Steps of a whole capture, from the start of the sensor to the last packets.
    for after in (1, 250, 400, 700, 760, 800, 900, 1000, 1040, 1080):
        bench = Bench(model=MODEL_307)
        bench.sensor.look_ms = 200
        bench.session.start_capture(10_000, 2)
        for _ in range(after):
            bench.session.step()
            bench.clock.tick(1)
        state = bench.session.state
        assert bench.session.cancel()
        assert not bench.session.busy
        assert bench.session.error == codes.ERROR_CANCELLED
        if state > codes.STATE_PROBING:
            assert bench.session.state == codes.STATE_READY
        assert bench.capture(looks=2) == 0, after
        assert bench.has_image(), after
        assert bench.counters.values[count.SENSOR_POWER_CYCLES] == 0


def test_cancel_without_a_job():
    bench = ready()
    assert bench.session.cancel()
    assert (bench.session.state, bench.session.error) == (codes.STATE_READY, 0)
    assert bench.capture() == 0
    assert bench.session.state == codes.STATE_DONE
    assert bench.session.cancel()
    assert bench.session.state == codes.STATE_READY


def test_progress_rises_with_packets_and_stands_still_without():
    bench = ready()
    bench.sensor.finger = [2]
    before = bench.session.progress
    assert bench.capture(timeout_ms=200) == codes.ERROR_NO_FINGER
    looked = bench.session.progress
    assert looked > before
    bench.sensor.finger = [0]
    assert bench.capture() == 0
    assert bench.session.progress >= looked + 288
    bench.sensor.silent = True
    still = bench.session.progress
    bench.session.start_capture(1000, 1)
    bench.run(in_state(codes.STATE_POWERING))
    assert bench.session.progress == still


def test_a_week_of_nothing_in_between():
    bench = ready()
    assert bench.capture() == 0
    for days in (5, 7, 10):
        bench.clock.tick(days * 86_400_000)
        bench.session.step()
        assert bench.capture() == 0, days
        assert bench.counters.values[count.SENSOR_POWER_CYCLES] == 0
        assert bench.counters.values[count.SENSOR_DAMAGED] == 0
