"""An event: anything on a group's log that is not a fix."""

from __future__ import annotations

from typing import Literal

import msgspec

from locshare_ext.model.fix import Scalar

__all__ = ["KINDS", "Event", "EventKind"]

EventKind = Literal["note", "alert", "alive", "gap", "join", "leave", "forget"]
KINDS: tuple[EventKind, ...] = ("note", "alert", "alive", "gap", "join", "leave", "forget")


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="event", gc=False
):
    """Something that happened in a group; written by the server.

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
