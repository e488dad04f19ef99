"""What can go wrong between the Pi and the sensor board. Each message says what the person there does next."""

from __future__ import annotations

from edge_service.sensors.errors import SensorError

PAIR = "edge-service board pair"


class BoardRefused(SensorError):  # noqa: N818 - named for what a person meets
    """Base of what only a technician can put right: no finger is taken, however often it is tried.

    Attributes:
        board: the unique number of the board that answered, 16 hexadecimal digits; "" if it is not known.
    """

    def __init__(self, message: str, *, path: str, board: str = "") -> None:
        self.board = board
        super().__init__(message, path=path)


class BoardUnpaired(BoardRefused):
    """The board has no key, or this kiosk has none: nobody knows whose images these would be."""

    def __init__(self, why: str, *, path: str, board: str = "") -> None:
        super().__init__(
            f"No print may be taken: {why}. A technician opens the lid and runs: {PAIR}",
            path=path,
            board=board,
        )


class BoardTampered(BoardRefused):
    """The lid was opened, or something else showed that somebody has been at the sensor.

    Attributes:
        evidence: what was seen, in words.
    """

    def __init__(self, evidence: str, *, path: str, board: str = "") -> None:
        self.evidence = evidence
        super().__init__(
            f"No print may be taken: {evidence}. Call a technician, who looks at the inside of the kiosk, finds"
            f" out who opened it, and then runs: {PAIR}. Bookings that were saved are still delivered.",
            path=path,
            board=board,
        )


class BoardForeign(BoardRefused):
    """What answers does not hold this kiosk's key: another board, or somebody who plays one."""

    def __init__(self, evidence: str, *, path: str, board: str = "") -> None:
        super().__init__(
            f"No print may be taken: {evidence}. If a technician exchanged the board, run: {PAIR}."
            " If nobody did, somebody has been at the kiosk: keep it as it is and tell your administrator.",
            path=path,
            board=board,
        )


class BoardMismatch(BoardRefused):
    """The board and this program speak different versions of the link.

    Attributes:
        ours: lowest and highest protocol this program speaks.
        theirs: lowest and highest the board speaks.
    """

    def __init__(self, *, path: str, ours: tuple[int, int], theirs: tuple[int, int], board: str = "") -> None:
        self.ours = ours
        self.theirs = theirs
        remedy = (
            "Update the board: edge-service firmware update FILE"
            if theirs[1] < ours[0]
            else "The board is newer: update the edge service on this kiosk"
        )
        super().__init__(
            f"The sensor board on {path} speaks version {_span(theirs)} of its link, this kiosk {_span(ours)}."
            f" {remedy}.",
            path=path,
            board=board,
        )


class BoardFault(SensorError):  # noqa: N818 - named for what a person meets
    """The board does not answer, or it answers that it cannot do what was asked.

    Attributes:
        code: the error of `firmware.core.codes`; None when there was no answer.
        detail: the small number that goes with the code.
    """

    def __init__(self, message: str, *, path: str, code: int | None = None, detail: int = 0) -> None:
        self.detail = detail
        super().__init__(message, path=path, code=code)


def silent(path: str, *, waited_s: float, damaged: int = 0) -> BoardFault:
    """Nothing that could be understood came back."""
    heard = f", {damaged} damaged frames" if damaged else ""
    return BoardFault(
        f"The sensor board on {path} does not answer ({waited_s:.1f} s{heard}). Unplug its USB cable, wait five"
        " seconds, and plug it in again. If it stays silent, exchange the cable, then the board.",
        path=path,
    )


def _span(versions: tuple[int, int]) -> str:
    low, high = versions
    return str(low) if low == high else f"{low} to {high}"
