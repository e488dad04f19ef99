"""Fingers out of a CBEFF document as MOSIP writes it (ISO/IEC 19785-3, XML patron format), finger minutiae only.

Document types, and with them entities, are refused before anything is expanded; elements, depth and bytes are bounded.
Faces, irises and images are passed over: a record of ISO/IEC 19794-2 is all that is read.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from matcher_service.abis import parameters
from matcher_service.abis.failures import AbisFailure, Reason
from matcher_service.reading import UnusableTemplate, read_bytes
from matcher_service.repositories import NewPrint

if TYPE_CHECKING:
    from matcher_service.reading import NamedPrint

NAMESPACE: Final = "http://standards.iso.org/iso-iec/19785/-3/ed-2/"
MINUTIAE: Final = "2"
"""The format type of a finger minutiae record, of the format owner ISO/IEC JTC 1/SC 37."""
_SIDES: Final = ("Right", "Left")
_FINGERS: Final = ("Thumb", "IndexFinger", "MiddleFinger", "RingFinger", "LittleFinger")
_POSITIONS: Final = {
    frozenset({side, finger}): place + 5 * hand
    for hand, side in enumerate(_SIDES)
    for place, finger in enumerate(_FINGERS, 1)
}
_KEPT: Final = {
    ("BDBInfo", "Type"): "kind",
    ("BDBInfo", "Subtype"): "subtype",
    ("Format", "Type"): "format",
    ("BIR", "BDB"): "data",
}


def _bad(words: str) -> AbisFailure:
    return AbisFailure(Reason.BAD_CBEFF, words)


def read_fingers(document: bytes) -> list[NamedPrint]:
    """All fingers, each once, at least one.

    Raises AbisFailure: empty, of another format, or with records that break theirs.
    """
    if not document.strip():
        raise AbisFailure(Reason.CBEFF_EMPTY, "the document is empty")
    if len(document) > parameters.MAX_CBEFF_BYTES:
        raise _bad(f"more than {parameters.MAX_CBEFF_BYTES} bytes")
    reader = _Reader()
    reader.read(document)
    filled = [one for one in reader.records if one.get("data", "").strip()]
    if not filled:
        raise AbisFailure(Reason.CBEFF_EMPTY, "no record with data")
    fingers = [
        _finger(one)
        for one in filled
        if one.get("kind", "").strip() == "Finger" and one.get("format", "").strip() == MINUTIAE
    ]
    if not fingers:
        raise _bad("no finger minutiae record among them")
    known = [one.position for one in fingers if one.position]
    if len(known) != len(set(known)) or len(fingers) > parameters.MAX_FINGERS:
        raise _bad("a finger stands there twice")
    return fingers


def _finger(record: dict[str, str]) -> NamedPrint:
    try:
        data = base64.b64decode("".join(record["data"].split()), validate=True)
    except (binascii.Error, ValueError):
        raise _bad("a BDB that is no base64") from None
    try:
        found = read_bytes(data, name="BDB")
    except UnusableTemplate:
        raise _bad("a BDB that is no record of ISO/IEC 19794-2") from None
    if len(found) != 1:
        raise _bad("a BDB with several fingers")
    one = found[0]
    words = frozenset(record.get("subtype", "").split())
    position = _POSITIONS.get(words, 0)
    if words and not position:
        raise _bad("a Subtype that is no finger")
    if position and one.position not in (0, position):
        raise _bad("Subtype and record name different fingers")
    if position and not one.position:
        return type(one)(one.name, NewPrint.of(position, one.minutiae), one.minutiae)
    return one


class _Reader:
    """Collects what is wanted of each innermost BIR. Nothing of it is believed yet."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []
        self._path: list[str] = []
        self._elements = 0
        self._text: list[str] | None = None

    def read(self, document: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(document, True)
        except (expat.ExpatError, ValueError, LookupError):
            raise _bad("no XML") from None

    def _doctype(self, *_: object) -> None:
        raise _bad("a document type is not read")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._elements += 1
        if namespace != NAMESPACE or (not self._path and local != "BIR"):
            raise _bad("an element that is not of CBEFF")
        if self._elements > parameters.MAX_CBEFF_ELEMENTS or len(self._path) >= parameters.MAX_CBEFF_DEPTH:
            raise _bad("too many elements, or too deep")
        if local == "BIR":
            self.records.append({})
        parent = self._path[-1] if self._path else ""
        self._path.append(local)
        self._text = [] if (parent, local) in _KEPT else None

    def _data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, _name: str) -> None:
        local = self._path.pop()
        parent = self._path[-1] if self._path else ""
        if self._text is not None and (key := _KEPT.get((parent, local))):
            record = self.records[-1]
            if key in record:
                raise _bad("the same element twice")
            record[key] = "".join(self._text)
        self._text = None
