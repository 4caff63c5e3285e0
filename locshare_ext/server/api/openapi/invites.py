"""Invites of a group, and who a credential is."""

from __future__ import annotations

from typing import Any

from locshare_ext.broker.access import ROLES
from locshare_ext.model.names import MAX_LENGTH
from locshare_ext.server.api.openapi.parts import (
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
from locshare_ext.services.settings import COARSEST
from locshare_ext.services.wishes import MOST_USES

__all__ = ["PATHS", "SCHEMAS"]

_NO_INVITE = "There is no such group or invite."
_MS: Schema = {"type": "integer", "description": "ms since 1970 UTC."}
_ROLE = f"({'|'.join(ROLES)})"
_ROLE_TEXT = f"^{_ROLE}([ ,]{_ROLE})*$"
_ROLES: Schema = {"type": "array", "items": {"enum": list(ROLES)}, "uniqueItems": True}
_INVITE = {
    "id": "5b1TnQ0cVxYz",
    "group": "hikers",
    "title": "Hikers",
    "member": "ann",
    "roles": ["publish", "watch"],
    "created": 1_763_806_275_123,
    "expires": 1_763_892_675_123,
    "uses": None,
    "used": 0,
    "origin": None,
    "state": "living",
    "connections": 1,
    "heard_age": 1_500,
    "precision": 100.0,
    "consent": "1",
    "consented": 1_763_806_300_000,
}
_TOKEN = "lsi_5b1TnQ0cVxYz_0123456789abcdefghijKL"  # noqa: S105 -- an example
_WAYS = {"attach": f"/locshare/#t={_TOKEN}&g=hikers", "share": f"/locshare/share#t={_TOKEN}"}
_CARD = {**_INVITE, "token": _TOKEN, "links": _WAYS}
_APPS = {
    "ways": [
        {
            "app": "browser",
            "link": f"https://share.example.org/locshare/share#t={_TOKEN}",
            "code": {"path": "M4 4h7v1h-7z", "width": 37},
        }
    ],
    "reason": "",
    "todo": "",
}
_ME = {
    "id": "5b1TnQ0cVxYz",
    "kind": "invite",
    "group": "hikers",
    "title": "Hikers",
    "consent": None,
    "consent_version": "1",
    "member": "ann",
    "roles": ["publish", "watch"],
    "expires": 1_763_892_675_123,
    "sharing": {
        "precision": 100.0,
        "consented": "1",
        "group_precision": None,
        "retention": 604_800,
        "ephemeral": False,
        "recordings": ["morning walk"],
        "watchers": ["bob"],
        "open_watchers": False,
        "messages": [
            {
                "type": "event",
                "kind": "message",
                "time": 1_763_806_275_123,
                "received": 1_763_806_275_123,
                "text": "back to the bus",
                "cursor": "4k7qm2xa-1044",
            }
        ],
    },
}
_FIELDS: dict[str, Schema] = {
    "id": {"type": "string"},
    "group": {"type": "string"},
    "title": {"type": "string"},
    "member": or_null({"type": "string", "description": "Whose it is; null: open, to be exchanged."}),
    "roles": _ROLES,
    "created": _MS,
    "expires": _MS,
    "uses": or_null({"type": "integer", "minimum": 1, "description": "Of an open one; null: any number."}),
    "used": {"type": "integer", "minimum": 0},
    "origin": or_null({"type": "string", "description": "The invite that it was made by or exchanged for."}),
    "state": {"enum": ["living", "expired", "revoked"]},
    "connections": {"type": "integer", "minimum": 0, "description": "Open by it just now."},
    "heard_age": or_null(
        {"type": "integer", "minimum": 0, "description": "Since its member's last sign of life, ms."}
    ),
    "precision": or_null({"type": "number", "description": "Metres, as its holder chose; null: exact."}),
    "consent": or_null({"type": "string", "description": "The version of what its holder agreed to."}),
    "consented": or_null({**_MS, "description": "When; ms since 1970 UTC."}),
}
_LINKS: dict[str, Schema] = {
    name: {
        "operationId": name,
        "parameters": {"path.group": "$response.body#/group", "path.invite": "$response.body#/id"},
    }
    for name in ("readInvite", "revokeInvite")
}

SCHEMAS: dict[str, Schema] = {
    "Invite": closed(_FIELDS),
    "InviteCard": closed(
        {
            **_FIELDS,
            "token": {
                "type": "string",
                "pattern": "^lsi_[0-9A-Za-z]+_[0-9A-Za-z]+$",
                "description": "A secret.",
            },
            "links": closed(
                {
                    "attach": {"type": "string", "description": "For `Group(link)`; from the server's root."},
                    "share": {"type": "string", "description": "The page for phones, from the same."},
                }
            ),
        }
    ),
    "InviteWish": closed(
        {
            "member": or_null(
                {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_LENGTH,
                    "description": "Null: an open one.",
                }
            ),
            "roles": {
                "anyOf": [
                    {**_ROLES, "minItems": 1},
                    {"type": "string", "pattern": _ROLE_TEXT, "examples": ["publish watch"]},
                    {"type": "null"},
                ],
                "default": ["publish", "watch"],
            },
            "expires_in": or_null(
                {"type": "number", "minimum": 1, "description": "Seconds; at most what this server allows."}
            ),
            "uses": or_null(
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_USES,
                    "description": "How often an open one may be exchanged; not with `member`.",
                }
            ),
        },
        optional=("member", "roles", "expires_in", "uses"),
    ),
    "Ways": closed(
        {
            "ways": {
                "type": "array",
                "items": closed(
                    {
                        "app": {
                            "enum": ["browser", "owntracks", "traccar", "overland", "gpslogger", "osmand"]
                        },
                        "link": {"type": "string", "description": "A secret."},
                        "code": or_null(
                            closed(
                                {
                                    "path": {"type": "string", "description": "`d` of an SVG path."},
                                    "width": {
                                        "type": "integer",
                                        "description": "In modules, with its border.",
                                    },
                                }
                            )
                        ),
                    }
                ),
            },
            "reason": {"type": "string", "description": "What is wrong, or to be known; empty for nothing."},
            "todo": {"type": "string", "description": "The one thing to do; empty for nothing."},
        }
    ),
    "Me": closed(
        {
            "id": {"type": "string"},
            "kind": {"enum": ["jupyter", "kernel", "host", "invite"]},
            "group": or_null({"type": "string", "description": "The only one that it is for; null: all."}),
            "title": or_null({"type": "string"}),
            "consent": or_null({"type": "string", "description": "What the group tells its members."}),
            "consent_version": {"type": "string", "description": "Of that text: agreed to by PATCH."},
            "member": or_null(
                {"type": "string", "description": "As whom it speaks; null: it may choose, or is open."}
            ),
            "roles": _ROLES,
            "expires": or_null(_MS),
            "sharing": or_null(ref("SharingInfo")),
        }
    ),
    "SharingInfo": closed(
        {
            "precision": or_null({"type": "number", "description": "Metres that it chose; null: exact."}),
            "consented": or_null({"type": "string", "description": "The version that it agreed to."}),
            "group_precision": or_null({"type": "number", "description": "Metres; the coarser one counts."}),
            "retention": or_null({"type": "integer", "description": "Seconds that fixes are kept."}),
            "ephemeral": {"type": "boolean", "description": "Whether they are never on a disk."},
            "recordings": {
                "type": "array",
                "items": {"type": "string"},
                "description": "That run now: what lies in them is kept until they are deleted.",
            },
            "watchers": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Who may watch by an invite, besides the host.",
            },
            "open_watchers": {
                "type": "boolean",
                "description": "Whether more may join by an open invite, and watch.",
            },
            "messages": {
                "type": "array",
                "items": ref("Event"),
                "description": "The host's last ones of a day.",
            },
        }
    ),
    "MeChoice": closed(
        {
            "precision": or_null(
                {"type": "number", "minimum": 1, "maximum": COARSEST, "description": "Metres; null: exact."}
            ),
            "consent": or_null(
                {"type": "string", "description": "`consent_version` that is agreed to; null: no more."}
            ),
        },
        optional=("precision", "consent"),
    ),
}

