"""A Chromium to which no tester is attached. What a tester's library asks a browser to record makes that grow.

It is spoken to through its pipe (Chrome DevTools Protocol, --remote-debugging-pipe: JSON, each message ended by a zero
byte), and only touched, typed into and looked at: no domain of the protocol is switched on that keeps anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

from benchmarks.kiosk_memory.officer import MIDDLE, PATIENCE_MS, SCREEN, Officer, chromium

if TYPE_CHECKING:
    from types import TracebackType

    from benchmarks.kiosk_memory.appliance import Appliance

_LOOK_EVERY_S = 0.02
_VISIBLE = "(selector => [...document.querySelectorAll(selector)].some(one => one.checkVisibility()))"
_PAGE = """({
  page_heap: performance.memory.usedJSHeapSize, page_nodes: document.querySelectorAll("*").length, page_listeners: 0,
})"""
_ENTER = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}


class PageStuck(Exception):  # noqa: N818 - reads as what it is
    """The page did not come to what was waited for."""

    def __init__(self, selector: str) -> None:
        super().__init__(f"the page did not show {selector} within {PATIENCE_MS / 1000:.0f} s")


class Chromium:
    """One with one page, spoken to through its pipe. A context manager."""

    def __init__(self) -> None:
        binary, sandbox = chromium()
        self._profile = tempfile.TemporaryDirectory(prefix="whorl-chromium-")
        words = [binary, "--headless=new", "--incognito", "--no-first-run", "--disable-gpu", "--lang=en-US"]
        words += ["--window-size={},{}".format(*SCREEN), f"--user-data-dir={self._profile.name}"]
        words += sandbox
        theirs, to_it = os.pipe()
        from_it, also_theirs = os.pipe()
        shell = f'exec "$@" --remote-debugging-pipe about:blank 3<&{theirs} 4>&{also_theirs}'
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            ["/bin/bash", "-c", shell, "chromium", *words],
            pass_fds=(theirs, also_theirs),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(also_theirs)
        self._to, self._from = os.fdopen(to_it, "wb", 0), os.fdopen(from_it, "rb", 0)
        self._unread = b""
        self._asked = 0
        self._session = ""
        pages = [one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        self._session = self.ask("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)[
            "sessionId"
        ]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as the protocol has it
        """The result of one command; what the browser tells besides is passed over."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._unread:
                read = self._from.read(65_536)
                if not read:
                    raise PageStuck(f"an answer to {method}: the browser has ended")
                self._unread += read
            one, _, self._unread = self._unread.partition(b"\0")
            answer = json.loads(one)
            if answer.get("id") == self._asked:
                return answer.get("result", {})

    def value_of(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page says
        """Of JavaScript in the page; None where it failed."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._to.close()
        self._from.close()
        self._profile.cleanup()


class UnattendedOfficer(Officer):
    """The same way through the same page."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._chromium = Chromium()
        self._chromium.ask(
            "Emulation.setDeviceMetricsOverride",
            width=SCREEN[0],
            height=SCREEN[1],
            deviceScaleFactor=1,
            mobile=False,
        )
        self._chromium.ask("Page.navigate", url=appliance.url)
        self._at("#step-locked")

    def meter(self) -> dict[str, float]:
        """As the other's; listeners are not counted."""
        return self._chromium.value_of(_PAGE) or {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chromium.__exit__(kind, error, trace)

    def _tap(self, selector: str) -> None:
        x, y = self._chromium.value_of(f"({MIDDLE})({json.dumps(selector)})")
        for what in ("mousePressed", "mouseReleased"):
            self._chromium.ask(
                "Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", buttons=1, clickCount=1
            )

    def _at(self, selector: str) -> None:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self._chromium.value_of(f"{_VISIBLE}({json.dumps(selector)})"):
            if time.monotonic() > deadline:
                raise PageStuck(selector)
            time.sleep(_LOOK_EVERY_S)

    def _phase(self, name: str) -> None:
        self._at(f'#print[data-phase="{name}"]')

    def _scan(self, text: str) -> None:
        for key in (*({"key": one, "text": one} for one in text), _ENTER):
            self._chromium.ask("Input.dispatchKeyEvent", type="keyDown", **key)
            self._chromium.ask("Input.dispatchKeyEvent", type="keyUp", key=key["key"])
