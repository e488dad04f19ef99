"""What OSIA's paths do, for one client at a time: persons with encounters, identify, verify, galleries.

A person here is an identity of the client's repository that the client made itself; it sees no other.
"""

from __future__ import annotations

import re
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from matcher_service.osia.biometrics import read_biometrics, write_biometrics
from matcher_service.osia.clients import Clients, note
from matcher_service.osia.errors import OsiaRefusal
from matcher_service.osia.notices import OsiaNotices
from matcher_service.osia.outbox import Outbox
from matcher_service.osia.tasks import OsiaTasks
from matcher_service.parameters import LEAST_MINUTIAE
from matcher_service.repositories import Repositories
from matcher_service.repositories.osia_tables import OsiaEncounter
from matcher_service.repositories.schema import Encounter, GalleryChange, Identity
from matcher_service.search.decision import needed_log10_fmr

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from interchange.minutiae import Minutiae
    from matcher_service.abis.desk import Searched
    from matcher_service.accounts.key_file import Sealer
    from matcher_service.osia.settings import OsiaClient, OsiaSettings
    from matcher_service.repositories import Database, Enrolled, NewPrint

EVERYWHERE: Final = "ALL"
SEARCHED: Final = 100
DEFAULT_CANDIDATES: Final = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_NOT_KEPT: Final = ("biographicData", "contextualData", "clientData")


