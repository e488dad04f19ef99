"""What can go wrong with the register. Each message says what the person does next."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class RegisterRefused(MatcherError):  # noqa: N818 - reads as what it is
    """A change of the register that is not made; nothing of it is.

    Attributes:
        outcome: in a word or two, for the audit: "overlap", "backdated", "same person", ...
        reason: in words, and what to do.
        line, column: where it stands, of what came in a file; else 0 and "".
    """

    def __init__(self, outcome: str, reason: str, *, line: int = 0, column: str = "") -> None:
        self.outcome, self.reason, self.line, self.column = outcome, reason, line, column
        super().__init__(reason)


class BadRegisterFile(MatcherError):  # noqa: N818 - reads as what it is
    """A file of the register that is not read; nothing of it was taken.

    Attributes:
        source: the file.
        line: of the file, from 1; 0 if it is the file as a whole.
        column: name of the column or field; "" if it is the whole line.
        reason: what is wrong there.
    """

    def __init__(self, source: str, line: int, column: str, reason: str) -> None:
        self.source, self.line, self.column, self.reason = source, line, column, reason
        where = source + (f", line {line}" if line else "") + (f", {column}" if column else "")
        super().__init__(f"{where}: {reason}. Nothing was taken from the file.")


class NotInRegister(MatcherError):  # noqa: N818 - reads as what it is
    """Something that the register does not have.

    Attributes:
        what: "jurisdiction", "repository", "agency", "proposal", "activation".
        name: what it was asked for.
    """

    def __init__(self, what: str, name: str, hint: str = "") -> None:
        self.what, self.name = what, name
        super().__init__(f"there is no {what} '{name}'" + (f"; {hint}" if hint else ""))


class UnknownSubmission(MatcherError):  # noqa: N818 - reads as what it is
    """A TCN that the centre does not have.

    Attributes:
        tcn: what was asked for.
    """

    def __init__(self, tcn: str) -> None:
        self.tcn = tcn
        super().__init__(f"the centre has no submission {tcn}; check the number at the kiosk")
