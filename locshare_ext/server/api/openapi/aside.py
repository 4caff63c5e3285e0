"""What was refused of a group, or of a recording."""

from __future__ import annotations

from typing import Any

from locshare_ext.model.aside import MAX_RAW
from locshare_ext.server.api.aside import MOST
from locshare_ext.server.api.openapi.parts import (
    ETAG,
    MOMENT,
    Schema,
    answer,
    closed,
    errors,
    member_list,
    object_of,
    operation,
    query,
    ref,
)

__all__ = ["PATHS", "SCHEMAS"]

_EXAMPLE = {
    "id": 7,
    "received": 1_763_806_275_190,
    "member": "ann",
    "credential": "4k7qm2xa1b2c",
    "error": {"code": "lat_out_of_range", "message": "lat 91.2 is outside [-90, 90] degrees", "field": "lat"},
    "raw": '{"time": 1763806275123, "lat": 91.2, "lon": 126.978}',
}

SCHEMAS: dict[str, Schema] = {
    "Refused": closed(
        {
            "id": {"type": "integer", "minimum": 1, "description": "Ascending in order of arrival."},
            "received": {"type": "integer", "description": "When it came, ms since 1970 UTC."},
            "member": {"type": "string", "description": "Whose it is; absent where that cannot be told."},
            "credential": {"type": "string", "description": "Who sent it: an invite's id, or a principal."},
            "error": ref("ErrorObject"),
            "raw": {
                "type": "string",
                "description": f"What was sent, its first {MAX_RAW} bytes; empty in groups with `precision`.",
            },
        },
        optional=("member",),
    ),
}

_PAGE = (
    query(
        "after",
        {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1, "default": 0},
        "Begin after this id.",
    ),
    query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST}, "At most."),
)
_ANSWER = answer(
    "In order of arrival.",
    object_of("set_aside", {"type": "array", "items": ref("Refused")}),
    {"set_aside": [_EXAMPLE]},
    headers=ETAG,
)

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/set-aside": {
        "get": operation(
            "What was refused, and why",
            {
                "200": _ANSWER,
                "304": ref("NotModified", "responses"),
                **errors(s404="There is no such group; `near` has names that look like it."),
            },
            name="readSetAside",
            tag="fixes",
            needs="manage",
            text="The newest of a group are kept, for as long as its fixes; the same sent again once.",
            parameters=(
                *_PAGE,
                query("since", MOMENT, "Received then or later."),
                query("until", MOMENT, "Received then or earlier."),
                member_list("Only of these members."),
            ),
        ),
    },
    "/locshare/api/recordings/{recording}/set-aside": {
        "get": operation(
            "What was refused while it ran, or of the file that it was imported from",
            {
                "200": _ANSWER,
                "304": ref("NotModified", "responses"),
                **errors(s404="There is no such recording; `near` has ids that look like it."),
            },
            name="readRecordingSetAside",
            tag="recordings",
            needs="manage, in its group; in all groups for an import",
            parameters=_PAGE,
        ),
    },
}