class OsiaDesk:
    """See the module. All raise OsiaRefusal, and StoreError.

    Attributes:
        clients: who may ask.
        outbox: what is to be posted.
        notices: topics and subscriptions.
        tasks: what is asked with a callback.
    """

    def __init__(
        self,
        database: Database,
        settings: OsiaSettings,
        *,
        galleries: Searched,
        fpir: float,
        verify_fmr: float,
        sealer: Callable[[], Sealer],
        networks: tuple[str, ...] = (),
        instance: str = "api",
    ) -> None:
        """`fpir` bounds identify and `verify_fmr` verify, where no threshold is named.

        `networks` are those private ones that may be posted to (`NotifySettings`).
        """
        self._database, self._galleries = database, galleries
        self._fpir, self._verify_fmr = fpir, verify_fmr
        self.clients = Clients(settings)
        self.outbox = Outbox(sealer)
        self.notices = OsiaNotices(database, self.clients, self.outbox, networks=networks)
        self.tasks = OsiaTasks(database, self.clients, self.outbox, networks=networks, instance=instance)
        self._repositories = Repositories(database)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the galleries."""
        self._galleries.close()

    # -- persons

    def create(
        self,
        token: str,
        person: str | None,
        encounter: str | None,
        tree: dict[str, Any],
        transaction: str,
        *,
        finish: Callable[[Session, object], None] | None = None,
    ) -> dict[str, str]:
        """One more encounter; the person too, if it is the first. Ids that are not given are made. Both.

        `finish` gets them in the transaction in which it becomes so.
        """
        client = self.clients.asking(token, "abis.encounter.write")
        ids = _given_or_made(person, encounter)
        kind, prints = _read_encounter(client, tree)
        with self._lock:
            known = self._new_in(client, ids)

            def also(session: Session, made: Enrolled) -> None:
                session.add(
                    OsiaEncounter(
                        client=client.token, person_id=ids["personId"], encounter_id=ids["encounterId"],
                        identity_id=made.identity, encounter=made.encounter, kind=kind,
                    )
                )  # fmt: skip
                self.notices.encounter(
                    session, client, "encounter.inserted", ids["personId"], [ids["encounterId"]]
                )
                session.flush()
                note(session, "osia.create", client, transaction, fingers=len(prints))
                if finish is not None:
                    finish(session, ids)

            identity = known[0].identity_id if known else None
            made = self._repositories.enroll(client.repository, prints, identity=identity, also=also)
            if not made.new:
                raise OsiaRefusal(409, "these very prints are enrolled already, under another person")
        self.notices.wake()
        return ids

    def read(self, token: str, person: str, encounter: str | None, transaction: str) -> list[dict[str, Any]]:
        """One encounter, or all of a person, with their templates."""
        client = self.clients.asking(token, "abis.encounter.read")
        if encounter is None:
            found = self._encounters(client, person)
            if not found:
                raise OsiaRefusal(404, "no such person")
        else:
            found = [self._one(client, person, encounter)]
        with self._database.write() as session:
            note(session, "osia.read", client, transaction)
        stored = self._repositories.prints(client.repository, [found[0].identity_id])
        return [
            {
                "encounterId": one.encounter_id,
                "status": "ACTIVE",
                "encounterType": one.kind,
                "galleries": [client.repository],
                "biometricData": write_biometrics(
                    print_ for print_ in stored if print_.encounter == one.encounter
                ),
            }
            for one in found
        ]

    def remove(self, token: str, person: str, encounter: str | None, transaction: str) -> None:
        """One encounter, or all; with the last of them the person goes."""
        client = self.clients.asking(token, "abis.encounter.write")
        with self._lock:
            if encounter is not None:
                self._one(client, person, encounter)
            known = self._encounters(client, person)
            if not known:
                raise OsiaRefusal(404, "no such person")
            gone = [one for one in known if encounter in (None, one.encounter_id)]
            identity = known[0].identity_id
            last = len(gone) == len(known)
            with self._database.write() as session:
                if not last:
                    where = session.get(Identity, identity)
                    assert where is not None  # its other encounters are there
                    session.execute(
                        delete(Encounter).where(Encounter.id.in_([one.encounter for one in gone]))
                    )
                    session.add(GalleryChange(repository_id=where.repository_id, identity_id=identity))
                    session.flush()
                self.notices.encounter(
                    session, client, "encounter.deleted", person, [one.encounter_id for one in gone]
                )
                session.flush()
                note(session, "osia.delete", client, transaction, encounters=len(gone), person=last)
            if last:  # after the entry: should this fail, the client still has its ids, and asks again
                self._repositories.remove(client.repository, identity)
        self.notices.wake()

    # -- searches

    def identify(
        self,
        token: str,
        gallery: str,
        tree: dict[str, Any],
        transaction: str,
        *,
        most: int,
        threshold: float | None,
        finish: Callable[[Session, object], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Candidates, best first; the score is -log10 of the false match rate, as `threshold` is."""
        client = self._check_identify(token, gallery, tree)
        found = self._search(client, _searchable(tree), threshold)
        listed = [
            {"personId": person, "rank": rank, "score": round(score, 3)}
            for rank, (person, score) in enumerate(found[:most], 1)
        ]
        with self._database.write() as session:
            note(session, "osia.identify", client, transaction, candidates=len(listed))
            if finish is not None:
                finish(session, listed)
        return listed

    def verify(
        self,
        token: str,
        gallery: str,
        person: str,
        tree: dict[str, Any],
        transaction: str,
        *,
        threshold: float | None,
        finish: Callable[[Session, object], None] | None = None,
    ) -> dict[str, Any]:
        """Whether these are that person's fingers, by the score alone."""
        client = self._check_verify(token, gallery, person)
        needed = -needed_log10_fmr(self._verify_fmr, 1) if threshold is None else threshold
        score = dict(self._search(client, _searchable(tree), 0.0)).get(person)
        decision = score is not None and score >= needed
        told = {"decision": decision, "scores": [] if score is None else [{"score": round(score, 3)}]}
        with self._database.write() as session:
            note(session, "osia.verify", client, transaction, decision=decision)
            if finish is not None:
                finish(session, told)
        return told

    def galleries(self, token: str) -> list[str]:
        """The one."""
        return [self.clients.asking(token, "abis.gallery.read").repository]

    # -- with a callback

    def later(
        self, token: str, verb: str, asked: dict[str, Any], transaction: str, *, callback: str, priority: int
    ) -> dict[str, str]:
        """Check all that can be checked now, and take it on. The task's id."""
        if verb == "create":
            client = self.clients.asking(token, "abis.encounter.write")
            ids = _given_or_made(asked["person"], asked["encounter"])
            _read_encounter(client, asked["tree"])
            self._new_in(client, ids)
            asked = {**asked, "person": ids["personId"], "encounter": ids["encounterId"]}
        elif verb == "identify":
            self._check_identify(token, asked["gallery"], asked["tree"])
            _searchable(asked["tree"])
        else:
            self._check_verify(token, asked["gallery"], asked["person"])
            _searchable(asked["tree"])
        return self.tasks.accept(token, verb, asked, transaction, callback=callback, priority=priority)

    def perform(
        self,
        token: str,
        verb: str,
        asked: dict[str, Any],
        transaction: str,
        *,
        finish: Callable[[Session, object], None],
    ) -> None:
        """What was taken on; by the rights of now."""
        if verb == "create":
            self.create(token, asked["person"], asked["encounter"], asked["tree"], transaction, finish=finish)
        elif verb == "identify":
            self.identify(
                token, asked["gallery"], asked["tree"], transaction,
                most=asked["most"], threshold=asked["threshold"], finish=finish,
            )  # fmt: skip
        else:
            self.verify(
                token, asked["gallery"], asked["person"], asked["tree"], transaction,
                threshold=asked["threshold"], finish=finish,
            )  # fmt: skip

    # -- inside

    def _check_identify(self, token: str, gallery: str, tree: dict[str, Any]) -> OsiaClient:
        client = self.clients.asking(token, "abis.identify")
        self._check_gallery(client, gallery)
        if tree.get("filter"):
            raise OsiaRefusal(400, "filter: nothing is known here by which to filter; leave it empty")
        return client

    def _check_verify(self, token: str, gallery: str, person: str) -> OsiaClient:
        client = self.clients.asking(token, "abis.verify")
        self._check_gallery(client, gallery)
        if not self._encounters(client, person):
            raise OsiaRefusal(404, "no such person")
        return client

    def _new_in(self, client: OsiaClient, ids: dict[str, str]) -> list[OsiaEncounter]:
        """The person's encounters, if this one is not among them."""
        known = self._encounters(client, ids["personId"])
        if any(one.encounter_id == ids["encounterId"] for one in known):
            raise OsiaRefusal(409, "this encounter is there already")
        return known

    def _search(
        self, client: OsiaClient, searchable: list[tuple[int, Minutiae]], threshold: float | None
    ) -> list[tuple[str, float]]:
        found, identities = self._galleries.search(client.repository, searchable, limit=SEARCHED)
        needed = -needed_log10_fmr(self._fpir, identities) if threshold is None else threshold
        best = {one.key: float(one.score) for one in found if one.score >= needed}
        query = (
            select(OsiaEncounter.identity_id, OsiaEncounter.person_id)
            .where(OsiaEncounter.client == client.token, OsiaEncounter.identity_id.in_(list(best)))
            .distinct()
        )
        with self._database.read() as session:
            names = {row.identity_id: row.person_id for row in session.execute(query)}
        return [(names[key], score) for key, score in best.items() if key in names]

    def _encounters(self, client: OsiaClient, person: str) -> list[OsiaEncounter]:
        query = select(OsiaEncounter).where(
            OsiaEncounter.client == client.token, OsiaEncounter.person_id == person
        )
        with self._database.read() as session:
            return list(session.scalars(query))

    def _one(self, client: OsiaClient, person: str, encounter: str) -> OsiaEncounter:
        for one in self._encounters(client, person):
            if one.encounter_id == encounter:
                return one
        raise OsiaRefusal(404, "no such encounter")

    def _check_gallery(self, client: OsiaClient, gallery: str) -> None:
        if gallery not in (EVERYWHERE, client.repository):
            raise OsiaRefusal(403, f"this token may search {client.repository} or {EVERYWHERE} alone")


