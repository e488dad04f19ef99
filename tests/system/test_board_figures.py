"""What the sensor board counted, on the kiosk's page for Prometheus: real firmware, a wire with faults, real pages."""

import time

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_service.clock import SystemClock
from edge_service.ops.board_figures import FIGURES, TRUSTED, counts_of
from edge_service.ops.checks.sensor import DAMAGED, count_words, wear
from edge_service.ops.metrics import EdgeMetrics
from edge_service.ops.watched_uplink import WatchedUplink
from edge_service.sensors.board import BoardRefused, BoardSensor
from edge_service.settings import EdgeSettings, SensorSettings, SpoolSettings, UplinkSettings
from edge_service.spool import Spool
from firmware.core.counters import NAMES
from hardware.bench.emulator import SensorEmulator
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.wire import Wire
from hardware.bench.wire_faults import FaultScript

pytestmark = pytest.mark.system


class Kiosk:
    """A reader, its spool, and the page that Prometheus asks for."""

    def __init__(self, folder, port):
        self.settings = EdgeSettings(
            device="kiosk-1",
            spool=SpoolSettings(path=folder / "spool.db"),
            sensor=SensorSettings(port=str(port), pairing=folder / "pairing.json"),
        )
        self.reader = BoardSensor(str(port), pairing=folder / "pairing.json")
        self.spool = Spool(folder / "spool.db", device="kiosk-1")
        uplink = WatchedUplink(
            spool=self.spool,
            device="kiosk-1",
            broker=self.settings.broker,
            settings=UplinkSettings(),
            clock=SystemClock(store=self.spool),
        )
        self.metrics = EdgeMetrics(
            settings=self.settings,
            spool=self.spool,
            uplink=uplink,
            board_counters=lambda: self.reader.counts,
        )

    def figures(self):
        page = self.metrics.page().decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name.startswith("whorl_edge_board")
        }, page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.spool.close()


def connect_for(reader, seconds):
    """Again and again: the lid's switch takes a moment to settle."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reader.connect(timeout_s=5)


def test_every_count_of_the_board_has_a_figure_of_its_own():
    counted = [count for figure in FIGURES for count in figure.counts.values()]
    assert sorted(counted) == sorted([*NAMES, "damaged_upward"])
    assert set(DAMAGED) <= set(counted)


def test_link_errors_repeats_restarts_and_an_opened_lid(tmp_path):
    finger = np.random.default_rng(5).integers(0, 256, (192, 192), dtype=np.uint8)
    within_the_image = FaultScript.parse([f"flip@{at}x3" for at in range(8000, 24_000, 3000)])
    with (
        SensorEmulator("R503") as sensor,
        Wire(usb=True, up=within_the_image) as wire,
        VirtualBoard(sensor, usb_wire=wire, watchdog_s=1.0) as board,
    ):
        pair(board, tmp_path / "pairing.json", path=wire.path)
        with Kiosk(tmp_path, wire.path) as kiosk:
            assert kiosk.figures()[0] == {(TRUSTED,): 1}  # nothing was asked yet
            sensor.present(finger)
            kiosk.reader.capture(timeout_s=20)
            sensor.lift()
            kiosk.reader.connect(timeout_s=20)
            seen, _ = kiosk.figures()
            assert seen["whorl_edge_board_images_total",] == 1
            assert seen["whorl_edge_board_link_errors_total", "damaged_upward"] >= 1
            assert seen["whorl_edge_board_chunks_resent_total",] >= 1
            board.freeze()
            deadline = time.monotonic() + 20
            while board.watchdog_resets < 1:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            kiosk.reader.close()
            kiosk.reader.connect(timeout_s=20)
            seen, page = kiosk.figures()
            assert seen["whorl_edge_board_watchdog_restarts_total",] == 1
            assert seen["whorl_edge_board_pairings_total",] == 1
            assert seen["whorl_edge_board_tampers_total",] == 0
            lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
            assert counts_of({name: float(value) for name, _, value in lines}) == kiosk.reader.counts
            assert "1 restarts by the watchdog" in count_words(kiosk.reader.counts)
            board.open_lid()
            with pytest.raises(BoardRefused):
                connect_for(kiosk.reader, 20)
            assert kiosk.figures()[0][(TRUSTED,)] == 0


def test_a_sensor_without_a_board_has_no_such_figures(tmp_path):
    with Kiosk(tmp_path, tmp_path / "none") as kiosk:
        kiosk.settings.__dict__["sensor"] = SensorSettings(through="uart")
        assert kiosk.figures()[0] == {}


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"images": 1000, "link_bad_crc": 900, "watchdog_resets": 10, "tampers": 5}, None),
        ({"images": 0, "link_damaged": 3, "watchdog_resets": 3}, None),
        ({"images": 100, "link_damaged": 60, "link_bad_crc": 60}, "cable"),
        ({"images": 10, "damaged_upward": 11}, "cable"),
        ({"images": 100, "watchdog_resets": 4}, "firmware stops"),
    ],
)
def test_what_is_no_accident_any_more(counts, words):
    found = wear(counts)
    assert (found is None) if words is None else (words in found[0])
