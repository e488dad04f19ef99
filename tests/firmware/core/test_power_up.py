"""From the power switch to a sensor that can be used."""

from helpers.scripted_sensor import (
    EMPTY,
    READ_PROD_INFO,
    READ_SYS_PARA,
    TEMPLATE_COUNT,
    UP_IMAGE,
    VFY_PWD,
    ack,
    packet,
)
from helpers.session_bench import R503_BYTES, Bench, in_state

from firmware.core import codes
from firmware.core import counters as count

UP_OR_OUT = in_state(codes.STATE_READY, codes.STATE_FAULT)


def test_a_sensor_is_off_long_enough_and_nothing_is_said_to_it_before():
    bench = Bench(remembered_baud=57600)
    while not bench.sensor.powered:
        assert bench.session.state in (codes.STATE_OFF, codes.STATE_POWERING)
        bench.session.step()
        bench.clock.tick(1)
    # At 300 ms by the sensor's clock that began 1 s before the wrap.
    assert bench.clock.since(bench.clock.WRAP - 1000) >= 300
    bench.run(UP_OR_OUT)
    assert bench.session.state == codes.STATE_READY
    assert bench.sensor.written_while_off == 0


def test_ready_well_within_two_seconds_besides_the_sensors_own_time():
    for model, most_ms in ((codes.MODEL_R307, 800), (codes.MODEL_UNKNOWN, 1200)):
        bench = Bench(baud=115200, remembered_baud=115200, model=model)
        assert bench.run(UP_OR_OUT) < most_ms
        assert bench.session.state == codes.STATE_READY


def test_what_the_sensor_says_when_it_wakes_up_disturbs_nothing():
    for says in (b"\x55", b"\x55\x00", b"\x00", b"", b"\xef\x01\xff\xff\xff\xff\x07\x00", bytes(range(256))):
        for boot_ms in (0, 10, 60, 200):
            bench = Bench(baud=115200, remembered_baud=115200)
            bench.sensor.boot_says = says
            bench.sensor.boot_ms = boot_ms
            bench.run(UP_OR_OUT)
            assert bench.session.state == codes.STATE_READY, (says, boot_ms)
            assert bench.session.error == 0
            assert bench.sensor.power_ups == 1


def test_what_it_tells_of_itself():
    bench = Bench(image_bytes=R503_BYTES, remembered_baud=57600, packet_bytes=256)
    bench.sensor.product = (b"R503", 192, 192)
    bench.run(UP_OR_OUT)
    info = bench.session.info
    assert (info.model, info.width, info.height, info.dpi) == (codes.MODEL_R503, 192, 192, 508)
    assert (info.packet_bytes, info.baud, info.capacity, info.system_id) == (256, 57600, 200, 9)


def test_a_sensor_that_states_another_geometry_or_name_is_refused():
    for product, model in (
        ((b"R503", 256, 288), codes.MODEL_UNKNOWN),
        ((b"R999", 192, 192), codes.MODEL_UNKNOWN),
        ((b"R307", 256, 288), codes.MODEL_R503),
    ):
        bench = Bench(remembered_baud=57600, model=model)
        bench.sensor.product = product
        bench.run(UP_OR_OUT)
        assert bench.session.state == codes.STATE_FAULT
        assert bench.session.error == codes.ERROR_SENSOR_UNKNOWN
        assert bench.counters.values[count.SENSOR_REFUSALS] == 1
        assert bench.sensor.power_ups == 1


def test_the_library_is_emptied_only_when_it_holds_something():
    for held, empties in ((0, True), (3, True), (3, False)):
        bench = Bench(remembered_baud=57600)
        bench.sensor.templates = held
        bench.sensor.empties = empties
        bench.run(UP_OR_OUT)
        assert bench.session.state == codes.STATE_READY
        assert bench.sensor.asked.count(EMPTY) == (1 if held else 0)
        info = bench.session.info
        assert info.library_held == (held > 0)
        assert info.library_emptied == (held == 0 or empties)


def test_small_packets_are_enlarged_and_others_kept():
    for packet_bytes, then, writes in ((32, 128, 1), (64, 128, 1), (128, 128, 0), (256, 256, 0)):
        bench = Bench(remembered_baud=57600, packet_bytes=packet_bytes)
        bench.run(UP_OR_OUT)
        assert bench.session.info.packet_bytes == then
        assert bench.sensor.flash_writes == writes


