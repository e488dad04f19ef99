"""An officer at the page, in a real Chromium: unlock, form, fingers, answer, lock."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Self

from benchmarks.kiosk_memory.appliance import BADGE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.kiosk_memory.appliance import Appliance

PATIENCE_MS = 30_000
SCREEN = (800, 480)
MIDDLE = """selector => {
  const found = document.querySelector(selector);
  const { x, y, width, height } = (found.closest("label") ?? found).getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


class BrowserMissing(Exception):  # noqa: N818 - reads as what it is
    """There is no Chromium."""

    def __init__(self) -> None:
        super().__init__(
            "chromium was not found; install it with: sudo apt install chromium (or: make setup)"
        )


def chromium() -> tuple[str, list[str]]:
    """The program, and what root has to say to it. Raises BrowserMissing."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    if binary is None:
        raise BrowserMissing
    return binary, ["--no-sandbox"] if os.geteuid() == 0 else []


class Officer:
    """A context manager: the page stays open from its beginning to its end."""

    def __init__(self, appliance: Appliance) -> None:
        from playwright.sync_api import sync_playwright

        binary, sandbox = chromium()
        self._appliance = appliance
        self._driver = sync_playwright().start()
        self._browser = self._driver.chromium.launch(executable_path=binary, args=sandbox)
        context = self._browser.new_context(
            viewport={"width": SCREEN[0], "height": SCREEN[1]},
            has_touch=True,
            locale="en-US",
            reduced_motion="reduce",  # the browser draws without a graphics card here: leave the processor to the kiosk
        )
        context.set_default_timeout(PATIENCE_MS)
        self._page = context.new_page()
        self._meter = context.new_cdp_session(self._page)
        self._meter.send("Performance.enable")
        self._page.goto(appliance.url)
        self._at("#step-locked")

    def unlock(self) -> None:
        """With a badge; a scanner types it."""
        self._at("#step-locked")
        self._scan(BADGE)
        self._at("#step-home")

    def book(self, number: str, fingers: Sequence[NDArray[np.uint8]]) -> None:
        """From the start page to the answer and back, each finger accepted by hand."""
        self._tap("#new")
        self._at("#step-form")
        self._scan(number)
        self._tap("input[value=misdemeanor]")
        self._tap("input[value=charged]")
        self._tap("#form-next")
        self._at("#step-plan")
        self._tap("#plan-start")
        for finger in fingers:
            self._phase("press")
            self._appliance.put(finger)
            self._phase("review")
            self._at("#print-image")
            self._tap("#accept")
        self._at("#step-result")
        self._at(".answer")
        self._tap("#done")
        self._at("#step-home")

    def lock(self) -> None:
        """Leave the desk."""
        self._tap("#lock")
        self._at("#step-locked")

    def meter(self) -> dict[str, float]:
        """What the page itself holds: bytes of its JavaScript, elements, listeners."""
        told: dict[str, Any] = self._meter.send("Performance.getMetrics")
        found = {metric["name"]: float(metric["value"]) for metric in told["metrics"]}
        return {
            "page_heap": found.get("JSHeapUsedSize", 0.0),
            "page_nodes": found.get("Nodes", 0.0),
            "page_listeners": found.get("JSEventListeners", 0.0),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()
        self._driver.stop()

    def _tap(self, selector: str) -> None:
        """A touch in the middle of something that is there already. Playwright's own waits for two frames first."""
        x, y = self._page.evaluate(MIDDLE, selector)
        self._page.touchscreen.tap(x, y)

    def _at(self, selector: str) -> None:
        # not wait_for_selector: the handle that it returns keeps what is shown for good, as only a test does
        self._page.locator(f"{selector}:visible").first.wait_for()

    def _phase(self, name: str) -> None:
        self._page.locator(f'#print[data-phase="{name}"]').wait_for()

    def _scan(self, text: str) -> None:
        self._page.keyboard.type(text)
        self._page.keyboard.press("Enter")
