"""Wakes the page's streams, from whichever thread there is something new to show."""

from __future__ import annotations

import asyncio
import threading


class Hub:
    """`changed` and `stop` may be called from any thread; the rest belongs to the server's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self.stopping = False

    def changed(self) -> None:
        """There is something new to show."""
        with self._lock:
            for event, loop in self._listeners.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    def stop(self) -> None:
        """End all streams."""
        self.stopping = True
        self.changed()

    def join(self) -> asyncio.Event:
        """Set whenever there is something new; give it back with `leave`."""
        event = asyncio.Event()
        with self._lock:
            self._listeners[event] = asyncio.get_running_loop()
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Nobody listens any more."""
        with self._lock:
            self._listeners.pop(event, None)

    def __len__(self) -> int:
        with self._lock:
            return len(self._listeners)
