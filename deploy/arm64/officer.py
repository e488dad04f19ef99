"""The officer at the kiosk's page: sends what the page would send, and reads what it would show."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from deploy.arm64 import parameters as p
from deploy.arm64.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

_HEADER = "X-Whorl-Kiosk"
_TIMEOUT_S = 120.0  # of one request: emulated, unlocking takes seconds


class Officer:
    """One booking at the page on `port`. A context manager."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self._url, timeout=_TIMEOUT_S, trust_env=False)

    def book(self, positions: Sequence[int], *, pin: str, number: str) -> dict[str, Any]:
        """Take these fingers, and wait for the answer of the centre: what the page shows of it.

        Raises StepFailed if the page says no, if a finger gives trouble, or if no answer comes.
        """
        if "html" not in self._client.get("/").headers["content-type"]:
            raise StepFailed("the kiosk's page", "is no page")
        self._post("unlock", {"code": pin})
        self._post("new")
        self._post("form", {"number": number, "charge_class": "misdemeanor", "disposition": "charged"})
        self._post("take", {"fingers": {str(position): "print" for position in positions}})
        decided: set[tuple[int, int]] = set()
        last: dict[str, Any] = {}
        for state in self._states(time.monotonic() + p.REPLY_TIMEOUT_S):
            last = state
            press = state.get("press") or {}
            if press.get("phase") == "trouble":
                raise StepFailed("the capture", f"met trouble: {press.get('trouble')}")
            this = (press.get("position", 0), press.get("attempt", 0))
            if press.get("phase") == "review" and this not in decided:
                decided.add(this)
                self._post(
                    "accept", {"position": this[0], "attempt": this[1]}, also=409
                )  # a good one accepts itself
            result = state.get("result") or {}
            if result.get("delivery") in {"answered", "refused", "held", "expired", "damaged"}:
                return result
        raise StepFailed(
            "the booking", f"was not answered within {p.REPLY_TIMEOUT_S:.0f} s", _without_image(last)
        )

    def leave(self) -> None:
        """Back to the start page."""
        self._post("done")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _post(self, what: str, body: object = None, *, also: int = 204) -> None:
        answer = self._client.post(f"/api/{what}", json=body, headers={_HEADER: "1", "Origin": self._url})
        if answer.status_code not in {204, also}:
            raise StepFailed(
                f"the kiosk's page, asked to {what},", f"says {answer.status_code} {answer.text[:200]}"
            )

    def _states(self, deadline: float) -> Iterator[dict[str, Any]]:
        """What the page is told to show, each time that it changes."""
        wanted = False
        with self._client.stream("GET", "/stream") as stream:
            for line in stream.iter_lines():  # the heartbeat wakes us every second
                if time.monotonic() > deadline:
                    return
                if line.startswith("event:"):
                    wanted = line == "event: state"
                elif wanted and line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def _without_image(state: dict[str, Any]) -> str:
    return json.dumps(
        {key: value for key, value in state.items() if key in {"step", "notice", "press", "result"}}
    )
