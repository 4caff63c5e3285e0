"""One rule, held to one fix after another: what each member's state by it is."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from locshare_ext.alerts.alert import Alert, Kind
from locshare_ext.alerts.areas import Area, metres_between
from locshare_ext.alerts.nearby import Nearby
from locshare_ext.alerts.rules import Geofence, Proximity, Rule, Silence, Speed
from locshare_ext.model.fix import Fix

__all__ = ["Holding", "Seen", "holding_of"]


class Seen:
    """A fix as it is seen. moment: when, ms on the watch's clock. before: the member's last one.

    is_late: whether a newer one of the member was seen before.
    """

    __slots__ = ("before", "fix", "is_late", "moment")

    def __init__(self, fix: Fix, moment: int, before: Seen | None) -> None:
        self.fix = fix
        self.moment = moment
        self.before = before
        self.is_late = before is not None and fix.effective_time < before.fix.effective_time

    def alone(self) -> Seen:
        """Return it without what came before."""
        return self if self.before is None else Seen(self.fix, self.moment, None)


class Holding(ABC):
    """The states that one rule knows."""

    rule: Rule

    @abstractmethod
    def see(self, seen: Seen) -> list[Alert]:
        """Return what a fix sets off."""

    @abstractmethod
    def place(self, seen: Seen) -> None:
        """Take a member to be where a fix says, which sets off nothing."""

    @abstractmethod
    def forget(self, member: str) -> None:
        """Forget a member."""

    def advance(self, moment: int) -> list[tuple[int, Alert]]:
        """Return what time alone sets off until a moment, and when, on the watch's clock."""
        return []

    def due(self) -> int | None:
        """Return when time alone may set something off next."""
        return None

    def _tell(
        self,
        kind: Kind,
        fix: Fix,
        *,
        after: int = 0,
        other: str | None = None,
        value: float | None = None,
    ) -> list[Alert]:
        """Return the alert of a fix, `after` ms after it; nothing if it is not asked for."""
        if kind not in self.rule.on:
            return []
        alert = Alert(
            rule=self.rule.name,
            kind=kind,
            member=fix.member,
            time=fix.time + after,
            received=fix.received + after if fix.received else 0,
            lat=fix.lat,
            lon=fix.lon,
            other=other,
            value=value,
        )
        return [alert]


class _Fence(Holding):
    """Who is inside."""

    def __init__(self, rule: Geofence) -> None:
        self.rule: Geofence = rule
        self._inside: set[str] = set()

    def see(self, seen: Seen) -> list[Alert]:
        fix, rule = seen.fix, self.rule
        if seen.is_late or not rule.covers(fix.member):
            return []
        was_inside = fix.member in self._inside
        is_inside = self._is_inside(fix, was_inside)
        alerts: list[Alert] = []
        if is_inside and not was_inside:
            self._inside.add(fix.member)
            alerts = self._tell("enter", fix)
        elif was_inside and not is_inside:
            self._inside.discard(fix.member)
            alerts = self._tell("exit", fix)
        return alerts + self._tell("inside" if is_inside else "outside", fix)

    def place(self, seen: Seen) -> None:
        if self.rule.covers(seen.fix.member) and self._is_inside(seen.fix, False):
            self._inside.add(seen.fix.member)

    def forget(self, member: str) -> None:
        self._inside.discard(member)

    def _is_inside(self, fix: Fix, was_inside: bool) -> bool:
        area: Area = self.rule.area
        margin = self.rule.margin
        if was_inside and margin:
            return not area.is_beyond(fix.lat, fix.lon, margin)
        return area.contains(fix.lat, fix.lon)


class _Pairs(Holding):
    """Who is near whom. Where everybody is lies in cells, so that only neighbours are asked."""

    def __init__(self, rule: Proximity) -> None:
        self.rule: Proximity = rule
        self._max_age = rule.max_age_ms
        self._places = Nearby(rule.near)
        self._last: dict[str, Seen] = {}
        self._near: dict[str, set[str]] = {}

    def see(self, seen: Seen) -> list[Alert]:
        fix = seen.fix
        if seen.is_late or not self.rule.covers(fix.member):
            return []
        alerts: list[Alert] = []
        for kind, other, metres in self._changes(seen):
            alerts += self._tell(kind, fix, other=other, value=metres)
        return alerts

    def place(self, seen: Seen) -> None:
        if self.rule.covers(seen.fix.member):
            self._changes(seen)

    def forget(self, member: str) -> None:
        self._last.pop(member, None)
        self._places.drop(member)
        for other in list(self._near.get(member, ())):
            self._part(member, other)

    def _changes(self, seen: Seen) -> list[tuple[Kind, str, float]]:
        """Note where a member is now; returns with whom that changes what, by name."""
        fix, rule = seen.fix, self.rule
        member = fix.member
        self._last[member] = seen
        self._places.put(member, fix.lat, fix.lon)
        changes: list[tuple[Kind, str, float]] = []
        partners = self._near.get(member, set())
        for other in sorted({*partners, *self._places.around(fix.lat, fix.lon)}):
            if not rule.covers_pair(member, other):
                continue
            is_near = other in partners
            at = self._last[other]
            if seen.moment - at.moment > self._max_age:  # nobody knows where they are now
                if is_near:
                    self._part(member, other)
                continue
            limit = rule.far if is_near else rule.near
            metres = metres_between(fix.lat, fix.lon, at.fix.lat, at.fix.lon, near=limit)
            if is_near and metres > rule.far:
                self._part(member, other)
                changes.append(("far", other, metres))
            elif not is_near and metres <= rule.near:
                self._near.setdefault(member, set()).add(other)
                self._near.setdefault(other, set()).add(member)
                changes.append(("near", other, metres))
        return changes

    def _part(self, a: str, b: str) -> None:
        """Note that two are no longer near each other."""
        for one, other in ((a, b), (b, a)):
            partners = self._near.get(one)
            if partners is not None:
                partners.discard(other)
                if not partners:
                    del self._near[one]


