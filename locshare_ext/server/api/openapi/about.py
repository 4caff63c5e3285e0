"""The server itself: whether it works, and this document."""

from __future__ import annotations

from typing import Any

from locshare_ext.server.api.openapi.parts import (
    ETAG,
    Schema,
    answer,
    closed,
    errors,
    operation,
    or_null,
    ref,
)
from locshare_ext.version import __version__

__all__ = ["PATHS", "SCHEMAS"]

_COUNT: Schema = {"type": "integer", "minimum": 0}

SCHEMAS: dict[str, Schema] = {
    "Health": closed(
        {
            "version": {"type": "string"},
            "protocol": {"type": "integer", "description": "Of the wire; every hello has it, too."},
            "store": closed(
                {
                    "persistent": {
                        "type": "boolean",
                        "description": "Whether a restart keeps what was acknowledged.",
                    },
                    "works": {"type": "boolean"},
                    "path": or_null({"type": "string", "description": "For the host alone; null: memory."}),
                    "error": {"type": "string", "description": "For the host alone, if it does not work."},
                    "failing_since": {
                        "type": "integer",
                        "description": "ms since 1970: from then on nothing was recorded.",
                    },
                    "journal": or_null(
                        {
                            "type": "string",
                            "enum": ["wal", "delete"],
                            "description": "For the host alone: how the file commits; null: not open yet.",
                        }
                    ),
                    "notes": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "For the host alone: what is to be known of where the store is.",
                    },
                },
                optional=("path", "error", "failing_since", "journal", "notes"),
            ),
            "retention": closed({"age": or_null({**_COUNT, "description": "Seconds; null: for ever."})}),
            "groups": or_null({**_COUNT, "description": "For the host alone, as the next."}),
            "connections": or_null({**_COUNT, "description": "WebSockets."}),
        }
    ),
}
_HEALTH = {
    "version": __version__,
    "protocol": 1,
    "store": {
        "persistent": True,
        "works": True,
        "path": "/home/ann/.local/share/jupyter/locshare/log.sqlite3",
        "journal": "wal",
        "notes": [],
    },
    "retention": {"age": 604_800},
    "groups": 3,
    "connections": 12,
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/health": {
        "get": operation(
            "Whether the server works",
            {
                "200": answer("How it is.", ref("Health"), _HEALTH, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="readHealth",
            tag="server",
            needs="any credential",
        ),
    },
    "/locshare/api/openapi.json": {
        "get": operation(
            "This document",
            {
                "200": answer(
                    "OpenAPI 3.1.",
                    {"type": "object", "required": ["openapi", "info", "servers", "paths", "components"]},
                    {"openapi": "3.1.0", "info": {}, "servers": [], "paths": {}, "components": {}},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="readOpenApi",
            tag="server",
            needs="any credential",
        ),
    },
}
