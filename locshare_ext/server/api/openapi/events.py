"""Streams: server-sent events, the plain WebSocket, STOMP; and events as pages."""

from __future__ import annotations

from typing import Any

from locshare_ext.server.api.notes import MOST
from locshare_ext.server.api.openapi.fixes import FEED, place
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    ETAG,
    JSON,
    MOMENT,
    Schema,
    closed,
    errors,
    header,
    operation,
    query,
    ref,
    refused,
)
from locshare_ext.server.stomp.socket import SUBPROTOCOLS

__all__ = ["PAGED", "PATHS", "SCHEMAS", "socket_answers", "switching", "upgrade"]

_NO_GROUP = "There is no such group; `near` has names that look like it."
_NOTE = {
    "type": "event",
    "kind": "note",
    "time": 1_763_806_275_123,
    "received": 1_763_806_275_190,
    "text": "lost the trail here",
    "cursor": "4k7qm2xa-1043",
}
_STREAM = (
    "event: hello\nid: 4k7qm2xa-1041\n"
    'data: {"type":"hello","cursor":"4k7qm2xa-1041","gap":false,"protocol":"1"}\n\n'
    'id: 4k7qm2xa-1042\ndata: [{"member":"ann","time":1763806275123,"lat":37.5665,"lon":126.978,'
    '"received":1763806275190,"cursor":"4k7qm2xa-1042","flags":[]}]\n\n:\n\n'
)

# what chooses events of a page
PAGED = (
    query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST},
        "At most so many; events with `format=json` only.",
    ),
    query("since", MOMENT, "Not before this moment; ms since 1970 UTC, or RFC 3339 with an offset."),
    query("until", MOMENT, "Not after this moment."),
    query(
        "clock",
        {"enum": ["time", "received"], "default": "time"},
        "Which clock `since` and `until` mean: the device's or the server's.",
    ),
)

SCHEMAS: dict[str, Schema] = {
    "EventsPage": closed(
        {
            "events": {"type": "array", "items": ref("Event")},
            "cursor": {**CURSOR, "description": "`after` of the next request."},
            "gap": {"type": "boolean", "description": "Whether something between `after` and here is lost."},
        }
    ),
    "StreamObject": {
        "description": "What is said on a stream besides arrays of fixes.",
        "oneOf": [
            closed(
                {
                    "type": {"const": "hello"},
                    "cursor": CURSOR,
                    "gap": {"type": "boolean"},
                    "protocol": {"type": "string"},
                }
            ),
            closed({"type": {"const": "gap"}, "cursor": CURSOR}),
            {
                "type": "object",
                "required": ["type", "stored", "duplicates", "set_aside", "cursor"],
                "properties": {
                    "type": {"const": "stored"},
                    "stored": {"type": "integer"},
                    "duplicates": {"type": "integer"},
                    "set_aside": {"type": "array", "items": ref("SetAside")},
                    "cursor": CURSOR,
                },
            },
            closed({"type": {"const": "error"}, "error": ref("ErrorObject")}),
            ref("Event"),
        ],
    },
}


def upgrade(*, protocols: tuple[str, ...] = ()) -> tuple[Schema, ...]:
    """Return the headers of the opening handshake of RFC 6455."""
    text: Schema = {"type": "string"}
    made = (
        header("Upgrade", {"type": "string", "examples": ["websocket"]}, "`websocket`."),
        header("Connection", {"type": "string", "examples": ["Upgrade"]}, "`Upgrade` among others."),
        header(
            "Sec-WebSocket-Key", {**text, "examples": ["dGhlIHNhbXBsZSBub25jZQ=="]}, "16 bytes in base64."
        ),
        header("Sec-WebSocket-Version", {**text, "examples": ["13"]}, "13; others are answered 426."),
    )
    if not protocols:
        return made
    offered = f"Those of {', '.join(protocols)} that the client speaks; or none."
    return (*made, header("Sec-WebSocket-Protocol", text, offered))


