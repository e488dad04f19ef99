"""The oversight report: counted anew for auditors; a page that was made for everybody, where that is switched on."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from matcher_service.accounts import Action, reach
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import OPEN, asked, signed_in
from matcher_service.console.parameters import MAX_PUBLIC_REPORT_BYTES, MOST_REPORT_MONTHS_INSIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from matcher_service.console.pages import Console

_MONTH = re.compile(r"[12][0-9]{3}-(?:0[1-9]|1[0-2])")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def add_pages(console: Console, *, public_report: Path | None, now: Callable[[], datetime]) -> None:
    """/report for whoever may read it everywhere, /public/report for everybody."""
    database = console.database

    @console.get("/report", needs=Action.REPORT_READ, menu="Oversight", place=65)
    def choose(request: Request) -> Response:
        last = f"{now():%Y-%m}"
        return console.show(
            request,
            "report.html",
            first=f"{now().year - 1}{last[4:]}",
            last=last,
            public=public_report is not None,
            everywhere=reach(signed_in(request), Action.REPORT_READ).everywhere,
        )

    @console.get("/report/page", needs=Action.REPORT_READ)
    def page(request: Request) -> Response:
        from matcher_service.oversight import gather
        from matcher_service.oversight.figures import months_between
        from matcher_service.oversight.writing import render

        account = signed_in(request)
        first, last = asked(request, "first", most=7), asked(request, "last", most=7)
        if not (_MONTH.fullmatch(first) and _MONTH.fullmatch(last)) or first > last:
            raise BadForm("first", "Months are written as 2026-01, the first before the last.")
        if sum(1 for _ in months_between(first, last)) > MOST_REPORT_MONTHS_INSIDE:
            raise BadForm(
                "first",
                f"That is more than {MOST_REPORT_MONTHS_INSIDE} months. For more: matcher-service report.",
            )
        # An owner of one repository sees what everybody may: small counts of the others stay hidden.
        public = not reach(account, Action.REPORT_READ).everywhere
        console.looked(account, Action.REPORT_READ, purpose=f"console: {first} to {last}")
        return _as_is(render(gather(database, first=first, last=last, now=now()), public=public))

    @console.get("/public/report", needs=OPEN)
    def for_everybody(_: Request) -> Response:
        if public_report is None:
            raise NotThere("There is no public report here.")
        try:
            with public_report.open("rb") as opened:
                data = opened.read(MAX_PUBLIC_REPORT_BYTES)
            text = data.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            raise NotThere("There is no public report at the moment.") from None
        return _as_is(text)


def _as_is(text: str) -> Response:
    """A page that brings its own style: that style and nothing else is let in, by its hash."""
    allowed = " ".join(
        f"'sha256-{base64.b64encode(sha256(style.encode()).digest()).decode()}'"
        for style in _STYLE.findall(text)
    )
    policy = (
        f"default-src 'none'; style-src {allowed or chr(39) + 'none' + chr(39)}; img-src data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, headers={"content-security-policy": policy})
