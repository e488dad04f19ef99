"""The page itself, filled with the words of one language, so that it says something before any script has run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from edge_service.kiosk.catalogue import LANGUAGES, catalogue
from edge_service.kiosk.form import DISPOSITIONS, FingerState
from edge_service.kiosk.hands import HANDS, VIEW_BOX
from interchange.charges import ChargeClass

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render_page(language: str, *, device: str, call: str = "") -> str:
    """HTML of the page; `call` is whom it tells to call, in nobody's language."""
    words = catalogue(language)
    return (
        _environment()
        .get_template("page.html")
        .render(
            language=language,
            languages=LANGUAGES,
            device=device,
            call=call,
            t=words,
            charge_classes=list(ChargeClass),
            dispositions=list(DISPOSITIONS),
            reasons=[FingerState.MISSING, FingerState.BANDAGED, FingerState.UNPRINTABLE],
            hands=HANDS,
            hand_view_box=VIEW_BOX,
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
