"""Setting a sensor's rate, on the emulated sensor."""

import pytest

from edge_service.sensors import SensorError, ZfmSensor
from hardware.bench.emulator import SensorEmulator
from hardware.bench.sensor_baud import set_sensor_baud

pytestmark = pytest.mark.system


def test_the_rate_holds_from_the_next_start():
    with SensorEmulator("R307") as emulator:
        assert set_sensor_baud(emulator.path, 19_200) == 57_600
        emulator.power_cycle()
        with ZfmSensor(emulator.path, model="R307") as sensor:
            assert sensor.connect(timeout_s=5).baud == 19_200


def test_a_rate_that_the_sensor_does_not_know_is_refused_and_changes_nothing():
    with SensorEmulator("R307") as emulator:
        with pytest.raises(SensorError) as caught:
            set_sensor_baud(emulator.path, 9_600 * 7)
        assert caught.value.code is not None
        emulator.power_cycle()
        with ZfmSensor(emulator.path, model="R307") as sensor:
            assert sensor.connect(timeout_s=5).baud == 57_600
