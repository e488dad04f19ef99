"""Why a request failed, by the numbers of the specification, and the exception that carries one."""

from __future__ import annotations

from enum import IntEnum

from matcher_service.errors import MatcherError


class Reason(IntEnum):
    """Failure reasons of the MOSIP ABIS specification; 17 and 18 came with MOSIP 1.2."""

    INTERNAL = 1
    ABORTED = 2
    UNEXPECTED = 3
    BAD_STRUCTURE = 4
    NO_REFERENCE_ID = 5
    NO_REQUEST_ID = 6
    NOT_FETCHED = 7
    NO_REFERENCE_URL = 8
    NO_REQUEST_TIME = 9
    REFERENCE_EXISTS = 10
    CBEFF_EMPTY = 11
    REFERENCE_NOT_FOUND = 12
    BAD_VERSION = 13
    BAD_ID = 14
    BAD_REQUEST_TIME = 15
    BAD_CBEFF = 16
    URL_EXPIRED = 17
    BAD_QUALITY = 18


# Whoever asks again may be luckier: these answers are not kept.
PASSING = frozenset(
    {Reason.INTERNAL, Reason.ABORTED, Reason.UNEXPECTED, Reason.NOT_FETCHED, Reason.URL_EXPIRED}
)


class AbisFailure(MatcherError):  # noqa: N818 - reads as what it is
    """A request that is answered with returnValue 2.

    Attributes:
        reason: the specification's number.
        words: what was wrong, for our log; never anything that was sent.
    """

    def __init__(self, reason: Reason, words: str) -> None:
        self.reason, self.words = reason, words
        super().__init__(f"{reason.value}: {words}")


class NotInScope(MatcherError):  # noqa: N818 - reads as what it is
    """A token that may not do this.

    Attributes:
        client: its name.
    """

    def __init__(self, client: str, words: str) -> None:
        self.client = client
        super().__init__(words)