PATHS: dict[str, dict[str, Any]] = {
    "/locshare/api/groups/{group}/invites": {
        "get": operation(
            "The group's invites, living and ended, without their tokens",
            {
                "200": answer(
                    "By time of creation.",
                    object_of("invites", {"type": "array", "items": ref("Invite")}),
                    {"invites": [_INVITE]},
                    headers=ETAG,
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404="There is no such group; `near` has names that look like it."),
            },
            name="listInvites",
            tag="invites",
            needs="manage",
        ),
        "post": operation(
            "Make an invite; or exchange an open one for one of a member",
            {
                "201": answer("Made.", ref("InviteCard"), _CARD, links=_LINKS),
                "200": answer(
                    "There is a living one that is the same: this.", ref("InviteCard"), _CARD, links=_LINKS
                ),
                **errors(
                    s409=(
                        "Somebody has this name, or there are as many invites, groups or members as there "
                        "may be."
                    )
                ),
            },
            name="makeInvite",
            tag="invites",
            needs="manage; or an open invite as credential, and then `member` says who one is",
            body=requested(ref("InviteWish"), {"member": "ann", "expires_in": 10_800}, is_required=False),
        ),
    },
    "/locshare/api/groups/{group}/invites/{invite}": {
        "get": operation(
            "An invite; with its token while it lives",
            {
                "200": answer(
                    "The invite.", {"oneOf": [ref("InviteCard"), ref("Invite")]}, _CARD, headers=ETAG
                ),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NO_INVITE),
            },
            name="readInvite",
            tag="invites",
            needs="manage",
        ),
        "delete": operation(
            "Revoke an invite: what is open by it is closed",
            {
                "200": answer(
                    "Revoked.", object_of("revoked", {"type": "string"}), {"revoked": "5b1TnQ0cVxYz"}
                ),
                **errors(s404=_NO_INVITE),
            },
            name="revokeInvite",
            tag="invites",
            needs="manage",
        ),
    },
    "/locshare/api/groups/{group}/invites/{invite}/ways": {
        "get": operation(
            "How a phone comes in by an invite: a link for each app, with its code to scan",
            {
                "200": answer("The ways.", ref("Ways"), _APPS, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(s404=_NO_INVITE),
            },
            name="readWays",
            tag="invites",
            needs="manage",
            text=(
                "The address by which phones come is tried, which takes 5 s at most. There is no way where "
                "no phone could use it, or the invite has ended; `reason` and `todo` say why, and what to do."
            ),
        ),
    },
    "/locshare/api/me": {
        "get": operation(
            "Who the credential is, and where it may do what",
            {
                "200": answer("Its holder.", ref("Me"), _ME, headers=ETAG),
                "304": ref("NotModified", "responses"),
                **errors(),
            },
            name="readMe",
            tag="invites",
            needs="any credential",
        ),
        "patch": operation(
            "Choose how exact one's places are, and agree to what the group tells",
            {
                "200": answer("Its holder, as it is now.", ref("Me"), _ME),
                **errors(s409="The text has changed: it is another version by now."),
            },
            name="chooseForMe",
            tag="invites",
            needs="an invite of a member",
            text=(
                "Positions that come by the invite are put on a grid of so many metres before they are kept "
                "or seen; the group's own precision counts where it is coarser."
            ),
            body=requested(ref("MeChoice"), {"precision": 100, "consent": "1"}),
        ),
    },
}
