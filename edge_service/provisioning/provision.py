"""The first meeting: from a code to an identity."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge_service.provisioning.centre_client import CentreAddress, ask_in, fetch_authority
from edge_service.provisioning.errors import ProvisioningError
from interchange.errors import MessageError
from interchange.logs import facts
from interchange.provisioning import ProvisionRequest
from interchange.provisioning_code import ProvisioningCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.provisioning.identity import Identity, IdentityFolder

log = logging.getLogger("edge.provisioning")


def provision(
    folder: IdentityFolder, *, code: str, centre: str, step: Callable[[str], None] = lambda _: None
) -> Identity:
    """Make keys, meet the centre, take its certificate into use. `step` is told what is being done.

    If it is cut off on the way, the same code works again with the same keys. Raises ProvisioningError (WrongCentre),
    IdentityError, OSError.
    """
    address = CentreAddress.read(centre)
    try:
        read = ProvisioningCode.read(code)
    except MessageError as error:
        raise ProvisioningError(address.text, f"was not asked: the code {error.reason}") from None
    step("making keys on this machine")
    pending = folder.prepare(read.secret_sha256)
    step("looking whether this is the centre that made the code")
    ca = fetch_authority(address, read)
    step("asking for a certificate")
    answer = ask_in(
        address,
        ca,
        ProvisionRequest(
            secret=read.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
        ),
    )
    folder.install(
        name=answer.name,
        ori=answer.ori,
        broker=answer.broker,
        certificate=answer.certificate,
        ca=ca.decode("ascii"),
        centre=[answer.centre],
    )
    log.info("provisioned", extra=facts(device=answer.name, ori=answer.ori))
    return folder.load()
