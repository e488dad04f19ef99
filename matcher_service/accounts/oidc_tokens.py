"""Checking an identity provider's id_token (OpenID Connect Core 1.0, 3.1.3.7). What is not right is refused by name."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from matcher_service.accounts import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures with a key pair. Neither "none", nor one with the client's secret, which more than one machine knows."""

MAX_TOKEN_CHARACTERS = 32_768


class TokenProblem(Exception):  # noqa: N818 - never leaves the package
    """Why a token, or an answer of the provider, is not accepted.

    Attributes:
        reason: in a word or two, for the audit.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnknownKey(TokenProblem):
    """It was signed with a key that the provider has not told of: it may have a new one."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom the provider has signed in."""

    subject: str
    claims: Mapping[str, Any]


def check_id_token(
    token: str, *, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: datetime
) -> Identified:
    """Whom the token is about. `keys` is the provider's JWK set. Raises TokenProblem."""
    claims = _signed_claims(token, keys)
    moment = now.timestamp()
    if claims.get("iss") != issuer:
        raise TokenProblem("wrong issuer")
    audience = claims.get("aud")
    audiences: list[object] = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise TokenProblem("wrong audience")
    party = claims.get("azp")
    if party != client_id and (party is not None or len(audiences) > 1):
        raise TokenProblem("wrong authorized party")
    if _time(claims, "exp") <= moment - parameters.OIDC_LEEWAY_S:
        raise TokenProblem("expired")
    if _time(claims, "iat") > moment + parameters.OIDC_LEEWAY_S:
        raise TokenProblem("issued in the future")
    if "nbf" in claims and _time(claims, "nbf") > moment + parameters.OIDC_LEEWAY_S:
        raise TokenProblem("not valid yet")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode("utf-8", "replace"), nonce.encode()
    ):
        raise TokenProblem("wrong nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise TokenProblem("no subject")
    return Identified(subject, claims)


def _signed_claims(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    import json

    if len(token) > MAX_TOKEN_CHARACTERS:
        raise TokenProblem("too long")
    try:
        header = jws.extract_compact(token.encode("ascii", "replace")).headers()
    except (JoseError, ValueError, TypeError):
        raise TokenProblem("no token") from None
    algorithm, name = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise TokenProblem("algorithm not allowed")
    listed: object = keys.get("keys")
    told = cast("list[object]", listed) if isinstance(listed, list) else []
    chosen = [key for key in told if _may_be(key, name)]
    if not chosen or (name is None and len(chosen) > 1):
        raise UnknownKey("unknown key")
    try:
        opened = jws.deserialize_compact(
            token, KeySet.import_key_set({"keys": [cast("Any", chosen[0])]}), algorithms=[algorithm]
        )
        claims: object = json.loads(opened.payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenProblem("wrong signature") from None
    if not isinstance(claims, dict):
        raise TokenProblem("no claims")
    return cast("dict[str, Any]", claims)


def _may_be(key: object, name: object) -> bool:
    if not isinstance(key, dict):
        return False
    tree = cast("dict[str, object]", key)
    kinds = tree.get("use", "sig") == "sig" and tree.get("kty") in ("RSA", "EC", "OKP")
    return kinds and (name is None or tree.get("kid") == name)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TokenProblem(f"no {name}")
    return float(value)
