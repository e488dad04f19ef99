"""What OSIA's paths do, for one client at a time: persons with encounters, identify, verify, galleries.

A person here is an identity of the client's repository that the client made itself; it sees no other.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from matcher_service.auditing import record
from matcher_service.osia.biometrics import read_biometrics, write_biometrics
from matcher_service.osia.errors import OsiaRefusal
from matcher_service.parameters import LEAST_MINUTIAE
from matcher_service.repositories import Repositories
from matcher_service.repositories.osia_tables import OsiaEncounter
from matcher_service.repositories.schema import Encounter, GalleryChange, Identity
from matcher_service.search.decision import needed_log10_fmr

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.abis.desk import Searched
    from matcher_service.osia.settings import OsiaClient, OsiaSettings
    from matcher_service.repositories import Database

EVERYWHERE: Final = "ALL"
SEARCHED: Final = 100
DEFAULT_CANDIDATES: Final = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_NOT_KEPT: Final = ("biographicData", "contextualData", "clientData")


class OsiaDesk:
    """See the module. All raise OsiaRefusal, and StoreError."""

    def __init__(
        self,
        database: Database,
        settings: OsiaSettings,
        *,
        galleries: Searched,
        fpir: float,
        verify_fmr: float,
    ) -> None:
        """`fpir` bounds identify and `verify_fmr` verify, where no threshold is named."""
        self._database, self._galleries = database, galleries
        self._fpir, self._verify_fmr = fpir, verify_fmr
        self._clients = {one.token: one for one in settings.clients}
        self._repositories = Repositories(database)
        self._lock = threading.Lock()

    @property
    def clients(self) -> frozenset[str]:
        """Names of the tokens that belong here."""
        return frozenset(self._clients)

    def close(self) -> None:
        """Let go of the galleries."""
        self._galleries.close()

    def client(self, token: str, scope: str) -> OsiaClient:
        """Who asks, if it may."""
        client = self._clients.get(token)
        if client is None or scope not in client.scopes:
            raise OsiaRefusal(403, f"this token has no right {scope}; name it in its osia.clients")
        return client

    # -- persons

    def create(self, token: str, person: str, encounter: str, tree: dict[str, Any], transaction: str) -> None:
        """One more encounter; the person too, if it is the first."""
        client = self.client(token, "abis.encounter.write")
        _check_ids(person, encounter)
        if any(tree.get(key) for key in _NOT_KEPT):
            raise OsiaRefusal(400, f"{', '.join(_NOT_KEPT)}: nothing of these is kept here; leave them out")
        if tree.get("status") != "ACTIVE" or tree.get("galleries", [client.repository]) != [
            client.repository
        ]:
            raise OsiaRefusal(400, f"only status ACTIVE and galleries [{client.repository}] are kept here")
        kind = tree.get("encounterType")
        if not isinstance(kind, str) or not _ID.fullmatch(kind) or len(kind) > 40:
            raise OsiaRefusal(400, "encounterType: a word of at most 40 letters is needed")
        prints = [one.print for one in read_biometrics(tree.get("biometricData"))]
        with self._lock:
            known = self._encounters(client, person)
            if any(one.encounter_id == encounter for one in known):
                raise OsiaRefusal(409, "this encounter is there already")
            identity = known[0].identity_id if known else None
            made = self._repositories.enroll(client.repository, prints, identity=identity)
            if not made.new:
                raise OsiaRefusal(409, "these very prints are enrolled already, under another person")
            with self._database.write() as session:
                session.add(
                    OsiaEncounter(
                        client=client.token, person_id=person, encounter_id=encounter,
                        identity_id=made.identity, encounter=made.encounter, kind=kind,
                    )
                )  # fmt: skip
                session.flush()
                _note(session, "osia.create", client, transaction, fingers=len(prints))

    def read(self, token: str, person: str, encounter: str, transaction: str) -> dict[str, Any]:
        """One encounter, with its templates."""
        client = self.client(token, "abis.encounter.read")
        found = self._one(client, person, encounter)
        with self._database.write() as session:
            _note(session, "osia.read", client, transaction)
        stored = self._repositories.prints(client.repository, [found.identity_id])
        return {
            "encounterId": encounter,
            "status": "ACTIVE",
            "encounterType": found.kind,
            "galleries": [client.repository],
            "biometricData": write_biometrics(one for one in stored if one.encounter == found.encounter),
        }

    def remove(self, token: str, person: str, encounter: str | None, transaction: str) -> None:
        """One encounter, or all; with the last of them the person goes."""
        client = self.client(token, "abis.encounter.write")
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
                _note(session, "osia.delete", client, transaction, encounters=len(gone), person=last)
            if last:  # after the entry: should this fail, the client still has its ids, and asks again
                self._repositories.remove(client.repository, identity)

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
    ) -> list[dict[str, Any]]:
        """Candidates, best first; the score is -log10 of the false match rate, as `threshold` is."""
        client = self.client(token, "abis.identify")
        self._check_gallery(client, gallery)
        if tree.get("filter"):
            raise OsiaRefusal(400, "filter: nothing is known here by which to filter; leave it empty")
        found = self._search(client, tree, threshold)
        listed = [
            {"personId": person, "rank": rank, "score": round(score, 3)}
            for rank, (person, score) in enumerate(found[:most], 1)
        ]
        with self._database.write() as session:
            _note(session, "osia.identify", client, transaction, candidates=len(listed))
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
    ) -> dict[str, Any]:
        """Whether these are that person's fingers, by the score alone."""
        client = self.client(token, "abis.verify")
        self._check_gallery(client, gallery)
        if not self._encounters(client, person):
            raise OsiaRefusal(404, "no such person")
        needed = -needed_log10_fmr(self._verify_fmr, 1) if threshold is None else threshold
        score = dict(self._search(client, tree, 0.0)).get(person)
        decision = score is not None and score >= needed
        with self._database.write() as session:
            _note(session, "osia.verify", client, transaction, decision=decision)
        return {"decision": decision, "scores": [] if score is None else [{"score": round(score, 3)}]}

    def galleries(self, token: str) -> list[str]:
        """The one."""
        return [self.client(token, "abis.gallery.read").repository]

    # -- inside

    def _search(
        self, client: OsiaClient, tree: dict[str, Any], threshold: float | None
    ) -> list[tuple[str, float]]:
        prints = [(one.position, one.minutiae) for one in read_biometrics(tree.get("biometricData"))]
        searchable = [(at, one) for at, one in prints if len(one) >= LEAST_MINUTIAE]
        if not searchable:
            raise OsiaRefusal(400, f"biometricData: no finger has {LEAST_MINUTIAE} minutiae; take them again")
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


def _check_ids(*ids: str) -> None:
    if not all(_ID.fullmatch(one) for one in ids):
        raise OsiaRefusal(400, "an id is 1 to 100 letters, digits and . _ : -")


def _note(
    session: Session, action: str, client: OsiaClient, transaction: str, **details: float | bool
) -> None:
    record(
        session,
        action,
        actor=f"system:osia/{client.token}",
        purpose=client.purpose,
        subject=transaction,
        repository=client.repository,
        details=details,
    )
