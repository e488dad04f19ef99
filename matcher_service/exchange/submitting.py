"""From an EBTS file to a submission like any other: the same store, the same rules, the same search.

A file comes over a channel: a registered device whose agency (ORI) has to be the one that the file names. Its control
number (1.009) becomes one of ours by a hash, always the same: sent again, a file is known and not searched twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import update

from interchange.charges import Transaction
from interchange.errors import MessageError, TemplateError
from interchange.messages import (
    CaptureTime,
    ModelReference,
    Print,
    Purpose,
    Submission,
    encode_message,
)
from interchange.tcn import check_tcn, device_of
from matcher_service.exchange.errors import EbtsRefused, ImageRefused, Problem
from matcher_service.exchange.extracting import extract
from matcher_service.exchange.transaction import REPLIES
from matcher_service.parameters import DESK
from matcher_service.repositories import Filed, Submissions
from matcher_service.repositories.prints import NewPrint, read_single
from matcher_service.repositories.registry import Registry, RegistryState
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.routing.facts import Arrival, agency_of
from matcher_service.routing.judging import AgencyState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.exchange.extracting import Extracted
    from matcher_service.exchange.image_records import FoundImage
    from matcher_service.exchange.transaction import EbtsFile, Finger, Sender
    from matcher_service.repositories import Database

    Extract = Callable[[FoundImage], Extracted]
    Watch = Callable[[Sequence[Finger]], Iterable[Finger]]

FOREIGN_MODEL = ModelReference(name="foreign", sha256="0" * 64)  # minutiae of which only the sender knows how
_NO_BOOT = "00000000-0000-0000-0000-000000000000"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its number with us, whether it was there already, and how many fingers it has."""

    tcn: str
    known: bool
    fingers: int


def our_tcn(sender: Sender, channel: str) -> str:
    """The control number under which a file is stored: its own where we made it, else one from its ORI and number.

    128 bits of SHA-256, written like a ULID; the time that a ULID begins with only sorts, and is not there.
    """
    try:
        if device_of(check_tcn(sender.tcn)) == channel:
            return sender.tcn
    except MessageError:
        pass
    digest = sha256(f"ebts\0{sender.ori}\0{sender.tcn}".encode()).digest()
    value = int.from_bytes(digest[:16], "big")
    return f"{channel}." + "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def submission_of(
    file: EbtsFile, *, channel: str, extracting: Extract = extract, watch: Watch | None = None
) -> Submission:
    """The submission. Raises EbtsRefused with everything that is wrong: it is all or nothing.

    `watch` is given the fingers, and gives them on: finding minutiae in ten images takes a while.
    """
    sender = file.sender
    if sender.kind in REPLIES:
        raise _refused(1, "1.004", f"{sender.kind} is a reply, and nothing to be searched")
    if file.problems:
        raise EbtsRefused(*file.problems)
    if not file.fingers:
        raise _refused(
            0, "", "there is no print in it that can be used: Type-9 minutiae, or images of single fingers"
        )
    if len(file.fingers) > 10:
        raise _refused(0, "", f"it holds {len(file.fingers)} prints; one person has at most ten fingers")
    prints, models, problems = [], set[ModelReference](), list[Problem]()
    for finger in file.fingers if watch is None else watch(file.fingers):
        try:
            made, model = _print_of(finger, extracting)
        except (ImageRefused, TemplateError) as error:
            field = {9: "9.137", 14: "14.999", 4: "4.009"}[finger.type]
            problems.append(Problem(finger.record, finger.type, field, str(error)))
        else:
            prints.append(made)
            models.add(model)
    if problems:
        raise EbtsRefused(*problems)
    try:
        return Submission(
            tcn=our_tcn(sender, channel),
            device=channel,
            captured_at=CaptureTime(
                clock=sender.sent_at, synchronised=False, boot_id=_NO_BOOT, monotonic_ms=0
            ),
            purpose=Purpose.BOOKING,
            extractor=models.pop() if len(models) == 1 else FOREIGN_MODEL,
            prints=tuple(prints),
            transaction=Transaction(sender.kind),
            charge_class=file.charged.charge_class,
            disposition=file.charged.disposition,
            left_out=file.left_out,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise _refused(0, "", first["msg"].removeprefix("Value error, ")) from None


def submit(
    database: Database,
    file: EbtsFile,
    *,
    channel: str,
    agencies: Mapping[str, str],
    extracting: Extract = extract,
    watch: Watch | None = None,
) -> Taken:
    """Store a file's submission for the matcher to search. Raises EbtsRefused, StoreError.

    `agencies` says of which agency a device is that is not registered with keys of its own, as for the intake.
    """
    ori = _agency(database, channel, agencies)
    if file.sender.ori != ori:
        raise _refused(
            1, "1.008", f"the channel '{channel}' belongs to {ori or 'no agency'}, and the file names another"
        )
    with database.read() as session:
        state, _ = agency_of(session, ori)
    if state is AgencyState.UNKNOWN:
        raise _refused(
            1, "1.008", f"the agency {ori} is not in the register: add it with matcher-service jurisdictions"
        )
    submission = submission_of(file, channel=channel, extracting=extracting, watch=watch)
    payload = encode_message(submission)
    store = Submissions(database, instance="ebts")
    filed = store.file(submission, payload, Arrival(ori=ori, sealed=False))
    if filed is Filed.OTHER:
        raise _refused(
            1,
            "1.009",
            "this control number was used for other prints or facts before; a number is never used again",
        )
    if filed is Filed.NEW:
        _release(database, submission.tcn)
    return Taken(submission.tcn, filed is Filed.KNOWN, len(submission.prints))


def _agency(database: Database, channel: str, agencies: Mapping[str, str]) -> str:
    if channel == DESK:
        raise _refused(0, "", f"'{DESK}' stands for searches at the centre; name a channel of its own")
    found = Registry(database).find(channel)
    if found is not None and found.state is not RegistryState.ACTIVE:
        raise _refused(0, "", f"the channel '{channel}' is revoked: invite it anew, or name another")
    ori = agencies.get(channel, "") if found is None else found.ori
    if found is None and not ori:
        raise _refused(
            0, "", f"'{channel}' is no device of this centre: register it (matcher-service devices), or name it in the"
            " settings under [routing.devices]",
        )  # fmt: skip
    return ori


def _print_of(finger: Finger, extracting: Extract) -> tuple[Print, ModelReference]:
    minutiae: Minutiae | None = finger.minutiae
    model = FOREIGN_MODEL
    if minutiae is None:
        assert finger.image is not None
        extracted = extracting(finger.image)
        minutiae, model = extracted.minutiae, extracted.model
    made = NewPrint.of(finger.position, minutiae)
    read_single(made.record)  # within the bounds of what is searched
    return Print(position=made.position, finger_quality=made.finger_quality, template=made.record), model


def _release(database: Database, tcn: str) -> None:
    """Give it to whichever matcher runs: the claim of the one that stored it is not needed."""
    with database.write() as session:
        session.execute(
            update(StoredSubmission)
            .where(StoredSubmission.tcn == tcn)
            .values(claimed_until=datetime.now(UTC))
        )


def _refused(record: int, field: str, reason: str) -> EbtsRefused:
    return EbtsRefused(Problem(record, 1 if record else 0, field, reason))
