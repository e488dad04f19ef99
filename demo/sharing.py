"""What follows a booking: examiners confirm, an agency is told and evaluates, a hit is taken back; and the report.

Everybody here is played, and everything they touch is real: the register and its rules, the running matcher, the
broker, and the example subscriber in a process of its own.

Longer than most on purpose: it reads as a story, a scene after the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.table import Table
from sqlalchemy import select

from demo.stage import BOONE, Kiosk
from interchange.charges import ChargeClass, Disposition
from interchange.messages import Reply, decode_message
from interchange.settings import load_settings
from matcher_service import cases, routing
from matcher_service.accounts import Grant, Role
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.key_file import Sealer
from matcher_service.auditing.verifying import verify
from matcher_service.notify.keys import centre_keys
from matcher_service.notify.looking import notices
from matcher_service.notify.subscribers import Subscribers
from matcher_service.notify.words import HELD_WORDS, Held
from matcher_service.oversight import Stage as Counted
from matcher_service.oversight import gather, write_report
from matcher_service.oversight.figures import STAGE_WORDS
from matcher_service.repositories.case_tables import CaseFile
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewTask
from matcher_service.repositories.schema import CandidateRecord, Repository, StoredSubmission
from matcher_service.review import Reviews
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA
from matcher_service.settings import MatcherSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from sqlalchemy import Select

    from demo.stage import Stage
    from edge_service.spool import SpoolEntry
    from matcher_service.accounts import Account
    from matcher_service.repositories import Database

_T = TypeVar("_T")

BOONE_COUNTY, COLE_COUNTY, STATE = "US-MO-019", "US-MO-051", "US-MO"
COLE = Kiosk("demo-kiosk-2", "MO0260000")
OFFICE, OFFICE_ORI = "field-office", "MOFED0001"  # made up
OPENED = "immigration"
PATIENCE_S = 60.0
POLL_S = 0.1
SUBSCRIBER = Path(__file__).parents[1] / "docs" / "examples" / "subscriber.py"

EXAMINERS = ("examiner1", "examiner2")
CASE_OFFICER, SUPERVISOR, OWNER, ADMINISTRATOR = "caseofficer", "supervisor", "owner", "administrator"
PEOPLE: dict[str, tuple[Grant, str]] = {
    "officer": (Grant(Role.OFFICER), BOONE.ori),
    EXAMINERS[0]: (Grant(Role.EXAMINER), ""),
    EXAMINERS[1]: (Grant(Role.EXAMINER), ""),
    SUPERVISOR: (Grant(Role.SUPERVISOR), ""),
    CASE_OFFICER: (Grant(Role.CASE_OFFICER), OFFICE_ORI),
    OWNER: (Grant(Role.REPOSITORY_OWNER, OPENED), ""),
    "auditor": (Grant(Role.AUDITOR), ""),
    ADMINISTRATOR: (Grant(Role.ADMINISTRATOR), ""),
}


class SharingError(Exception):
    """Something that did not come about; the message says what was waited for."""


@dataclass(frozen=True, slots=True)
class _Hit:
    """A confirmed hit, by its numbers."""

    tcn: str
    identification: int
    case: int


class Sharing:
    """`arrange` before the matcher starts, `follow` after the bookings."""

    def __init__(self, console: Console, database: Database, *, folder: Path) -> None:
        self._console = console
        self._database = database
        self._folder = folder
        self._keys = folder / OFFICE
        self._store = folder / "field-office.db"
        self.directory = Directory(database)

    # -- before

    def arrange(self) -> None:
        """The register of Missouri, one county that is activated, people, and an agency that wants to be told."""
        register = Register(self._database)
        missouri = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        agencies = (
            AgencyEntry(ori=BOONE.ori, name="Boone County Jail", jurisdiction=BOONE_COUNTY),
            AgencyEntry(ori=COLE.ori, name="Cole County Jail", jurisdiction=COLE_COUNTY),
            AgencyEntry(ori=OFFICE_ORI, name="Field office", jurisdiction=STATE),
        )
        register.bring(
            RegisterContent(jurisdictions=missouri.jurisdictions, agencies=agencies),
            source="the demo's register",
            by="system:demo",
        )
        for name, (grant, ori) in PEOPLE.items():
            self.directory.add(name, by="system:demo", grants=[grant], ori=ori, password=False)
        first = ActivationEntry(
            jurisdiction=STATE,
            repository="criminal",
            from_at=datetime.now(UTC),
            conditions=Conditions(answer=Answer.FIRST, needs_second_examiner=False),
            signed_by="State of Missouri (made up)",
            document_sha256=sha256(b"the demo's agreement").hexdigest(),
            reason="criminal history for every booking",
        )
        told_of = (ChargeClass.FELONY, ChargeClass.MISDEMEANOR)
        second = replace(
            first,
            jurisdiction=BOONE_COUNTY,
            repository=OPENED,
            conditions=Conditions(answer=Answer.SECOND, notify_charge_classes=told_of),
            signed_by="Sheriff of Boone County (made up)",
            reason="activated",
        )
        register.enter_agreed([first, second], by=OWNER, approved_by=ADMINISTRATOR)
        self._make_keys()
        subscribers = Subscribers(self._database, sealer=lambda: Sealer.of(self._folder / "accounts.key"))
        subscribers.add(
            OFFICE,
            words="Field office",
            ori=OFFICE_ORI,
            sealing_pem=(self._keys / "sealing.pem").read_text(encoding="ascii"),
            signing_pem=(self._keys / "signing.pem").read_text(encoding="ascii"),
            by="system:demo",
        )
        subscribers.subscribe(OFFICE, OPENED, STATE, by="system:demo")

    def _make_keys(self) -> None:
        """As `subscriber.py keys` makes them."""
        from interchange.envelope_keys import PrivateKey

        self._keys.mkdir(mode=0o700)
        for name in ("sealing", "signing"):
            key = PrivateKey.generate()
            (self._keys / f"{name}.key").write_bytes(key.pem)
            (self._keys / f"{name}.pem").write_bytes(key.public.pem)

    # -- after

    def follow(self, stage: Stage, *, hit: str, elsewhere: str, report: Path) -> bool:
        """From the booking that is a hit to the report. `elsewhere` was booked where nothing is activated."""
        self._why(elsewhere)
        self._listen(stage)
        found = self._confirm(hit)
        right = self._evaluate(stage, found)
        right &= self._take_back(stage, found)
        return self._count(report) and right

    def _why(self, tcn: str) -> None:
        self._rule("Why Cole County's booking was not searched in immigration")
        with self._database.read() as session:
            found = routing.why(session, tcn, now=datetime.now(UTC))
        for one in found.repositories:
            self._say(f"[bold]{one.repository}[/]: {one.steps[-1].recorded.words}")
        self._say(
            "[dim]Nothing is searched that no signed rule opened. Replayed: matcher-service why TCN[/]\n"
        )

    def _listen(self, stage: Stage) -> None:
        """Start the example subscriber, with a certificate of its own where the broker asks for one."""
        settings = load_settings(MatcherSettings, None, stage.settings)
        keys = centre_keys(settings, self._database)
        public = {"signing": keys.signing(), "sealing": keys.sealing()}
        (self._keys / "centre-keys.json").write_text(
            json.dumps({name: [key.public.pem.decode() for key in pair] for name, pair in public.items()}),
            encoding="ascii",
        )
        if stage.centre is not None:
            self._certify(stage.centre.authority)
        self._run_subscriber = ["--folder", str(self._keys), "--store", str(self._store)]
        plain = [] if stage.centre is not None else ["--plain"]
        stage.child(
            "the subscriber", sys.executable, SUBSCRIBER, "listen", "--name", OFFICE, *self._run_subscriber,
            "--host", stage.broker.host, "--port", str(stage.broker.port), *plain,
        )  # fmt: skip

    def _certify(self, authority: Path) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        from matcher_service.authority import Authority, certificate_request, new_key
        from matcher_service.authority import Role as CertificateRole

        made, key = Authority(authority), new_key()
        request = certificate_request(key, OFFICE)
        (self._keys / "tls.pem").write_bytes(
            made.certify(request, role=CertificateRole.SUBSCRIBER, name=OFFICE)
        )
        (self._keys / "tls.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (self._keys / "ca.pem").write_bytes(made.root_pem)

    def _confirm(self, tcn: str) -> _Hit:
        """Two examiners, each alone; then the agency is told, once the charge is known."""
        self._rule("Two examiners look at the candidate, each without the other's answer")
        task = self._until("the examiners' task", lambda: self._task(tcn))
        reviews = Reviews(self._database)
        for name in EXAMINERS:
            examiner = self.account(name)
            reviews.claim(examiner, task)
            look = reviews.look(examiner, task)
            place = self._place(task)
            self._say(
                f"[bold]{name}[/]: {len(look.candidates)} candidates, shuffled, without scores, known strangers among"
                f" them; decides [bold]identification[/] on number {place}"
            )
            reviews.decide(
                examiner, task, "identification", reason="ridge flow and minutiae agree", place=place
            )
        number = self._until("the identification", lambda: self._identification(task))
        held = self._state(number)[1]
        words = HELD_WORDS[Held(held)] if held else "nothing holds it"
        self._say(f"Confirmed. [bold yellow]Nobody is told yet[/]: {words}.\n")
        self._rule("The jail reports the charge, and the agency is told")
        self._report(tcn, charge=ChargeClass.FELONY, disposition=Disposition.CHARGED)
        self._until("the subscriber's receipt", lambda: self._state(number)[0] == "received")
        self._say(
            f"{OFFICE} has it, sealed to its key, and gave a signed receipt: [bold]{self._standing()}[/]\n"
        )
        case = self._until("the case", lambda: self._case(number))
        return _Hit(tcn, number, case)

    def _evaluate(self, stage: Stage, hit: _Hit) -> bool:
        self._rule("The agency evaluates its case")
        desk, officer = cases.Desk(self._database), self.account(CASE_OFFICER)
        row = next(one for one in desk.queue(officer) if one.case == hit.case)
        desk.take(officer, hit.case)
        view = desk.show(officer, hit.case)
        level = "no level" if row.level is None else f"level {row.level}"
        self._say(
            f"Case {row.case}: charged with a {view.charge_class}, convicted of nothing, so [bold]{level}[/]."
            f" The record is {view.match.age_days} days old."
        )
        desk.evaluate(
            officer, hit.case, outcome="lawful_status", words="permanent resident; card and record agree"
        )
        self._say(f"{CASE_OFFICER}: [bold green]lawful status[/]; nothing was asked of the jail")
        told = self._second(stage, hit.tcn, lambda reply: bool(reply.repositories))
        answer = {one.name: str(one.colour) for one in told.repositories}
        self._say(
            "The kiosk's second response says that prints matched, and nothing of the outcome:\n"
            f"  [dim]{told.words or ''}[/]\n"
        )
        return row.level is None and answer == {OPENED: "red"}

    def _take_back(self, stage: Stage, hit: _Hit) -> bool:
        self._rule("The court dismisses the charge, and the hit is taken back")
        began = time.monotonic()
        self._report(hit.tcn, disposition=Disposition.DISMISSED)
        self._until("the receipt of the retraction", lambda: self._retraction_received(hit.identification))
        standing = self._standing()
        told = self._second(stage, hit.tcn, lambda reply: OPENED in reply.taken_back)
        with self._database.read() as session:
            state = session.get_one(CaseFile, hit.case).state
        self._say(f"{OFFICE}, everyone who was told: [bold]{standing}[/], with a signed receipt")
        self._say(f"Its case: [bold]{state}[/]. The kiosk: [bold]{', '.join(told.taken_back)}[/] taken back")
        self._say(f"[dim]{time.monotonic() - began:.1f} s from the court's report to the last of them[/]\n")
        return standing.endswith("retracted") and state == "withdrawn"

    def _count(self, folder: Path) -> bool:
        self._rule("The oversight report")
        month = f"{datetime.now(UTC):%Y-%m}"
        figures = gather(self._database, first=month, last=month, now=datetime.now(UTC))
        written = write_report(figures, folder, public=False)
        table = Table(box=None, padding=(0, 2), header_style="dim")
        table.add_column("")
        for name in ("criminal", OPENED):
            table.add_column(name, justify="right")
        for stage in Counted:
            counts = [
                figures.total(stage, None if stage is Counted.SUBMISSIONS else name)
                for name in ("criminal", OPENED)
            ]
            table.add_row(STAGE_WORDS[stage], *map(str, counts))
        self._console.print(table)
        page = next(path for path in written if path.suffix == ".html")
        audit = verify(self._database)
        kept = "nothing was changed" if not audit.faults else "[bold red]it was tampered with[/]"
        self._say(f"All of it, with plots and the map: [bold]{page}[/]")
        self._say(f"The audit: [bold]{audit.entries}[/] entries, each look among them; {kept}\n")
        return not audit.faults and figures.total(Counted.RETRACTED, OPENED) == 1

    def leave(self, tcn: str) -> None:
        """A booking whose charge is known, and that waits for its examiners: whoever stays can go on with it."""
        self._report(tcn, charge=ChargeClass.FELONY, disposition=Disposition.CHARGED)
        self._say(
            f"It waits in the console: {' and '.join(EXAMINERS)} review it, then {CASE_OFFICER} has a case,"
            f" and {SUPERVISOR} can take it back.\n"
        )

    # -- questions

    def account(self, name: str) -> Account:
        """Somebody who takes part."""
        return self.directory.find(name).account

    def _task(self, tcn: str) -> int | None:
        return self._one(
            select(ReviewTask.id)
            .join(StoredSubmission, StoredSubmission.id == ReviewTask.submission_id)
            .join(Repository, Repository.id == ReviewTask.repository_id)
            .where(StoredSubmission.tcn == tcn, Repository.name == OPENED)
        )

    def _place(self, task: int) -> int:
        """Where the person stands in the list: the demo knows it, an examiner compares."""
        found = self._one(
            select(ReviewCandidate.place)
            .join(CandidateRecord, CandidateRecord.id == ReviewCandidate.candidate_id)
            .where(ReviewCandidate.task_id == task, ReviewCandidate.seeded.is_(False))
            .order_by(CandidateRecord.score.desc())
            .limit(1)
        )
        if found is None:
            raise SharingError("the candidate is not among those that the examiners were shown")
        return found

    def _identification(self, task: int) -> int | None:
        return self._one(select(Identification.id).where(Identification.task_id == task))

    def _case(self, identification: int) -> int | None:
        return self._one(select(CaseFile.id).where(CaseFile.identification_id == identification))

    def _one(self, query: Select[int]) -> int | None:
        with self._database.read() as session:
            return session.scalar(query)

    def _state(self, identification: int) -> tuple[str, str]:
        """The hit's state, and why it is held."""
        with self._database.read() as session:
            rows = notices(session, identification_id=identification)
        return next(((one.state, one.held_because) for one in rows if one.kind == "hit"), ("", ""))

    def _retraction_received(self, identification: int) -> bool:
        with self._database.read() as session:
            rows = notices(session, identification_id=identification)
        return any(one.kind == "retraction" and one.state == "received" for one in rows)

    def _report(
        self, tcn: str, *, charge: ChargeClass | None = None, disposition: Disposition | None = None
    ) -> None:
        now = datetime.now(UTC)
        with self._database.write() as session:
            routing.report_disposition(
                session, tcn, charge_class=charge, disposition=disposition, reported_at=now, by="system:demo",
                source="court" if charge is None else "desk", now=now,
            )  # fmt: skip

    def _standing(self) -> str:
        """What the subscriber itself says of its only hit."""
        command = [sys.executable, str(SUBSCRIBER), "list", "--name", OFFICE, *self._run_subscriber]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)  # noqa: S603 - our own
        if done.returncode or not done.stdout.strip():
            raise SharingError(f"the subscriber does not say what it has: {done.stderr[-500:]}")
        number, standing = done.stdout.split()[:2]
        return f"{number[:8]}... {standing}"

    def _second(self, stage: Stage, tcn: str, wanted: Callable[[Reply], bool]) -> Reply:
        """The kiosk's second reply that says what is waited for."""

        def replies(entry: SpoolEntry) -> list[Reply]:
            return [reply for one in entry.seconds if wanted(reply := decode_message(Reply, one))]

        spool = stage.spools[BOONE.name]
        with self._console.status("Waiting for the kiosk's second response"):
            entry = spool.wait_for(
                tcn, lambda one: bool(replies(one)), timeout_s=PATIENCE_S, cancel=threading.Event()
            )
        if entry is None or not replies(entry):
            raise SharingError("the kiosk got no second response in time")
        return replies(entry)[-1]

    def _until(self, what: str, ask: Callable[[], _T | None]) -> _T:
        """The answer, once it is neither None nor false. Raises SharingError."""
        deadline = time.monotonic() + PATIENCE_S
        with self._console.status(f"Waiting for {what}"):
            while not (found := ask()):
                if time.monotonic() > deadline:
                    raise SharingError(f"{what} did not come within {PATIENCE_S:.0f} s")
                time.sleep(POLL_S)
        return found

    def _rule(self, title: str) -> None:
        self._console.rule(f"[bold]{title}", align="left")

    def _say(self, words: str) -> None:
        self._console.print(f"  {words}")
