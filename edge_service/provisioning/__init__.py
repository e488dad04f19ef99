"""How a kiosk gets its identity, keeps it fresh, and speaks with it: keys made here, certificates from the centre."""

from edge_service.provisioning.channel import Channel, PlainChannel, SealedChannel, channel_of
from edge_service.provisioning.errors import IdentityError, ProvisioningError, WrongCentre
from edge_service.provisioning.identity import Identity, IdentityFolder

__all__ = [
    "Channel",
    "Identity",
    "IdentityError",
    "IdentityFolder",
    "PlainChannel",
    "ProvisioningError",
    "SealedChannel",
    "WrongCentre",
    "channel_of",
]
