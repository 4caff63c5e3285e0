"""Where phone apps send to: the invite is in the path, as most of them can send it nowhere else."""

from __future__ import annotations

from typing import Any

from locshare_ext.formats.phones import APPS
from locshare_ext.server.api.openapi.parts import JSON, Schema, closed, query, ref

__all__ = ["PATHS", "SCHEMAS"]

_BODY: Schema = {
    "required": False,
    "description": "What the app sends: JSON, a form, or nothing where all stands in the query.",
    "content": {
        JSON: {"schema": {"type": ["object", "array"]}, "example": {"_type": "location"}},
        "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
    },
}
_TAKEN: Schema = {
    "description": (
        "Stored, or set aside with the reason: the phone may forget it. The body is what the app wants: "
        "nothing; for Overland `result`, and `set` with the group's `interval`; for OwnTracks the members."
    ),
    "content": {
        "text/plain": {"schema": {"type": "string"}},
        JSON: {
            "schema": {"oneOf": [ref("OverlandReply"), {"type": "array", "items": ref("OwnTracksMessage")}]}
        },
    },
}
_PAGE: Schema = {
    "description": "To the share page: without a place in the query it is a person who looks.",
    "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
}
_ENDED = (
    "The invite has expired or was revoked, and nothing that came was measured before it expired. OsmAnd is "
    "answered 200 here and wherever else the status is not 2xx: anything else it sends again at once."
)
_NO_APP = "There is no such app."

SCHEMAS: dict[str, Schema] = {
    "OverlandReply": closed(
        {
            "result": {"const": "ok"},
            "set": closed({"send_interval": {"type": "string", "examples": ["5s", "1m"]}}),
        },
        optional=("set",),
    ),
    "OwnTracksMessage": {
        "type": "object",
        "required": ["_type", "tid"],
        "properties": {
            "_type": {"enum": ["card", "location"]},
            "tid": {"type": "string", "description": "Two letters that stand for one member of the group."},
        },
    },
}


def _operation(summary: str, name: str, text: str, **more: Any) -> Schema:
    """Return an operation by whose path the credential comes; `responses` are its own statuses."""
    common = {status: ref(f"Error{status}", "responses") for status in ("403", "410", "413", "415", "503")}
    own = more.pop("responses")
    return {
        "operationId": name,
        "tags": ["phones"],
        "summary": summary,
        "description": f"{text}\n\nNeeds: publish, by an invite in the path.".strip(),
        "security": [],
        "responses": dict(sorted({**common, **own}.items())),
        **more,
    }


_LOOK = (
    query("lat", {"type": "string"}, "Degrees; with it the query is a fix."),
    query("location", {"type": "string", "examples": ["37.5665,126.978"]}, "The same as `lat,lon`."),
)
_TEXT = (
    f"Apps: {', '.join(APPS)}. Each field is read by the rules of its app: units, zeros that mean unknown, "
    "seconds or milliseconds. What is bad is set aside and answered as if it were good, as no phone can mend "
    "it; what is too fast, or cannot be stored now, is 503 with Retry-After, never 429. "
    f"{_ENDED}"
)
_BARE = "The app is told by what only it writes; fields that name none are Traccar Client's."


def _both(name: str, text: str, **more: Schema) -> dict[str, Schema]:
    return {
        "get": _operation(
            "Take what stands in the query of a phone app, or show the share page",
            f"look{name}",
            text,
            parameters=list(_LOOK),
            responses={"200": _TAKEN, "302": _PAGE, **more},
        ),
        "post": _operation(
            "Take what a phone app sends",
            f"send{name}",
            text,
            requestBody=_BODY,
            responses={"200": _TAKEN, **more},
        ),
    }


def _sent(app: dict[str, Schema]) -> dict[str, Schema]:
    """Return the same operation by the other methods that a user of GPSLogger may choose."""
    return {
        method: {**app["post"], "operationId": f"{method}App", "summary": f"The same by {method.upper()}"}
        for method in ("put", "patch")
    }


_MISSING = {"404": {"description": _NO_APP, "content": {JSON: {"schema": ref("Error")}}}}
_APP = _both("App", f"Whatever follows in the path does not count. {_TEXT}", **_MISSING)
_BATCH = _operation(
    "Take a batch of GPSLogger's Dawarich target",
    "sendBatch",
    "Its server is the address of the invite, or of `gpslogger` below it. " + _ENDED,
    requestBody=_BODY,
    responses={
        "201": {"description": "Stored or set aside.", "content": {JSON: {"schema": ref("OverlandReply")}}}
    },
)

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/in/{token}": _both("Any", f"{_BARE} {_TEXT}"),
    "/locshare/in/{token}/{app}": {**_APP, **_sent(_APP)},
    "/locshare/in/{token}/gpslogger/{profile}.properties": {
        "get": _operation(
            "Settings that GPSLogger fetches by a link `gpslogger://properties/...`",
            "readProfile",
            "`profile` sends each fix to `gpslogger`, `batch` several at once.",
            responses={
                "200": {
                    "description": "The settings.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                "404": {**_MISSING["404"], "description": "There is no such profile."},
            },
        )
    },
    "/locshare/in/{token}/api/v1/overland/batches": {"post": _BATCH},
    "/locshare/in/{token}/gpslogger/api/v1/overland/batches": {
        "post": {**_BATCH, "operationId": "sendGpsloggerBatch"}
    },
}
