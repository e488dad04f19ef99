"""The network between a client and the broker: a TCP proxy on loopback that can be slow, silent, cut, and lie.

It never takes bytes out of the middle of a stream and goes on, because no TCP does that: what was swallowed ends in a
reset, as it does behind a firewall that has forgotten the connection. A changed byte is what a broken device on the
way makes of it; TLS has to notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from random import Random
from typing import TYPE_CHECKING, Self

from benchmarks.endurance import parameters as p

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

HOST = "127.0.0.1"
_PIECE_BYTES = 16 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: RST instead of FIN


class _Pair:
    """One connection through the proxy: the client's side and the broker's."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.client, self.broker = client, broker
        self.swallows = False  # what comes is read and goes nowhere
        self.garble = False


class Proxy:
    """In front of `target_port`; a context manager with a thread of its own. Its calls return at once."""

    def __init__(self, *, target_port: int, seed: int, port: int = 0) -> None:
        self.port = port
        self._target_port = target_port
        self._random = Random(seed)  # noqa: S311 - faults have to be repeatable
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._silent = self._slow = self._cut = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.connections = 0

    # -- faults; `begin` ones nest

    def reset(self) -> None:
        """Every connection ends with RST on both sides."""
        self._do(self._reset_all)

    def cut(self) -> Callable[[], None]:
        """Nothing and nobody gets through; what is returned ends it."""
        return self._begin("_cut", self._reset_all)

    def silence(self) -> Callable[[], None]:
        """All is accepted and swallowed; when it ends, so do the connections."""
        return self._begin("_silent", self._swallow_all, self._reset_all)

    def delay(self) -> Callable[[], None]:
        """Each piece waits for up to a second, in its order."""
        return self._begin("_slow", lambda: None)

    def half_open(self) -> None:
        """One side's connection ends with RST, the other side is not told and speaks into the void."""
        self._do(self._half_all)

    def garble(self) -> None:
        """One byte of what comes next, on every connection, is changed."""
        self._do(self._garble_all)

    # -- inside

    def _begin(
        self, fault: str, first: Callable[[], None], last: Callable[[], None] = lambda: None
    ) -> Callable[[], None]:
        def begin() -> None:
            setattr(self, fault, getattr(self, fault) + 1)
            first()

        def end() -> None:
            setattr(self, fault, getattr(self, fault) - 1)
            last()

        self._do(begin)
        return lambda: self._do(end)

    def _do(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _reset_all(self) -> None:
        for pair in list(self._pairs):
            _abort(pair.client)
            _abort(pair.broker)

    def _swallow_all(self) -> None:
        for pair in self._pairs:
            pair.swallows = True

    def _half_all(self) -> None:
        for pair in list(self._pairs):
            pair.swallows = True
            _abort(self._random.choice((pair.client, pair.broker)))

    def _garble_all(self) -> None:
        for pair in self._pairs:
            pair.garble = True

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._cut:
            _abort(client)
            return
        try:
            from_broker, broker = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            _abort(client)
            return
        pair = _Pair(client, broker)
        pair.swallows = self._silent > 0
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._carry(pair, reader, broker, other=client),
                self._carry(pair, from_broker, client, other=broker),
            )
        finally:
            self._pairs.discard(pair)
            _abort(client)
            _abort(broker)

    async def _carry(
        self,
        pair: _Pair,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        *,
        other: asyncio.StreamWriter,
    ) -> None:
        """From `source`, whose own writer is `other`, to `sink`, until one of them ends."""
        with contextlib.suppress(OSError):
            while piece := await source.read(_PIECE_BYTES):
                if self._slow:
                    await asyncio.sleep(self._random.uniform(*p.DELAY_S))
                if pair.swallows:
                    continue
                if pair.garble:
                    pair.garble = False
                    at = self._random.randrange(len(piece))
                    piece = piece[:at] + bytes([piece[at] ^ 0x20]) + piece[at + 1 :]
                sink.write(piece)
                await sink.drain()
        # In a half-open connection the other side is not told.
        if not pair.swallows:
            _abort(sink)
            _abort(other)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._connected, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._reset_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    """RST, not FIN."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
