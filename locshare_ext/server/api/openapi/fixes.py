"""Fixes: polling, long polling, POST; and what a fix is."""

from __future__ import annotations

from typing import Any

import msgspec

from locshare_ext.model.clock import OLDEST_LIVE
from locshare_ext.model.event import KINDS, Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import MAX_LENGTH
from locshare_ext.model.wire import MAX_EXTRA, MAX_FIXES, MAX_SOURCE, FixInput
from locshare_ext.server.api.fixes import MOST
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    ETAG,
    MOMENT,
    Schema,
    answer,
    closed,
    errors,
    member_list,
    operation,
    query,
    ref,
    requested,
)
from locshare_ext.server.feed_options import CONFLATED, MAX_BATCH, MAX_MEMBERS
from locshare_ext.server.streams.poll import LONGEST

__all__ = ["FEED", "PATHS", "SCHEMAS", "SENT_FIX", "STORED_FIX", "place"]

SENT_FIX = {
    "member": "ann",
    "time": "2026-11-22T10:32:00+09:00",
    "lat": 37.5665,
    "lon": 126.978,
    "accuracy": 5,
}
STORED_FIX = {
    "member": "ann",
    "time": 1_763_806_275_123,
    "lat": 37.5665,
    "lon": 126.978,
    "altitude": 31.0,
    "accuracy": 5.0,
    "speed": 1.4,
    "heading": 270.0,
    "battery": 0.83,
    "source": "browser",
    "received": 1_763_806_275_190,
    "cursor": "4k7qm2xa-1042",
    "flags": [],
}
_STORED = {"stored": 1, "duplicates": 0, "set_aside": [], "cursor": "4k7qm2xa-1042"}
_PAGE = {"fixes": [STORED_FIX], "cursor": "4k7qm2xa-1042", "gap": False}

# field of a fix -> what it is
_MEANINGS = {
    "member": "Whose fix it is.",
    "time": "When it was measured, by the device's clock; integers are ms since 1970 UTC.",
    "lat": "Degrees, north positive, WGS 84.",
    "lon": "Degrees, east positive, WGS 84.",
    "altitude": "m; null or absent: unknown, as with the fields that follow.",
    "accuracy": "Horizontal radius, m.",
    "speed": "m/s.",
    "heading": "Direction of travel, degrees clockwise from true north.",
    "battery": "Share of a full charge.",
    "source": f"The app or format that it came from: 1-{MAX_SOURCE} printable characters.",
    "extra": f"What the app sent beyond that: at most {MAX_EXTRA} bytes as JSON; kept, never interpreted.",
    "received": "When the server received it, ms since 1970 UTC.",
    "cursor": "Its place in the group's log; absent if it could not be stored.",
    "flags": (
        "late: its time is below that of one that came before. future: its clock was over 60 s ahead. "
        "repaired: over a day ahead, and replaced. volatile: it could not be stored."
    ),
}
_AS_SENT = ("lat", "lon", "altitude", "accuracy", "speed", "heading", "battery", "source", "extra")


def place(default: str) -> Schema:
    """Return the parameter `after`; default: where a reader begins without it."""
    return query(
        "after",
        {"anyOf": [CURSOR, {"enum": ["start", "now"]}], "default": default},
        "Where to begin: after a cursor, at the start, or now. What is no longer kept, or of another life "
        "of the log, is a gap: the answer begins with the oldest that is kept.",
    )


FLAG: Schema = {"enum": ["0", "1", "true", "false"], "default": "0"}
FEED = (
    member_list(f"Only fixes and events of these members, at most {MAX_MEMBERS}.", least=1),
    query(
        "batch",
        {"type": "integer", "minimum": 1, "maximum": MAX_BATCH},
        "ms: what came in so long comes together; the first at once.",
    ),
    query(
        "conflate",
        FLAG,
        f"Only each member's newest fix of a batch; a stream without `batch` takes {CONFLATED} ms.",
    ),
    query(
        "last",
        FLAG,
        "Begin with each member's newest fix; ignored with a cursor that is still good.",
    ),
)


