"""Requests, read in the order in which the specification's failure reasons have to be told apart."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from matcher_service.abis import parameters
from matcher_service.abis.failures import AbisFailure, Reason

VERSION = "1.1"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_WHOLE = re.compile(r"[0-9]{1,4}")


class Verb(StrEnum):
    """What can be asked, as it stands in `id`."""

    INSERT = "mosip.abis.insert"
    IDENTIFY = "mosip.abis.identify"
    DELETE = "mosip.abis.delete"
    PING = "mosip.abis.ping"
    PENDING_JOBS = "mosip.abis.pendingJobs"
    REFERENCE_COUNT = "mosip.abis.referenceCount"

    @property
    def word(self) -> str:
        """Its last part."""
        return self.value.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is well formed. `target_fpir` is a rate; `gallery` is None where all are meant."""

    verb: Verb
    request_id: str
    reference_id: str = ""
    reference_url: str = ""
    max_results: int = parameters.DEFAULT_RESULTS
    target_fpir: float | None = None
    gallery: frozenset[str] | None = None


def read_tree(body: bytes) -> dict[str, Any]:
    """The JSON object that was sent. Raises AbisFailure."""
    try:
        tree: object = json.loads(body)
    except (ValueError, RecursionError):
        raise AbisFailure(Reason.BAD_STRUCTURE, "no JSON") from None
    if not isinstance(tree, dict):
        raise AbisFailure(Reason.BAD_STRUCTURE, "no JSON object")
    return cast("dict[str, Any]", tree)


def named(tree: dict[str, Any]) -> tuple[str, str]:
    """`id` and `requestId` to answer with, empty where they cannot be repeated."""
    verb, request = tree.get("id"), tree.get("requestId")
    return (
        verb if isinstance(verb, str) and verb in set(Verb) else "",
        request if isinstance(request, str) and _ID.fullmatch(request) else "",
    )


def read(tree: dict[str, Any]) -> Request:
    """The request. Raises AbisFailure."""
    verb_name = _text(tree, "id")
    if verb_name not in set(Verb):
        raise AbisFailure(Reason.BAD_ID, "unknown id")
    verb = Verb(verb_name)
    if _text(tree, "version") != VERSION:
        raise AbisFailure(Reason.BAD_VERSION, f"only version {VERSION} is read")
    request_id = _identifier(tree, "requestId", Reason.NO_REQUEST_ID)
    _check_time(_text(tree, "requesttime"))
    if verb in (Verb.INSERT, Verb.DELETE):
        reference_id = _identifier(tree, "referenceId", Reason.NO_REFERENCE_ID)
        url = _url(tree)
        if verb is Verb.INSERT and not url:
            raise AbisFailure(Reason.NO_REFERENCE_URL, "no referenceURL")
        return Request(verb=verb, request_id=request_id, reference_id=reference_id, reference_url=url)
    if verb is Verb.IDENTIFY:
        return _identify(tree, request_id)
    return Request(verb=verb, request_id=request_id)


def _identify(tree: dict[str, Any], request_id: str) -> Request:
    url = _url(tree)
    reference_id = _text(tree, "referenceId")
    if reference_id:
        _identifier(tree, "referenceId", Reason.NO_REFERENCE_ID)
    elif not url:
        raise AbisFailure(Reason.NO_REFERENCE_ID, "neither referenceId nor referenceURL")
    flags = _object(tree, "flags")
    most = _number(flags, "maxResults", 1, parameters.MAX_RESULTS)
    target = _number(flags, "targetFPIR", parameters.LEAST_TARGET_FPIR, parameters.MOST_TARGET_FPIR)
    return Request(
        verb=Verb.IDENTIFY,
        request_id=request_id,
        reference_id=reference_id,
        reference_url=url,
        max_results=parameters.DEFAULT_RESULTS if most is None else most,
        target_fpir=None if target is None else 10 ** (-target / 10),
        gallery=_gallery(_object(tree, "gallery")),
    )


def _gallery(tree: dict[str, Any]) -> frozenset[str] | None:
    given = tree.get("referenceIds")
    if given is None:
        return None
    if not isinstance(given, list) or len(cast("list[object]", given)) > parameters.MAX_GALLERY:
        raise AbisFailure(Reason.BAD_STRUCTURE, f"referenceIds is a list of at most {parameters.MAX_GALLERY}")
    names: set[str] = set()
    for one in cast("list[object]", given):
        name: object = cast("dict[str, object]", one).get("referenceId") if isinstance(one, dict) else None
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise AbisFailure(
                Reason.BAD_STRUCTURE, 'referenceIds holds something else than {"referenceId": ...}'
            )
        names.add(name)
    return frozenset(names) if names else None


def _text(tree: dict[str, Any], key: str) -> str:
    value = tree.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AbisFailure(Reason.BAD_STRUCTURE, f"{key} is no text")
    return value


def _identifier(tree: dict[str, Any], key: str, missing: Reason) -> str:
    value = _text(tree, key)
    if not value:
        raise AbisFailure(missing, f"no {key}")
    if not _ID.fullmatch(value):
        raise AbisFailure(Reason.BAD_STRUCTURE, f"{key} is not 1 to 100 letters, digits and . _ : -")
    return value


def _url(tree: dict[str, Any]) -> str:
    # The specification's own examples write it both ways.
    value = _text(tree, "referenceURL") or _text(tree, "referenceUrl")
    if len(value) > parameters.MAX_URL_CHARACTERS:
        raise AbisFailure(
            Reason.BAD_STRUCTURE, f"referenceURL is longer than {parameters.MAX_URL_CHARACTERS}"
        )
    return value


def _object(tree: dict[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise AbisFailure(Reason.BAD_STRUCTURE, f"{key} is no object")
    return cast("dict[str, Any]", value)


def _number(tree: dict[str, Any], key: str, least: int, most: int) -> int | None:
    """The specification writes numbers as text, and earlier drafts of it as numbers."""
    value = tree.get(key)
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise AbisFailure(Reason.BAD_STRUCTURE, f"{key} is no whole number from {least} to {most}")
    return int(text)


def _check_time(text: str) -> None:
    if not text:
        raise AbisFailure(Reason.NO_REQUEST_TIME, "no requesttime")
    try:
        right = _TIME.fullmatch(text) is not None and datetime.fromisoformat(text).astimezone(UTC).year > 0
    except (ValueError, OverflowError):
        right = False
    if not right:
        raise AbisFailure(Reason.BAD_REQUEST_TIME, "requesttime is not as 2026-11-22T07:01:24.692Z")
