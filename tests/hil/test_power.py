"""Cables that are pulled and supplies that fail: named, and over as soon as the power is back."""

import pytest

from edge_service.sensors import SensorError

pytestmark = pytest.mark.hil

BACK_S = 30.0  # a real port needs udev, the board its start, the sensor its search for a rate


def test_unplugged_and_plugged_in_again(edge, power, take):
    take(0, keep=False)
    power.off()
    with pytest.raises(SensorError) as caught:
        edge.connect(timeout_s=1.0)
    assert "Plug" in str(caught.value), "the message does not say what to do"
    power.on()
    edge.connect(timeout_s=BACK_S)
    take(1)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_the_power_fails_in_the_middle_of_an_image(part, power, take):
    failed_at = []

    def fail_once(done, total):
        if not failed_at and done >= part * total:
            failed_at.append(done / total)
            power.off()

    expected = take.finger.press(2)
    try:
        frame = take.edge.capture(timeout_s=60, progress=fail_once)
    except SensorError as error:
        take.note(f"named: {type(error).__name__}")
    else:
        # The supply took longer to go than the rest of the image to come. Then it has to be the right one.
        assert part > 0.5, "an image came although the power failed in its first half"
        take.check(frame, expected)
        take.note("the image was complete before the power was off")
    take.finger.lift()
    assert failed_at, "the image had come before the power could fail"
    power.on()
    take.edge.connect(timeout_s=BACK_S)
    take(3)
