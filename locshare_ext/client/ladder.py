"""Which transport to use when some do not get through: the rules, without I/O and without a clock.

The transports are rungs, best first. A `Ladder` is told how each attempt ended, and says which rung
to use and when to look whether a higher one gets through. Its rules:

1. **Nobody is blamed for a server that is down.** Before a failure counts, the server is asked
   something by plain HTTP. If that fails too, it is `UNREACHED`: no rung changes, whatever had
   counted is forgotten, and a look upwards is due as soon as something works again: after an
   outage the network may be another one.
2. **What the server itself says is no block.** A refused credential, a limit, a stop: `SAID`.
3. **Blocked at once**: while the server answers plain HTTP, somebody else refused this transport,
   or it was opened and nothing came through it within `patience` seconds: `BARRED`.
4. **Blocked when it happens again**: what may be an accident, such as HTTP 502 or a reset before
   the transport was live, `FAILED`, counts when it happens `strikes` times in a row.
5. **Cut again and again**: lives of under `short_life` seconds that end without a word, `CUT`,
   count when there are `cuts` of them in a row. Longer lives are worth resuming, and so are all
   on the lowest rung.
6. From a blocked rung it goes one down; from the lowest it begins again at the top.
7. **Up again**: on a lower rung it is tried beside, every `first_look` seconds and then ever more
   rarely, up to `longest_look`, whether a higher rung gets through, the best first; one that was
   cut must last `short_life` seconds in that trial. Only then is the lower rung left.
8. **No flapping**: a rung that was climbed to is on probation until it has lived for `short_life`:
   one failure, and it goes down again and waits longer before the next look.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from locshare_ext.errors import InvalidInput

__all__ = ["AUTO", "RUNGS", "TRANSPORT", "WORDS", "Ending", "Ladder", "Rules", "check_transport"]

RUNGS = ("stomp", "sse", "long polling")
TRANSPORT = "LOCSHARE_TRANSPORT"  # environment: the transport of groups that are not told which
AUTO = "auto"  # choose by the rules
# What does not get through when a rung is blocked, and what is used instead, in words for people.
WORDS = {"stomp": "WebSocket", "sse": "SSE", "long polling": "long polling", "post": "POST"}


class Ending(Enum):
    """How an attempt on a rung, or a life on it, has ended; see the rules of this module."""

    UNREACHED = auto()
    SAID = auto()
    BARRED = auto()
    FAILED = auto()
    CUT = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers in the rules; all but `strikes` and `cuts` in seconds."""

    patience: float = 10.0
    strikes: int = 2
    short_life: float = 60.0
    cuts: int = 3
    first_look: float = 30.0
    longest_look: float = 600.0


