"""Notes on a group's timeline."""

from __future__ import annotations

from typing import Any

from locshare_ext.server.api.openapi.events import PAGED
from locshare_ext.server.api.openapi.fixes import SCHEMAS as FIX_SCHEMAS
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
    ref,
    requested,
)
from locshare_ext.services.said import MAX_TEXT, SAID

__all__ = ["PATHS", "SCHEMAS"]

_EVENT = FIX_SCHEMAS["Event"]
_NO_GROUP = "There is no such group; `near` has names that look like it."
# a note is made of a whole event, and has all of its fields
_FIELDS = {**_EVENT["properties"], "kind": {"enum": list(SAID)}, "cursor": CURSOR}
_EXAMPLE = {
    "id": "4k7qm2xa-1043",
    "type": "event",
    "kind": "note",
    "time": 1_763_806_275_123,
    "received": 1_763_806_275_190,
    "member": "ann",
    "text": "lost the trail here",
    "cursor": "4k7qm2xa-1043",
}

SCHEMAS: dict[str, Schema] = {
    "Note": closed(
        {"id": {**CURSOR, "description": "Its cursor."}, **_FIELDS},
        optional=("received", "member", "text", "data"),
    ),
    "NoteInput": closed(
        {
            "kind": {
                "enum": [*SAID, None],
                "default": "note",
                "description": (
                    "message: from the host to all, shown on every page; sos: a call for help; gap: that "
                    "a device measured nothing for a while."
                ),
            },
            "text": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_TEXT,
                "description": "No control characters but line ends and tabs.",
            },
            "data": or_null(ref("NoteData")),
            "time": {**or_null(MOMENT), "description": "At most a day ahead; null: now."},
            "member": or_null(
                {
                    "type": "string",
                    "description": "Whom it concerns; chosen by who may manage, else the invite's.",
                }
            ),
        },
        optional=("kind", "time", "member", "data"),
    ),
    "NoteData": {
        **closed(
            {
                "lat": {"type": "number", "minimum": -90, "maximum": 90},
                "lon": {"type": "number", "minimum": -180, "maximum": 180},
                "accuracy": {"type": "number", "minimum": 0, "maximum": 1e8, "description": "Metres."},
                "until": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1 << 53,
                    "description": "Of a gap, which begins at `time`: its end, ms since 1970 UTC.",
                },
                "reason": {"type": "string", "maxLength": 64, "pattern": "^[a-z_]*$"},
            },
            optional=("lat", "lon", "accuracy", "until", "reason"),
        ),
        "dependentRequired": {"lat": ["lon"], "lon": ["lat"]},
        "description": "For programs: where its sender is, how long a gap lasts.",
    },
    "NotesPage": closed(
        {
            "notes": {"type": "array", "items": ref("Note")},
            "cursor": {**CURSOR, "description": "`after` of the next request."},
            "gap": {"type": "boolean", "description": "Whether something between `after` and here is lost."},
        }
    ),
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/notes": {
        "get": operation(
            "Notes after a place",
            {
                "200": answer(
                    "Notes in the order in which they arrived.",
                    ref("NotesPage"),
                    {"notes": [_EXAMPLE], "cursor": "4k7qm2xa-1043", "gap": False},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NO_GROUP),
            },
            name="readNotes",
            tag="notes",
            needs="watch",
            parameters=(place("start"), *PAGED, member_list("Only notes that concern these members.")),
        ),
        "post": operation(
            "Put a note on the timeline, a message to all, a call for help",
            {
                "201": answer(
                    "Stored.",
                    ref("Note"),
                    _EXAMPLE,
                    links={
                        "removeNote": {
                            "operationId": "removeNote",
                            "parameters": {
                                "path.group": "$request.path.group",
                                "path.note": "$response.body#/id",
                            },
                        }
                    },
                ),
                **errors(s409="There are as many groups, or members of this one, as there may be."),
            },
            name="addNote",
            tag="notes",
            needs="publish; manage for a message",
            body=requested(ref("NoteInput"), {"text": "lost the trail here"}),
        ),
    },
    "/locshare/api/groups/{group}/notes/{note}": {
        "delete": operation(
            "Remove a note",
            {
                "200": answer("Removed.", object_of("deleted", CURSOR), {"deleted": "4k7qm2xa-1043"}),
                **errors(s404="There is no such group or note."),
            },
            name="removeNote",
            tag="notes",
            needs="publish for one's own, manage for any",
        ),
    },
}
