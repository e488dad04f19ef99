"""`edge-service book`: from an emulated sensor through both services to the reply on the terminal."""

import signal

import numpy as np
import pytest

from edge_service.sensors.zfm_codes import Instruction
from hardware.bench.emulator import SensorEmulator
from interchange.messages import Submission, decode_message
from matcher_service.repositories import NewPrint, Outcome, read_single
from matcher_service.retention import payload_of

pytestmark = pytest.mark.system


def drawn_print(seed):
    """Ridges 9 px apart with random phase singularities, each of which is a minutia."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:288, 0:256]
    phase = 2 * np.pi * (y + 0.15 * x + 25 * np.sin(x / 90 + seed)) / 9
    for _ in range(25):
        phase += random.choice([-1, 1]) * np.arctan2(y - random.uniform(20, 268), x - random.uniform(20, 236))
    return (127 + 120 * np.cos(phase)).astype(np.uint8)


def book(site, emulator, *settings):
    return site.edge(
        "kiosk-1",
        "sensor.through=uart",
        f"sensor.port={emulator.path}",
        "sensor.model=R307",
        "capture.min_finger_quality=0",
        *settings,
        command="book",
    )


def test_a_stranger_is_green_and_then_known(site):
    site.repositories.create("criminal")
    site.matcher()
    with SensorEmulator(images=[drawn_print(1), drawn_print(2)] * 2, auto_next=True) as emulator:
        first = book(site, emulator, "spool.max_submissions=10")
        # The default plan has four fingers; these are two people's worth of two.
        assert first.wait(60) == 0, first.output()
    assert "saved as kiosk-1." in first.output()
    assert "green" in first.output()
    assert "A candidate is not a finding" in first.output()

    (tcn,) = [e.tcn for e in site.spool().entries()]
    with site.database.read() as session:
        payload = payload_of(session, 1)
    submission = decode_message(Submission, payload)
    assert submission.tcn == tcn
    assert [p.position for p in submission.prints] == [2, 3, 7, 8]
    assert all(len(read_single(p.template)[1]) >= 10 for p in submission.prints)
    prints = [NewPrint(p.position, p.finger_quality, p.template) for p in submission.prints]
    site.repositories.enroll("criminal", prints)

    service = site.edge()  # from now on a running service delivers
    service.wait_for("msg=connected")
    with SensorEmulator(images=[drawn_print(1), drawn_print(2)] * 2, auto_next=True) as emulator:
        second = book(site, emulator)
        assert second.wait(60) == 0, second.output()
    assert "red" in second.output()
    assert "ms after the sensor's last byte" in second.output()
    assert service.output().count('msg="submission sent"') == 1
    assert site.submissions.count()[Outcome.ANSWERED] == 2


def test_no_matcher_means_saved_and_later(site):
    with SensorEmulator(images=[drawn_print(n) for n in range(4)], auto_next=True) as emulator:
        done = book(site, emulator, "uplink.reply_timeout_s=0.3")
        assert done.wait(60) == 0, done.output()
    assert "The booking is saved and will be delivered" in done.output()
    site.repositories.create("criminal")
    site.matcher()
    site.edge()
    site.reply(site.spool().entries()[0].tcn)


def test_blank_images_are_said_to_be_no_prints(site):
    with SensorEmulator(images=[np.full((288, 256), 255, np.uint8)] * 4, auto_next=True) as emulator:
        done = book(site, emulator, "capture.attempts=1")
        assert done.wait(60) == 1
    assert "no finger could be used, nothing was saved" in done.output()
    assert site.spool().entries() == []


def test_no_sensor_at_all(site):
    done = site.edge("kiosk-1", "sensor.port=/dev/none", "capture.finger_wait_s=0.2", command="book")
    assert done.wait(60) == 1
    assert "Plug the sensor's cable in" in done.output()
    assert "Traceback" not in done.output()


def test_sigterm_while_waiting_for_a_finger(site, until):
    with SensorEmulator() as emulator:
        waiting = book(site, emulator)
        until(lambda: Instruction.GEN_IMG in emulator.heard())
        waiting.send(signal.SIGTERM)
        assert waiting.wait(5) == 1
    assert "cancelled, nothing was saved" in waiting.output()
