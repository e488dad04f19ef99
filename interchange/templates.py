"""Templates of either format: which one it is, and its record.

ISO/IEC 19794-2:2005 and INCITS 378-2004 begin with the same eight bytes. What follows tells them apart,
because neither can be shorter than its header: INCITS has its length in 2 bytes (or 0, then 4), ISO in 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange import incits378, iso19794
from interchange.errors import TemplateError
from interchange.fmr_body import open_record
from interchange.fmr_faults import explained
from interchange.minutiae import Minutiae
from interchange.template_format import TemplateFormat

if TYPE_CHECKING:
    from interchange.record import Record

_CODECS = {TemplateFormat.ISO_19794_2_2005: iso19794, TemplateFormat.INCITS_378_2004: incits378}
_ENOUGH_BYTES = 12


def sniff(data: bytes | bytearray | memoryview) -> TemplateFormat:
    """The format of a record, from its first 12 bytes; the rest may still be wrong.

    Raises `TemplateError` if it begins like neither.
    """
    raw = memoryview(data).tobytes()
    try:
        open_record(raw, at_least=_ENOUGH_BYTES)
    except TemplateError as error:
        raise explained(error, raw, TemplateFormat.ISO_19794_2_2005) from None
    first, second = int.from_bytes(raw[8:10], "big"), int.from_bytes(raw[10:12], "big")
    if first >= TemplateFormat.INCITS_378_2004.header_bytes:
        return TemplateFormat.INCITS_378_2004
    if first > 0 or second >= TemplateFormat.ISO_19794_2_2005.header_bytes:
        return TemplateFormat.ISO_19794_2_2005
    return TemplateFormat.INCITS_378_2004


def decode(data: bytes | bytearray | memoryview) -> Record:
    """The record in `data`, of whichever format; raises `TemplateError` as the codecs do."""
    return _CODECS[sniff(data)].decode(data)


def encode(template: Record | Minutiae) -> bytes:
    """The bytes of a record in its own format; bare minutiae are written as ISO/IEC 19794-2:2005."""
    wanted = TemplateFormat.ISO_19794_2_2005 if isinstance(template, Minutiae) else template.format
    return _CODECS[wanted].encode(template)
