"""What a replay says between its fixes."""

from __future__ import annotations

from typing import Literal

import msgspec

from locshare_ext.model.clock import Clock

__all__ = ["Mark", "MarkState"]

MarkState = Literal["discontinuity", "restored", "event", "playing", "paused", "ended"]


class Mark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mark on a replay's log, or of a fix on it.

    discontinuity: what was seen before is no past of what comes. restored: the fix is a
    member's last before the playhead. playing, paused, ended: how it goes on from here.
    event: the recording's own, of this moment; its body is the event. playhead: ms on `clock`.
    cursor: its place in the replay's log.
    """

    state: MarkState
    playhead: int
    clock: Clock
    cursor: str | None = None
    member: None = None

    @property
    def effective_time(self) -> int:
        """The playhead, ms."""
        return self.playhead

    @property
    def type(self) -> Literal["discontinuity", "event", "state"]:
        """What objects of it are called on the wire."""
        return self.state if self.state in ("discontinuity", "event") else "state"

    def age(self, moments: tuple[int, int]) -> int:
        """Return how old (ms) a fix of these `time` and `received` is at the playhead."""
        return self.playhead - moments[self.clock == "received"]
