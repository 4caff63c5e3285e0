"""Recordings: started, stopped, imported, listed, removed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from locshare_ext.formats.registry import readable
from locshare_ext.model.store import RecordingInfo
from locshare_ext.model.trail import ARROW_FIELDS
from locshare_ext.server.api.imports import FILE_TYPES
from locshare_ext.server.api.openapi.events import PAGED
from locshare_ext.server.api.openapi.fixes import place
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    ETAG,
    MOMENT,
    Schema,
    answer,
    closed,
    errors,
    member_list,
    object_of,
    operation,
    or_null,
    query,
    ref,
    requested,
)
from locshare_ext.server.api.trails import ARROW
from locshare_ext.services.recordings import AWAY, MAX_DESCRIPTION, MAX_NAME

__all__ = ["PATHS", "SCHEMAS"]

_NOT_THERE = "There is no such recording; `near` has ids that look like it."
_MS: Schema = {"type": "integer"}
_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_NAME,
    "description": "Printable characters.",
}
_DESCRIPTION: Schema = {"type": "string", "maxLength": MAX_DESCRIPTION}
_EXAMPLE = {
    "id": "r3f8k2m9qz",
    "name": "morning walk",
    "log": "hikers",
    "kind": "group",
    "created": 1_763_806_275_123,
    "since": 1_763_806_275_123,
    "after": 1042,
    "until": None,
    "upto": None,
    "closed": None,
    "description": "",
    "received_known": True,
    "group": "hikers",
    "state": "running",
    "interruptions": [],
}
_AWAY = {
    "type": "event",
    "kind": "gap",
    "time": 1_763_806_275_123,
    "received": 1_763_806_299_042,
    "text": AWAY,
    "data": {"until": 1_763_806_299_042},
    "cursor": "4k7qm2xa-1043",
}
_FIELDS: dict[str, Schema] = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "log": {"type": "string", "description": "The log that it is a part of: its group's name, or its own."},
    "kind": {"enum": ["group", "import"]},
    "created": {**_MS, "description": "ms since 1970 UTC, as all moments here."},
    "since": {**_MS, "description": "Its begin."},
    "after": {"type": "integer", "minimum": 0, "description": "`seq` before its first entry."},
    "until": or_null({**_MS, "description": "Its end; null while it runs."}),
    "upto": or_null({"type": "integer", "minimum": 0, "description": "`seq` of its last entry at that end."}),
    "closed": or_null({**_MS, "description": "Until then it takes what comes late."}),
    "description": {"type": "string"},
    "received_known": {"type": "boolean", "description": "Whether the source had the server's clock, too."},
}
_READ = ("readRecordingTrails", "readRecordingEvents")
_LINKS: dict[str, Schema] = {
    name: {"operationId": name, "parameters": {"path.recording": "$response.body#/id"}}
    for name in ("readRecording", "changeRecording", *_READ, "deleteRecording")
}
_COLUMNS = ", ".join(name for name, _ in ARROW_FIELDS if name != "seq")

SCHEMAS: dict[str, Schema] = {
    "Recording": closed(
        {
            **{field.name: _FIELDS[field.name] for field in fields(RecordingInfo)},
            "group": or_null({"type": "string", "description": "Null: an import."}),
            "state": {"enum": ["running", "stopped", "closed"]},
            "interruptions": {
                "type": "array",
                "items": closed({"since": _MS, "until": _MS}),
                "description": "When the server was away while it ran: it went on by itself.",
            },
            "remarks": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Of an import just made: what was left out of it, and why.",
            },
        },
        optional=("remarks",),
    ),
    "RecordingEvents": closed(
        {
            "events": {"type": "array", "items": ref("Event")},
            "cursor": {**CURSOR, "description": "`after` of the next request."},
        }
    ),
    "RecordingStart": closed(
        {
            "group": {"type": "string", "minLength": 1},
            "name": _NAME,
            "since": {**or_null(MOMENT), "description": "Begin there, as far as it is kept; null: now."},
            "until": {
                **or_null(MOMENT),
                "description": "With since: it ended there; null: it goes on until it is stopped.",
            },
            "description": or_null(_DESCRIPTION),
        },
        optional=("since", "until", "description"),
    ),
    "RecordingChange": closed(
        {
            "stop": {"const": True, "description": "End it now; what comes late is still taken."},
            "close": {"const": True, "description": "End it, and take nothing more."},
            "name": or_null(_NAME),
            "description": or_null(_DESCRIPTION),
        },
        optional=("stop", "close", "name", "description"),
    ),
}

_BODY: Schema = requested(ref("RecordingStart"), {"group": "hikers", "name": "morning walk"})
_BODY["content"][ARROW] = {
    "schema": {
        "type": "string",
        "contentMediaType": ARROW,
        "contentEncoding": "binary",
        "description": f"An Arrow stream. Columns: {_COLUMNS}; at least member, time, lat, lon.",
    }
}
_BODY["content"] |= {
    name: {
        "schema": {
            "type": "string",
            "contentEncoding": "binary",
            "description": "A file; what it is, its content says, or `format`.",
        }
    }
    for name in FILE_TYPES
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/recordings": {
        "get": operation(
            "Recordings of all groups with the imports, or of one group",
            {
                "200": answer(
                    "By time of creation.",
                    object_of("recordings", {"type": "array", "items": ref("Recording")}),
                    {"recordings": [_EXAMPLE]},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404="There is no such group; `near` has names that look like it."),
            },
            name="listRecordings",
            tag="recordings",
            needs="watch, in all groups or in that one",
            parameters=(query("group", {"type": "string", "minLength": 1}, "Only those of this group."),),
        ),
        "post": operation(
            "Start a recording of a group; or import fixes as one",
            {
                "201": answer("Started, or imported.", ref("Recording"), _EXAMPLE, links=_LINKS),
                **errors(
                    s404="There is no such group; `near` has names that look like it.",
                    s409="The group is ephemeral: nothing of it is kept.",
                ),
            },
            name="startRecording",
            tag="recordings",
            needs="manage; for an import in all groups",
            text=(
                "The parameters are for imports alone; with JSON there are none. A file that cannot be read "
                "leaves nothing behind; `row` says where it was wrong."
            ),
            parameters=(
                query("name", _NAME, "What the import is called; needed with one."),
                query("description", _DESCRIPTION, "Text about the import."),
                query(
                    "received_known",
                    {"enum": ["0", "1"], "default": "1"},
                    "Of Arrow streams: whether the column `received` is what a server's clock said.",
                ),
                query("format", {"enum": [one.name for one in readable()]}, "Of other files: what it is."),
                query("columns", {"type": "string"}, "Of a table: which column is which, as `lat=y,lon=x`."),
                query("tz", {"type": "string"}, "Of a table: the zone of times without one."),
                query("member", {"type": "string"}, "Of other files: whose fixes they all are."),
                query("encoding", {"type": "string"}, "Of a CSV that is not UTF-8."),
            ),
            body=_BODY,
        ),
    },
    "/locshare/api/recordings/{recording}": {
        "get": operation(
            "A recording",
            {
                "200": answer("The recording.", ref("Recording"), _EXAMPLE, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NOT_THERE),
            },
            name="readRecording",
            tag="recordings",
            needs="watch, in its group; in all groups for an import",
        ),
        "patch": operation(
            "Stop or close a recording, change its name or description",
            {
                "200": answer("As it is now.", ref("Recording"), _EXAMPLE, links=_LINKS),
                **errors(s404=_NOT_THERE),
            },
            name="changeRecording",
            tag="recordings",
            needs="manage, in its group; in all groups for an import",
            body=requested(ref("RecordingChange"), {"stop": True}, is_required=False),
        ),
        "delete": operation(
            "Remove a recording; an import with its fixes",
            {
                "200": answer(
                    "Removed.", object_of("deleted", {"type": "string"}), {"deleted": "r3f8k2m9qz"}
                ),
                **errors(s404=_NOT_THERE),
            },
            name="deleteRecording",
            tag="recordings",
            needs="manage, in its group; in all groups for an import",
        ),
    },
    "/locshare/api/recordings/{recording}/events": {
        "get": operation(
            "What a recording has besides fixes: notes, alerts, gaps of the server",
            {
                "200": answer(
                    "In order of arrival.",
                    ref("RecordingEvents"),
                    {"events": [_AWAY], "cursor": "4k7qm2xa-1043"},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NOT_THERE),
            },
            name="readRecordingEvents",
            tag="recordings",
            needs="watch, in its group; in all groups for an import",
            parameters=(place("start"), *PAGED, member_list("Only events that concern these members.")),
        ),
    },
}
