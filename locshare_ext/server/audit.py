"""Who changed what for others: invites, recordings, deletions; never a place, never a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from locshare_ext.broker.access import Principal

if TYPE_CHECKING:
    from jupyter_events import EventLogger

__all__ = ["ACTIONS", "SCHEMA_ID", "Action", "Audit", "emitter"]

Action = Literal[
    "group_made",
    "group_deleted",
    "member_forgotten",
    "member_renamed",
    "member_merged",
    "invite_made",
    "invite_exchanged",
    "invite_revoked",
    "recording_started",
    "recording_imported",
    "recording_deleted",
    "replay_started",
    "replay_ended",
    "phones_opened",
    "phones_closed",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
SCHEMA_ID = "https://events.jupyter.org/locshare_ext/audit/v1"
_SCHEMA = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Sharing of locations",
    "personal-data": True,
    "description": "Who changed groups, invites and recordings. Has no position and no credential.",
    "type": "object",
    "required": ["action", "by", "kind"],
    "properties": {
        "action": {"enum": list(ACTIONS)},
        "by": {"type": "string", "description": "Who did it: a user, `host`, a kernel, an invite's id."},
        "kind": {"enum": ["jupyter", "kernel", "host", "invite"]},
        "group": {"type": "string", "description": "The group's name in addresses."},
        "id": {"type": "string", "description": "Of the invite, recording or replay; a listener's address."},
        "roles": {"type": "array", "items": {"type": "string"}, "description": "Of the invite."},
    },
}

Emit = Callable[[Mapping[str, Any]], None]


class Audit:
    """Notes what was done, in the log (INFO) and, in a Jupyter server, as events."""

    def __init__(self, log: logging.Logger | logging.LoggerAdapter[Any], emit: Emit | None = None) -> None:
        self._log = log
        self._emit = emit

    def note(
        self,
        action: Action,
        principal: Principal,
        *,
        group: str | None = None,
        target: str | None = None,
        **more: Any,
    ) -> None:
        """Note one of ACTIONS; target: the id of what it was done to, and never a name of a member."""
        about = {name: value for name, value in (("group", group), ("id", target)) if value is not None}
        who = principal.kind if principal.id == principal.kind else f"{principal.kind} {principal.id}"
        self._log.info(
            "%s by %s%s",
            action.replace("_", " "),
            who,
            "".join(f", {name} {value}" for name, value in about.items()),
        )
        if self._emit is not None:
            self._emit({"action": action, "by": principal.id, "kind": principal.kind, **about, **more})


def emitter(events: EventLogger) -> Emit:
    """Return what emits to a Jupyter server's event logger, where handlers and listeners get it."""
    if SCHEMA_ID not in events.schemas:
        events.register_event_schema(_SCHEMA)

    def emit(data: Mapping[str, Any]) -> None:
        events.emit(schema_id=SCHEMA_ID, data=dict(data))

    return emit
