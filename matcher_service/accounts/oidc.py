"""Signing in by OpenID Connect: authorization code flow with PKCE (RFC 7636), for accounts that were linked to it.

Who somebody is, the provider says; what they may do, our table says. A claim gives a role only where the settings map
it.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode, urlsplit

from sqlalchemy import delete, func, select

from interchange.logs import facts
from matcher_service.accounts import parameters
from matcher_service.accounts.directory import AccountState
from matcher_service.accounts.errors import KeyFileError
from matcher_service.accounts.oidc_tokens import Identified, TokenProblem, UnknownKey, check_id_token
from matcher_service.accounts.sessions import OIDC, Session, Sessions, digest
from matcher_service.accounts.signing_in import Refusal, Why
from matcher_service.auditing import record
from matcher_service.repositories.account_tables import AccountRow, OidcLogin

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from matcher_service.accounts.permissions import Role
    from matcher_service.accounts.settings import OidcSettings
    from matcher_service.repositories.database import Database

log = logging.getLogger("matcher.accounts")

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NOT_IN = Refusal(
    Why.PROVIDER, "The identity provider did not let you in, or you have no account here. Try again."
)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what to leave with it (a cookie: HttpOnly, Secure, SameSite=Lax)."""

    url: str
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Waiting:
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class OidcDoor:
    """The door for accounts of an identity provider. Raises StoreError."""

    def __init__(
        self,
        database: Database,
        *,
        settings: OidcSettings,
        sessions: Sessions,
        client: httpx.Client | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises KeyFileError if the client's secret cannot be read. `client` is for another way to the provider."""
        import httpx

        self._database = database
        self._settings = settings
        self._sessions = sessions
        self._now = now
        self._http = client or httpx.Client(timeout=settings.timeout_s, follow_redirects=False)
        self._secret = _read_secret(settings)
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, dict[str, Any]]] = {}

    def begin(self) -> Departure | Refusal:
        """The way to the provider; good for a few minutes, once."""
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        try:
            authorize = self._endpoint("authorization_endpoint")
        except TokenProblem as problem:
            return _not_in(problem.reason)
        now = self._now()
        with self._database.write() as session:
            session.execute(delete(OidcLogin).where(OidcLogin.expires_at <= now))
            if (
                session.scalar(select(func.count()).select_from(OidcLogin)) or 0
            ) >= parameters.OIDC_MOST_WAITING:
                return Refusal(Why.WAIT, "Too many people are signing in. Wait a minute, then try again.", 60)
            session.add(
                OidcLogin(
                    state_sha256=digest(state),
                    browser_sha256=digest(browser),
                    nonce=nonce,
                    verifier=verifier,
                    expires_at=now + timedelta(minutes=parameters.OIDC_LOGIN_MINUTES),
                )
            )
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return Departure(f"{authorize}{'&' if '?' in authorize else '?'}{urlencode(asked)}", browser)

    def finish(
        self, *, code: str, state: str, browser: str, iss: str | None = None, old_token: str | None = None
    ) -> Session | Refusal:
        """Back from the provider, with what its address held; `browser` is the cookie of `begin`."""
        try:
            waiting = self._take(state, browser, iss)
        except TokenProblem as problem:  # anybody can make these up: they are no entry of the audit
            return _not_in(problem.reason)
        try:
            who = self._identify(code, waiting)
            roles = self._claimed(who)
        except TokenProblem as problem:
            return self._refused(problem.reason)
        with self._database.write() as session:
            row = session.scalar(
                select(AccountRow).where(
                    AccountRow.oidc_issuer == self._settings.issuer, AccountRow.oidc_subject == who.subject
                )
            )
            if row is not None and row.state == AccountState.ACTIVE:
                made = self._sessions.begin(session, row, method=OIDC, old_token=old_token, claimed=roles)
                record(
                    session,
                    "session.begin",
                    actor=row.name,
                    purpose="sign-in",
                    subject=row.name,
                    role=made.account.acting_as,
                    details={"method": OIDC, "claimed": " ".join(sorted(roles))},
                )
                return made
        return self._refused("no account" if row is None else "disabled")

    def _take(self, state: str, browser: str, iss: str | None) -> _Waiting:
        with self._database.write() as session:
            row = session.execute(
                delete(OidcLogin)
                .where(OidcLogin.state_sha256 == digest(state))
                .returning(
                    OidcLogin.browser_sha256, OidcLogin.nonce, OidcLogin.verifier, OidcLogin.expires_at
                )
            ).one_or_none()
        if row is None:
            raise TokenProblem("unknown state")
        if row.browser_sha256 != digest(browser):  # somebody else's way back
            raise TokenProblem("other browser")
        if row.expires_at <= self._now():
            raise TokenProblem("took too long")
        if iss is not None and iss != self._settings.issuer:  # RFC 9207
            raise TokenProblem("wrong issuer")
        return _Waiting(row.nonce, row.verifier)

    def _identify(self, code: str, waiting: _Waiting) -> Identified:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": waiting.verifier,
        }
        if self._secret:
            form["client_secret"] = self._secret
        answer = self._fetch("POST", self._endpoint("token_endpoint"), form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise TokenProblem("no id_token")

        def checked(keys: dict[str, Any]) -> Identified:
            return check_id_token(
                token,
                keys=keys,
                issuer=self._settings.issuer,
                client_id=self._settings.client_id,
                nonce=waiting.nonce,
                now=self._now(),
            )

        address = self._endpoint("jwks_uri")
        try:
            return checked(self._keep(address))
        except UnknownKey:  # the provider may have changed its keys
            return checked(self._keep(address, at_most_s=parameters.OIDC_FETCH_PAUSE_S))

    def _claimed(self, who: Identified) -> set[Role]:
        wanted = self._settings.required_amr
        if wanted and wanted not in _texts(who.claims.get("amr")):
            raise TokenProblem("second factor missing")
        if not self._settings.role_claim:
            return set()
        said = _texts(who.claims.get(self._settings.role_claim))
        return {role for value, role in self._settings.role_map.items() if value in said}

    def _endpoint(self, name: str) -> str:
        issuer = self._settings.issuer
        tree = self._keep(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if tree.get("issuer") != issuer:
            raise TokenProblem("discovery names another issuer")
        address = tree.get(name)
        parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise TokenProblem(f"discovery has no safe {name}")
        return str(address)

    def _keep(self, address: str, *, at_most_s: float = parameters.OIDC_KEEP_KEYS_S) -> dict[str, Any]:
        now = self._now()
        with self._lock:
            kept = self._kept.get(address)
        if kept is not None and abs(now - kept[0]) < timedelta(seconds=at_most_s):
            return kept[1]
        tree = self._fetch("GET", address)
        with self._lock:
            self._kept[address] = now, tree
        return tree

    def _fetch(self, method: str, address: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        import httpx

        body = bytearray()
        try:
            with self._http.stream(
                method, address, data=form, headers={"accept": "application/json"}
            ) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > parameters.OIDC_MAX_BYTES:
                        raise TokenProblem("answer too long")
                if answer.status_code != 200:
                    raise TokenProblem(f"provider answered {answer.status_code}")
            tree: object = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise TokenProblem("provider cannot be reached") from None
        except (ValueError, RecursionError):
            raise TokenProblem("provider's answer is no JSON") from None
        if not isinstance(tree, dict):
            raise TokenProblem("provider's answer is no JSON object")
        return cast("dict[str, Any]", tree)

    def _refused(self, reason: str) -> Refusal:
        with self._database.write() as session:
            record(
                session,
                "session.refused",
                actor="system:accounts",
                purpose="sign-in",
                details={"method": OIDC, "reason": reason},
            )
        return _not_in(reason)


def _not_in(reason: str) -> Refusal:
    log.warning("sign-in by the identity provider refused", extra=facts(reason=reason))
    return _NOT_IN


def _texts(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    return (
        {one for one in cast("list[object]", value) if isinstance(one, str)}
        if isinstance(value, list)
        else set()
    )


def _read_secret(settings: OidcSettings) -> str:
    file = settings.client_secret_file
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(str(file), f"the client's secret cannot be read: {error}") from None
