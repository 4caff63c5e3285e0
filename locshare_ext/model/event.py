"""An event: anything on a group's log that is not a fix."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from locshare_ext.model.fix import Scalar

__all__ = ["KINDS", "Event", "EventKind"]

EventKind = Literal["note", "alert", "alive", "gap", "join", "leave", "forget", "message", "sos"]
KINDS: tuple[EventKind, ...] = get_args(EventKind)


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="event", gc=False
):
    """Something that happened in a group; written by the server.

    kind: note: what somebody says of a moment. message: what the host says to all. sos: a member
    asks for help. gap: a member's device tells that it measured nothing for a while, and why.
    join: a member has agreed to share, leave: it shares no more. alert: a rule tells something.
    time: integer ms since 1970 UTC, when it happened; received: when the server knew.
    member: whom it concerns, None for the group. text: for people. data: for programs.
    cursor: its place in the group's log.
    """

    kind: EventKind
    time: int
    received: int = 0
    member: str | None = None
    text: str | None = None
    data: dict[str, Scalar] | None = None
    cursor: str | None = None

    @property
    def effective_time(self) -> int:
        """The earlier of both clocks, ms."""
        return min(self.time, self.received) if self.received else self.time
