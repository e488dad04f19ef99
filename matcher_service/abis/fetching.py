"""Biometrics by their referenceURL: from hosts that the settings name, over HTTPS, bounded in size and time.

The name is looked up once, and what is asked is the very address that was checked; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

from matcher_service.abis import parameters
from matcher_service.abis.failures import AbisFailure, Reason
from matcher_service.notify.addresses import chosen, read_url
from matcher_service.notify.errors import NoticeRefused

if TYPE_CHECKING:
    from matcher_service.abis.settings import AbisSettings
    from matcher_service.notify.addresses import Target

_GONE = frozenset({401, 403, 410})
"""How a share of MOSIP says that its time is over, or its right."""


def fetch(url: str, settings: AbisSettings, *, timeout_s: float = parameters.FETCH_TIMEOUT_S) -> bytes:
    """What is there; not to be called in an event loop. Raises AbisFailure, which says nothing of the address."""
    return asyncio.run(_fetch(url, settings, timeout_s))


async def _fetch(url: str, settings: AbisSettings, timeout_s: float) -> bytes:
    import httpx

    try:
        async with asyncio.timeout(timeout_s):
            target = read_url(url, networks=settings.networks)
            if target.host not in settings.hosts:
                raise AbisFailure(Reason.NOT_FETCHED, "the host is not in abis.hosts")
            found = await asyncio.get_running_loop().getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            )
            address = chosen((str(one[4][0]) for one in found), networks=settings.networks)[0]
            return await _ask(target, address, settings)
    except NoticeRefused:
        raise AbisFailure(Reason.NOT_FETCHED, "an address that is not fetched from") from None
    except TimeoutError:
        raise AbisFailure(Reason.NOT_FETCHED, "no answer in time") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise AbisFailure(Reason.NOT_FETCHED, type(error).__name__) from None


async def _ask(target: Target, address: str, settings: AbisSettings) -> bytes:
    import httpx

    context = ssl.create_default_context(cafile=None if settings.ca is None else str(settings.ca))
    headers = {"Host": target.host_header, "Accept-Encoding": "identity"}
    body = bytearray()
    async with (
        httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False) as client,
        client.stream(
            "GET", target.at(address), headers=headers, extensions={"sni_hostname": target.host}
        ) as answer,
    ):
        if answer.status_code in _GONE:
            raise AbisFailure(Reason.URL_EXPIRED, f"answered {answer.status_code}")
        if answer.status_code != 200:
            raise AbisFailure(Reason.NOT_FETCHED, f"answered {answer.status_code}")
        async for part in answer.aiter_raw():
            body += part
            if len(body) > parameters.MAX_CBEFF_BYTES:
                raise AbisFailure(Reason.NOT_FETCHED, f"more than {parameters.MAX_CBEFF_BYTES} bytes")
    return bytes(body)
