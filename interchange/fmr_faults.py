"""Known ways in which other writers break the format, recognised so that the error can say which.

Each of these was met in files of real programs. A record that breaks the format is never repaired, because a
guess would put minutiae in wrong places without anybody noticing; it is explained.
"""

from __future__ import annotations

from interchange.errors import TemplateError
from interchange.finger_view import MINUTIA_BYTES
from interchange.fmr_body import EXTENDED_LENGTH_BYTES, MAGIC, VERSION
from interchange.foreign_formats import named
from interchange.template_format import TemplateFormat

_OTHER_VERSIONS = {
    b"020\0": "a version of no standard; its writer puts 020 for ' 20', and other fields may be wrong too",
    b"030\0": "ISO/IEC 19794-2:2011 or INCITS 378-2009; ask for the 2005 or the 2004 format",
    b"035\0": "INCITS 378-2009 with amendment 1; ask for the 2004 format",
}
_VALUES: dict[tuple[str, int | None], str] = {
    ("finger quality", 254): "in later standards: not computed",
    ("finger quality", 255): "in later standards: the computation failed",
}
_FIELDS = {"minutia quality": "some writers put 0 to 255 here"}
_TWO_BYTE_HEADER = (
    "the bytes fit a known wrong layout, with finger view headers of 2 bytes (position, number of minutiae)"
    " instead of 4: have its writer corrected"
)


def explained(error: TemplateError, raw: bytes, layout: TemplateFormat) -> TemplateError:
    """`error`, with what probably went wrong added to what was found, if a known fault fits."""
    hint = _hint(error, raw, layout)
    if hint is None:
        return error
    return TemplateError(
        error.field, expected=error.expected, found=f"{error.found}; {hint}", offset=error.offset
    )


def _hint(error: TemplateError, raw: bytes, layout: TemplateFormat) -> str | None:
    if error.field == "format identifier":
        other = named(raw)
        return None if other is None else f"this is {other}"
    if error.field == "version number":
        return _OTHER_VERSIONS.get(raw[4:8])
    if raw[:8] != MAGIC + VERSION:
        return None
    if error.field == "record length":
        return _length_hint(raw, layout)
    if layout is TemplateFormat.ISO_19794_2_2005 and _has_two_byte_headers(raw):
        return _TWO_BYTE_HEADER
    at = error.offset or 0
    value = raw[at] if at < len(raw) else None
    return _VALUES.get((error.field, value)) or _FIELDS.get(error.field)


def _length_hint(raw: bytes, layout: TemplateFormat) -> str | None:
    if not any(raw[8:12]):
        return "its writer left the length at zero"
    iso = int.from_bytes(raw[8:12], "big") == len(raw)
    incits = int.from_bytes(raw[8:10], "big") == len(raw)
    if layout is TemplateFormat.ISO_19794_2_2005 and incits:
        return f"this is a record of {TemplateFormat.INCITS_378_2004.value}"
    if layout is TemplateFormat.INCITS_378_2004 and iso:
        return f"this is a record of {TemplateFormat.ISO_19794_2_2005.value}"
    return None


def _has_two_byte_headers(raw: bytes) -> bool:
    """Whether the views of an ISO record fill it exactly when read with 2-byte headers.

    One writer leaves out the extended data length as well, and counts no views where there is one.
    """
    start = TemplateFormat.ISO_19794_2_2005.header_bytes
    if len(raw) < start + 2:
        return False
    views = max(1, raw[start - 2])
    return any(_fits(raw, start, views, extended=extended) for extended in (False, True))


def _fits(raw: bytes, at: int, views: int, *, extended: bool) -> bool:
    for _ in range(views):
        if at + 2 > len(raw):
            return False
        at += 2 + MINUTIA_BYTES * raw[at + 1]
        if extended:
            at += EXTENDED_LENGTH_BYTES + int.from_bytes(raw[at : at + EXTENDED_LENGTH_BYTES], "big")
    return at == len(raw)
