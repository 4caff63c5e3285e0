"""Replays: begun, steered, followed, ended."""

from __future__ import annotations

from typing import Any

from locshare_ext.model.replay import FASTEST, SLOWEST
from locshare_ext.server.api.openapi.events import socket_answers, switching, upgrade
from locshare_ext.server.api.openapi.fixes import FEED, place
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    ETAG,
    MOMENT,
    Schema,
    answer,
    closed,
    errors,
    header,
    object_of,
    operation,
    or_null,
    query,
    ref,
    requested,
)
from locshare_ext.server.api.replays import MAX_STEP

__all__ = ["PATHS", "SCHEMAS"]

_NOT_THERE = "There is no such replay, or it has ended."
_MS: Schema = {"type": "integer"}
_BOOL: Schema = {"type": "boolean"}
_SPEED: Schema = {"type": "number", "minimum": SLOWEST, "maximum": FASTEST, "examples": [10.0]}
_AT = {**or_null(MOMENT), "description": "Where to go on, on the replay's clock; inside the recording."}
_PAUSED = {**or_null(_BOOL), "description": "Held; false goes on."}
_LOOP = {**or_null(_BOOL), "description": "Begin again at the end."}
_EXAMPLE = {
    "id": "p7k2m9qz41",
    "recording": "r3f8k2m9qz",
    "group": "hikers",
    "topic": "/topic/replay.p7k2m9qz41",
    "members": None,
    "begin": 1_763_806_275_123,
    "end": 1_763_809_875_123,
    "state": "playing",
    "playhead": 1_763_806_300_000,
    "now": 1_763_890_000_000,
    "clock": "time",
    "speed": 10.0,
    "loop": False,
    "pass": 1,
    "delivered": 1042,
    "watchers": 2,
    "cursor": "4k7qm2xa-1060",
}
_STREAM = (
    "event: discontinuity\nid: 4k7qm2xa-1\n"
    'data: {"type":"discontinuity","reason":"start","replay":"p7k2m9qz41","state":"playing",'
    '"playhead":1763806275123,"now":1763890000000,"clock":"time","speed":10.0,"loop":false,"pass":1}\n\n'
)

