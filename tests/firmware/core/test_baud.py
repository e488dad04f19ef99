"""The baud rate: found, raised to the highest that works, remembered, and never lost."""

from helpers.scripted_sensor import SET_SYS_PARA
from helpers.session_bench import Bench, in_state

from firmware.core import codes

UP_OR_OUT = in_state(codes.STATE_READY, codes.STATE_FAULT)


def up(bench):
    bench.run(UP_OR_OUT)
    assert bench.session.state == codes.STATE_READY, bench.session.error
    return bench.session.info.baud


def test_every_rate_is_found_and_raised_whether_it_holds_at_once_or_later():
    for baud in (9600, 19200, 38400, 57600, 115200):
        for at_once in (True, False):
            bench = Bench(baud=baud)
            bench.sensor.at_once = at_once
            assert up(bench) == 115200
            assert bench.session.baud_to_remember == 115200
            assert bench.sensor.flash_writes == (0 if baud == 115200 else 1)
            assert bench.capture() == 0
            assert bench.has_image()


def test_a_remembered_rate_is_tried_first_and_not_raised():
    bench = Bench(baud=19200, remembered_baud=19200)
    assert up(bench) == 19200
    assert bench.sensor.flash_writes == 0
    assert bench.clock.since(bench.clock.WRAP - 1000) < 1200


def test_another_sensor_at_another_rate_is_found_and_raised_all_the_same():
    bench = Bench(baud=57600, remembered_baud=38400)
    assert up(bench) == 115200
    assert bench.session.baud_to_remember == 115200


def test_a_module_that_refuses_stays_where_it_is_for_good():
    bench = Bench()
    bench.sensor.refuses_baud = True
    assert up(bench) == 57600
    assert bench.session.baud_to_remember == 57600
    asked = bench.sensor.asked.count(SET_SYS_PARA)
    bench.session.power_cycle()
    assert up(bench) == 57600
    assert bench.sensor.asked.count(SET_SYS_PARA) == asked


def test_a_module_that_says_yes_and_does_nothing():
    bench = Bench()
    bench.sensor.stays_slow = True
    assert up(bench) == 57600
    assert bench.session.baud_to_remember == 57600
    assert bench.sensor.flash_writes == 1
    bench.session.power_cycle()
    assert up(bench) == 57600
    assert bench.sensor.flash_writes == 1


def test_a_register_that_holds_the_rate_already_is_not_written_again():
    bench = Bench()
    bench.sensor.stated_baud = 115200
    assert up(bench) == 57600
    assert bench.sensor.flash_writes == 0


def test_a_cable_that_does_not_carry_the_new_rate_loses_no_sensor():
    # The module hears the board at 115,200 baud but cannot be heard.
    for at_once in (True, False):
        bench = Bench()
        bench.sensor.at_once = at_once
        bench.sensor.unheard_baud = 115200
        assert up(bench) == 57600
        assert bench.session.baud_to_remember == 57600
        assert bench.capture() == 0
        assert bench.has_image()


def test_an_answer_lost_while_the_rate_changes():
    for at_once in (True, False):
        bench = Bench()
        bench.sensor.at_once = at_once
        left = [1]
        bench.sensor.spoil = lambda code, number, data, left=left: (
            b"" if code == SET_SYS_PARA and left and left.pop() else data
        )
        assert up(bench) == 115200
