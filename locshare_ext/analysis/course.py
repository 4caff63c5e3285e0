"""One member's numbers, kept fix by fix: a late fix changes what lies on either side of it, and no more.

Times are ms since 1970 UTC.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import attrgetter

from locshare_ext.analysis.stays import Place, is_elsewhere

__all__ = ["KEPT", "Course", "Kept", "Rules", "Stay", "Step"]

KEPT = 20_000  # fixes of a member among which a late one finds its place; up to twice as many

# sign (-1 takes away), ms, and from where to where: lat, lon, lat, lon
Step = tuple[int, int, float, float, float, float]
Kept = tuple["array[int]", "array[float]", "array[float]"]  # time, lat, lon


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as what. max_gap, trip_gap, lasting: ms; square: of the radius of a stop in m."""

    max_gap: int
    trip_gap: int
    lasting: int
    square: float


@dataclass(slots=True)
class Stay:
    """A member near a place, from a fix to a fix, see `stays`."""

    begin: int
    end: int
    place: Place


_begin_of = attrgetter("begin")


class Course:
    """What a member did so far. Of fixes of one moment the last that came is where it was.

    `take` is for one fix; steps that come or go wait in `steps`, to be measured together.
    """

    def __init__(self, member: str, rules: Rules) -> None:
        self.member = member
        self._rules = rules
        self.fixes = 0
        self.trips = 0
        self.first = self.last = 0
        self.gaps = self.gap_time = 0
        self.stops = self.stopped = 0  # count and ms, the stay that goes on included
        self.too_late = 0  # fixes that came behind all that are kept: counted, and no more
        self.steps: list[Step] = []
        self.forgotten: list[Kept] = []  # what is kept no more, until its owner has looked at it
        self.cells: set[int] = set()
        self.area = 0.0
        self._time = array("q")
        self._columns = tuple(array("d") for _ in range(5))  # lat, lon, x, y, z
        self._stays: list[Stay] = []

    @property
    def stay(self) -> Stay:
        """Return the stay that its last fix belongs to."""
        return self._stays[-1]

    def is_stop(self, stay: Stay) -> bool:
        """Return whether a stay is a stop."""
        return stay.end - stay.begin >= self._rules.lasting

    def places(self) -> Kept:
        """Return time, lat and lon of the fixes that are kept, one for each moment."""
        return self._time, self._columns[0], self._columns[1]

    def take(self, time: int, place: tuple[float, float, float, float, float]) -> None:
        """Count a fix; place: lat, lon, x, y, z."""
        self.fixes += 1
        if not self._time:
            self.first = self.last = time
            self.trips = 1
        elif time > self._time[-1]:
            self._step(len(self._time) - 1, 1, time, place)
            self.last = time
        else:
            self._take_late(time, place)
            return
        self._time.append(time)
        for column, value in zip(self._columns, place, strict=True):
            column.append(value)
        self._stay_on(len(self._time) - 1)
        if len(self._time) >= 2 * KEPT:
            self._forget(KEPT)

    # ways

    def _step(self, at: int, sign: int, time: int, place: tuple[float, ...]) -> None:
        """Count the step from a fix that is kept to a later place; sign -1: no more."""
        dt = time - self._time[at]
        if dt > self._rules.max_gap:
            self.gaps += sign
            self.gap_time += sign * dt
        if dt > self._rules.trip_gap:
            self.trips += sign
        else:
            lat, lon = self._columns[0][at], self._columns[1][at]
            self.steps.append((sign, dt, lat, lon, place[0], place[1]))

    def _between(self, before: int, after: int, sign: int) -> None:
        """Count the step between two fixes that are kept, where there are such."""
        if before >= 0 and after < len(self._time):
            self._step(before, sign, self._time[after], self._at(after))

    def _at(self, at: int) -> tuple[float, ...]:
        return tuple(column[at] for column in self._columns)

    def _take_late(self, time: int, place: tuple[float, ...]) -> None:
        """Count a fix of a moment that is past, or of the last one again."""
        at = bisect_left(self._time, time)
        is_again = self._time[at] == time
        if at == 0 and self.first < self._time[0]:
            self.too_late += 1
            return
        after = at + 1 if is_again else at
        if is_again:
            self._between(at - 1, at, -1)
            self._between(at, after, -1)
            for column, value in zip(self._columns, place, strict=True):
                column[at] = value
        else:
            self._between(at - 1, at, -1)
            self._time.insert(at, time)
            for column, value in zip(self._columns, place, strict=True):
                column.insert(at, value)
            after = at + 1
            self.first = min(self.first, time)
        self._between(at - 1, at, 1)
        self._between(at, after, 1)
        self._stay_again(at)

    # stays

    def _begins(self, at: int, stay: Stay | None) -> bool:
        """Return whether with a fix a new stay begins."""
        if stay is None:
            return True
        if at > 0 and self._time[at] - self._time[at - 1] > self._rules.max_gap:
            return True
        return is_elsewhere(stay.place, self._xyz(at), self._rules.square)

    def _xyz(self, at: int) -> Place:
        _, _, x, y, z = self._columns
        return x[at], y[at], z[at]

    def _stay_on(self, at: int) -> None:
        """Add the last fix to the stays."""
        stay, time = (self._stays[-1] if self._stays else None), self._time[at]
        if stay is None or self._begins(at, stay):
            self._stays.append(Stay(time, time, self._xyz(at)))
            self._count(self._stays[-1], 1)
        else:
            self._count(stay, -1)
            stay.end = time
            self._count(stay, 1)

    def _stay_again(self, at: int) -> None:
        """Cut the stays anew from a fix on, as far as they change."""
        kept = bisect_left(self._stays, self._time[at], key=_begin_of)
        before = self._stays[kept:]
        del self._stays[kept:]
        for stay in before:
            self._count(stay, -1)
        if self._stays:  # it goes on up to the fix; how far then is found below
            self._count(self._stays[-1], -1)
            self._stays[-1].end = max(self._stays[-1].begin, self._time[at - 1])
            self._count(self._stays[-1], 1)
        for place in range(at, len(self._time)):
            time = self._time[place]
            if place > at and self._begins(place, self._stays[-1]):
                same = bisect_left(before, time, key=_begin_of)
                if same < len(before) and before[same].begin == time:
                    for stay in before[same:]:
                        self._count(stay, 1)
                    self._stays += before[same:]
                    return
            self._stay_on(place)

    def _count(self, stay: Stay, sign: int) -> None:
        if self.is_stop(stay):
            self.stops += sign
            self.stopped += sign * (stay.end - stay.begin)

    def _forget(self, count: int) -> None:
        """Keep no more the oldest fixes; what they counted stays."""
        behind = count + 1  # the step to the first that is kept goes, too
        lat, lon = self._columns[:2]
        self.forgotten.append((self._time[:behind], lat[:behind], lon[:behind]))
        del self._time[:count]
        for column in self._columns:
            del column[:count]
        first = bisect_right(self._stays, self._time[0], key=_begin_of) - 1
        del self._stays[:first]
