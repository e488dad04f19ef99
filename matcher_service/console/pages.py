"""What a module of pages adds itself to: routes that say who may use them, templates, messages, what waits.

    def add_pages(console: Console, *, database: Database) -> None:
        @console.get("/things/{name}", needs=Action.THING_READ, menu="Things")
        def thing(request: Request) -> Response: ...

A route without `needs` cannot be made, and what `needs` names is asked before the page's own function runs. That
still asks `require(request, action, repository=..., ori=...)` for the record that it shows. It is a plain function,
run in a thread: the database may be used as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from matcher_service import accounts
from matcher_service.accounts import Account, Action, NotPermitted, reach
from matcher_service.auditing import note
from matcher_service.console.cookies import Cookies, open_flash, sealed_flash
from matcher_service.console.errors import BadForm
from matcher_service.console.parameters import MAX_NEXT_CHARACTERS
from matcher_service.console.rendering import make_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matcher_service.accounts.sessions import Session
    from matcher_service.repositories import Database

    Page = Callable[[Request], Response]

OPEN: Final = "open"
"""For anybody, signed in or not."""
SIGNED_IN: Final = "signed in"
"""For whoever is signed in and owes nothing."""
OWING: Final = "owing"
"""For whoever is signed in, also while a password or an authenticator is owed."""

Needs = str | Action | tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Something that waits for somebody, on the start page. `urgent` is drawn so."""

    title: str
    count: int
    words: str
    href: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """A line of the navigation; shown to whom `needs` allows."""

    title: str
    href: str
    needs: Needs
    place: int


@dataclass(frozen=True, slots=True)
class RouteInfo:
    """A route as it was added, for the test of all of them."""

    method: str
    path: str
    needs: Needs


def session_of(request: Request) -> Session:
    """The session. Raises NotPermitted, which cannot happen behind a route that needs one."""
    found: Session | None = request.scope.get("whorl.session")
    if found is None:
        raise NotPermitted("nobody", "console", why="Sign in first.")
    return found


def signed_in(request: Request) -> Account:
    """Who asks."""
    return session_of(request).account


def require(
    request: Request, action: Action, *, repository: str | None = None, ori: str | None = None
) -> Account:
    """Who asks, if they may do this to what is of this repository and agency. Raises NotPermitted."""
    account = signed_in(request)
    accounts.require(account, action, repository=repository, ori=ori)
    return account


def field(request: Request, name: str, *, most: int = 300, needed: bool = True) -> str:
    """A field of the form that was sent, without spaces around it. Raises BadForm."""
    values: list[str] = request.scope["whorl.form"].get(name, [])
    if len(values) > 1:
        raise BadForm(name, f"The field '{name}' was sent twice.")
    text = values[0].strip() if values else ""
    if needed and not text:
        raise BadForm(name, f"Fill in the field '{name.replace('_', ' ')}'.")
    if len(text) > most:
        raise BadForm(name, f"The field '{name.replace('_', ' ')}' has at most {most} characters.")
    if not all(c.isprintable() or c in "\r\n" for c in text):
        raise BadForm(name, f"The field '{name.replace('_', ' ')}' has characters that cannot be shown.")
    return text


def fields(request: Request, name: str) -> list[str]:
    """All values of a field that may be chosen several times."""
    return list(request.scope["whorl.form"].get(name, []))


def asked(request: Request, name: str, *, most: int = 120) -> str:
    """A parameter of the address, without spaces around it, cut where nobody would type on; "" if it is not there."""
    text = request.query_params.get(name, "").strip()[:most]
    return "".join(c for c in text if c.isprintable())


def local(path: str) -> str:
    """A path of this console; "/" for anything else, whatever it pretends to be."""
    fine = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and len(path) <= MAX_NEXT_CHARACTERS
        and path.isascii()
        and path.isprintable()
        and "\\" not in path
    )
    return path if fine else "/"