class _Silences(Holding):
    """Who was heard last when. Each member waits once in a heap, to be looked at when it is due."""

    def __init__(self, rule: Silence) -> None:
        self.rule: Silence = rule
        self._span = rule.lasting_ms
        self._heard: dict[str, Seen] = {}
        self._silent: set[str] = set()
        self._waiting: list[tuple[int, str]] = []  # (not due before, member)

    def see(self, seen: Seen) -> list[Alert]:
        fix = seen.fix
        if not self.rule.covers(fix.member):
            return []
        before = self._heard.get(fix.member)
        is_back = fix.member in self._silent
        self.place(seen)
        if not is_back or before is None:
            return []
        return self._tell("heard", fix, value=(seen.moment - before.moment) / 1000)

    def place(self, seen: Seen) -> None:
        member = seen.fix.member
        if not self.rule.covers(member):
            return
        is_waiting = member in self._heard and member not in self._silent
        self._heard[member] = seen.alone()
        self._silent.discard(member)
        if not is_waiting:
            heapq.heappush(self._waiting, (seen.moment + self._span, member))

    def forget(self, member: str) -> None:
        self._heard.pop(member, None)
        self._silent.discard(member)
        self._waiting = [(due, other) for due, other in self._waiting if other != member]
        heapq.heapify(self._waiting)

    def advance(self, moment: int) -> list[tuple[int, Alert]]:
        alerts: list[tuple[int, Alert]] = []
        while self._waiting and self._waiting[0][0] <= moment:
            member = self._waiting[0][1]
            seen = self._heard[member]
            due = seen.moment + self._span
            if due > moment:  # heard since
                heapq.heapreplace(self._waiting, (due, member))
                continue
            heapq.heappop(self._waiting)
            self._silent.add(member)
            told = self._tell("silent", seen.fix, after=self._span, value=self._span / 1000)
            alerts += [(due, alert) for alert in told]
        return alerts

    def due(self) -> int | None:
        return self._waiting[0][0] if self._waiting else None


class _Speeds(Holding):
    """Who is fast."""

    def __init__(self, rule: Speed) -> None:
        self.rule: Speed = rule
        self._max_age = rule.max_age_ms
        self._fast: set[str] = set()

    def see(self, seen: Seen) -> list[Alert]:
        member = seen.fix.member
        if seen.is_late or not self.rule.covers(member):
            return []
        speed = self._speed(seen)
        if speed is None:
            return []
        if member in self._fast:
            if speed >= self.rule.below:
                return []
            self._fast.discard(member)
            return self._tell("slow", seen.fix, value=speed)
        if speed <= self.rule.above:
            return []
        self._fast.add(member)
        return self._tell("fast", seen.fix, value=speed)

    def place(self, seen: Seen) -> None:
        speed = seen.fix.speed
        if self.rule.covers(seen.fix.member) and speed is not None and speed > self.rule.above:
            self._fast.add(seen.fix.member)

    def forget(self, member: str) -> None:
        self._fast.discard(member)

    def _speed(self, seen: Seen) -> float | None:
        """Return the fix's own speed, else that from the member's last one; None if nobody knows."""
        fix = seen.fix
        if fix.speed is not None:
            return fix.speed
        if seen.before is None:
            return None
        last = seen.before.fix
        passed = fix.effective_time - last.effective_time
        if not 0 < passed <= self._max_age:
            return None
        seconds = passed / 1000
        return metres_between(last.lat, last.lon, fix.lat, fix.lon, near=self.rule.above * seconds) / seconds


_HOLDINGS: dict[type[Rule], Callable[[Any], Holding]] = {
    Geofence: _Fence,
    Proximity: _Pairs,
    Silence: _Silences,
    Speed: _Speeds,
}


def holding_of(rule: Rule) -> Holding:
    """Return what holds a rule, with nobody seen yet."""
    return _HOLDINGS[type(rule)](rule)
