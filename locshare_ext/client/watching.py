"""Rules held to the fixes that callbacks see: what is set off, in the order in which they are seen."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from locshare_ext.alerts import Alert, Rule, Watch
from locshare_ext.alerts.watch import MAX_RULES
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    from locshare_ext.client.source import FixBatch

__all__ = ["Known", "Watching", "newest_of"]

KEPT = 10_000  # alerts that are kept to be asked for
Known = Callable[[], tuple[Iterable[Fix], int]]


class Watching:
    """The rules of one source, as they are wanted, and the watch that holds them.

    Rules may be set by any thread; they are held from the next turn on, which belongs to the
    thread that brings the fixes, and what is set in a turn at once. Without rules it costs nothing.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._lock = threading.Lock()  # of what is wanted
        self._turn = threading.RLock()  # of the watch: fixes and time come one after the other
        self._owner: int | None = None
        self._is_changed = False
        self._watch: Watch | None = None
        self.clock: Clock = "received"  # of the fixes, until it begins anew by another
        self._forgotten: list[str] = []
        self._known: Known = _nobody
        self._told: deque[Alert] = deque(maxlen=KEPT)
        self.on_rules: Callable[[], None] | None = None  # rules were set

    def __bool__(self) -> bool:
        return bool(self._rules) or self._watch is not None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order in which they were set."""
        with self._lock:
            return tuple(self._rules.values())

    @property
    def is_own_turn(self) -> bool:
        """Whether this thread has the turn."""
        return self._owner == threading.get_ident()

    @property
    def due(self) -> int | None:
        """The moment (ms) at which time alone may set something off, None for none."""
        watch = self._watch
        return None if watch is None else watch.due()

    def told(self) -> list[Alert]:
        """Return what was told since it began anew last, the newest 10,000."""
        with self._turn:
            return list(self._told)

    def set(self, rules: Sequence[Rule]) -> None:
        """Hold rules, each instead of the one of its name; one that is the same goes on as it is."""
        with self._lock:
            wanted = {**self._rules, **{rule.name: rule for rule in rules}}
            if len(wanted) > MAX_RULES:
                raise InvalidInput(f"there are {MAX_RULES} rules already", field="rule")
            self._rules = wanted
            self._is_changed = True
        self._changed()

    def remove(self, name: str) -> bool:
        """Hold a rule no longer; returns whether there was one of this name."""
        with self._lock:
            found = self._rules.pop(name, None) is not None
            self._is_changed = self._is_changed or found
        if found:
            self._changed()
        return found

    def clear(self) -> None:
        """Hold nothing."""
        with self._lock:
            self._rules = {}
            self._watch = None

    def forget(self, member: str) -> None:
        """Let go of a member, from the next turn on."""
        with self._lock:
            self._forgotten.append(member)
            self._is_changed = True
        with self._turn:
            kept = [alert for alert in self._told if member not in (alert.member, alert.other)]
            self._told = deque(kept, maxlen=KEPT)

    @contextmanager
    def turn(self, known: Known) -> Iterator[None]:
        """Have fixes, or time, come by this thread; known: gives each member's last fix
        before them, and how far the clock has come (ms).
        """
        with self._turn:
            before, self._owner, self._known = self._owner, threading.get_ident(), known
            try:
                if self._is_changed:
                    self._reconcile()
                yield
            finally:
                self._owner = before

    def begin(self, known: Iterable[Fix], moment: int, clock: Clock) -> None:
        """Begin anew: everybody is where these fixes say, which sets off nothing."""
        with self._turn:
            self._told.clear()
            self.clock = clock
            with self._lock:
                self._watch = Watch(self._rules.values(), clock=clock) if self._rules else None
                self._is_changed, self._forgotten = False, []
            if self._watch is not None:
                self._watch.begin(known, moment=moment)

    def approach(self, fix: Fix) -> list[Alert]:
        """Return what time alone sets off before the next fix comes; in a turn."""
        return [] if self._watch is None else self.advance(self._watch.moment_of(fix))

    def see(self, fix: Fix) -> list[Alert]:
        """Return what the next fix sets off; in a turn."""
        return [] if self._watch is None else self._keep(self._watch.see(fix))

    def advance(self, moment: int) -> list[Alert]:
        """Return what time alone sets off until a moment (ms); in a turn."""
        return [] if self._watch is None else self._keep(self._watch.advance(moment))

    def _keep(self, alerts: list[Alert]) -> list[Alert]:
        self._told += alerts
        return alerts

    def _changed(self) -> None:
        if self.is_own_turn:
            self._reconcile()
        if self.on_rules is not None:
            self.on_rules()

    def _reconcile(self) -> None:
        """Have the watch hold what is wanted."""
        with self._lock:
            self._is_changed = False
            wanted = dict(self._rules)
            gone, self._forgotten = self._forgotten, []
        watch = self._watch
        if watch is None and wanted:
            watch = self._watch = Watch(clock=self.clock)
            fixes, moment = self._known()
            watch.begin(fixes, moment=moment)
        if watch is None:
            return
        for member in gone:
            watch.forget(member)
        for rule in watch.rules:
            if wanted.get(rule.name) != rule:
                watch.remove(rule.name)
        held = {rule.name for rule in watch.rules}
        for rule in wanted.values():
            if rule.name not in held:
                watch.add(rule)
        if not wanted:
            self._watch = None


def _nobody() -> tuple[Iterable[Fix], int]:
    return (), 0


def newest_of(batch: FixBatch) -> list[Fix]:
    """Return each member's newest fix of a batch by effective time, as far as rules look at one."""
    import numpy as np

    received = batch.received
    effective = np.where((received > 0) & (received < batch.time), received, batch.time)
    order = np.lexsort((effective, batch.member))  # stable: of equal times the later one is the last
    members = batch.member[order]
    is_last = np.append(members[1:] != members[:-1], True) if len(members) else np.zeros(0, dtype=bool)
    return [
        Fix(
            member=batch.names[batch.member[row]],
            time=int(batch.time[row]),
            received=int(received[row]),
            lat=float(batch.lat[row]),
            lon=float(batch.lon[row]),
            speed=None if np.isnan(batch.speed[row]) else float(batch.speed[row]),
            flags=(),
        )
        for row in np.sort(order[is_last]).tolist()
    ]
