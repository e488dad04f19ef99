"""What can go wrong at the case desk. Each message says what the person does next."""

from __future__ import annotations

from matcher_service.errors import MatcherError


class CaseError(MatcherError):
    """Base of what can go wrong at the case desk."""


class UnknownCase(CaseError):  # noqa: N818 - reads as what it is
    """There is no such case.

    Attributes:
        case: its number.
    """

    def __init__(self, case: int) -> None:
        self.case = case
        super().__init__(f"there is no case {case}; see: matcher-service cases queue")


class CaseTaken(CaseError):  # noqa: N818 - reads as what it is
    """A case that is another officer's, or nobody's yet.

    Attributes:
        case: its number.
        owner: whose it is; "" if nobody's.
    """

    def __init__(self, case: int, owner: str) -> None:
        self.case, self.owner = case, owner
        if owner:
            super().__init__(
                f"case {case} is {owner}'s now, and nothing was changed. Talk to {owner}; to take it over:"
                f" matcher-service cases take {case} --from {owner} --words WHY"
            )
        else:
            super().__init__(f"case {case} is nobody's yet; take it first: matcher-service cases take {case}")


class CaseRefused(CaseError):  # noqa: N818 - reads as what it is
    """Something that cannot be entered; nothing was.

    Attributes:
        field: what is wrong.
        reason: how, and what to do.
        near: what may have been meant.
    """

    def __init__(self, field: str, reason: str, *, near: tuple[str, ...] = ()) -> None:
        self.field, self.reason, self.near = field, reason, near
        super().__init__(f"{field}: {reason}" + (f". Did you mean: {'; '.join(near)}?" if near else ""))


class BadTable(CaseError):  # noqa: N818 - reads as what it is
    """A table of levels, offences or outcomes that is not read; nothing of it counts.

    Attributes:
        source: the file.
        field: where in it, such as "levels.0.any_of.1.classes"; "" for the whole file.
        reason: what is wrong there.
    """

    def __init__(self, source: str, field: str, reason: str) -> None:
        self.source, self.field, self.reason = source, field, reason
        where = f"{source}, {field}" if field else source
        super().__init__(f"{where}: {reason}. The table in force stays as it is.")
