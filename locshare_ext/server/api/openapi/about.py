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
    requested,
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
            "phones": or_null(ref("Reach")),
        }
    ),
    "Reach": closed(
        {
            "url": or_null({"type": "string", "description": "By which phones come; null: none is known."}),
            "kind": {
                "type": "string",
                "enum": ["public", "private", "loopback", "none"],
                "description": "For everybody, in one network, on this machine alone.",
            },
            "https": {"type": "boolean"},
            "tried": or_null(
                {
                    "type": "boolean",
                    "description": "Whether this server answers there, when it asks itself; null: not tried.",
                }
            ),
            "page": {"type": "boolean", "description": "Whether a phone's browser can share by it."},
            "apps": {"type": "boolean", "description": "Whether phone apps can."},
            "reason": {"type": "string", "description": "One sentence; empty if nothing is to be said."},
            "todo": {"type": "string", "description": "The one thing to do; empty if nothing is."},
        }
    ),
    "Phones": closed(
        {
            "listener": {"type": "boolean", "description": "Whether a listener for phones is open."},
            "connections": {**_COUNT, "description": "WebSockets open by it."},
            "reach": ref("Reach"),
        }
    ),
    "PhonesWish": closed(
        {
            "port": {"type": "integer", "minimum": 0, "maximum": 65_535, "description": "0: a free one."},
            "host": {"type": "string", "description": "The address to listen on; empty: all."},
            "certfile": {"type": "string", "description": "A certificate on the server's machine: https."},
            "keyfile": {"type": "string", "description": "Its key, if not in the same file."},
            "public_url": {"type": "string", "description": "By which phones come, through a tunnel say."},
        },
        optional=("port", "host", "certfile", "keyfile", "public_url"),
    ),
}
_REACH = {
    "url": "https://share.example.org/",
    "kind": "public",
    "https": True,
    "tried": True,
    "page": True,
    "apps": True,
    "reason": "",
    "todo": "",
}
_PHONES = {"listener": True, "connections": 3, "reach": _REACH}
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
    "phones": _REACH,
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
    "/locshare/api/phones": {
        "get": operation(
            "By which address phones come, tried now",
            {
                "200": answer("Whether they can.", ref("Phones"), _PHONES, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="readPhones",
            tag="server",
            needs="manage in all groups",
        ),
        "post": operation(
            "Open a listener for phones",
            {
                "200": answer("It is open as asked already.", ref("Phones"), _PHONES),
                "201": answer("It was opened.", ref("Phones"), _PHONES),
                **errors(s409="This server has no notebooks: phones come to it itself."),
            },
            name="openPhones",
            tag="server",
            needs="manage in all groups",
            text="Participants' endpoints alone, on a port of its own.",
            body=requested(ref("PhonesWish"), {"port": 8899}),
        ),
        "delete": operation(
            "Close the listener for phones",
            {"200": answer("It is closed.", ref("Phones"), {**_PHONES, "listener": False}), **errors()},
            name="closePhones",
            tag="server",
            needs="manage in all groups",
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
