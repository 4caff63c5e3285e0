"""What operations are put together from: parameters, bodies, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from locshare_ext.model.clock import NEWEST

__all__ = [
    "ANY_CREDENTIAL",
    "CURSOR",
    "ERRORS",
    "ETAG",
    "JSON",
    "MOMENT",
    "Schema",
    "answer",
    "closed",
    "errors",
    "header",
    "member_list",
    "object_of",
    "operation",
    "or_null",
    "query",
    "ref",
    "refused",
    "requested",
]

Schema = dict[str, Any]
JSON = "application/json"

CURSOR: Schema = {
    "type": "string",
    "pattern": "^[0-9a-z]{4,16}-(0|[1-9][0-9]{0,18})$",
    "examples": ["4k7qm2xa-1042"],
}
MOMENT: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": -NEWEST, "maximum": NEWEST},
        {"type": "string", "format": "date-time"},
    ],
    "examples": [1_763_806_275_123, "2026-11-22T10:32:00+09:00"],
}
ANY_CREDENTIAL = "any credential"

# what every operation may answer; each is described once, below `components`
ERRORS = ("400", "401", "403", "410", "413", "415", "429", "503")
ETAG = {"ETag": {"$ref": "#/components/headers/ETag"}}


def ref(name: str, kind: str = "schemas") -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def closed(properties: Mapping[str, Schema], *, optional: Sequence[str] = (), **more: Any) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}
    return {**schema, "required": required} if required else schema


def object_of(name: str, schema: Schema, **more: Any) -> Schema:
    """Return the schema of an object with one property."""
    return closed({name: schema}, **more)


def or_null(schema: Schema) -> Schema:
    """Return a schema that null fits, too."""
    if isinstance(schema.get("type"), str):
        kinds = {**schema, "type": [schema["type"], "null"]}
        return {**kinds, "enum": [*schema["enum"], None]} if "enum" in schema else kinds
    return {"anyOf": [schema, {"type": "null"}]}


def query(name: str, schema: Schema, description: str) -> Schema:
    """Return a parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def header(name: str, schema: Schema, description: str) -> Schema:
    """Return a header of the request."""
    return {"name": name, "in": "header", "description": description, "schema": schema}


def member_list(description: str, *, least: int = 0) -> Schema:
    """Return the parameter that chooses members; least: 0 where a list of none selects nothing."""
    text = f"{description} Names separated by commas; a JSON array, where a name has a comma."
    return query("members", {"type": "string", "minLength": least, "examples": ["ann,bo"]}, text)


def requested(schema: Schema, example: Any, *, is_required: bool = True) -> Schema:
    """Return a body of JSON."""
    return {"required": is_required, "content": {JSON: {"schema": schema, "example": example}}}


def answer(
    description: str,
    schema: Schema,
    example: Any,
    *,
    headers: Mapping[str, Schema] | None = None,
    links: Mapping[str, Schema] | None = None,
) -> Schema:
    """Return an answer of JSON."""
    made: Schema = {"description": description, "content": {JSON: {"schema": schema, "example": example}}}
    if headers:
        made["headers"] = dict(headers)
    if links:
        made["links"] = dict(links)
    return made


def refused(description: str) -> Schema:
    """Return an answer in the one shape of errors."""
    return {"description": description, "content": {JSON: {"schema": ref("Error")}}}


def errors(**described: str) -> dict[str, Schema]:
    """Return what every operation may answer, and statuses of its own: `s404="no such group"`."""
    own = {name.removeprefix("s"): refused(text) for name, text in described.items()}
    return {**{status: ref(f"Error{status}", "responses") for status in ERRORS}, **own}


def operation(
    summary: str,
    answers: Mapping[str, Schema],
    *,
    name: str,
    tag: str,
    needs: str,
    text: str = "",
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
) -> Schema:
    """Return an operation; needs: the role in the group that the credential must have.

    Each answer of JSON to a GET has an ETag, and 304 if the client knows it already; an
    answer that has not says so by having no such header.
    """
    made: Schema = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": f"{text}\n\nNeeds: {needs}.".strip(),
        "responses": dict(sorted(answers.items())),
    }
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = body
    return made