def socket_answers(**own: str) -> dict[str, Schema]:
    """Return what the handshake may answer: there is no body of which the type could be wrong."""
    answers = errors(**own)
    for status in ("413", "415"):
        del answers[status]
    answers["400"] = refused(
        "No handshake of a WebSocket, a body where none belongs, or a parameter that cannot be used."
    )
    answers["401"] = refused("An invite came where Jupyter's token belongs.")
    answers["426"] = refused("Another version of WebSocket than 13.") | {
        "headers": {"Sec-WebSocket-Version": {"schema": {"const": "13"}, "description": "Ours."}}
    }
    return answers


def switching(description: str) -> Schema:
    """Return the answer of a handshake that is done."""
    return {
        "description": description,
        "headers": {
            "Upgrade": {"schema": {"const": "websocket"}},
            "Sec-WebSocket-Accept": {"schema": {"type": "string"}},
        },
    }


PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/events": {
        "get": operation(
            "A group as a stream of server-sent events; with `format=json` a page of its events",
            {
                "200": {
                    "description": (
                        "The stream begins with `event: hello`. Arrays of fixes are plain messages, objects"
                        " events named by their type; what can be resumed from has its cursor as `id`. "
                        "While it is silent a comment comes every 15 s. The page is an `EventsPage`."
                    ),
                    "headers": ETAG,
                    "content": {
                        "text/event-stream": {"schema": {"type": "string"}, "example": _STREAM},
                        JSON: {
                            "schema": ref("EventsPage"),
                            "example": {"events": [_NOTE], "cursor": "4k7qm2xa-1043", "gap": False},
                        },
                    },
                },
                "304": ref("NotModified", "responses"),
                **errors(s404=_NO_GROUP),
            },
            name="followEvents",
            tag="streams",
            needs="watch",
            text=(
                "The stream takes `after`, `members`, `batch`, `conflate`, `last`; the page `after`, "
                "`limit`, `since`, `until`, `clock`, `members`, and begins at the start. With an invite "
                "read the stream by `fetch`: EventSource cannot send its header."
            ),
            parameters=(
                query("format", {"enum": ["sse", "json"], "default": "sse"}, "The stream, or a page."),
                place("now"),
                *FEED,
                *PAGED,
                header(
                    "Last-Event-ID",
                    {"anyOf": [CURSOR, {"enum": ["start", "now", ""]}]},
                    "Where the stream was left; beats `after`. Empty: nowhere yet.",
                ),
            ),
        ),
    },
    "/locshare/api/groups/{group}/ws": {
        "get": operation(
            "A group over a plain WebSocket",
            {
                "101": switching(
                    "The WebSocket is open. Text messages: arrays of fixes, and objects (`StreamObject`), "
                    "the first a hello. What is sent, a fix or an array of them, is stored and answered by "
                    "`stored` or `error`."
                ),
                **socket_answers(s409="The group would be new, and there are as many as there may be."),
            },
            name="openWebSocket",
            tag="streams",
            needs='watch or publish; without a credential the first message is {"token": "..."}, within 10 s',
            parameters=(place("now"), *FEED, *upgrade()),
        ),
    },
    "/locshare/stomp": {
        "get": operation(
            "STOMP 1.0, 1.1 and 1.2 over WebSocket",
            {
                "101": switching("The WebSocket is open; CONNECT comes next, within 10 s."),
                **socket_answers(),
            },
            name="openStomp",
            tag="streams",
            needs="any credential; without one CONNECT brings an invite as `passcode`",
            text=(
                "SUBSCRIBE to `/topic/group.{group}` and `/topic/group.{group}.events` takes the headers "
                "`after`, `members`, `batch`, `conflate`, `last`, `durable-name`; SEND stores, and its "
                "RECEIPT says so. `/topic/replay.{replay}` takes the same but `durable-name`; the header "
                "`replay-state` tells what is no simple fix of the recording; `event`: a note of it, or "
                "whatever else happened."
            ),
            parameters=upgrade(protocols=SUBPROTOCOLS),
        ),
    },
}
