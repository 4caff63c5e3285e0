"""What is alike in replays, in this process or on a server: where they are, and how they are steered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from locshare_ext.client.playhead import Playhead
from locshare_ext.model.clock import datetime_from_ms
from locshare_ext.model.fix import Fix

__all__ = ["Discontinuity", "Steered"]


class Steered(Protocol):
    """A replay as a timeline moves and follows it; any thread may call.

    Moments are datetimes or RFC 3339 text with a zone, or ms. Raises InvalidInput for a moment
    outside, a speed of 0 or below.
    """

    def playhead(self) -> Playhead:
        """Return where it is now."""

    def watch(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a quick function told of each change, on whichever thread; returns what ends that."""

    def pause(self) -> None:
        """Hold the playhead where it is."""

    def resume(self) -> None:
        """Go on from where it was held."""

    def seek(self, moment: Any) -> None:
        """Go to a moment; held or not as before."""

    def step(self, count: int = 1, *, member: str | None = None) -> None:
        """Go on by so many fixes, or to that one of a member, and hold there."""

    def stop(self) -> None:
        """End it."""

    @property
    def speed(self) -> float:
        """Times as fast as it was; may be set."""

    @speed.setter
    def speed(self, speed: float) -> None: ...

    @property
    def loop(self) -> bool:
        """Whether it begins again at the end; may be set."""

    @loop.setter
    def loop(self, loop: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """What was seen before is no past of what comes: a replay begins, was moved, or begins again.

    reason: why; restart: a live group has begun anew. clock_ms: where
    it goes on, ms. known: each member's last fix before that, as it was known on the replay's
    clock, in order of arrival; they are not delivered again.
    """

    reason: Literal["start", "seek", "loop", "restart"]
    clock_ms: int
    known: Sequence[Fix] = ()

    @property
    def clock(self) -> datetime:
        """Where it goes on."""
        return datetime_from_ms(self.clock_ms)
