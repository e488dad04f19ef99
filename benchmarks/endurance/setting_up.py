"""What is there before the campaign begins: an authority, enrolled people, and a kiosk that was let in.

Made by the product's own parts in this process; the meeting of kiosk and centre over HTTPS has tests of its own
(tests/system/test_provisioning.py).
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.endurance import parameters as p
from benchmarks.endurance.bookings import enroll_everybody
from edge_service.provisioning import IdentityFolder
from hardware.bench.broker import HOST, SHIPPED
from interchange.provisioning import BrokerAddress, ProvisionRequest
from interchange.provisioning_code import ProvisioningCode
from matcher_service.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.repositories import Database, Registry, Repositories

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MATCHER = "matcher-1"


def set_up(
    folder: Path, *, database: Path, identity: Path, seed: int, on_part: Callable[[str], None]
) -> tuple[list[str], list[str]]:
    """All of it; the matcher's settings but for the network, and the enrolled people's identities."""
    on_part("the centre's authority and the broker's certificates")
    authority = folder / "authority"
    create_centre(authority, addresses=[HOST], matchers=[MATCHER])
    shutil.copy(SHIPPED.with_name("acl"), authority / "broker" / "acl")
    (authority / "broker" / "acl").chmod(0o600)
    store = Database(f"sqlite:///{database}")
    try:
        on_part(f"{p.IDENTITIES} synthetic people, enrolled")
        identities = enroll_everybody(Repositories(store), seed)
        on_part("the kiosk's invitation and identity")
        _let_in(authority, store, IdentityFolder(identity))
    finally:
        store.close()
    own = authority / MATCHER
    settings = [
        f"instance={MATCHER}",
        f"database.url=sqlite:///{database}",
        f"broker.tls.ca={own / 'ca.pem'}",
        f"broker.tls.certificate={own / 'tls.pem'}",
        f"broker.tls.key={own / 'tls.key'}",
        f"authority.folder={authority}",
    ]
    return settings, identities


def _let_in(folder: Path, store: Database, identity: IdentityFolder) -> None:
    """Invitation, keys made on the kiosk, certificate."""
    registrar = Registrar(
        authority=Authority(folder),
        registry=Registry(store),
        keyring=CentreKeyring(folder),
        broker=BrokerAddress(host=HOST, port=8883),
    )
    code = ProvisioningCode.read(
        registrar.invite(p.DEVICE, p.ORI, valid=timedelta(hours=1), by="the campaign")
    )
    pending = identity.prepare(code.secret_sha256)
    answer = registrar.provision(
        ProvisionRequest(
            secret=code.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
        ),
        address=HOST,
    )
    identity.install(
        name=answer.name,
        ori=answer.ori,
        broker=answer.broker,
        certificate=answer.certificate,
        ca=answer.ca,
        centre=[answer.centre],
    )
