"""Posting to webhooks: signed, bounded in time, each receiver on its own, no redirects.

    POST /path
    Whorl-Id: the notification's number
    Whorl-Timestamp: seconds since 1970
    Whorl-Signature: v1=hex of HMAC-SHA256 over "{timestamp}.{id}." and the body
    Whorl-Topic: the topic to whose words the body is bound
    Whorl-Keys: where the centre has new keys: what the topic .../keys says of them, in base64, one for each older key
    Content-Type: application/cose

The body is the sealed message, byte for byte as on the topic. All posts run in one thread of their own; one that hangs
is cut off, and holds up nobody but its own receiver.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from interchange.logs import facts
from matcher_service.notify import parameters
from matcher_service.notify.addresses import chosen, read_url
from matcher_service.notify.errors import NoticeRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from matcher_service.notify.addresses import Target
    from matcher_service.notify.settings import NotifySettings

log = logging.getLogger("matcher.notify")


@dataclass(frozen=True, slots=True)
class Post:
    """One message to one webhook."""

    notification_id: int
    number: str
    subscriber_id: int
    subscriber: str
    topic: str
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    body: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)


def signature(secret: bytes, *, timestamp: int, number: str, body: bytes) -> str:
    """What stands in `Whorl-Signature` (HMAC: RFC 2104)."""
    signed = f"{timestamp}.{number}.".encode() + body
    return "v1=" + hmac.new(secret, signed, sha256).hexdigest()


class Webhooks:
    """See the module. `on_done` is called with each post and what went wrong, "" if it was taken."""

    def __init__(self, settings: NotifySettings, *, wall_clock_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._wall_clock_s = wall_clock_s
        self._on_done: Callable[[Post, str], None] = lambda _post, _problem: None
        self._under_way: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._client: httpx.AsyncClient | None = None

    def start(self, on_done: Callable[[Post, str], None]) -> None:
        """Begin."""
        self._on_done = on_done
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Cut off what is under way; it is posted again."""
        if self._loop is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(parameters.STOP_WAIT_S)

    def busy(self) -> set[int]:
        """Subscribers that are to be given nothing more for now."""
        with self._lock:
            return {who for who, many in self._under_way.items() if many >= parameters.WEBHOOK_AT_ONCE}

    def post(self, post: Post) -> None:
        """Begin to post; returns at once. Not before `start`."""
        assert self._loop is not None
        with self._lock:
            self._under_way[post.subscriber_id] += 1
        asyncio.run_coroutine_threadsafe(self._post(post), self._loop)

    # -- on the thread

    def _run(self) -> None:
        loop = self._loop
        assert loop is not None
        asyncio.set_event_loop(loop)
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            if self._client is not None:
                loop.run_until_complete(self._client.aclose())
        loop.close()

    async def _post(self, post: Post) -> None:
        problem = "cut off"
        try:
            async with asyncio.timeout(self._settings.webhook_timeout_s):
                problem = await self._exchange(post)
        except TimeoutError:
            problem = "no answer in time"
        except NoticeRefused as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - a receiver may do anything; its words are not repeated
            problem = type(error).__name__
        finally:
            with self._lock:
                self._under_way[post.subscriber_id] -= 1
        if problem:
            told = facts(subscriber=post.subscriber, number=post.number, reason=problem)
            log.warning("webhook not taken; it is tried again", extra=told)
        # The database may have to be waited for: not here, where others are being posted to.
        await asyncio.to_thread(self._on_done, post, problem)

    async def _exchange(self, post: Post) -> str:
        target = read_url(post.url, networks=self._settings.webhook_networks)
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM
        )
        addresses = chosen((str(one[4][0]) for one in found), networks=self._settings.webhook_networks)
        timestamp = int(self._wall_clock_s())
        headers = {
            "Host": target.host_header,
            "Content-Type": "application/cose",
            "Whorl-Id": post.number,
            "Whorl-Timestamp": str(timestamp),
            "Whorl-Signature": signature(
                post.secret, timestamp=timestamp, number=post.number, body=post.body
            ),
            "Whorl-Topic": post.topic,
        }
        if post.keys:
            headers["Whorl-Keys"] = ",".join(base64.b64encode(one).decode("ascii") for one in post.keys)
        for place, address in enumerate(addresses, 1):
            try:
                return await self._at(target, address, headers, post.body)
            except OSError:
                if place == len(addresses):
                    raise
        return "its name leads nowhere"

    async def _at(self, target: Target, address: str, headers: dict[str, str], body: bytes) -> str:
        """Post by number, for the name may lead elsewhere by now; the certificate is still asked for by name."""
        import httpx

        client = self._made_client()
        try:
            async with client.stream(
                "POST",
                target.at(address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": target.host},
            ) as answer:
                if answer.is_success:
                    return ""
                if answer.has_redirect_location:
                    return f"answered {answer.status_code}; redirects are not followed"
                return f"answered {answer.status_code}"
        except httpx.ConnectError as error:
            raise ConnectionError(type(error).__name__) from error

    def _made_client(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            ca = self._settings.webhook_ca
            context = ssl.create_default_context(cafile=None if ca is None else str(ca))
            # A connection is used once: two names at one address are two receivers.
            self._client = httpx.AsyncClient(
                verify=context,
                trust_env=False,
                follow_redirects=False,
                timeout=self._settings.webhook_timeout_s,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._client
