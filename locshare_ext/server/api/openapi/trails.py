"""Trails in bulk, of groups and of recordings."""

from __future__ import annotations

from typing import Any

from locshare_ext.formats.registry import by_name, writable
from locshare_ext.model.trail import ARROW_FIELDS
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    MOMENT,
    Schema,
    errors,
    member_list,
    operation,
    query,
)
from locshare_ext.server.api.trails import ARROW, FORMATS

__all__ = ["PATHS", "SCHEMAS"]

_OFFSET: Schema = {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1}
_COLUMNS = ", ".join(name for name, _ in ARROW_FIELDS)
_CSV = (
    ",".join(f'"{name}"' for name, _ in ARROW_FIELDS)
    + '\n1,"ann","browser",1763806275123,1763806275190,37.5665,126.978,,5,,,,false,false,false,\n'
)
_FILE: Schema = {"type": "string", "contentEncoding": "binary"}
SCHEMAS: dict[str, Schema] = {}


def _selection(*, words: bool) -> tuple[Schema, ...]:
    """Return the parameters that choose fixes; words: whether `start` and `now` are places."""
    at: Schema = {"anyOf": [CURSOR, _OFFSET, *([{"enum": ["start", "now"]}] if words else [])]}
    return (
        query("since", MOMENT, "Not before this moment; ms since 1970 UTC, or RFC 3339 with an offset."),
        query("until", MOMENT, "Not after this moment."),
        query(
            "clock",
            {"enum": ["time", "received"], "default": "time"},
            "Which clock `since` and `until` mean: as it was, or as it was known.",
        ),
        member_list("Only fixes of these members."),
        query("after", at, "Only what arrived after this cursor, or `seq`."),
        query("upto", at, "Only what arrived up to this cursor, or `seq`."),
        query(
            "at",
            MOMENT,
            "Each member's newest fix until this moment, with a column `heard`: when (ms) its last arrived.",
        ),
        query("format", {"enum": list(FORMATS), "default": FORMATS[0]}, "The form of the answer."),
    )


def _table() -> Schema:
    return {
        "description": f"One row per fix, in the order of arrival. Columns: {_COLUMNS}.",
        "content": {
            ARROW: {
                "schema": {"type": "string", "contentMediaType": ARROW, "contentEncoding": "binary"},
            },
            "text/csv": {
                "schema": {"type": "string"},
                "example": _CSV,
            },
            **{
                by_name(name).media_type: {"schema": _FILE}
                for name in FORMATS
                if name not in ("arrow", "csv")
            },
        },
        "headers": {
            "Content-Disposition": {
                "schema": {"type": "string"},
                "description": "A file's name, with all formats but Arrow.",
            }
        },
    }


PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/trails": {
        "get": operation(
            "The fixes of a group that are selected, as a table",
            {
                "200": _table(),
                **errors(s404="There is no such group or recording; `near` has what looks like it."),
            },
            name="readTrails",
            tag="trails",
            needs="watch",
            parameters=(
                *_selection(words=True),
                query(
                    "recording",
                    {"type": "string"},
                    "Only the part of the log that this recording keeps, by id.",
                ),
            ),
        ),
    },
    "/locshare/api/recordings/{recording}/trails": {
        "get": operation(
            "The fixes of a recording that are selected, as a table",
            {"200": _table(), **errors(s404="There is no such recording; `near` has ids that look like it.")},
            name="readRecordingTrails",
            tag="trails",
            needs="watch, in the recording's group; in all groups for an import",
            parameters=_selection(words=False),
        ),
    },
    "/locshare/api/recordings/{recording}/file": {
        "get": operation(
            "A recording as a file: our GeoPackage, or another format",
            {
                "200": {
                    "description": "The file.",
                    "content": {one.media_type.partition(";")[0]: {"schema": _FILE} for one in writable()},
                    "headers": {
                        "Content-Disposition": {
                            "schema": {"type": "string"},
                            "description": "The file's name.",
                        }
                    },
                },
                **errors(s404="There is no such recording; `near` has ids that look like it."),
            },
            name="readRecordingFile",
            tag="trails",
            needs="watch, in the recording's group; in all groups for an import",
            parameters=(
                query(
                    "format",
                    {"enum": [one.name for one in writable()], "default": "gpkg"},
                    "The file's format.",
                ),
            ),
        ),
    },
}
