"""docs/roles.md, written from the table of permissions, so that the two never differ.

python -m matcher_service.accounts.roles_page docs/roles.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from matcher_service.accounts.permissions import TABLE, TWO_PEOPLE, Action, Role, Scope

_ROLES = {
    Role.OFFICER: "books people; sees the bookings of the own agency and asks for redress on somebody's behalf",
    Role.EXAMINER: "compares prints; sees neither cases nor who was told, which could sway the decision",
    Role.SUPERVISOR: "sees to it that reviews are done and mistakes are taken back; decides no comparison",
    Role.CASE_OFFICER: "evaluates the cases of the agency that was notified",
    Role.REPOSITORY_OWNER: "answers for a repository: what is in it, who may search it, how long it is kept",
    Role.AUDITOR: "looks at what was done; sees no prints and no cases",
    Role.ADMINISTRATOR: "keeps the system running; sees no prints, no cases and not what others looked at",
}
_SIGNS = {Scope.ALL: "all", Scope.OWN: "own", Scope.AGENCY: "agency"}
_HEAD = """# Who may do what

Written from `matcher_service/accounts/permissions.py` by `python -m matcher_service.accounts.roles_page docs/roles.md`;
change the table there. A test asks every cell of it, what is allowed and what is refused.

What is not in the table is refused. Somebody with several roles may do what any of them may.
"""
_SCOPES = """## How far a right reaches

- **all**: everywhere; where the role was given for one repository, in that one.
- **own**: only in repositories for which the role was given by name.
- **agency**: only what carries the ORI of the account: an officer's own bookings, a case officer's own agency's cases.
- an empty cell: not at all.

A right that is bound to a repository or an agency is refused where the program does not know them.
"""
_TAIL = """
Whoever asked cannot approve; both need the right when they decide, and an active account when it is done. A request
waits 72 hours for the second person and can then be used for 24 hours, once, for exactly what was asked for. Suspending
an activation needs one person only: the off switch works at once.

## Accounts

The first administrator is made at the machine itself: `matcher-service accounts add NAME --role administrator`. There
is always one left. Accounts are disabled, never removed: the audit names them. A role that is taken away counts with
the next request of a session that is open.

A new account gets a first password, good for 72 hours. It opens nothing but the page on which its owner chooses another
and enrols an authenticator (RFC 6238); `matcher-service accounts enrol NAME` does the same at a terminal.

- **Passwords**: at least 12 characters, no rules on their kinds, not common and not the name (NIST SP 800-63B); kept as
  Argon2id with 64 MiB, 3 passes, 4 lanes (RFC 9106, second recommended option).
- **Codes**: six digits in steps of 30 s, one step early or late, each once. The secret is sealed with a key file beside
  the database. Eight recovery codes, kept as hashes.
- **Wrong tries**: after three in a row each further one waits, 5 s at first and twice as long each time, up to 15
  minutes. After 100 an administrator has to unlock the account (`reset-password`). After ten from one address the
  address waits. A name that there is not takes as long and waits as long.
- **Sessions**: a random token, of which only the SHA-256 is kept. It ends after 30 minutes without use (at most: CJIS
  Security Policy) and 12 hours in all. A new token at every sign-in and when a right is gained; another token against
  forged forms for each.
- **Identity provider**: OpenID Connect, authorization code flow with PKCE. Accounts are linked by the provider's `sub`.
  A claim gives a role only where `[accounts.oidc] role_map` says so, and nobody a repository.

Waiting protects passwords at a price: somebody who knows an account's name can make it wait. An administrator sees the
wrong tries in `matcher-service accounts list`, and the audit has each of them.
"""


def page() -> str:
    """The document."""
    parts = [_HEAD, "| role | what it is for |", "|---|---|"]
    parts += [f"| **{_name(role)}** | {words} |" for role, words in _ROLES.items()]
    parts += ["", _SCOPES, "## The table", ""]
    parts += [f"| action | {' | '.join(_name(role) for role in Role)} |", f"|---|{'---|' * len(Role)}"]
    for action in Action:
        cells = (TABLE[role].get(action) for role in Role)
        parts.append(f"| `{action}` | {' | '.join('' if cell is None else _SIGNS[cell] for cell in cells)} |")
    parts += ["", "## What takes two people", "", "| one asks with | another agrees with |", "|---|---|"]
    parts += [f"| `{asked}` | `{agreed}` |" for asked, agreed in TWO_PEOPLE.items()]
    return "\n".join(parts) + "\n" + _TAIL


def _name(role: Role) -> str:
    return role.value.replace("_", " ")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