def test_a_password_is_verified_and_a_wrong_one_never_tried_twice():
    bench = Bench(remembered_baud=57600, password=0xCAFE1234)
    bench.sensor.password = 0xCAFE1234
    assert bench.capture() == 0
    assert bench.has_image()

    bench = Bench(remembered_baud=57600, password=1)
    bench.sensor.password = 2
    bench.run(UP_OR_OUT)
    assert bench.session.state == codes.STATE_FAULT
    assert bench.session.error == codes.ERROR_SENSOR_LOCKED
    assert bench.session.detail == 0x13
    assert bench.sensor.asked == [VFY_PWD]
    for _ in range(5):  # however often somebody asks
        assert bench.capture() == codes.ERROR_SENSOR_LOCKED
    assert bench.sensor.asked == [VFY_PWD]
    assert bench.session.state == codes.STATE_FAULT
    bench.clock.tick(7 * 86_400_000)  # or ten seconds
    for _ in range(10):
        bench.session.step()
        bench.clock.tick(1)
    bench.sensor.password = 1
    assert bench.capture() == 0


def test_another_password_and_model_can_be_configured():
    bench = Bench(remembered_baud=57600, password=1)
    bench.sensor.password = 2
    bench.run(UP_OR_OUT)
    bench.session.configure(model=codes.MODEL_R307, password=2)
    bench.run(UP_OR_OUT)
    assert bench.session.state == codes.STATE_READY
    assert bench.session.info.model == codes.MODEL_R307


def test_a_dead_sensor_is_a_fault_in_the_end_and_tried_again_by_the_next_job():
    bench = Bench()
    bench.sensor.silent = True
    power = bench.sensor.sensor_power

    def dead(on):
        power(on)
        bench.sensor.silent = True

    bench.sensor.sensor_power = dead
    assert bench.run(UP_OR_OUT) < 20_000
    assert bench.session.state == codes.STATE_FAULT
    assert bench.session.error == codes.ERROR_SENSOR_SILENT
    assert bench.sensor.power_ups == 3
    assert bench.counters.values[count.SENSOR_POWER_CYCLES] == 2
    assert bench.counters.values[count.SENSOR_TIMEOUTS] == 0  # that was the search for the baud rate
    assert bench.capture() == codes.ERROR_SENSOR_SILENT
    assert bench.sensor.power_ups == 6
    assert bench.counters.values[count.CAPTURES_FAILED] == 1
    bench.sensor.sensor_power = power
    assert bench.capture() == 0
    assert bench.has_image()
    lights = [codes.name_of("LED_", light) for light in bench.sensor.lights]
    assert lights[:2] == ["STARTING", "FAULT"]


def test_a_sensor_that_only_babbles_is_named_so():
    bench = Bench()
    bench.sensor.spoil = lambda code, number, data: bytes(range(40))
    bench.run(UP_OR_OUT)
    assert bench.session.error == codes.ERROR_SENSOR_GARBLED


def test_questions_survive_one_fault_each():
    faults = (
        lambda data: b"",
        lambda data: data[:-1] + bytes((data[-1] ^ 1,)),
        lambda data: data[:4] + data[5:],
        lambda data: b"\x00" + data,
        lambda data: data + data,
        lambda data: ack(0x01),
        lambda data: packet(0x02, b"left over") + data,
    )
    for asked in (READ_SYS_PARA, TEMPLATE_COUNT, READ_PROD_INFO, UP_IMAGE):
        for fault in faults:
            bench = Bench(image_bytes=R503_BYTES, remembered_baud=57600)
            bench.sensor.product = (b"R503", 192, 192)
            left = [fault]
            bench.sensor.spoil = lambda code, number, data, asked=asked, left=left: (
                left.pop()(data) if code == asked and number == 0 and left else data
            )
            assert bench.capture() == 0
            assert bench.has_image()
            assert bench.sensor.power_ups == 1
            # A product information that never came is no fault: older sensors have none.
            assert bench.session.info.image_bytes == R503_BYTES


def test_a_job_may_be_asked_for_while_the_sensor_starts():
    bench = Bench(remembered_baud=57600)
    assert bench.session.start_capture(5000, 1)
    bench.run(lambda session: not session.busy)
    assert bench.session.state == codes.STATE_DONE


def test_power_cycle_at_any_moment():
    for after in (5, 400, 700, 900):
        bench = Bench(remembered_baud=57600)
        bench.session.start_capture(5000, 1)
        for _ in range(after):
            bench.session.step()
            bench.clock.tick(1)
        assert bench.session.power_cycle()
        assert not bench.session.busy
        bench.run(in_state(codes.STATE_READY))
        assert bench.capture() == 0
        assert bench.has_image()


def test_a_port_that_takes_nothing():
    bench = Bench(remembered_baud=57600)
    bench.run(UP_OR_OUT)
    bench.sensor.takes_bytes = False
    assert bench.capture() == codes.ERROR_SENSOR_SILENT
    assert bench.session.state == codes.STATE_FAULT
