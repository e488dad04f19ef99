"""Who looked at what and why: one log line for each use of the tools and the API that touches people's prints.

No biometric data, no identity, no name of a person whose prints these are: what is looked at is told by its TCN or
its opaque reference, which lead to the rest in the database for those who may look there.
"""

from __future__ import annotations

import logging

from interchange.logs import facts

log = logging.getLogger("matcher.audit")


def note(action: str, *, by: str, purpose: str, outcome: str = "done", **what: object) -> None:
    """Write the line. `by` is an account or the name of a token, `purpose` why it was done."""
    log.info("audit", extra=facts(action=action, by=by, purpose=purpose, outcome=outcome, **what))
