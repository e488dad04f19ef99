"""The booking under way as it is kept over a restart: everything but its prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.kiosk.form import BookingForm, FingerPlan, FingerState
from edge_service.kiosk.state import Step

if TYPE_CHECKING:
    from edge_service.kiosk.store import KioskStore

_KEY = "draft"


@dataclass(frozen=True, slots=True)
class Draft:
    """The step, and what was entered before it; `tcn` once the submission was about to be saved."""

    step: Step
    tcn: str = ""
    form: BookingForm | None = None
    plan: FingerPlan | None = None

    def keep(self, store: KioskStore) -> None:
        """Write it down; at the start page there is nothing to keep."""
        if self.step is Step.HOME:
            store.put(_KEY, None)
            return
        kept = {
            "step": self.step,
            "tcn": self.tcn,
            "form": None if self.form is None else self.form.model_dump(mode="json"),
            "plan": None if self.plan is None else self.plan.model_dump(mode="json"),
        }
        store.put(_KEY, kept)


def kept_draft(store: KioskStore) -> Draft | None:
    """What was kept last."""
    kept = store.get(_KEY)
    if not kept:
        return None
    plan = None
    if kept["plan"] is not None:
        states = {int(p): FingerState(state) for p, state in kept["plan"]["fingers"].items()}
        plan = FingerPlan.model_construct(fingers=states)
    form = None if kept["form"] is None else BookingForm.model_validate(kept["form"])
    return Draft(Step(kept["step"]), kept["tcn"], form, plan)
