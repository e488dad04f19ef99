"""What the page sends: nothing of what was typed may be kept by a library."""

from typing import Annotated

import pytest
from fastapi import Body
from pydantic import TypeAdapter

from edge_service.kiosk.app import Code
from edge_service.kiosk.form import BookingForm

FORM = {"charge_class": "other", "disposition": "held"}


@pytest.mark.parametrize(
    ("body", "field", "typed", "rest"),
    [(BookingForm, "number", " b-2026/17 ", FORM), (Code, "code", "493817", {})],
)
def test_pydantic_keeps_nothing_of_what_was_typed(body, field, typed, rest):
    """It would, if it was the one to tidy it; a string from its cache is the same object each time."""
    as_the_page_does = TypeAdapter(
        Annotated[body, Body()]
    )  # FastAPI's: the model's own settings do not count
    first, second = (
        getattr(as_the_page_does.validate_python({field: "".join(typed), **rest}), field) for _ in range(2)
    )
    assert first == second
    assert first is not second
