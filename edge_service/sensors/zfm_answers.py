"""What the sensor's answers mean: system parameters, product information, the 4-bit image. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from edge_service.sensors.parameters import BUSY_CHANGES
from edge_service.sensors.zfm_codes import BAUD_UNIT, PACKET_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARAMETERS = Struct(">HHHHIHH")
_PRODUCT = Struct(">16s4s8s2s8sHHHH")
_EXPAND = 17
"""0..15 onto 0..255: 15 x 17 = 255, so black stays black and white becomes white."""


@dataclass(frozen=True, slots=True)
class SystemParameters:
    """Answer to ReadSysPara, as the module states it.

    Attributes:
        status: status register; bit 2 is "password verified", bit 3 "image buffer valid".
        system_id: fixed for a firmware family (0 or 9 are seen).
        capacity: places in the template library.
        security: 1 to 5.
        address: the module's address.
        packet_bytes: content of a data packet in bytes.
        baud: baud rate the module says it uses.
    """

    status: int
    system_id: int
    capacity: int
    security: int
    address: int
    packet_bytes: int
    baud: int

    @classmethod
    def decode(cls, payload: bytes) -> SystemParameters:
        """Read the 16 bytes after the confirmation code. Raises ValueError when they cannot be right."""
        if len(payload) < _PARAMETERS.size:
            raise ValueError(f"{len(payload)} bytes of system parameters, expected {_PARAMETERS.size}")
        status, system_id, capacity, security, address, code, baud_n = _PARAMETERS.unpack_from(payload)
        if code >= len(PACKET_BYTES):
            raise ValueError(f"packet size code {code}, expected 0 to 3")
        return cls(status, system_id, capacity, security, address, PACKET_BYTES[code], baud_n * BAUD_UNIT)


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """Answer to ReadProdInfo (R50x manual, 0x3C): the one command that states the geometry."""

    module: str
    width: int
    height: int

    @classmethod
    def decode(cls, payload: bytes) -> ProductInfo | None:
        """Read the 46 bytes after the confirmation code; None when they make no sense."""
        if len(payload) != _PRODUCT.size:
            return None
        fields = _PRODUCT.unpack(payload)
        module = fields[0].rstrip(b"\x00 ").decode("ascii", "replace")
        width, height = fields[5:7]
        plausible = module.isprintable() and 64 <= width <= 512 and 64 <= height <= 512 and width % 2 == 0
        return cls(module, width, height) if plausible else None


def unpack_image(data: bytes, *, width: int, height: int) -> NDArray[np.uint8]:
    """The image as grey levels, uint8 (height, width), read-only, origin top left.

    The wire carries the top four bits of each pixel, row by row, two pixels a byte, the left one in the high
    nibble. They are expanded by 17, so exactly the 16 levels 0, 17, ..., 255 can occur.
    """
    packed = np.frombuffer(data, dtype=np.uint8)
    if packed.size * 2 != width * height:
        raise ValueError(f"{packed.size} bytes cannot be {width} x {height} pixels of four bits")
    pixels = np.empty((packed.size, 2), dtype=np.uint8)
    np.right_shift(packed, 4, out=pixels[:, 0])
    np.bitwise_and(packed, 0x0F, out=pixels[:, 1])
    pixels *= np.uint8(_EXPAND)
    image = pixels.reshape(height, width)
    image.setflags(write=False)
    return image


def repeats_a_packet(data: bytes, packet_bytes: int) -> bool:
    """Whether a packet full of ridges is the very packet before it, which no finger does but a repeated packet.

    The wire numbers nothing: where one packet was dropped and another came twice, every sum is right and so is the
    count of bytes. An even background repeats itself too, and does not count.
    """
    whole = len(data) // packet_bytes
    packets = np.frombuffer(data, dtype=np.uint8)[: whole * packet_bytes].reshape(whole, packet_bytes)
    same = (packets[1:] == packets[:-1]).all(axis=1)
    busy = (packets[1:, 1:] != packets[1:, :-1]).sum(axis=1) * BUSY_CHANGES >= packet_bytes
    return bool((same & busy).any())
