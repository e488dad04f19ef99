"""Prints, one after the other: valid, the right ones, and in time."""

import statistics
import time

import pytest

pytestmark = pytest.mark.hil

CAPTURES = 20


def test_the_kiosk_says_who_it_is(kiosk):
    assert kiosk.identity


@pytest.mark.timeout(900)  # a person presses twenty times
def test_twenty_captures(take, record_property):
    seconds = [take(number).transfer_s for number in range(CAPTURES)]
    record_property("figure:image on the wire", f"{statistics.median(seconds):.2f} s (median of {CAPTURES})")


@pytest.mark.timeout(24 * 3600)
def test_endurance(take, request, record_property):
    wanted = request.config.getoption("--hil-endurance", default=20)
    failures = []
    started = time.monotonic()
    for number in range(wanted):
        try:
            take(number % CAPTURES, keep=False)
        except Exception as error:  # noqa: BLE001 - counted, and told below
            failures.append(f"{number}: {type(error).__name__}: {error}")
    minutes = (time.monotonic() - started) / 60
    record_property("figure:endurance", f"{len(failures)} failures in {wanted} captures, {minutes:.1f} min")
    assert not failures, "\n".join(failures)
