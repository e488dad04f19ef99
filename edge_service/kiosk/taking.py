"""Taking one finger with an officer who decides: press, look, accept or press again; the best of at most so many."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from edge_service.booking import Stage
from edge_service.errors import SpoolFull
from edge_service.kiosk.form import FingerState
from edge_service.kiosk.state import Phase, PressView, Verdict
from edge_service.kiosk.steps import Interrupted, Press

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.booking import BookingEvent, Finger
    from edge_service.kiosk.pictures import Pictures
    from edge_service.kiosk.steps import BookingSteps, ListenedExtractor
    from edge_service.settings import CaptureSettings


class Abandoned(Exception):  # noqa: N818 - never leaves this package
    """The officer left the booking, or the service ends."""


class Decision(StrEnum):
    """What an officer may decide on a finger."""

    ACCEPT = "accept"
    AGAIN = "again"
    LEAVE_OUT = "leave_out"


class FingerTaking:
    """Runs on the desk's thread, but for `decide`, which comes from the page."""

    def __init__(
        self,
        *,
        steps: BookingSteps,
        heard: ListenedExtractor,
        settings: CaptureSettings,
        accept_good_after_s: float,
        interrupt: threading.Event,
        pictures: Pictures,
        show: Callable[[PressView], None],
        touched: Callable[[], None],
    ) -> None:
        self._steps = steps
        self._heard = heard
        self._settings = settings
        self._accept_good_after_s = accept_good_after_s
        self._interrupt = interrupt
        self._pictures = pictures
        self._show = show
        self._touched = touched
        self._lock = threading.Lock()
        self._decision: tuple[Decision, FingerState] | None = None
        self._view = PressView(1, 1, 1, Phase.PRESS)

    def decide(self, decision: Decision, reason: FingerState) -> None:
        """What the officer wants; breaks off the waiting for a finger."""
        with self._lock:
            self._decision = (decision, reason)
            self._interrupt.set()

    def take(self, position: int, *, still_wanted: Callable[[], bool]) -> Finger | FingerState:
        """The best press of this finger, or why it is left out. Raises Abandoned."""
        best: Press | None = None
        best_attempt = attempt = 1
        with self._lock:
            self._decision = None
        while True:
            self._pictures.drop()
            self._update(PressView(position, attempt, self._settings.attempts, self._steps.first_phase))
            press, decided = self._one_press(position, attempt, still_wanted)
            if decided is None and press is not None and not press.trouble:
                if press.finger is not None and (best is None or press.quality > best.quality):
                    best, best_attempt = press, attempt
                self._review(press, best, best_attempt)
                decided = self._wait(self._patience_s(press), still_wanted, otherwise=Decision.ACCEPT)
            elif decided is None and press is not None:
                self._update(replace(self._view, phase=Phase.TROUBLE, trouble=press.trouble, image=""))
                decided = self._wait(None, still_wanted)
            match decided:
                case (Decision.ACCEPT, _) if best is not None and best.finger is not None:
                    return best.finger
                case (Decision.LEAVE_OUT, reason):
                    return reason
                case _ if press is not None and not press.trouble:
                    attempt = min(attempt + 1, self._settings.attempts)
                case _:
                    pass  # a press that gave no image is not counted

    def await_retry(self, position: int, error: Exception, *, still_wanted: Callable[[], bool]) -> None:
        """Saving did not work: wait until the officer says to try again. Raises Abandoned."""
        trouble = "store_full" if isinstance(error, SpoolFull) else "store_failed"
        self._update(PressView(position, 1, 1, Phase.TROUBLE, trouble=trouble))
        while True:
            decided = self._wait(None, still_wanted)
            if decided is not None and decided[0] is Decision.AGAIN:
                return

    def on_event(self, event: BookingEvent) -> None:
        """What the press under way reports."""
        view = self._view
        match event.stage:
            case Stage.LIFT:
                self._update(replace(view, phase=Phase.LIFT))
            case Stage.PRESS:
                self._update(replace(view, phase=Phase.PRESS))
            case Stage.TRANSFER:
                self._touched()
                phase = Phase.READING if event.done >= event.total else Phase.TRANSFER
                self._update(replace(view, phase=phase, done=event.done, total=event.total))
            case Stage.EXTRACTED if event.frame is not None:
                # shown with the verdict, which follows at once
                self._view = replace(view, image=self._pictures.keep(event.frame.pixels))
            case _:
                pass

    # -- inside

    def _one_press(
        self, position: int, attempt: int, still_wanted: Callable[[], bool]
    ) -> tuple[Press | None, tuple[Decision, FingerState] | None]:
        """The press, or what was decided while a finger was waited for."""
        try:
            press = self._steps.press(position, attempt, self._heard)
        except Interrupted:
            press = None
        return press, self._decided(still_wanted)

    def _review(self, press: Press, best: Press | None, best_attempt: int) -> None:
        self._update(
            replace(
                self._view,
                phase=Phase.REVIEW,
                quality=press.quality,
                reason=press.reason,
                verdict=self._verdict(press),
                best_attempt=0 if best is None else best_attempt,
                best_quality=0 if best is None else best.quality,
                accepts_in_s=self._patience_s(press) or 0.0,
            )
        )

    def _verdict(self, press: Press) -> Verdict:
        if press.finger is None:
            return Verdict.NONE
        return Verdict.GOOD if press.quality >= self._settings.min_finger_quality else Verdict.POOR

    def _patience_s(self, press: Press) -> float | None:
        """How long the officer has to say no to a press; None is as long as they like."""
        good = self._verdict(press) is Verdict.GOOD
        return self._accept_good_after_s if good and self._accept_good_after_s > 0 else None

    def _wait(
        self,
        timeout_s: float | None,
        still_wanted: Callable[[], bool],
        *,
        otherwise: Decision | None = None,
    ) -> tuple[Decision, FingerState] | None:
        """What the officer decides, or `otherwise` when time is over."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            decided = self._decided(still_wanted)
            if decided is not None:
                return decided
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return None if otherwise is None else (otherwise, FingerState.PRINT)
            self._interrupt.wait(left_s)

    def _decided(self, still_wanted: Callable[[], bool]) -> tuple[Decision, FingerState] | None:
        if not still_wanted():
            raise Abandoned
        with self._lock:
            decided, self._decision = self._decision, None
            self._interrupt.clear()
        if not still_wanted():  # asked again: a cancel may have come before the event was cleared
            raise Abandoned
        return decided

    def _update(self, view: PressView) -> None:
        self._view = view
        self._show(view)
