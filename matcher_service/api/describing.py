"""What the API says of itself: the OpenAPI document, with what FastAPI cannot see, and without what is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI

from matcher_service.api.gate import OPEN_PATHS
from matcher_service.api.messages import Problem
from matcher_service.api.wire_schemas import WireSchema

if TYPE_CHECKING:
    from pydantic import BaseModel

TOKEN = {"type": "http", "scheme": "bearer", "description": "Made by: matcher-service api-token NAME"}
# What the gate, the readers and the database can answer to anything that is asked.
ALWAYS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "What was sent cannot be read; the words name the field"},
    401: {"model": Problem, "description": "No token, or nobody's"},
    403: {"model": Problem, "description": "A token that is for another path"},
    408: {"model": Problem, "description": "The body did not come in time"},
    413: {"model": Problem, "description": "The body is too large"},
    503: {"model": Problem, "description": "The database does not answer"},
}


class DescribedApi(FastAPI):
    """FastAPI, whose document says where a token is needed, and that what is wrong is answered with 400."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            tree = super().openapi()
            for path, verbs in cast("dict[str, dict[str, Any]]", tree["paths"]).items():
                for verb in verbs.values():
                    verb["responses"].pop("422", None)
                    if path in OPEN_PATHS:
                        verb["security"] = []
                        verb["responses"].pop("401", None)
                        if verb["responses"]["403"]["description"] == ALWAYS[403]["description"]:
                            verb["responses"].pop("403")
            _in_ecma_262(tree["paths"])
            parts = tree["components"]
            for unused in ("HTTPValidationError", "ValidationError"):
                parts["schemas"].pop(unused, None)
            parts["securitySchemes"] = {"token": TOKEN}
            tree["security"] = [{"token": []}]
        assert self.openapi_schema is not None
        return self.openapi_schema


def _in_ecma_262(tree: object) -> None:
    """Patterns are Rust's where they are checked; every other reader knows `^` and `$` alone."""
    if isinstance(tree, dict):
        branch = cast("dict[str, object]", tree)
        if isinstance(pattern := branch.get("pattern"), str):
            branch["pattern"] = pattern.replace(r"\A", "^").replace(r"\z", "$")
        for part in branch.values():
            _in_ecma_262(part)
    elif isinstance(tree, list):
        for part in cast("list[object]", tree):
            _in_ecma_262(part)


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """For a path whose body is read by the house's own strict reader, which FastAPI cannot see in the signature."""
    schema = model.model_json_schema(schema_generator=WireSchema)
    parts = cast("dict[str, Any]", schema.pop("$defs", {}))
    assert not parts, "parts of a body would have to go to the document's components"
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
