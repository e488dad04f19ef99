"""People: who they are, how they sign in, and what they may do. See docs/roles.md.

Here is what everybody asks: may they? The doors and the directory are in their modules: `signing_in`, `sessions`,
`oidc`, `directory`, `authenticators`, `two_person`.
"""

from matcher_service.accounts.errors import (
    AccountError,
    BadPassword,
    KeyFileError,
    NotPermitted,
    TwoPersonError,
)
from matcher_service.accounts.people import Account, Grant, Reach, permitted, reach, require
from matcher_service.accounts.permissions import TABLE, TWO_PEOPLE, Action, Role, Scope

__all__ = [
    "TABLE",
    "TWO_PEOPLE",
    "Account",
    "AccountError",
    "Action",
    "BadPassword",
    "Grant",
    "KeyFileError",
    "NotPermitted",
    "Reach",
    "Role",
    "Scope",
    "TwoPersonError",
    "permitted",
    "reach",
    "require",
]
