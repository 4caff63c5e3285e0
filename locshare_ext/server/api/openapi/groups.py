"""Groups, their settings and their members."""

from __future__ import annotations

from typing import Any

from locshare_ext.model.names import MAX_LENGTH
from locshare_ext.server.api.openapi.fixes import STORED_FIX
from locshare_ext.server.api.openapi.parts import (
    CURSOR,
    ETAG,
    Schema,
    answer,
    closed,
    errors,
    object_of,
    operation,
    or_null,
    ref,
    requested,
)
from locshare_ext.services.settings import (
    COARSEST,
    LEAST_BYTES,
    LONGEST,
    MAX_RULES,
    MAX_TEXT,
    MOST_BYTES,
    SETTINGS,
)

__all__ = ["PATHS", "SCHEMAS"]

_NO_GROUP = "There is no such group; `near` has names that look like it."
_SECONDS: Schema = {"type": "number", "minimum": 1, "maximum": LONGEST}
# only what all rules have: `alerts.rules` checks the rest
_RULE: Schema = {
    "type": "object",
    "properties": {
        "rule": {"enum": ["geofence", "proximity", "silence", "speed"]},
        "name": {"type": "string", "minLength": 1, "maxLength": 64},
        "on": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Of enter, exit, inside, outside; near, far; silent, heard; fast, slow.",
        },
        "members": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "area": {"type": "object", "description": "A circle of lat, lon, radius (m), or a GeoJSON Polygon."},
        "margin": {"type": "number", "description": "Metres beyond the border at which one has left."},
        "near": {"type": "number", "description": "Metres."},
        "far": {"type": "number", "description": "Metres."},
        "of": {"type": "string"},
        "lasting": {"type": "number", "description": "Seconds."},
        "above": {"type": "number", "description": "m/s."},
        "below": {"type": "number", "description": "m/s."},
        "max_age": {"type": "number", "description": "Seconds after which a position is nowhere."},
    },
    "required": ["rule", "name"],
    "additionalProperties": False,
}
_TITLE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_LENGTH,
    "description": (
        "What people call it: letters, digits, spaces, `-` and `_` in any script. Its name in addresses is "
        "made of it: NFKC, small letters, `-` for spaces."
    ),
}
# setting -> what it may be; `services.settings` checks them
_SETTINGS: dict[str, Schema] = {
    "title": _TITLE,
    "retention": {**_SECONDS, "description": "Seconds that fixes are kept; null: as the server keeps them."},
    "retention_bytes": {
        "type": "integer",
        "minimum": LEAST_BYTES,
        "maximum": MOST_BYTES,
        "description": (
            "Bytes that its fixes may take, about; above it those received first go first. What recordings "
            "keep does not count. null: the server's bound for all groups alone."
        ),
    },
    "ephemeral": {
        "type": "boolean",
        "description": (
            "Whether its fixes are in memory only, the newest of them, and never on a disk: RECEIPTs promise "
            "nothing beyond the server's life, and nothing can be recorded. Settled before the first fix."
        ),
    },
    "stale": {**_SECONDS, "description": "Age in seconds after which a position is stale."},
    "lost": {**_SECONDS, "description": "Age in seconds after which a member is lost."},
    "gap": {**_SECONDS, "description": "Seconds: the shortest silence that is drawn as a gap."},
    "tz": {"type": "string", "description": "A time zone such as Asia/Seoul.", "examples": ["Asia/Seoul"]},
    "consent": {"type": "string", "maxLength": MAX_TEXT, "description": "What members are told first."},
    "precision": {
        "type": "number",
        "minimum": 1,
        "maximum": COARSEST,
        "description": "Metres of the grid that positions are put on before they are kept or seen.",
    },
    "interval": {
        **_SECONDS,
        "description": "Seconds between requests that phones are asked for whose app takes it: Overland.",
    },
    "alerts": {
        "type": "array",
        "items": _RULE,
        "maxItems": MAX_RULES,
        "description": (
            "Rules that the server holds to each fix. What they tell comes as events of kind `alert`, of one "
            "rule up to 100 at once and one in 2 s for long; how many more there were, the next one says."
        ),
        "examples": [
            [{"rule": "geofence", "name": "camp", "area": {"lat": 46.2, "lon": 14.1, "radius": 150}}]
        ],
    },
}
_DEFAULTS = {name: default for name, (default, _) in SETTINGS.items()}
_EXAMPLE_SETTINGS = {**_DEFAULTS, "title": "Hikers"}
_EXAMPLE = {
    "group": "hikers",
    "title": "Hikers",
    "settings": _EXAMPLE_SETTINGS,
    "cursor": "4k7qm2xa-1042",
    "oldest": "4k7qm2xa-0",
    "counts": {"ann": 1042},
    "members": [{"member": "ann", "fix": STORED_FIX, "age": 1200, "heard_age": 900}],
}
_SUMMARY = {
    "group": "hikers",
    "title": "Hikers",
    "members": 1,
    "fixes": 1042,
    "newest": 1_763_806_275_123,
    "cursor": "4k7qm2xa-1042",
}
_LINKS = {
    name: {"operationId": name, "parameters": {"path.group": "$response.body#/group"}}
    for name in ("readGroup", "changeGroup", "publishFixes", "deleteGroup")
}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_RENAMED = closed(
    {
        "member": {"type": "string"},
        "twice": {**_COUNT, "description": "After a merge: how many fixes both had sent, kept once."},
    },
    optional=["twice"],
)


def _settable(name: str) -> Schema:
    default = _DEFAULTS[name]
    return or_null(_SETTINGS[name]) | ({} if default is None else {"default": default})