class Console:
    """See the module."""

    def __init__(self, *, database: Database, cookies: Cookies) -> None:
        self.fastapi = FastAPI(title="Whorl console", docs_url=None, redoc_url=None, openapi_url=None)
        self.database = database
        self.cookies = cookies
        self.routes: list[RouteInfo] = []
        self.menu: list[MenuEntry] = []
        self._waiting: list[Callable[[Account], Iterable[Card]]] = []
        self._templates = make_environment()

    # -- adding

    def get(self, path: str, *, needs: Needs, menu: str = "", place: int = 50) -> Callable[[Page], Page]:
        """A page; with `menu` it stands in the navigation of whoever may see it, in the order of `place`."""
        if menu:
            self.menu.append(MenuEntry(title=menu, href=path, needs=needs, place=place))
            self.menu.sort(key=lambda one: (one.place, one.title))
        return self._adder("GET", path, needs)

    def post(self, path: str, *, needs: Needs) -> Callable[[Page], Page]:
        """Where a form is sent. The gate has looked at its token."""
        return self._adder("POST", path, needs)

    def waiting(self, ask: Callable[[Account], Iterable[Card]]) -> None:
        """What waits for somebody, asked each time the start page is shown."""
        self._waiting.append(ask)

    def _adder(self, method: str, path: str, needs: Needs) -> Callable[[Page], Page]:
        def add(page: Page) -> Page:
            self.routes.append(RouteInfo(method, path, needs))
            self.fastapi.add_api_route(
                path,
                self._guarded(page, needs),
                methods=[method],
                response_model=None,
                include_in_schema=False,
                name=f"{method} {path}",
            )
            return page

        return add

    def _guarded(self, page: Page, needs: Needs) -> Callable[[Request], Response]:
        @wraps(page)
        def guarded(request: Request) -> Response:
            session: Session | None = request.scope.get("whorl.session")
            if needs == OPEN:
                return page(request)
            if session is None:
                where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                # A POST without a session has ended at the gate.
                return RedirectResponse(f"/sign-in?next={quote(local(where), safe='/')}", status_code=303)
            if needs != OWING and session.duties:
                return RedirectResponse("/own", status_code=303)
            actions = needs if isinstance(needs, tuple) else (needs,)
            if needs not in (OWING, SIGNED_IN) and not any(
                reach(session.account, Action(action)) for action in actions
            ):
                raise NotPermitted(session.account.name, actions[0])
            return page(request)

        # FastAPI would follow the wrapper to the page, and `from __future__` annotations with it.
        guarded.__annotations__ = {"request": Request, "return": Response}
        del guarded.__wrapped__
        return guarded

    # -- answering

    def show(self, request: Request, template: str, *, status: int = 200, **facts: object) -> HTMLResponse:
        """A page. Templates extend base.html, and every value is escaped."""
        session: Session | None = request.scope.get("whorl.session")
        flash = self.cookies.get(request.scope.get("whorl.cookies", {}), "flash")
        message = open_flash(flash, session.csrf) if flash and session is not None else None
        text = self._templates.get_template(template).render(
            account=session.account if session is not None else None,
            csrf=session.csrf if session is not None else "",
            menu=self._menu_of(session),
            path=request.url.path,
            message=message,
            **facts,
        )
        response = HTMLResponse(text, status_code=status)
        if flash:
            self.cookies.forget(response, "flash")
        return response

    def go(self, request: Request, to: str, *, good: str = "", bad: str = "") -> RedirectResponse:
        """On to another page after a form, with a message on it."""
        response = RedirectResponse(local(to), status_code=303)
        if good or bad:
            kind = "good" if good else "bad"
            self.cookies.set(response, "flash", sealed_flash(good or bad, kind, session_of(request).csrf))
        return response

    def problem(self, request: Request, status: int, title: str, words: str) -> HTMLResponse:
        """A page that says what went wrong, and what to do."""
        return self.show(request, "problem.html", status=status, title=title, words=words)

    def bare_problem(self, status: int, words: str) -> bytes:
        """The same for what did not get past the gate."""
        text = self._templates.get_template("problem.html").render(
            account=None,
            csrf="",
            menu=(),
            path="",
            message=None,
            title=TITLES.get(status, "That did not work"),
            words=words,
        )
        return text.encode()

    def cards(self, account: Account) -> list[Card]:
        """What waits for somebody, the urgent first."""
        found = [card for ask in self._waiting for card in ask(account)]
        return sorted(found, key=lambda card: (not card.urgent, card.count == 0))

    def looked(
        self, account: Account, action: str, *, purpose: str, outcome: str = "done", **where: str
    ) -> None:
        """The audit of a look, before anything of it is shown. `where`: subject, repository, jurisdiction."""
        note(
            self.database, action, actor=account.name, role=account.acting_as, purpose=purpose, outcome=outcome,
            subject=where.get("subject", "")[:120], repository=where.get("repository", "")[:64],
            jurisdiction=where.get("jurisdiction", "")[:16],
        )  # fmt: skip

    def _menu_of(self, session: Session | None) -> list[MenuEntry]:
        if session is None or session.duties:
            return []
        return [one for one in self.menu if may_use(session.account, one.needs)]


TITLES = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not done",
    404: "There is no such page",
    405: "That cannot be done here",
    408: "That took too long",
    409: "Not done",
    413: "That is too large",
    415: "That cannot be read",
    421: "Another address",
    429: "Wait a little",
    500: "Something went wrong here",
    503: "Not now",
}


def may_use(account: Account, needs: Needs) -> bool:
    """Whether a route is for somebody at all."""
    if isinstance(needs, tuple):
        return any(reach(account, action) for action in needs)
    return bool(reach(account, needs)) if isinstance(needs, Action) else True
