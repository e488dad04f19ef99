"""The booking desk: holds the step that the booking is at, and takes its fingers on a thread of its own.

The page's requests come in from any thread and change the step; the desk's thread speaks to the sensor. What must
survive a restart is in the store before it is shown: the form, the plan, and the TCN before the submission.

Longer than most on purpose: one lock guards one state, and every change of it stands here. What can be judged without
the lock is elsewhere (`taking`, `draft`, `answer`, `form`).
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from edge_service.errors import EdgeError, SpoolError
from edge_service.kiosk import parameters
from edge_service.kiosk.answer import Answer, answer_of
from edge_service.kiosk.draft import Draft, kept_draft
from edge_service.kiosk.errors import NoRoom, WrongStep
from edge_service.kiosk.form import (
    REASONS_TO_LEAVE_OUT,
    BookingForm,
    FingerPlan,
    FingerState,
    about_booking,
)
from edge_service.kiosk.pictures import Pictures
from edge_service.kiosk.state import FingerView, Phase, PressView, Step
from edge_service.kiosk.steps import SENSOR_TROUBLES
from edge_service.kiosk.taking import Abandoned, Decision, FingerTaking
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_service.booking import BookingEvent, Finger
    from edge_service.kiosk.steps import BookingSteps, ListenedExtractor
    from edge_service.kiosk.store import KioskStore
    from edge_service.settings import CaptureSettings
    from edge_service.spool import Spool, SpoolEntry

log = logging.getLogger("edge.kiosk")


class CaptureDesk:
    """See the module. `make_steps` is given the listener for the events of the capture."""

    def __init__(
        self,
        *,
        make_steps: Callable[[Callable[[BookingEvent], None], threading.Event], BookingSteps],
        heard: ListenedExtractor,
        spool: Spool,
        store: KioskStore,
        capture: CaptureSettings,
        positions: Sequence[int],
        accept_good_after_s: float,
        officer: Callable[[], str] = lambda: "",
        changed: Callable[[], None] = lambda: None,
        touched: Callable[[], None] = lambda: None,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """The callables, all of them from any thread.

        `officer` is who has unlocked the kiosk, `has_room` whether one more booking can be saved; `changed` is
        told that there is something new to show, `touched` that a finger was on the sensor.
        """
        self.pictures = Pictures()
        self._heard = heard
        self._spool = spool
        self._store = store
        self._positions = tuple(positions)
        self._officer = officer
        self._changed = changed
        self._has_room = has_room
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._interrupt = threading.Event()
        self._steps = make_steps(self._on_event, self._interrupt)
        self._taking = FingerTaking(
            steps=self._steps,
            heard=heard,
            settings=capture,
            accept_good_after_s=accept_good_after_s,
            interrupt=self._interrupt,
            pictures=self.pictures,
            show=self._show_press,
            touched=touched,
        )
        self._stopping = False
        self._run_number = 0  # of this capture: one that was left must not take the next one's fingers
        self._running = 0
        self._step = Step.HOME
        self._form: BookingForm | None = None
        self._plan: FingerPlan | None = None
        self._tcn = ""
        self._notice = ""
        self._press: PressView | None = None
        self._taken: dict[int, Finger] = {}
        self._answer: Answer | None = None
        self.sensor_trouble = ""
        self._restore()
        self._thread = threading.Thread(target=self._run, name="kiosk-desk", daemon=True)

    def start(self) -> None:
        """Begin to look after the sensor and the booking under way."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> bool:
        """End; the booking under way stays in the store. False if that was not done in time."""
        with self._news:
            self._stopping = True
            self._interrupt.set()
            self._news.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- what the officer does

    def new(self) -> None:
        """Begin a booking."""
        with self._news:
            self._expect(Step.HOME)
            if not self._has_room():
                raise NoRoom
            self._forget_booking()
            self._go(Step.FORM)

    def fill_in(self, form: BookingForm) -> None:
        """The form is complete."""
        with self._news:
            self._expect(Step.FORM)
            self._form = form
            self._plan = self._plan or FingerPlan(fingers=dict.fromkeys(self._positions, FingerState.PRINT))
            self._go(Step.PLAN)

    def back(self) -> None:
        """From the plan to the form; what was entered stays."""
        with self._news:
            self._expect(Step.PLAN)
            self._go(Step.FORM)

    def take(self, plan: FingerPlan) -> None:
        """Take the fingers of `plan`."""
        with self._news:
            self._expect(Step.PLAN)
            self._plan = plan
            self._run_number += 1
            self._go(Step.CAPTURE)

    def accept(self, position: int, attempt: int) -> None:
        """Keep the best press of this finger so far."""
        self._decide(Decision.ACCEPT, position, attempt, during={Phase.REVIEW})

    def again(self, position: int, attempt: int) -> None:
        """Press once more, or try again what did not work."""
        with self._lock:
            press = self._press
            if press is not None and press.phase is Phase.REVIEW and press.attempt >= press.attempts:
                raise WrongStep(self._step)
            self._decide(Decision.AGAIN, position, attempt, during={Phase.REVIEW, Phase.TROUBLE})

    def leave_out(self, position: int, attempt: int, reason: FingerState) -> None:
        """This finger cannot be taken."""
        if reason not in REASONS_TO_LEAVE_OUT:
            raise WrongStep(self._step)
        during = {Phase.PRESS, Phase.LIFT, Phase.REVIEW, Phase.TROUBLE}
        self._decide(Decision.LEAVE_OUT, position, attempt, during=during, reason=reason)

    def cancel(self) -> None:
        """Throw the booking away; nothing of it was saved."""
        with self._news:
            self._expect(Step.FORM, Step.PLAN, Step.CAPTURE)
            if self._press is not None and self._press.phase is Phase.SAVING and not self._press.trouble:
                raise WrongStep(self._step)
            self._forget_booking()
            self._go(Step.HOME)

    def drop_prints(self) -> None:
        """Nobody is there: what was not saved is taken again, the form stays."""
        with self._news:
            if self._step is not Step.CAPTURE:
                return
            if self._press is not None and self._press.phase is Phase.SAVING and not self._press.trouble:
                return
            self._end_capture()
            self._go(Step.PLAN, notice="notice.prints_dropped")

    def look_at(self, tcn: str) -> None:
        """Show what has become of an earlier booking."""
        with self._news:
            self._expect(Step.HOME)
            entry = self._spool.entry(tcn)
            if entry is None:
                raise WrongStep(self._step)
            self._show_result(entry)

    def done(self) -> None:
        """Leave the result."""
        with self._news:
            self._expect(Step.RESULT)
            self._forget_booking()
            self._interrupt.set()
            self._go(Step.HOME)

    # -- what the page shows

    def view(self) -> dict[str, Any]:
        """The step and all that belongs to it, for JSON."""
        with self._lock:
            return {
                "step": self._step,
                "notice": self._notice,
                "form": None if self._form is None else self._form.model_dump(mode="json"),
                "plan": self._plan_view(),
                "fingers": self._finger_views(),
                "press": self._press,
                "result": self._answer,
                "recent": self._recent() if self._step is Step.HOME else (),
            }

    def is_busy(self) -> bool:
        """Whether a booking is under way."""
        with self._lock:
            return self._step in {Step.FORM, Step.PLAN, Step.CAPTURE}

    def _plan_view(self) -> dict[int, str]:
        plan = dict.fromkeys(range(1, 11), FingerState.LEAVE)
        chosen = {} if self._plan is None else self._plan.fingers
        return {position: str(state) for position, state in (plan | chosen).items()}

    def _finger_views(self) -> tuple[FingerView, ...]:
        if self._plan is None:
            return ()
        now = 0 if self._press is None else self._press.position
        views: list[FingerView] = []
        for position, state in sorted(self._plan.fingers.items()):
            taken = self._taken.get(position)
            if taken is not None:
                views.append(FingerView(position, "taken", taken.minutiae.finger_quality))
            elif position == now and state is FingerState.PRINT:
                views.append(FingerView(position, "now"))
            elif state is not FingerState.LEAVE:
                views.append(FingerView(position, str(state)))
        return tuple(views)

    def _recent(self) -> tuple[Answer, ...]:
        found: list[Answer] = []
        for note in self._store.notes(limit=parameters.RECENT):
            entry = self._spool.entry(note.tcn)
            if entry is not None:
                found.append(answer_of(entry, note))
        return tuple(found)

    # -- the desk's thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                step = self._step
                if step is Step.CAPTURE:
                    self._take_booking()
                elif step is Step.RESULT and self._answer is not None and not self._answer.final:
                    self._watch()
                else:
                    self._look_at_sensor()
                    self._rest(step)
            except EdgeError as error:
                log.exception("the booking desk met an error", extra=facts(kind=type(error).__name__))
                self._pause()

    def _rest(self, step: Step) -> None:
        with self._news:
            self._interrupt.clear()
            self._news.wait_for(lambda: self._stopping or self._step is not step, parameters.SENSOR_LOOK_S)

    def _pause(self) -> None:
        with self._news:
            self._news.wait(parameters.WATCH_S)

    def _look_at_sensor(self) -> None:
        trouble = self._steps.look()
        if trouble != self.sensor_trouble:
            self.sensor_trouble = trouble
            self._changed()

    def _take_booking(self) -> None:
        """All fingers of the plan, then the saving; ends early when the officer leaves the step."""
        with self._lock:
            if self._step is not Step.CAPTURE:
                return
            self._running = self._run_number
            self._interrupt.clear()  # what broke off the step before; from here on it means us
        try:
            for position in self._to_print():
                self._add(position, self._taking.take(position, still_wanted=self._is_capturing))
            with self._lock:
                if not self._is_capturing():
                    return
                if not self._taken:
                    self._end_capture()
                    self._go(Step.PLAN, notice="notice.nothing_taken")
                    return
            self._save()
        except Abandoned:
            pass
        finally:
            self.pictures.drop()
            self._heard.forget()

    def _add(self, position: int, taken: Finger | FingerState) -> None:
        with self._lock:
            if not self._is_capturing():
                raise Abandoned
            if not isinstance(taken, FingerState):
                self._taken[position] = taken
            elif self._plan is not None:
                self._plan = self._plan.without(position, taken)
                self._keep_draft(Step.CAPTURE)
            self._press, self._notice = None, ""
            self._changed()

    def _to_print(self) -> list[int]:
        with self._lock:
            return [] if self._plan is None else [p for p in self._plan.to_print if p not in self._taken]

    def _is_capturing(self) -> bool:
        with self._lock:
            wanted = self._step is Step.CAPTURE and not self._stopping
            return wanted and self._running == self._run_number

    def _save(self) -> None:
        """Save, however often it takes: the fingers stay in memory until it worked or the officer gives up."""
        last = max(self._taken)
        while True:
            self._show_press(PressView(last, 1, 1, Phase.SAVING))
            with self._lock:
                if not self._is_capturing() or self._form is None or self._plan is None:
                    raise Abandoned
                form, plan = self._form, self._plan
                fingers = [self._taken[p] for p in sorted(self._taken)]
            try:
                tcn = self._steps.save(
                    fingers, announce=partial(self._announce, form, plan), about=about_booking(form, plan)
                )
                break
            except SpoolError as error:
                log.exception("booking not saved", extra=facts(kind=type(error).__name__))
                self._withdraw()
                self._taking.await_retry(last, error, still_wanted=self._is_capturing)
        with self._lock:
            entry = self._spool.entry(tcn)
            assert entry is not None
            self._show_result(entry)

    def _announce(self, form: BookingForm, plan: FingerPlan, tcn: str) -> None:
        """Known before the submission is, so that a restart in between neither loses nor doubles it."""
        self._store.note(tcn, form, plan, officer=self._officer())
        self._tcn = tcn
        self._keep_draft(Step.RESULT)

    def _withdraw(self) -> None:
        tcn, self._tcn = self._tcn, ""
        if tcn and self._spool.entry(tcn) is None:
            self._store.forget_note(tcn)
            self._keep_draft(Step.CAPTURE)

    def _watch(self) -> None:
        """Wait for the next news of the booking that is shown."""
        with self._lock:
            if self._step is not Step.RESULT:
                return
            tcn, before = self._tcn, self._answer
            self._interrupt.clear()
        reached = self._is_news(before)
        entry = self._spool.wait_for(tcn, reached, timeout_s=parameters.WATCH_S, cancel=self._interrupt)
        with self._lock:
            if entry is None or self._step is not Step.RESULT or self._tcn != tcn:
                return
            now = answer_of(entry, self._store.note_of(tcn))
            if now != before:
                self._answer = now
                self._changed()

    @staticmethod
    def _is_news(before: Answer | None) -> Callable[[SpoolEntry], bool]:
        def is_news(entry: SpoolEntry) -> bool:
            now = answer_of(entry, None)
            return before is None or (now.delivery, now.seconds) != (before.delivery, before.seconds)

        return is_news

    # -- inside, with the lock held

    def _expect(self, *steps: Step) -> None:
        if self._step not in steps:
            raise WrongStep(self._step)

    def _go(self, step: Step, *, notice: str = "") -> None:
        self._step = step
        self._notice = notice
        self._keep_draft(step)
        self._news.notify_all()
        self._changed()

    def _decide(
        self,
        decision: Decision,
        position: int,
        attempt: int,
        *,
        during: set[Phase],
        reason: FingerState = FingerState.UNPRINTABLE,
    ) -> None:
        with self._news:
            self._expect(Step.CAPTURE)
            press = self._press
            if (
                press is None
                or (press.position, press.attempt) != (position, attempt)
                or press.phase not in during
            ):
                raise WrongStep(self._step)
            self._notice = ""
            self._taking.decide(decision, reason)

    def _show_result(self, entry: SpoolEntry) -> None:
        self._end_capture()
        self._tcn = entry.tcn
        self._answer = answer_of(entry, self._store.note_of(entry.tcn))
        self._go(Step.RESULT)

    def _end_capture(self) -> None:
        """Let go of everything biometric."""
        self._taken = {}
        self._press = None
        self.pictures.drop()
        self._interrupt.set()

    def _forget_booking(self) -> None:
        self._end_capture()
        self._form = self._plan = self._answer = None
        self._tcn = ""

    def _keep_draft(self, step: Step) -> None:
        Draft(step, self._tcn, self._form, self._plan).keep(self._store)

    def _restore(self) -> None:
        """Back to where the booking was when the service ended, in whatever way it did."""
        draft = kept_draft(self._store)
        if draft is None:
            return
        entry = self._spool.entry(draft.tcn) if draft.tcn else None
        if entry is not None:
            self._step, self._tcn = Step.RESULT, entry.tcn
            self._answer = answer_of(entry, self._store.note_of(entry.tcn))
            return
        if draft.tcn:
            self._store.forget_note(draft.tcn)  # the service ended before the submission was saved
        self._form, self._plan = draft.form, draft.plan
        self._step = Step.FORM if draft.form is None else draft.step
        if self._step in {Step.CAPTURE, Step.RESULT}:
            something_left = draft.plan is not None and bool(draft.plan.to_print)
            self._step = Step.CAPTURE if something_left else Step.PLAN
            self._notice = "notice.restarted"

    # -- what the capture tells

    def _on_event(self, event: BookingEvent) -> None:
        self._taking.on_event(event)

    def _show_press(self, press: PressView) -> None:
        with self._lock:
            if self._is_capturing():
                self._press = press
                if press.phase is Phase.TROUBLE and press.trouble in SENSOR_TROUBLES:
                    self.sensor_trouble = press.trouble
                elif press.phase in {Phase.TRANSFER, Phase.REVIEW}:
                    self.sensor_trouble = ""
                self._changed()