def _given(name: str) -> Schema:
    """Return what a setting is in an answer: only those without a default can be null."""
    return _SETTINGS[name] if _DEFAULTS[name] is not None or name == "title" else or_null(_SETTINGS[name])


SCHEMAS: dict[str, Schema] = {
    "Settings": closed({name: _given(name) for name in SETTINGS}),
    "SettingsChange": closed(
        {name: _settable(name) for name in SETTINGS},
        optional=tuple(SETTINGS),
        description="Only what is to change; null resets a setting.",
    ),
    "NewGroup": closed(
        {name: _TITLE if name == "title" else _settable(name) for name in SETTINGS},
        optional=[name for name in SETTINGS if name != "title"],
    ),
    "GroupSummary": closed(
        {
            "group": {"type": "string", "description": "Its name in addresses."},
            "title": {"type": "string"},
            "members": {**_COUNT, "description": "How many have sent something that is kept."},
            "fixes": _COUNT,
            "newest": or_null({"type": "integer", "description": "ms since 1970 UTC."}),
            "cursor": CURSOR,
        }
    ),
    "Member": closed(
        {
            "member": {"type": "string"},
            "fix": ref("Fix"),
            "age": {**_COUNT, "description": "Of the position, ms."},
            "heard_age": {**_COUNT, "description": "Since anything came from the member, ms."},
        }
    ),
    "Group": closed(
        {
            "group": {"type": "string", "description": "Its name in addresses."},
            "title": {"type": "string"},
            "settings": ref("Settings"),
            "cursor": {**CURSOR, "description": "After the newest entry of its log."},
            "oldest": {**CURSOR, "description": "Before the oldest entry that is kept."},
            "counts": {
                "type": "object",
                "additionalProperties": _COUNT,
                "description": "How many fixes are kept, by member.",
            },
            "members": {"type": "array", "items": ref("Member")},
        }
    ),
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups": {
        "get": operation(
            "The groups that the credential may see",
            {
                "200": answer(
                    "By name.",
                    object_of("groups", {"type": "array", "items": ref("GroupSummary")}),
                    {"groups": [_SUMMARY]},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="listGroups",
            tag="groups",
            needs="watch, in all groups; with an invite in its own",
        ),
        "post": operation(
            "Make a group",
            {
                "201": answer("Made.", ref("Group"), _EXAMPLE, links=_LINKS),
                **errors(s409="There is a group of this name, or as many groups as there may be."),
            },
            name="makeGroup",
            tag="groups",
            needs="manage, in all groups",
            body=requested(ref("NewGroup"), {"title": "Hikers", "stale": 120}),
        ),
    },
    "/locshare/api/groups/{group}": {
        "get": operation(
            "A group: settings, counts, and each member's newest fix",
            {
                "200": answer("The group.", ref("Group"), _EXAMPLE, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NO_GROUP),
            },
            name="readGroup",
            tag="groups",
            needs="watch",
        ),
        "post": operation(
            "Make this group before anything is published to it",
            {
                "201": answer("Made.", ref("Group"), _EXAMPLE),
                **errors(s409="The group is there already, or as many as there may be."),
            },
            name="makeGroupNamed",
            tag="groups",
            needs="manage, in all groups",
            body=requested(ref("SettingsChange"), {"tz": "Asia/Seoul"}, is_required=False),
        ),
        "patch": operation(
            "Change settings",
            {
                "200": answer("The group as it is now.", ref("Group"), _EXAMPLE),
                **errors(s404=_NO_GROUP, s409="It has begun: whether it is ephemeral is settled."),
            },
            name="changeGroup",
            tag="groups",
            needs="manage",
            body=requested(ref("SettingsChange"), {"precision": 500}, is_required=False),
        ),
        "delete": operation(
            "Remove a group with all its fixes, recordings and invites",
            {
                "200": answer("Removed.", object_of("deleted", {"type": "string"}), {"deleted": "hikers"}),
                **errors(s404=_NO_GROUP),
            },
            name="deleteGroup",
            tag="groups",
            needs="manage",
        ),
    },
    "/locshare/api/groups/{group}/members/{member}": {
        "patch": operation(
            "Give a member another name, in all that is kept, or make one of two members",
            {
                "200": answer("Renamed, or merged.", _RENAMED, {"member": "anna"}),
                **errors(
                    s404="There is no such group or member; `near` has names that look like it.",
                    s409="Another member has this name, and `merge` was not asked for.",
                ),
            },
            name="renameMember",
            tag="groups",
            needs="manage",
            body=requested(
                closed(
                    {
                        "name": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": MAX_LENGTH,
                            "description": "Printable characters without `/`; `me` is reserved.",
                        },
                        "merge": {
                            "type": "boolean",
                            "default": False,
                            "description": (
                                "Whether the name may be another member's: then all that is kept of both, "
                                "recordings and invites too, is that one's, and what both sent is kept once."
                            ),
                        },
                    },
                    optional=["merge"],
                ),
                {"name": "anna"},
            ),
        ),
        "delete": operation(
            "Forget a member: every trace, from the file too",
            {
                "200": answer(
                    "Forgotten: so many entries.", object_of("forgotten", _COUNT), {"forgotten": 1042}
                ),
                **errors(s404="There is no such group or member; `near` has names that look like it."),
            },
            name="forgetMember",
            text="Its invites end; a phone that came with an open one stays out for as long as that lives.",
            tag="groups",
            needs="manage; `me`, by a member's own invite, any role",
        ),
    },
}
