"""What can go wrong between the two sides: each error with its facts as attributes."""

from __future__ import annotations


class InterchangeError(Exception):
    """Base of everything that `interchange` raises on purpose."""


class TemplateError(InterchangeError):
    """A template that breaks its format.

    Attributes:
        offset: byte at which the format was broken, from the start of the data; None when writing.
        field: the name of the field, as the standard has it.
        expected: what the standard asks for there.
    """

    def __init__(self, field: str, *, expected: str, found: object, offset: int | None = None) -> None:
        self.field = field
        self.expected = expected
        self.found = found
        self.offset = offset
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{field}{where}: expected {expected}, found {found}")


class MessageError(InterchangeError):
    """A message that breaks its schema, or that is too large to be read.

    Attributes:
        field: dotted path of the first field that is wrong, for example ``prints.0.position``.
        reason: what is wrong with it, in words.
    """

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class EnvelopeError(InterchangeError):
    """A sealed message, or a key, that is not accepted.

    Attributes:
        reason: why, in words that may be logged and sent back.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