class Ladder:
    """Chooses among rungs, best first; used by one thread, but for `look_at`, `higher` and `missed`.

    Those three may be called by whoever looks upwards while that thread is at work on a rung.

    jitter: returns what a delay is multiplied with, so that those who were blocked together do
    not look up together. Every `now` is of one clock that is never set, in seconds.
    """

    def __init__(
        self,
        rungs: Sequence[str] = RUNGS,
        rules: Rules | None = None,
        *,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311 - not a secret
    ) -> None:
        self.rules = rules or Rules()
        self._rungs = tuple(rungs)
        self._jitter = jitter
        self._place = 0
        self._reasons: dict[str, str] = {}  # why each higher rung is not used
        self._holds: dict[str, float] = {}  # s that a trial of a rung must last
        self._live_since: float | None = None
        self._is_proven = True  # False: climbed to, and on probation
        self._strikes = 0
        self._cuts = 0
        self._looks = 0  # that have failed since it was last well at the top
        self._look_at: float | None = None

    @property
    def rung(self) -> str:
        """The transport to use."""
        return self._rungs[self._place]

    @property
    def is_live(self) -> bool:
        """Whether the rung has come to life, and not ended since."""
        return self._live_since is not None

    @property
    def reason(self) -> str:
        """Why not the best transport, as a clause for people; empty at the top."""
        above = self._rungs[: self._place]
        if not above:
            return ""
        names = " and ".join(WORDS.get(name, name) for name in above)
        verb = "does not get through" if len(above) == 1 else "do not get through"
        return f"{names} {verb}"

    @property
    def detail(self) -> str:
        """What was seen of each rung that is not used, for a log."""
        return "; ".join(self._reasons[name] for name in self._rungs[: self._place] if name in self._reasons)

    @property
    def look_at(self) -> float | None:
        """When to try the higher rungs, None while there are none."""
        return self._look_at if self._place else None

    def higher(self) -> list[tuple[str, float]]:
        """Return the higher rungs, best first, and the seconds that a trial of each must last."""
        return [(name, self._holds.get(name, 0.0)) for name in self._rungs[: self._place]]

    def lived(self, now: float) -> None:
        """The rung is live: its hello came."""
        self._live_since = now
        self._strikes = 0

    def ended(self, ending: Ending, now: float, why: str = "") -> bool:
        """Take note of how it ended; returns whether to go on at once, on a lower rung.

        why: what was seen, for the log.
        """
        began, self._live_since = self._live_since, None
        lived = 0.0 if began is None else now - began
        if lived >= self.rules.short_life:
            self._settle()
        if ending in (Ending.UNREACHED, Ending.SAID):
            self._strikes = self._cuts = 0
            if ending is Ending.UNREACHED and self._place:
                self._look_at = now
            return False
        if not self._is_blocked(ending, began is not None, lived):
            return False
        self._reasons[self.rung] = why or ending.name.lower()
        self._holds[self.rung] = self.rules.short_life if began is not None else 0.0
        self._step_down(now)
        return self._place > 0

    def passed(self, rung: str, now: float) -> None:
        """A higher rung has stood its trial: go there, and leave the life on this one."""
        self._live_since = None
        self._place = self._rungs.index(rung)
        self._is_proven = False
        self._strikes = self._cuts = 0
        if self._place:
            self._plan(now)

    def missed(self, now: float) -> None:
        """No higher rung gets through yet: look again, later than this time."""
        self._plan(now)

    def _is_blocked(self, ending: Ending, was_live: bool, lived: float) -> bool:
        if ending is Ending.BARRED:
            return True
        if was_live:
            if lived >= self.rules.short_life or self.rung == self._rungs[-1]:
                return False
            self._cuts += 1
            return self._cuts >= self.rules.cuts or not self._is_proven
        self._strikes += 1
        return self._strikes >= self.rules.strikes or not self._is_proven

    def _settle(self) -> None:
        """It was well here for long enough."""
        self._cuts = 0
        self._is_proven = True
        self._holds.pop(self.rung, None)
        if not self._place:
            self._looks = 0

    def _step_down(self, now: float) -> None:
        self._strikes = self._cuts = 0
        self._place = (self._place + 1) % len(self._rungs)
        self._is_proven = True  # lower ones are judged as usual
        if self._place:
            self._plan(now)

    def _plan(self, now: float) -> None:
        rules = self.rules
        delay = min(rules.longest_look, rules.first_look * 2.0 ** min(self._looks, 30))
        self._looks += 1
        self._look_at = now + delay * self._jitter()


def check_transport(name: str | None, *, field: str = "transport") -> str | None:
    """Return the name of a transport to keep to, `auto`, or None for what was not said.

    Raises InvalidInput for another one.
    """
    if name is None:
        return None
    wanted = " ".join(name.casefold().replace("-", " ").replace("_", " ").split())
    if wanted not in (AUTO, *RUNGS):
        raise InvalidInput(
            f"{field} {name!r} is not one that a notebook watches by; expected one of "
            f"{', '.join((AUTO, *RUNGS))}",
            field=field,
        )
    return wanted
