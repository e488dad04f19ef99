"""What a new centre needs beside the authority: certificates for its broker, its API and its matchers.

broker/  ca.pem broker.pem broker.key crl.pem      to /etc/whorl/broker (and the acl of deploy/mosquitto)
api/     ca.pem api.pem api.key                    [api] certificate, key
matcher-1/  ca.pem tls.pem tls.key                 [broker.tls] of the matcher
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.certificates import certificate_request, key_pem, new_key
from interchange.whole_file import PUBLIC, SECRET, make_private_folder, write_whole
from matcher_service.authority.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.requests import Role
from matcher_service.authority.revocations import FILE, publish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def create_centre(folder: Path, *, addresses: Sequence[str], matchers: Sequence[str]) -> Authority:
    """An authority in `folder`, the centre's keys, and certificates for its machines. Raises AuthorityError.

    `addresses` are the names and numbers by which broker and API are reached.
    """
    authority = Authority.create(folder)
    CentreKeyring(folder).rotate()
    equip(authority, "broker", Role.BROKER, file="broker", addresses=addresses)
    equip(authority, "api", Role.API, file="api", addresses=addresses)
    for name in matchers:
        equip(authority, name, Role.MATCHER)
    publish_revocations(folder)
    return authority


def equip(
    authority: Authority, name: str, role: Role, *, file: str = "tls", addresses: Sequence[str] = ()
) -> None:
    """A key and certificate for one of the centre's own, in a folder of its name. Anew, if there is one."""
    folder = authority.folder / name
    make_private_folder(folder)
    key = new_key()
    certificate = authority.certify(certificate_request(key, name), role=role, hosts=addresses)
    write_whole(folder / f"{file}.key", key_pem(key), mode=SECRET)
    write_whole(folder / f"{file}.pem", certificate, mode=PUBLIC)
    write_whole(folder / "ca.pem", authority.root_pem, mode=PUBLIC)


def publish_revocations(folder: Path) -> Path:
    """Put the list of revoked certificates among the broker's files too; where it is to be had."""
    crl = folder / FILE
    return publish(crl, folder / "broker").path if (folder / "broker").is_dir() else crl
