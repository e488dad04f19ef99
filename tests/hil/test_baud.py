"""A sensor that comes from elsewhere speaks at some rate; the kiosk finds it, and its board raises it."""

import pytest

pytestmark = pytest.mark.hil

BAUDS = [9_600, 19_200, 38_400, 57_600, 115_200]
HIGHEST = 115_200


@pytest.mark.parametrize("baud", BAUDS)
def test_the_sensor_is_found_at_every_rate(baud, kiosk, set_sensor_baud, take):
    set_sensor_baud(baud)
    kiosk.force("unknown")
    kiosk.transition("ready")
    found = kiosk.sensor.connect(timeout_s=30).baud
    take.note(f"{baud:,} baud became {found:,}")
    # Only a board raises the rate; straight on the port the sensor stays as it was set.
    assert found == (baud if kiosk.board is None else HIGHEST)
    take(1)
