"""What can go wrong with accounts. A refused sign-in is an answer, not an error: see `signing_in`."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class AccountError(MatcherError):
    """An account that cannot be made or changed so.

    Attributes:
        name: which.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"account '{name}': {problem}" if name else problem)


class BadPassword(MatcherError):  # noqa: N818 - reads as what it is
    """A password that is not taken.

    Attributes:
        problem: what is wrong with it, for whoever chooses it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"this password cannot be used: {problem}")


class NotPermitted(MatcherError):  # noqa: N818 - reads as what it is
    """Somebody asked for what is not theirs to do.

    Attributes:
        account: the account's name.
        action: what was asked for.
        repository: where; None for nowhere in particular.
    """

    def __init__(self, account: str, action: str, *, repository: str | None = None, why: str = "") -> None:
        self.account = account
        self.action = action
        self.repository = repository
        where = f" in '{repository}'" if repository else ""
        super().__init__(
            f"{account} may not do this ({action}{where}). {why or 'An administrator can give you the role for it.'}"
        )


class TwoPersonError(MatcherError):
    """A request of two people that cannot be decided or used so.

    Attributes:
        request: its number.
        state: where it stands.
    """

    def __init__(self, request: int, state: str, problem: str) -> None:
        self.request = request
        self.state = state
        super().__init__(f"request {request}: {problem}" if request else problem)


class KeyFileError(MatcherError):
    """The key beside the database, which seals what authenticators share with us, cannot be used.

    Attributes:
        file: which.
    """

    def __init__(self, file: str, problem: str) -> None:
        self.file = file
        super().__init__(f"{file}: {problem}")
