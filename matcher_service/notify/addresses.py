"""Where a webhook may be: public addresses over HTTPS, and private ones that the settings name. Nothing else.

A subscriber's address is looked up anew for each post, and the post goes to the very address that was checked: a name
that points elsewhere a moment later leads nowhere inside.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matcher_service.notify.errors import NoticeRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_MAX_URL = 500


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    def at(self, address: str) -> str:
        """The same, by number."""
        where = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{where}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """As HTTP wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def read_url(url: str, *, networks: Iterable[str] = ()) -> Target:
    """Take it apart, and refuse what can never be posted to. Raises NoticeRefused, which does not repeat it."""
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise NoticeRefused("webhook", f"has to be at most {_MAX_URL} plain characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NoticeRefused("webhook", "is no address, such as https://cases.agency.example/whorl") from None
    if parts.username is not None or parts.password is not None or parts.fragment or not parts.hostname:
        raise NoticeRefused("webhook", "is https://HOST/PATH, without a user, a password or a '#'")
    literal = _literal(parts.hostname)
    if literal is not None:
        check_address(literal, networks=networks)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and literal is not None and literal.is_loopback
    ):
        raise NoticeRefused("webhook", "has to begin with https://")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or {"https": 443, "http": 80}[parts.scheme], path)


def check_address(address: _Address, *, networks: Iterable[str] = ()) -> None:
    """Raises NoticeRefused for one that is neither public nor in `networks`, however it is dressed up."""
    inner = _inner(address)
    allowed = [ipaddress.ip_network(one) for one in networks]
    if any(inner in network for network in allowed if network.version == inner.version):
        return
    if not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
        raise NoticeRefused(
            "webhook", "leads to a private address; if that is meant, name it in [notify] webhook_networks"
        )


def chosen(addresses: Iterable[str], *, networks: Iterable[str] = ()) -> list[str]:
    """What a name led to, once each, if all of it may be posted to. Raises NoticeRefused."""
    found = list(dict.fromkeys(addresses))
    allowed = tuple(networks)
    if not found:
        raise NoticeRefused("webhook", "its name leads nowhere")
    for one in found:
        check_address(ipaddress.ip_address(one.partition("%")[0]), networks=allowed)
    return found


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _inner(address: _Address) -> _Address:
    """An IPv4 address that is wrapped into one of IPv6 is the one that is reached."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo
        return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
    return address