def _made(kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of what the struct decodes or encodes, without Python's own words."""
    _, found = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    schema: Schema = found[kind.__name__]
    for name in ("title", "description"):
        schema.pop(name, None)
    for field in schema["properties"].values():
        field.pop("default", None)
    return schema


def _sent() -> Schema:
    """Return what a client may send as a fix: what the decoder checks, and what is checked after it."""
    schema = _made(FixInput)
    fields = schema["properties"]
    live = {"type": "integer", "minimum": OLDEST_LIVE, "maximum": MOMENT["anyOf"][0]["maximum"]}
    fields["time"] = {
        "anyOf": [live, {"type": "string", "format": "date-time"}],
        "examples": MOMENT["examples"],
    }
    fields["source"]["anyOf"][0] |= {"minLength": 1, "maxLength": MAX_SOURCE}
    fields["member"]["anyOf"][0] |= {"minLength": 1, "maxLength": MAX_LENGTH}
    for name, field in fields.items():
        field["description"] = _MEANINGS[name]
    fields["member"]["description"] += " Taken from who may manage; else the credential says whose it is."
    for name in ("received", "cursor", "flags"):
        fields[name] = {"description": "The server's: ignored."}
    return {**schema, "examples": [SENT_FIX]}


def _stored() -> Schema:
    """Return what the server gives as a fix; a field that was not sent is absent."""
    schema, sent = _made(Fix), _sent()["properties"]
    fields = schema["properties"]
    for name in fields:
        same = sent[name] if name in _AS_SENT else fields[name]
        fields[name] = {**same, "description": _MEANINGS[name]}
    fields["member"] |= {"minLength": 1, "maxLength": MAX_LENGTH}
    fields["cursor"] = {**CURSOR, "description": _MEANINGS["cursor"]}
    fields["flags"]["items"] = {"enum": ["late", "future", "repaired", "volatile"]}
    return {**schema, "additionalProperties": False, "examples": [STORED_FIX]}


def _event() -> Schema:
    """Return what the server gives as an event."""
    schema = _made(Event)
    fields = schema["properties"]
    fields["kind"] = {"enum": list(KINDS)}
    fields["time"]["description"] = "When it happened, ms since 1970 UTC."
    fields["received"]["description"] = "When the server knew, ms since 1970 UTC."
    fields["member"]["description"] = "Whom it concerns; absent: the group."
    fields["text"]["description"] = "For people."
    fields["data"]["description"] = "For programs."
    fields["cursor"] = {**CURSOR, "description": "Its place in the group's log."}
    return {**schema, "additionalProperties": False}


SCHEMAS: dict[str, Schema] = {
    "FixInput": _sent(),
    "Fix": _stored(),
    "Event": _event(),
    "FixesPage": closed(
        {
            "fixes": {"type": "array", "items": ref("Fix")},
            "events": {"type": "array", "items": ref("Event"), "description": "With `events=1`."},
            "cursor": {**CURSOR, "description": "`after` of the next request."},
            "gap": {"type": "boolean", "description": "Whether something between `after` and here is lost."},
        },
        optional=("events",),
    ),
    "SetAside": closed(
        {
            "index": {"type": "integer", "minimum": 0, "description": "Its place in the body."},
            "error": ref("ErrorObject"),
        }
    ),
    "Stored": closed(
        {
            "stored": {"type": "integer", "minimum": 0},
            "duplicates": {"type": "integer", "minimum": 0, "description": "Known already; no error."},
            "set_aside": {"type": "array", "items": ref("SetAside"), "description": "Not good, and why."},
            "cursor": {**CURSOR, "description": "After what was stored."},
        }
    ),
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/fixes": {
        "get": operation(
            "Fixes after a place: polling, and with `wait` long polling",
            {
                "200": answer(
                    "Fixes in the order in which they arrived. A long poll without fixes in its time is "
                    "answered with none.",
                    ref("FixesPage"),
                    _PAGE,
                    headers=ETAG,
                    links={
                        "goOn": {
                            "operationId": "readFixes",
                            "parameters": {
                                "path.group": "$request.path.group",
                                "query.after": "$response.body#/cursor",
                            },
                            "description": "What came after it.",
                        }
                    },
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404="There is no such group; `near` has names that look like it."),
            },
            name="readFixes",
            tag="fixes",
            needs="watch",
            parameters=(
                place("start"),
                *FEED,
                query(
                    "limit",
                    {"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST},
                    "At most so many fixes; with `conflate` members.",
                ),
                query(
                    "wait",
                    {"type": "number", "minimum": 0, "maximum": LONGEST, "default": 0},
                    "Seconds to wait if there is nothing; such an answer has no ETag.",
                ),
                query("events", FLAG, "Give events, too."),
            ),
        ),
        "post": operation(
            "Publish one fix, or an array of them",
            {
                "200": answer("Stored, and told to readers.", ref("Stored"), _STORED),
                **errors(
                    s409="There are as many groups, or members of this one, as there may be.",
                ),
            },
            name="publishFixes",
            tag="fixes",
            needs="publish",
            text=(
                "Good fixes are stored and bad ones set aside with the reason; only when not one is good is"
                " the whole refused, by the error of its first. The same fix again is acknowledged and "
                "stored once. A group begins with its first fix. Fixes measured before an invite expired "
                "are taken for a week."
            ),
            body=requested(
                {
                    "oneOf": [
                        ref("FixInput"),
                        {"type": "array", "maxItems": MAX_FIXES, "items": ref("FixInput")},
                    ]
                },
                SENT_FIX,
            ),
        ),
    },
}
