"""What the officer says of a booking before a finger is taken."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from edge_service.booking import About
from interchange.charges import AT_BOOKING, ChargeClass, Disposition, LeftOut, LeftOutReason


class FingerState(StrEnum):
    """What is to become of a finger, or why nothing can."""

    PRINT = "print"
    LEAVE = "leave"  # not asked for
    MISSING = "missing"
    BANDAGED = "bandaged"
    UNPRINTABLE = "unprintable"


REASONS_TO_LEAVE_OUT = frozenset({FingerState.MISSING, FingerState.BANDAGED, FingerState.UNPRINTABLE})


def _tidy(typed: object) -> object:
    """As it is written down. Not left to pydantic, which would keep the last 16,384 numbers in a cache of its own."""
    return typed.strip().upper() if isinstance(typed, str) else typed


# The jail's own number: letters and digits, with hyphens, dots or strokes between them.
BookingNumber = Annotated[
    str,
    BeforeValidator(_tidy),
    StringConstraints(pattern=r"^[A-Z0-9]+([-./][A-Z0-9]+)*$", max_length=24),
]
Position = Annotated[int, Field(ge=1, le=10)]

# What can be said of a matter when somebody is booked, in the order in which it is offered.
DISPOSITIONS = tuple(one for one in Disposition if one in AT_BOOKING)


def _said_at_booking(disposition: Disposition) -> Disposition:
    if disposition not in AT_BOOKING:
        raise ValueError("is only ever reported later")
    return disposition


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BookingForm(_Strict):
    """The jail's own booking number, and what the centre's rules ask for."""

    number: BookingNumber
    charge_class: ChargeClass
    disposition: Annotated[Disposition, AfterValidator(_said_at_booking)]


class FingerPlan(_Strict):
    """What is to become of each of the ten fingers; those not named are left."""

    fingers: dict[Position, FingerState]

    @model_validator(mode="after")
    def _something_to_take(self) -> FingerPlan:
        if not self.to_print:
            raise ValueError("fingers: not one of them is to be printed")
        return self

    @property
    def to_print(self) -> list[int]:
        """Positions to be taken, in the order of the standard."""
        return sorted(p for p, state in self.fingers.items() if state is FingerState.PRINT)

    @property
    def left_out(self) -> dict[int, FingerState]:
        """Fingers that cannot be taken, and why."""
        return {p: s for p, s in sorted(self.fingers.items()) if s in REASONS_TO_LEAVE_OUT}

    def without(self, position: int, reason: FingerState) -> FingerPlan:
        """The plan once `position` turned out not to be possible; there may be nothing left to print."""
        return FingerPlan.model_construct(fingers={**self.fingers, position: reason})


def about_booking(form: BookingForm, plan: FingerPlan) -> About:
    """What of it goes with the submission: what the centre's rules ask for, not the jail's own number."""
    return About(
        charge_class=form.charge_class,
        disposition=form.disposition,
        left_out=tuple(
            LeftOut(position=position, reason=LeftOutReason(state))
            for position, state in plan.left_out.items()
        ),
    )
