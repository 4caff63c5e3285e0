"""The document, put together of what each module tells of its endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

import msgspec

from locshare_ext.server.api.openapi import (
    about,
    aside,
    events,
    fixes,
    groups,
    ingest,
    invites,
    notes,
    recordings,
    replays,
    trails,
)
from locshare_ext.server.api.openapi.parts import Schema, answer, closed, ref
from locshare_ext.version import __version__

__all__ = ["document", "encoded"]

_MODULES: tuple[ModuleType, ...] = (
    groups,
    fixes,
    aside,
    events,
    trails,
    notes,
    invites,
    ingest,
    recordings,
    replays,
    about,
)
_TAGS = {
    "groups": "Who shares with whom.",
    "fixes": "One position of one member at one moment; polling and publishing.",
    "streams": "What comes, as it comes: server-sent events, WebSocket, STOMP.",
    "trails": "Many fixes at once, for analysis.",
    "notes": "What people say on the timeline.",
    "invites": "Credentials for one group.",
    "phones": "Where phone apps send to.",
    "recordings": "Kept parts of a group's past, and imports.",
    "replays": "Recordings played on one clock for whoever follows.",
    "server": "The server itself.",
}
_ABOUT = """\
Live location sharing of groups. A group's fixes and events form one log; every reader has a place in it, a \
cursor, and goes on from there over any transport.

Moments are integer ms since 1970 UTC; where a moment is sent, RFC 3339 text with an offset is taken, too. \
Positions are degrees, WGS 84, latitude first; lengths metres, speeds m/s.

JSON is UTF-8; bodies called text/plain or application/x-www-form-urlencoded, or not called anything, are \
read as JSON. Compressed bodies are not taken. Unknown fields and parameters are refused, with the nearest \
that is known; a parameter may come once. `_` in a query is ignored.

Every refusal is `{"error": {"code", "message", "field"}}`. HEAD is answered as GET without a body, OPTIONS \
by `Allow`; any other method on these paths by 405 with `Allow`, any other path by 404. Every answer says \
`Cache-Control: no-store`: an ETag is for clients that keep what they polled.

