"""Requests to answers, whatever carries them: who asks, what it may, what is done, what is written down."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from interchange.logs import facts
from matcher_service.abis import parameters
from matcher_service.abis.cbeff import read_fingers
from matcher_service.abis.failures import PASSING, AbisFailure, NotInScope, Reason
from matcher_service.abis.fetching import fetch
from matcher_service.abis.references import References, actor
from matcher_service.abis.requests import Verb, named, read, read_tree
from matcher_service.auditing import note
from matcher_service.parameters import LEAST_MINUTIAE
from matcher_service.repositories import Repositories
from matcher_service.repositories.prints import read_single
from matcher_service.search.decision import expected_fpir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interchange.minutiae import Minutiae
    from matcher_service.abis.requests import Request
    from matcher_service.abis.settings import AbisClient, AbisSettings
    from matcher_service.galleries.live import FoundIdentity
    from matcher_service.reading import NamedPrint
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.abis")

ALWAYS_ALLOWED = frozenset({Verb.PING, Verb.PENDING_JOBS, Verb.REFERENCE_COUNT})


class Searched(Protocol):
    """What is needed of the galleries."""

    def search(
        self, repository: str, prints: Sequence[tuple[int, Minutiae]], *, limit: int
    ) -> tuple[Sequence[FoundIdentity], int]:
        """Candidates, best first, and among how many identities."""
        ...

    def close(self) -> None:
        """Let go of them."""
        ...


class AbisDesk:
    """Answers one request of a client after the other, so that an insert is there for the identify that follows it."""

    def __init__(
        self,
        database: Database,
        settings: AbisSettings,
        *,
        galleries: Searched,
        fpir: float,
        get: Callable[[str, AbisSettings], bytes] = fetch,
    ) -> None:
        """`fpir`: most strangers' searches that may find somebody, where a request names no targetFPIR."""
        self._database, self._settings, self._galleries, self._fpir = database, settings, galleries, fpir
        self._get = get
        self._clients = {one.token: one for one in settings.clients}
        self._references = References(database)
        self._repositories = Repositories(database)
        self._locks = {name: threading.Lock() for name in self._clients}
        self._count_lock = threading.Lock()
        self._pending = dict.fromkeys(self._clients, 0)
        self._stopping = threading.Event()

    @property
    def clients(self) -> frozenset[str]:
        """Names of the tokens that belong here."""
        return frozenset(self._clients)

    def close(self) -> None:
        """What comes now is answered as aborted; what is under way is finished."""
        self._stopping.set()
        self._galleries.close()

    def answer(self, token: str, body: bytes) -> dict[str, Any]:
        """The answer to one request. Raises NotInScope for who may not ask this; nothing else."""
        client = self._clients.get(token)
        if client is None:
            raise NotInScope(token, "this token is not for ABIS; name it under abis.clients")
        self._count(client, 1)
        try:
            verb, request_id = "", ""
            try:
                tree = read_tree(body)
                verb, request_id = named(tree)
                request = read(tree)
                self._check_scope(client, request)
                if request.verb in ALWAYS_ALLOWED:
                    return _good(request, self._quick(client, request))
                with self._locks[client.token]:
                    return self._once(client, request, body)
            except AbisFailure as error:
                return _told(token, verb, request_id, error)
            except NotInScope:
                raise
            except Exception:
                log.exception("fault in a request", extra=facts(client=token))
                return _failed(verb, request_id, Reason.INTERNAL)
        finally:
            self._count(client, -1)

    def refusal(self, body: bytes) -> dict[str, Any]:
        """For a carrier that has no words for `NotInScope`: aborted."""
        try:
            verb, request_id = named(read_tree(body))
        except AbisFailure:
            verb, request_id = "", ""
        return _failed(verb, request_id, Reason.ABORTED)

    def waits(self, token: str, more: int) -> None:
        """A client has so many more requests that wait to be answered; they count as pending."""
        self._count(self._clients[token], more)

    def _check_scope(self, client: AbisClient, request: Request) -> None:
        if request.verb in ALWAYS_ALLOWED or request.verb.word in client.verbs:
            return
        note(
            self._database, f"abis.{request.verb.word}", actor=actor(client), purpose=client.purpose,
            outcome="refused", subject=request.request_id, repository=client.repository,
        )  # fmt: skip
        raise NotInScope(client.token, f"this token may not {request.verb.word}; name it in its abis.clients")

    def _quick(self, client: AbisClient, request: Request) -> dict[str, Any]:
        if request.verb is Verb.PENDING_JOBS:
            with self._count_lock:
                return {"jobscount": str(self._pending[client.token] - 1)}  # besides this one
        if request.verb is Verb.REFERENCE_COUNT:
            return {"count": str(self._references.count(client))}
        return {}

    def _once(self, client: AbisClient, request: Request, body: bytes) -> dict[str, Any]:
        """Done, unless it was before."""
        known = self._references.answered(client, request.request_id, body)
        if known is not None:
            return json.loads(known)
        if self._stopping.is_set():
            raise AbisFailure(Reason.ABORTED, "the service is stopping")
        try:
            answer = _good(request, self._do(client, request))
        except AbisFailure as error:
            if error.reason in PASSING:
                raise
            answer = _told(client.token, request.verb, request.request_id, error)
        self._references.keep_answer(client, request.request_id, body, json.dumps(answer))
        return answer

    def _do(self, client: AbisClient, request: Request) -> dict[str, Any]:
        if request.verb is Verb.INSERT:
            fingers = self._fetched(request.reference_url)
            self._references.insert(
                client, request.reference_id, [one.print for one in fingers], request_id=request.request_id
            )
            return {}
        if request.verb is Verb.DELETE:
            self._references.delete(client, request.reference_id, request_id=request.request_id)
            return {}
        return self._identify(client, request)

    def _fetched(self, url: str) -> list[NamedPrint]:
        fingers = read_fingers(self._get(url, self._settings))
        if not any(
            len(one.minutiae) >= LEAST_MINUTIAE and one.print.finger_quality >= self._settings.least_quality
            for one in fingers
        ):
            raise AbisFailure(Reason.BAD_QUALITY, "no finger is good enough to be searched")
        return fingers

    # -- identify

    def _identify(self, client: AbisClient, request: Request) -> dict[str, Any]:
        own, prints = self._probe(client, request)
        searchable = [(at, one) for at, one in prints if len(one) >= LEAST_MINUTIAE]
        try:
            found, identities = self._galleries.search(
                client.repository, searchable, limit=parameters.SEARCHED_RESULTS
            )
        except Exception:
            self._references.identified(client, request.request_id, outcome="failed", candidates=0)
            if self._stopping.is_set():
                raise AbisFailure(Reason.ABORTED, "the service is stopping") from None
            log.exception("a search failed", extra=facts(client=client.token))
            raise AbisFailure(Reason.UNEXPECTED, "the search failed") from None
        most = self._fpir if request.target_fpir is None else request.target_fpir
        rates = {one.key: expected_fpir(-one.score, identities) for one in found}
        names = self._references.of_identities(client, rates)
        candidates = [
            _candidate(reference, one.score, rates[one.key])
            for one in found
            if rates[one.key] <= most
            for reference in names.get(one.key, ())
            if reference != own and (request.gallery is None or reference in request.gallery)
        ][: request.max_results]
        self._references.identified(
            client, request.request_id, outcome="searched", candidates=len(candidates)
        )
        return {"candidateList": {"count": str(len(candidates)), "candidates": candidates}}

    def _probe(self, client: AbisClient, request: Request) -> tuple[str, list[tuple[int, Minutiae]]]:
        """Own reference id, which is not to be found, and the prints. The referenceId goes before the URL."""
        if not request.reference_id:
            return "", [(one.position, one.minutiae) for one in self._fetched(request.reference_url)]
        identity = self._references.identity(client, request.reference_id)
        if identity is None:
            raise AbisFailure(Reason.REFERENCE_NOT_FOUND, "no such referenceId")
        stored = self._repositories.prints(client.repository, [identity])
        return request.reference_id, [read_single(one.record) for one in stored]

    def _count(self, client: AbisClient, more: int) -> None:
        with self._count_lock:
            self._pending[client.token] += more


def _candidate(reference: str, score: float, rate: float) -> dict[str, Any]:
    analytics = {"confidence": f"{100 * (1 - rate):.3f}", "internalScore": f"{score:.3f}"}
    return {
        "referenceId": reference,
        "analytics": analytics,
        "modalities": [{"biometricType": "FMR", "analytics": dict(analytics)}],
    }


def _good(request: Request, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": request.verb.value,
        "requestId": request.request_id,
        "responsetime": _now(),
        "returnValue": "1",
        **more,
    }


def _told(token: str, verb: str, request_id: str, error: AbisFailure) -> dict[str, Any]:
    log.warning("request failed", extra=facts(client=token, reason=int(error.reason), words=error.words))
    return _failed(verb, request_id, error.reason)


def _failed(verb: str, request_id: str, reason: Reason) -> dict[str, Any]:
    return {
        "id": str(verb),
        "requestId": request_id,
        "responsetime": _now(),
        "returnValue": "2",
        "failureReason": str(int(reason)),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
