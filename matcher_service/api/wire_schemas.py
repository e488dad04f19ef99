"""JSON schemas of the messages, as a writer in another language has to obey them.

pydantic's own, with what only the validators know put back: the version, the names, and base64 instead of bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from interchange.fields import MAX_TEMPLATE_BYTES
from interchange.messages import MESSAGE_VERSION
from interchange.tcn import MAX_TCN_CHARACTERS, TCN_PATTERN
from interchange.topics import DEVICE_PATTERN, MAX_DEVICE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from interchange.fields import Message

REF = "#/components/schemas/{model}"
_BY_NAME: dict[str, dict[str, Any]] = {
    "tcn": {"pattern": f"^{TCN_PATTERN}$", "maxLength": MAX_TCN_CHARACTERS},
    "device": {"pattern": f"^{DEVICE_PATTERN}$", "maxLength": MAX_DEVICE_CHARACTERS},
}


class WireSchema(GenerateJsonSchema):
    r"""Bytes are base64 in JSON, and `\A` and `\z` of Rust are `^` and `$` everywhere else."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        """RFC 4648, section 4, with padding; the lengths are those of the text."""
        most = schema.get("max_length", MAX_TEMPLATE_BYTES)
        return {
            "type": "string",
            "contentEncoding": "base64",
            "minLength": _base64_length(schema.get("min_length", 0)),
            "maxLength": _base64_length(most),
        }

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """With an anchored pattern that ECMA-262 understands."""
        made = super().str_schema(schema)
        pattern = made.get("pattern")
        if isinstance(pattern, str):
            made["pattern"] = pattern.replace(r"\A", "^").replace(r"\z", "$")
        return made


def wire_schemas(models: Iterable[type[Message]]) -> dict[str, dict[str, Any]]:
    """All that `models` are made of, by name; references among them go to `REF`."""
    _, tree = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF, schema_generator=WireSchema
    )
    made = cast("dict[str, dict[str, Any]]", tree["$defs"])
    return {name: _with_names(made[name]) for name in sorted(made)}


def _with_names(schema: dict[str, Any]) -> dict[str, Any]:
    schema.pop("title", None)
    properties = cast("dict[str, dict[str, Any]]", schema.get("properties", {}))
    for name, field in properties.items():
        field.pop("title", None)
        if name == "version" and field.get("type") == "integer":
            field.clear()
            field["const"] = MESSAGE_VERSION
        if name in _BY_NAME:
            for text in (field, *field.get("anyOf", ())):
                if text.get("type") == "string":
                    text.update(_BY_NAME[name])
    if "version" in properties:
        schema["required"] = ["version", *schema.get("required", ())]
    return schema


def _base64_length(count: int) -> int:
    return 4 * ((count + 2) // 3)
