"""What the kiosk's process holds: nothing of a finger's image once its booking has ended, and a size that is told."""

import importlib.util
import json
import os
import sys
import threading
from pathlib import Path

import httpx
import pytest

from benchmarks.kiosk_memory.image_marks import ImageMarks
from benchmarks.kiosk_memory.process_size import size_of
from benchmarks.kiosk_memory.report import figures_of, verdict_of
from benchmarks.kiosk_memory.trend import trend_of
from hardware.bench.finger_images import grey_levels

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

_spec = importlib.util.spec_from_file_location("kiosk_stand", Path(__file__).with_name("kiosk_stand.py"))
kiosk_stand = importlib.util.module_from_spec(_spec)
sys.modules["kiosk_stand"] = kiosk_stand
_spec.loader.exec_module(kiosk_stand)
from kiosk_stand import PIN, prints, stand, users  # noqa: E402 - from the file that was just loaded

__all__ = ["prints", "stand", "users"]  # fixtures
POSITIONS = (2, 3, 7, 8)
PATIENCE_S = 60.0


class Page:
    """Asks as the page does, and reads its stream."""

    def __init__(self, url):
        address = url.rstrip("/")
        headers = {"X-Whorl-Kiosk": "1", "Origin": address}
        self.client = httpx.Client(base_url=address, headers=headers, timeout=PATIENCE_S)
        self.news, self.state = threading.Condition(), {}
        self.ask("unlock", {"code": PIN})
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, path, body=None):
        self.client.post(f"/api/{path}", json=body).raise_for_status()

    def at(self, step, phase="", position=0, *, answered=False):
        def there():
            press, result = self.state.get("press") or {}, self.state.get("result") or {}
            pressed = not phase or (press.get("phase"), press.get("position")) == (phase, position)
            return (
                self.state.get("step") == step
                and pressed
                and (not answered or result["delivery"] == "answered")
            )

        with self.news:
            assert self.news.wait_for(there, PATIENCE_S), (step, phase, position, self.state)
            return self.state

    def _listen(self):
        event = ""
        try:
            with self.client.stream("GET", "/stream") as answer:
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: ") and event == "state":
                        with self.news:
                            self.state = json.loads(line[6:])
                            self.news.notify_all()
        except httpx.HTTPError:
            return  # the kiosk has ended


def book(page, stand, images, *, looking=lambda: None):
    page.at("home")
    page.ask("new")
    page.ask("form", {"number": "B-1", "charge_class": "other", "disposition": "charged"})
    page.ask("take", {"fingers": dict.fromkeys(map(str, POSITIONS), "print")})
    addresses = []
    for position, image in zip(POSITIONS, images, strict=True):
        page.at("capture", "press", position)
        stand.put(image)
        key = page.at("capture", "review", position)["press"]["image"]
        addresses.append(f"/picture/{key}")
        page.client.get(addresses[-1]).raise_for_status()
        if position == POSITIONS[-1]:
            looking()
        page.ask("accept", {"position": position, "attempt": 1})
    page.at("result", answered=True)
    page.ask("done")
    page.at("home")
    return addresses


@pytest.mark.skipif(
    not os.access("/proc/self/mem", os.R_OK), reason="asks for /proc, and for the right to read there"
)
def test_nothing_of_a_finger_is_left_in_memory_when_its_booking_has_ended(stand, prints):
    """Seen while it is looked at, in all its forms, so that the search is known to find it; and then no more."""
    stand.start("kiosk.accept_good_after_s=0", "kiosk.idle_lock_s=600")
    stand.centre()
    page = Page(stand.url)
    marks = [ImageMarks.of(grey_levels(image)) for image in prints]
    seen = {}
    addresses = book(page, stand, prints, looking=lambda: seen.update(marks[-1].found_in(stand.kiosk.pid)))
    assert min(seen["tensor32"], seen["png"]) > 0  # the pixels themselves may have gone already
    for finger in marks:
        left = finger.found_in(stand.kiosk.pid)
        # single packets of the wire, 128 bytes, lie about in Python's own pools until these are used again
        assert left.pop("wire") < len(finger.marks["wire"]) / 2
        assert left == dict.fromkeys(left, 0)
    for address in addresses:
        assert page.client.get(address).status_code == 404


def test_the_size_of_a_process_is_what_the_kernel_says():
    size = size_of(os.getpid())
    assert 0 < size.pss <= size.rss <= size.peak
    assert 0 < size.anonymous <= size.rss
    assert size.threads >= 1
    before = size.files
    with open(os.devnull, "rb"):  # noqa: PTH123 - a descriptor is wanted
        assert size_of(os.getpid()).files == before + 1


@pytest.mark.parametrize(("step", "grows"), [(0.0, False), (0.02, True), (-0.02, False)])
def test_growth_is_told_from_noise(step, grows):
    noise = [((n * 7919) % 101) / 101 for n in range(500)]
    trend = trend_of([100 + step * n + wiggle for n, wiggle in enumerate(noise)])
    assert trend.grows is grows
    assert trend.low <= step <= trend.high


def test_a_service_that_grows_and_one_above_the_bar_are_said_to():
    names = ("rss", "pss", "anonymous", "peak", "files", "threads")

    def samples(first, step):
        return [
            {"booking": n, "elapsed_s": n, **dict.fromkeys(names, first + step * n), "browser_pss": 1, "page_heap": 1,
             "page_nodes": 1, "page_listeners": 1}
            for n in range(601)
        ]  # fmt: skip

    calm = figures_of(samples(130e6, 0))
    assert (calm["within_the_bar"], calm["grows"]) == (True, False)
    growing = figures_of(samples(130e6, 1e4))
    assert growing["grows"]
    large = figures_of(samples(251e6, 0))
    assert not large["within_the_bar"]
    assert "ABOVE" in verdict_of(large)[0]