SCHEMAS: dict[str, Schema] = {
    "Replay": closed(
        {
            "id": {"type": "string"},
            "recording": {"type": "string"},
            "group": or_null({"type": "string", "description": "The recording's; null: an import."}),
            "topic": {"type": "string", "description": "Where STOMP clients follow it."},
            "members": or_null(
                {"type": "array", "items": {"type": "string"}, "description": "Only these; null: all."}
            ),
            "begin": {**_MS, "description": "The recording's first moment on `clock`, ms since 1970 UTC."},
            "end": {**_MS, "description": "Its last."},
            "state": {"enum": ["playing", "paused", "ended"]},
            "playhead": {**_MS, "description": "The moment on `clock` that is seen at `now`."},
            "now": {**_MS, "description": "The server's clock."},
            "clock": {"enum": ["time", "received"]},
            "speed": _SPEED,
            "loop": _BOOL,
            "pass": {"type": "integer", "minimum": 1, "description": "Counts starts, seeks and loops."},
            "delivered": {"type": "integer", "minimum": 0, "description": "Fixes."},
            "watchers": {"type": "integer", "minimum": 0},
            "cursor": {**CURSOR, "description": "The end of its log."},
        }
    ),
    "ReplayWish": closed(
        {
            "recording": {"type": "string", "description": "Its id."},
            "clock": {
                "enum": ["time", "received"],
                "description": "As it was, or as it was known; default time.",
            },
            "speed": {**_SPEED, "description": "Times as fast as it was; default 1."},
            "at": _AT,
            "loop": _LOOP,
            "paused": _PAUSED,
            "members": or_null(
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "Only these."}
            ),
            "into": or_null(
                {"type": "string", "minLength": 1, "description": "A live group that it goes into as well."}
            ),
            "record": {**or_null(_BOOL), "description": "Whether that group's log keeps it."},
            "max_gap": or_null(
                {
                    "type": "number",
                    "minimum": 0,
                    "description": "s; of a longer silence only its last so many are played.",
                }
            ),
        },
        optional=("clock", "speed", "at", "loop", "paused", "members", "into", "record", "max_gap"),
    ),
    "ReplayChange": closed(
        {
            "at": _AT,
            "speed": or_null(_SPEED),
            "loop": _LOOP,
            "paused": _PAUSED,
            "step": or_null(
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_STEP,
                    "description": "So many fixes on, then held.",
                }
            ),
            "member": or_null(
                {"type": "string", "description": "With step 1: up to the next fix of this member instead."}
            ),
        },
        optional=("at", "speed", "loop", "paused", "step", "member"),
    ),
}
_LINKS: dict[str, Schema] = {
    name: {"operationId": name, "parameters": {"path.replay": "$response.body#/id"}}
    for name in ("readReplay", "steerReplay", "endReplay")
}
_WATCH = "watch, in the recording's group; in all groups for an import"
_MANAGE = "manage, in the recording's group; in all groups for an import"

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/replays": {
        "get": operation(
            "Replays of all recordings, or of those of one group",
            {
                "200": answer(
                    "In the order that they were begun in.",
                    object_of("replays", {"type": "array", "items": ref("Replay")}),
                    {"replays": [_EXAMPLE]},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="listReplays",
            tag="replays",
            needs="watch, in all groups or in that one",
            parameters=(query("group", {"type": "string", "minLength": 1}, "Only those of this group."),),
        ),
        "post": operation(
            "Replay a recording on a topic, and into a live group if asked",
            {
                "201": answer("It begins.", ref("Replay"), _EXAMPLE, links=_LINKS),
                **errors(
                    s404="There is no such recording or group; `near` has names that look like it.",
                    s409="The recording has no fixes, or there are as many replays as there may be.",
                ),
            },
            name="startReplay",
            tag="replays",
            needs=f"{_MANAGE}; and manage in the group `into`",
            text=(
                "Into a group it goes with times moved to now, `extra.original_time`, and source `replay`; "
                "without `record` whoever streams that group sees it, marked volatile, and nothing keeps it. "
                "A replay ends with its recording, and when nobody has watched or steered it for a while."
            ),
            body=requested(ref("ReplayWish"), {"recording": "r3f8k2m9qz", "speed": 10}),
        ),
    },
    "/locshare/api/replays/{replay}": {
        "get": operation(
            "A replay, with its playhead now",
            {
                "200": answer("The replay.", ref("Replay"), _EXAMPLE, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NOT_THERE),
            },
            name="readReplay",
            tag="replays",
            needs=_WATCH,
        ),
        "patch": operation(
            "Seek, hold, go on, step, change speed or loop, for everybody who follows",
            {
                "200": answer("As it is now.", ref("Replay"), _EXAMPLE, links=_LINKS),
                **errors(s404=_NOT_THERE),
            },
            name="steerReplay",
            tag="replays",
            needs=_MANAGE,
            text="All of it, or nothing if something cannot be. What has ended goes on by a seek.",
            body=requested(ref("ReplayChange"), {"paused": True}, is_required=False),
        ),
        "delete": operation(
            "End a replay",
            {
                "200": answer("Ended.", object_of("deleted", {"type": "string"}), {"deleted": "p7k2m9qz41"}),
                **errors(s404=_NOT_THERE),
            },
            name="endReplay",
            tag="replays",
            needs=_MANAGE,
        ),
    },
    "/locshare/api/replays/{replay}/events": {
        "get": operation(
            "A replay as a stream of server-sent events",
            {
                "200": {
                    "description": (
                        "As a group's stream: fixes as they were, and objects. After `discontinuity` "
                        "(reason `start`, `seek` or `loop`) what came before is no past of what comes; "
                        "`state` tells where everyone was (`restored`, with `ages` in ms), and how it goes "
                        "on (`playing`, `paused`, `ended`) with the playhead, while it plays each second. "
                        "`event`: one of the recording's, such as a note, at its moment."
                    ),
                    "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _STREAM}},
                },
                **errors(s404=_NOT_THERE),
            },
            name="followReplay",
            tag="replays",
            needs=_WATCH,
            parameters=(
                place("now"),
                *FEED,
                header(
                    "Last-Event-ID",
                    {"anyOf": [CURSOR, {"enum": ["start", "now", ""]}]},
                    "Where the stream was left; beats `after`. Empty: nowhere yet.",
                ),
            ),
        ),
    },
    "/locshare/api/replays/{replay}/ws": {
        "get": operation(
            "A replay over a plain WebSocket",
            {
                "101": switching(
                    "The WebSocket is open. Text messages: arrays of fixes as they were, and the objects of "
                    "the stream. It takes nothing but the token."
                ),
                **socket_answers(s404=_NOT_THERE),
            },
            name="openReplay",
            tag="replays",
            needs=f'{_WATCH}; without a credential the first message is {{"token": "..."}}, within 10 s',
            parameters=(place("now"), *FEED, *upgrade()),
        ),
    },
}
