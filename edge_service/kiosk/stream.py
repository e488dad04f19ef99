"""Server-sent events: the state whenever it changes, and the status line as a heartbeat."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from edge_service.kiosk import parameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from edge_service.kiosk.hub import Hub


async def events(
    hub: Hub, *, state: Callable[[], dict[str, Any]], status: Callable[[], object]
) -> AsyncIterator[bytes]:
    """Until the page goes or the service ends. `state` and `status` may look at the disk."""
    news = hub.join()
    loop = asyncio.get_running_loop()
    shown = b""
    next_beat = 0.0
    try:
        while not hub.stopping:
            news.clear()
            now = _packed(await asyncio.to_thread(state))
            if now != shown:
                shown = now
                yield b"event: state\ndata: " + now + b"\n\n"
            if loop.time() >= next_beat:
                next_beat = loop.time() + parameters.HEARTBEAT_S
                yield b"event: status\ndata: " + _packed(await asyncio.to_thread(status)) + b"\n\n"
            await asyncio.sleep(parameters.PUSH_EVERY_S)
            try:
                async with asyncio.timeout(max(0.0, next_beat - loop.time())):
                    await news.wait()
            except TimeoutError:
                pass
    finally:
        hub.leave(news)


def _packed(value: object) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(type(value).__name__)
