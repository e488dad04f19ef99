"""What can go wrong at the centre. Each message says what the person does next."""

from __future__ import annotations


class MatcherError(Exception):
    """Base of everything the matcher service raises on purpose."""


class StoreError(MatcherError):
    """The database cannot be used.

    Attributes:
        url: where it is, without a password.
    """

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        super().__init__(f"{url}: {problem}")


class BadRepository(MatcherError):  # noqa: N818 - reads as what it is
    """A repository that cannot be made.

    Attributes:
        name: the name asked for.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"repository '{name}' cannot be made: {problem}")


class UnknownRepository(MatcherError):  # noqa: N818 - reads as what it is
    """There is no repository of that name.

    Attributes:
        name: the name asked for.
        known: the names that exist.
    """

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        listed = ", ".join(known) or "none yet"
        super().__init__(
            f"there is no repository '{name}' (known: {listed}). Make it with:"
            f" matcher-service repositories --add {name}"
        )


class UnknownIdentity(MatcherError):  # noqa: N818 - reads as what it is
    """There is no such identity in that repository.

    Attributes:
        identity: the id asked for.
        repository: where it was looked for.
    """

    def __init__(self, identity: str, repository: str) -> None:
        self.identity = identity
        self.repository = repository
        super().__init__(f"repository '{repository}' has no identity '{identity}'")
