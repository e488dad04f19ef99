"""What the pages of one repository share: whose it is, the pages beside this one, forms that were filled in wrongly.

Somebody who may do nothing in a repository is told the same as of one that there is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from matcher_service.accounts import Action, NotPermitted, permitted
from matcher_service.console.errors import BadForm, NotThere
from matcher_service.console.pages import field, signed_in
from matcher_service.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from matcher_service.accounts import Account
    from matcher_service.console.pages import Console

NOT_THERE: Final = "There is no repository of this name among those that you may see."
SHARING: Final = (Action.REPOSITORY_READ, Action.REPOSITORY_MANAGE)
EXPUNGING: Final = (Action.EXPUNGE_REQUEST, Action.EXPUNGE_APPROVE)
PROOF: Final = (Action.RETENTION_MANAGE, *EXPUNGING)

_BESIDE: Final = (
    ("Sharing", "", SHARING),
    ("Rules of keeping", "/retention", (Action.RETENTION_MANAGE,)),
    ("Holds", "/holds", (Action.RETENTION_MANAGE,)),
    ("Expungement", "/expungements", EXPUNGING),
    ("Certificates of deletion", "/certificates", PROOF),
)


def at(repository: str, rest: str = "") -> str:
    """The address of a page of a repository."""
    return f"/repositories/{quote(repository, safe='')}{rest}"


def repository_of(request: Request, console: Console, *actions: Action) -> tuple[Account, str]:
    """Who asks, and the repository in the address. Raises NotThere, and NotPermitted in one that they may see."""
    account, name = signed_in(request), request.path_params["repository"]
    known = any(one.name == name for one in Repositories(console.database).summaries())
    if not known or not beside(account, name):
        console.looked(account, actions[0], purpose="console", outcome="refused", repository=name)
        raise NotThere(NOT_THERE)
    if not any(permitted(account, action, repository=name) for action in actions):
        raise NotPermitted(account.name, actions[0], repository=name)
    return account, name


def beside(account: Account, repository: str) -> list[tuple[str, str]]:
    """Titles and addresses of a repository's pages, as far as they are for this person."""
    return [
        (title, at(repository, rest))
        for title, rest, actions in _BESIDE
        if any(permitted(account, action, repository=repository) for action in actions)
    ]


def plain(error: Exception) -> str:
    """What was refused, as a sentence, without the commands that messages name."""
    said = str(error).partition("; see: ")[0]
    return f"{said[:1].upper()}{said[1:]}."


def choice(request: Request, name: str, among: Sequence[str], words: str) -> str:
    """A field that is one of these. Raises BadForm with the words."""
    text = field(request, name, most=32, needed=False)
    if text not in among:
        raise BadForm(name, words)
    return text


class Typed:
    """A form that was refused: what was typed, to be shown again, and what is wrong with it."""

    def __init__(
        self, form: Mapping[str, list[str]] | None = None, *, part: str = "", problem: str = ""
    ) -> None:
        self.part = part
        self.problem = problem
        self._form = form or {}

    def get(self, name: str, otherwise: str = "") -> str:
        """The field as it was typed."""
        return (self._form.get(name) or [otherwise])[0]

    def all(self, name: str) -> list[str]:
        """Of a field that may be chosen several times."""
        return list(self._form.get(name, []))


def typed_in(request: Request, part: str, problem: str) -> Typed:
    """What came with this request."""
    return Typed(request.scope["whorl.form"], part=part, problem=problem)
