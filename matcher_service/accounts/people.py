"""Accounts as the rest of the centre sees them, and the question that it asks: may they?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matcher_service.accounts.errors import NotPermitted
from matcher_service.accounts.permissions import TABLE, Action, Role, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Grant:
    """A role; with a repository, in that one only."""

    role: Role
    repository: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who has signed in, or could. Without grants, nobody in particular: nothing is permitted."""

    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    ori: str = ""

    @classmethod
    def made_of(cls, name: str, *roles: Role, ori: str = "", repositories: Iterable[str] = ()) -> Account:
        """An account that is in no table, for tests and demos; its id is its name.

        Every role is given for each of the repositories, or for all where none is named.
        """
        where: list[str | None] = [*repositories] or [None]
        return cls(id=name, name=name, grants=tuple(Grant(r, w) for r in roles for w in where), ori=ori)

    @property
    def roles(self) -> frozenset[Role]:
        """All its roles, wherever they count."""
        return frozenset(grant.role for grant in self.grants)

    @property
    def acting_as(self) -> str:
        """Its roles in words, for the audit."""
        return ",".join(sorted(self.roles))

    @property
    def repositories(self) -> frozenset[str]:
        """The repositories for which it has any role by name."""
        return frozenset(grant.repository for grant in self.grants if grant.repository is not None)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an account may go with an action, for whoever makes a list.

    Attributes:
        everywhere: without any bound.
        repositories: in these.
        oris: with what carries one of these ORIs.
        within: pairs of a repository and an ORI: with what is of both.
    """

    everywhere: bool = False
    repositories: frozenset[str] = frozenset()
    oris: frozenset[str] = frozenset()
    within: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.repositories or self.oris or self.within)

    def covers(self, repository: str | None, ori: str | None) -> bool:
        """Whether something of this repository and agency is within it; None is neither known nor assumed."""
        return (
            self.everywhere
            or (repository is not None and repository in self.repositories)
            or (ori is not None and ori in self.oris)
            or (repository is not None and ori is not None and (repository, ori) in self.within)
        )


def reach(account: Account, action: Action) -> Reach:
    """Where the account may do this; false if nowhere."""
    everywhere = False
    repositories: set[str] = set()
    oris: set[str] = set()
    within: set[tuple[str, str]] = set()
    for grant in account.grants:
        scope = TABLE[grant.role].get(action)
        if scope is Scope.AGENCY and account.ori:
            if grant.repository is None:
                oris.add(account.ori)
            else:
                within.add((grant.repository, account.ori))
        elif scope in {Scope.ALL, Scope.OWN} and grant.repository is not None:
            repositories.add(grant.repository)
        elif scope is Scope.ALL:
            everywhere = True
    return Reach(everywhere, frozenset(repositories), frozenset(oris), frozenset(within))


def permitted(
    account: Account, action: Action, *, repository: str | None = None, ori: str | None = None
) -> bool:
    """Whether the account may do this to what is of this repository and agency.

    Name both wherever they are known: a right that is bound to one of them is refused where it is not named.
    """
    return reach(account, action).covers(repository, ori)


def require(
    account: Account, action: Action, *, repository: str | None = None, ori: str | None = None
) -> None:
    """Raises NotPermitted, unless `permitted`."""
    if not permitted(account, action, repository=repository, ori=ori):
        elsewhere = bool(reach(account, action))
        raise NotPermitted(
            account.name,
            action,
            repository=repository,
            why="Your role is for other repositories or another agency." if elsewhere else "",
        )
