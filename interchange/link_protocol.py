"""What a `Link` carries and what it tells: its messages, its handler, and the box between threads."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

log = logging.getLogger("interchange.link")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker."""

    topic: str
    payload: bytes
    retained: bool = False
    correlation: bytes | None = None
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for the broker, always QoS 1. `label` comes back with its PUBACK; empty: not wanted.

    The broker forgets it `expires_in_s` after it took it, if nobody has fetched it by then; `properties` are MQTT's
    user properties.
    """

    topic: str
    payload: bytes
    label: str = ""
    retain: bool = False
    correlation: bytes | None = None
    response_topic: str | None = None
    expires_in_s: int | None = None
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Puback:
    """The broker's word on a publication, which is not yet delivery."""

    label: str
    reason: str
    refused: bool
    nobody_listens: bool


class LinkHandler(Protocol):
    """What a link tells, always on the link's own thread."""

    def make_will(self) -> Outgoing | None:
        """The will for the connection that is about to be made."""
        ...

    def on_connected(self) -> None:
        """Connected, and all subscriptions granted."""
        ...

    def on_disconnected(self, reason: str) -> None:
        """The connection, or the attempt at one, has ended."""
        ...

    def on_message(self, message: Incoming) -> None:
        """A message came."""
        ...

    def on_puback(self, verdict: Puback) -> None:
        """The broker answered a publication that had a label."""
        ...

    def on_tick(self) -> None:
        """Some time has passed, or somebody called `Link.wake`."""
        ...

    def make_farewell(self) -> Outgoing | None:
        """The last message before an orderly end; the broker sends no will then."""
        ...


class Mailbox:
    """Messages from any thread for the link's thread, and a socket that wakes it out of a select."""

    def __init__(self) -> None:
        self._messages: deque[Outgoing] = deque()
        self.wake_socket, self._waker = socket.socketpair()
        self.wake_socket.setblocking(False)
        self._waker.setblocking(False)

    def put(self, message: Outgoing) -> None:
        """Leave a message and wake the link."""
        self._messages.append(message)
        self.wake()

    def take(self) -> Outgoing | None:
        """The oldest message, if there is one."""
        return self._messages.popleft() if self._messages else None

    def clear(self) -> None:
        """Forget all messages: the connection that they were meant for is gone."""
        self._messages.clear()

    def wake(self) -> None:
        """End the link's wait."""
        with contextlib.suppress(BlockingIOError):  # full: it will wake anyway
            self._waker.send(b"\0")

    def drain(self) -> bool:
        """Whether somebody called `wake` since the last time."""
        with contextlib.suppress(BlockingIOError):
            return bool(self.wake_socket.recv(4096))
        return False


def told(tell: Callable[..., T], *args: object) -> T | None:
    """Call a handler; a fault in it is logged, and never ends the connection's thread."""
    try:
        return tell(*args)
    except Exception:
        log.exception("fault while handling a broker event")
        return None