A credential is needed everywhere. Participants have invites; the host has everything: {host}."""
_HOSTS = {
    True: "users of this Jupyter server, by its token or cookie",
    False: "by the token in the link that the server printed when it started",
}
_PATH_PARAMETERS = {
    "group": ("A group's title or its name in addresses.", "hikers"),
    "member": ("A member's name; `me`: whose the invite is.", "ann"),
    "note": ("A note's id.", "4k7qm2xa-1043"),
    "invite": ("An invite's id.", "5b1TnQ0cVxYz"),
    "token": ("An invite's token: a secret.", "lsi_5b1TnQ0cVxYz_0123456789abcdefghijKL"),
    "app": ("A family of phone apps.", "owntracks"),
    "profile": ("`profile` or `batch`.", "profile"),
    "recording": ("A recording's id.", "r3f8k2m9qz"),
    "replay": ("A replay's id.", "p7k2m9qz41"),
}
# status -> (what it means, an error that has it)
_RESPONSES: dict[str, tuple[str, Schema]] = {
    "400": (
        "The path, a parameter or the body cannot be used; `field` says which.",
        {
            "code": "unknown_parameter",
            "message": "parameter 'limt' is unknown; did you mean `limit`?",
            "field": "limt",
        },
    ),
    "401": (
        "No credential came.",
        {
            "code": "not_authenticated",
            "message": "no credential came with the request, and one is needed",
        },
    ),
    "403": (
        "The credential is not known, or does not allow this; or the host or origin is not ours.",
        {"code": "credential_invalid", "message": "the credential is not valid here"},
    ),
    "410": (
        "The credential was right, but has expired or was revoked.",
        {
            "code": "invite_expired",
            "message": "this invite expired at 2026-11-22 14:00 UTC: ask for a new one",
        },
    ),
    "413": (
        "The body is over the limit, needed or not.",
        {"code": "body_too_large", "message": "the body is over the limit of 2097152 bytes"},
    ),
    "415": (
        "The body is of another type, or compressed.",
        {
            "code": "unsupported_media",
            "message": "content-type 'text/xml' is not taken; expected application/json",
            "field": "content-type",
        },
    ),
    "429": (
        "Over a rate: fixes by an invite, or wrong credentials.",
        {
            "code": "too_many_failures",
            "message": "more than 100 wrong credentials a minute from one address; try again in 12 s",
            "retry_after": 12,
        },
    ),
    "503": (
        "It cannot be done now: the store fails, or as many are connected as may be.",
        {
            "code": "too_many_connections",
            "message": "there are 500 long polls and event streams open already",
        },
    ),
}
_ERROR_HEADERS: dict[str, dict[str, Schema]] = {
    "401": {"WWW-Authenticate": {"schema": {"const": "Bearer"}, "description": "How to show a credential."}},
    "429": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
    "503": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
}
_HEADERS: dict[str, Schema] = {
    "ETag": {
        "description": "Absent where the answer is made while it is sent. Send it as If-None-Match.",
        "schema": {"type": "string", "examples": ['"6b1a3f"']},
    },
    "RetryAfter": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Allow": {
        "description": "The methods that this path takes.",
        "required": True,
        "schema": {"type": "string", "examples": ["GET, HEAD, OPTIONS"]},
    },
}
_ERRORS: dict[str, Schema] = {
    "ErrorObject": closed(
        {
            "code": {"type": "string", "description": "For programs.", "examples": ["lat_out_of_range"]},
            "message": {
                "type": "string",
                "description": "For people.",
                "examples": ["lat 91.2 is outside [-90, 90] degrees"],
            },
            "field": {"type": "string", "description": "The field, parameter or header at fault."},
            "near": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What is there and looks like it.",
            },
            "retry_after": {"type": "integer", "minimum": 0, "description": "Seconds."},
            "row": {"type": "integer", "minimum": 0, "description": "Of a file that was to be imported."},
            "set_aside": {
                "type": "array",
                "items": ref("SetAside"),
                "description": "Every fix of a body without a good one.",
            },
        },
        optional=("field", "near", "retry_after", "row", "set_aside"),
    ),
    "Error": closed({"error": ref("ErrorObject")}),
}
_INVITES: dict[str, Schema] = {
    "invite": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Locshare-Token",
        "description": "An invite, or the host's token. Cookies are then ignored. Never in a URL.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same."},
    "basic": {"type": "http", "scheme": "basic", "description": "The same as the password; any user name."},
}
_JUPYTER: dict[str, Schema] = {
    "jupyterToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`token` and Jupyter's token.",
    },
    "jupyterTokenQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "Jupyter's token.",
    },
    "jupyterCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "username-localhost-8888",
        "description": "Jupyter's cookie, named after its host and port, or as the server is configured.",
    },
    "xsrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-XSRFToken",
        "description": "The value of the cookie `_xsrf`: with Jupyter's cookie, for all but GET and HEAD.",
    },
}


@lru_cache(maxsize=8)
def encoded(base: str, *, has_users: bool, longest: float) -> bytes:
    """Return the document as JSON; see `document`."""
    return msgspec.json.encode(document(base, has_users=has_users, longest=longest))


def document(base: str, *, has_users: bool, longest: float) -> dict[str, Any]:
    """Return the document of a server whose endpoints lie below the path `base`.

    has_users: whether Jupyter's users may do everything, else the host's token is for that.
    longest: seconds that an invite may live.
    """
    schemas = {name: schema for module in _MODULES for name, schema in module.SCHEMAS.items()} | _ERRORS
    wish = schemas["InviteWish"]
    lives = {**wish["properties"]["expires_in"], "maximum": longest}
    schemas["InviteWish"] = {**wish, "properties": {**wish["properties"], "expires_in": lives}}
    paths = {path: described for module in _MODULES for path, described in module.PATHS.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "locshare_ext",
            "version": __version__,
            "summary": "Watch a group move in a Jupyter notebook.",
            "description": _ABOUT.replace("{host}", _HOSTS[has_users]),
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": base}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": {path: _path(path, described, has_users) for path, described in sorted(paths.items())},
        "components": {
            "schemas": schemas,
            "headers": _HEADERS,
            "parameters": {name: _path_parameter(name) for name in _PATH_PARAMETERS},
            "responses": _responses(),
            "securitySchemes": _INVITES | (_JUPYTER if has_users else {}),
        },
    }


def _path(path: str, described: Mapping[str, Schema], has_users: bool) -> Schema:
    """Return a path with all its methods; HEAD and OPTIONS follow from the others."""
    made: Schema = {}
    names = [name for name in _PATH_PARAMETERS if "{" + name + "}" in path]
    if names:
        made["parameters"] = [ref(name, "parameters") for name in names]
    is_socket = "101" in described.get("get", {}).get("responses", {})
    operations = dict(described)
    if "get" in described and not is_socket:
        operations["head"] = _head(described["get"])
    operations = {
        method: {"security": _security(method, is_socket, has_users), **one}
        for method, one in operations.items()
    }
    first = next(iter(described.values()))
    return {**made, **operations, "options": _options(first, bool(names), is_socket)}


def _head(get: Schema) -> Schema:
    """Return HEAD of a path: the same without bodies; it waits for nothing and leaves nothing open."""
    responses = {
        status: {"description": "As of GET, without a body."}
        | ({"headers": _ERROR_HEADERS[status]} if status in _ERROR_HEADERS else {})
        for status in get["responses"]
    }
    return {
        "operationId": f"{get['operationId']}Headers",
        "tags": get["tags"],
        "summary": "The headers of GET",
        "responses": responses,
        **{part: get[part] for part in ("parameters", "security") if part in get},
    }


def _options(first: Schema, has_parameters: bool, is_socket: bool) -> Schema:
    """Return OPTIONS of a path: for everybody, unless the origin or the host is not ours."""
    statuses = [
        "403",
        *([] if is_socket else ["413", "415"]),
        *(["400"] if has_parameters or is_socket else []),
    ]
    allowed = {
        "204": {
            "description": "What is allowed.",
            "headers": {"Allow": {"$ref": "#/components/headers/Allow"}},
        }
    }
    return {
        "operationId": f"{first['operationId']}Methods",
        "tags": first["tags"],
        "summary": "Which methods there are; a preflight",
        "security": [],
        "responses": allowed | {status: ref(f"Error{status}", "responses") for status in sorted(statuses)},
    }


def _security(method: str, is_socket: bool, has_users: bool) -> list[Schema]:
    ways: list[Schema] = [{name: []} for name in _INVITES]
    if has_users:
        ways += [{"jupyterToken": []}, {"jupyterTokenQuery": []}]
        is_write = method not in ("get", "head")
        ways.append({"jupyterCookie": [], "xsrf": []} if is_write else {"jupyterCookie": []})
    return [*ways, {}] if is_socket else ways


def _path_parameter(name: str) -> Schema:
    text, example = _PATH_PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _responses() -> dict[str, Schema]:
    made: dict[str, Schema] = {}
    for status, (text, example) in _RESPONSES.items():
        made[f"Error{status}"] = answer(
            text, ref("Error"), {"error": example}, headers=_ERROR_HEADERS.get(status)
        )
    made["NotModified"] = {
        "description": "The client has it: its If-None-Match is this ETag.",
        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
    }
    return made