def _searchable(tree: dict[str, Any]) -> list[tuple[int, Minutiae]]:
    prints = [(one.position, one.minutiae) for one in read_biometrics(tree.get("biometricData"))]
    searchable = [(at, one) for at, one in prints if len(one) >= LEAST_MINUTIAE]
    if not searchable:
        raise OsiaRefusal(400, f"biometricData: no finger has {LEAST_MINUTIAE} minutiae; take them again")
    return searchable


def _given_or_made(person: str | None, encounter: str | None) -> dict[str, str]:
    ids = {
        "personId": secrets.token_hex(16) if person is None else person,
        "encounterId": secrets.token_hex(16) if encounter is None else encounter,
    }
    if not all(_ID.fullmatch(one) for one in ids.values()):
        raise OsiaRefusal(400, "an id is 1 to 100 letters, digits and . _ : -")
    return ids


def _read_encounter(client: OsiaClient, tree: dict[str, Any]) -> tuple[str, list[NewPrint]]:
    """Its type and its prints."""
    if any(tree.get(key) for key in _NOT_KEPT):
        raise OsiaRefusal(400, f"{', '.join(_NOT_KEPT)}: nothing of these is kept here; leave them out")
    if tree.get("status") != "ACTIVE" or tree.get("galleries", [client.repository]) != [client.repository]:
        raise OsiaRefusal(400, f"only status ACTIVE and galleries [{client.repository}] are kept here")
    kind = tree.get("encounterType")
    if not isinstance(kind, str) or not _ID.fullmatch(kind) or len(kind) > 40:
        raise OsiaRefusal(400, "encounterType: a word of at most 40 letters is needed")
    return kind, [one.print for one in read_biometrics(tree.get("biometricData"))]
