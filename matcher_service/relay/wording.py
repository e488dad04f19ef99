"""What a kiosk is told of a reply of the centre above: the same, under this state's name for that centre.

To the kiosk it is a second response, since it had the state's own first one. Candidates of a search that nobody has
looked at stay marked as such: a row with candidates, or one that failed, is never an examiner's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.messages import MAX_REPOSITORIES, Colour, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange.messages import RepositoryReply

_MAX_NAME = 64
_CONFIRMED = {
    Colour.RED: "examiners confirmed a match",
    Colour.YELLOW: "examiners could not tell",
    Colour.GREEN: "examiners found no match",
}
_SEARCHED = {
    Colour.RED: "a highly probable candidate that nobody has looked at",
    Colour.YELLOW: "a possible candidate that nobody has looked at",
    Colour.GREEN: "nobody was found",
}


def local_name(centre: str, repository: str) -> str:
    """A repository of the centre above, as it is called here."""
    return f"{centre}.{repository}"[:_MAX_NAME].rstrip("_.-")


def said_of(reply: Reply | None) -> list[str]:
    """What a reply says, for a person who decides upon it."""
    if reply is None:
        return ["it cannot be read"]
    said = [f"{row.name}: {_found(row, reply.stage)}" for row in reply.repositories]
    said += [f"{name} to follow" for name in reply.to_follow]
    said += [f"{name} not searched" for name in reply.not_searched]
    said += [f"{name} TAKEN BACK" for name in reply.taken_back]
    return said or ["nothing"]


def _found(row: RepositoryReply, stage: str) -> str:
    if row.failed:
        return "not searched in time"
    if stage == "second" and not row.candidates:  # an examiner's word; with candidates it is a search's alone
        return _CONFIRMED[row.colour]
    return f"{row.colour}, {_SEARCHED[row.colour]}"


def still_promised(replies: Sequence[Reply]) -> set[str]:
    """What the first of them said would follow, and has not."""
    first = next((one for one in replies if one.stage == "first"), None)
    promised = set(first.to_follow) if first is not None else set[str]()
    for one in replies:
        if one.stage == "second":
            promised -= {r.name for r in one.repositories} | set(one.not_searched) | set(one.taken_back)
    return promised


def for_kiosk(reply: Reply, *, others: Sequence[Reply], centre: str, more: bool) -> Reply:
    """`reply` as it goes to the kiosk.

    Args:
        reply: of the centre above.
        others: its other replies to the same submission.
        centre: what it is called here.
        more: whether its second responses may reach the kiosk at all.
    """
    replies = (reply, *others)
    answered = any(one.stage == "first" for one in replies)
    # The centre's own name stands for all that is to follow from there; with the last of it, it is done.
    over = answered and (not more or not still_promised(replies))
    gone = [local_name(centre, name) for name in reply.not_searched]
    if over:
        gone = [*gone[: MAX_REPOSITORIES - 1], centre]
    return Reply(
        tcn=reply.tcn,
        stage="second",
        answered_at=reply.answered_at,
        repositories=tuple(
            one.model_copy(update={"name": local_name(centre, one.name)}) for one in reply.repositories
        ),
        timings_ms={},
        not_searched=tuple(gone),
        taken_back=tuple(local_name(centre, name) for name in reply.taken_back),
        words=reply.words,
    )
