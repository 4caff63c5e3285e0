"""The numbers of a group, kept while its fixes come: what the frame functions tell, without asking again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.cells import Cells
from locshare_ext.analysis.course import Course, Rules
from locshare_ext.analysis.meetings import check_within
from locshare_ext.analysis.outcome import spans
from locshare_ext.analysis.stays import check_radius
from locshare_ext.analysis.there import There
from locshare_ext.analysis.tracks import TRIP_GAP, Span, span_ns
from locshare_ext.analysis.ways import MS, Ways
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GroupNumbers"]


class GroupNumbers:
    """Keep each member's and the group's numbers; new fixes cost by their count, not by what there was.

    near: metres; who has nobody within them is alone. max_gap: the longest silence that is none,
    for gaps and stops, and after which a member is not there; it is fixed, as a limit that moved
    with the median interval would change the past. moving, radius, lasting, cell: as of
    `summary`, `stops` and `coverage`.

    After the same fixes, in whatever order they came, the numbers are those of `summary`, `gaps`, `stops`
    and `coverage` with the same settings. A late fix finds its place among the newest 20,000
    of its member; what is older still counts in `fixes` and `cells`, and is told in `too_late`.
    Any thread may call; raises InvalidInput for settings that are none.

    >>> from locshare_ext.analysis import GroupNumbers
    >>> numbers = GroupNumbers(near=50)
    >>> numbers.members()[["member", "length", "stops", "is_alone"]]
    """

    def __init__(
        self,
        near: float = 100.0,
        *,
        max_gap: Span = "5min",
        moving: float = 0.5,
        radius: float = 30.0,
        lasting: Span = "2min",
        cell: float = 100.0,
    ) -> None:
        self.near = check_within(near, "near")
        self._rules = Rules(
            span_ns(max_gap, "max_gap") // MS,
            TRIP_GAP // MS,
            -(-span_ns(lasting, "lasting") // MS),
            check_radius(radius) ** 2,
        )
        self._moving = moving
        self._earth = Cells(cell)
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        self._courses: dict[str, Course] = {}
        self._ways: dict[str, Ways] = {}
        self._newest: dict[str, tuple[int, float, float]] = {}  # by effective time
        self._cells: set[int] = set()
        self._area = 0.0
        self._latest = 0

    # what comes

    def add(self, fixes: Iterable[Fix]) -> None:
        """Count fixes, each once; their order of arrival is that in which they are given."""
        rows = [(one.member, one.time, one.effective_time, one.lat, one.lon) for one in fixes]
        if rows:
            members, time, effective, lat, lon = zip(*rows, strict=True)
            self.add_columns(members, time, effective, lat, lon)

    def add_columns(
        self,
        members: Sequence[str],
        time: Sequence[int],
        effective: Sequence[int],
        lat: Sequence[float] | NDArray[np.float64],
        lon: Sequence[float] | NDArray[np.float64],
    ) -> None:
        """Count fixes as columns of one length.

        time: ms by the device; effective: ms, or when it was received, if that was before.
        """
        lat_of, lon_of = np.asarray(lat, float), np.asarray(lon, float)
        places = np.column_stack([lat_of, lon_of, geodesic.to_cartesian(lat_of, lon_of)]).tolist()
        keys = self._earth.of(lat_of, lon_of)
        areas = self._earth.areas(keys).tolist()
        with self._lock:
            touched: dict[str, Course] = {}
            for member, at, known, place, key, area in zip(
                members, time, effective, places, keys.tolist(), areas, strict=True
            ):
                course = self._courses.get(member)
                if course is None:
                    course = self._courses[member] = Course(member, self._rules)
                    self._ways[member] = Ways()
                touched[member] = course
                course.take(at, place)
                self._see(member, known, place[0], place[1])
                if key not in course.cells:
                    course.cells.add(key)
                    course.area += area
                    if key not in self._cells:
                        self._cells.add(key)
                        self._area += area
            self._measure(touched)
            for name, course in touched.items():
                if course.forgotten:
                    self._ways[name].renew(course)

    def begin(self, known: Iterable[Fix] = ()) -> None:
        """Count anew, as after a seek; known: where members were before, which is not counted."""
        with self._lock:
            self._clear()
            for fix in known:
                self._see(fix.member, fix.effective_time, fix.lat, fix.lon)

    def _see(self, member: str, at: int, lat: float, lon: float) -> None:
        before = self._newest.get(member)
        if before is None or at >= before[0]:
            self._newest[member] = at, lat, lon
            self._latest = max(self._latest, at)

    def _measure(self, courses: dict[str, Course]) -> None:
        """Measure the steps that came and went, all together."""
        steps = [step for course in courses.values() for step in course.steps]
        if not steps:
            return
        owners = [name for name, course in courses.items() for _ in course.steps]
        sign, dt, lat_a, lon_a, lat_b, lon_b = (np.array(column) for column in zip(*steps, strict=True))
        metres, _ = geodesic.inverse(lat_a, lon_a, lat_b, lon_b)
        speed = metres / (dt / 1e3)
        columns = (sign.tolist(), dt.tolist(), metres.tolist(), speed.tolist())
        for name, one, took, way, fast in zip(owners, *columns, strict=True):
            self._ways[name].count(one, took, way, fast, self._moving)
        for course in courses.values():
            course.steps.clear()

    # what is told

    @property
    def latest(self) -> pd.Timestamp | None:
        """The moment of the newest fix, UTC; None before the first."""
        return pd.Timestamp(self._latest, unit="ms", tz="UTC") if self._newest else None

    def members(self, at: Any = None) -> pd.DataFrame:
        """Return one row per member, by name.

        fixes, trips, first, last, duration, length, moving_time, max_speed: as of `summary`. gaps,
        gap_time: how many silences, and how long together. stops, stopped: how many, and how
        long together; stopped_since: since when it stands, NaT if it does not. cells, area:
        as of `coverage`. too_late: fixes that came behind all that are kept. lat, lon, seen: its newest
        place, and of when. is_there: seen within `max_gap` of `at` (an aware datetime; None: the
        newest fix of all). nearest, nearest_member: who of those that are there is nearest, and
        the metres; is_alone: nobody within `near`.
        """
        with self._lock:
            return self._members(self._at(at))

    def pairs(self, at: Any = None) -> pd.DataFrame:
        """Return each two members who are there and within `near` metres: member_a, member_b, distance."""
        with self._lock:
            there = There.of(self._newest, self._at(at), self._rules.max_gap)
        a, b, metres = there.pairs(self.near)
        names = np.array(there.names, object)
        order = np.lexsort((b, a))
        return pd.DataFrame(
            {
                "member_a": pd.array(names[a[order]], dtype="str"),
                "member_b": pd.array(names[b[order]], dtype="str"),
                "distance": metres[order],
            }
        )

    def group(self, at: Any = None) -> dict[str, Any]:
        """Return the group's own numbers.

        time: of which moment, None before the first fix. members: how many are there. lat, lon,
        spread, farthest, farthest_member: as of `spread`, of those who are there, None without.
        pairs: how many are near each other; alone: names of who is alone, by name. fixes, length: of
        all; cells, area: what they have visited.
        """
        with self._lock:
            moment = self._at(at)
            there = There.of(self._newest, moment, self._rules.max_gap)
            found: dict[str, Any] = {
                "time": pd.Timestamp(moment, unit="ms", tz="UTC") if self._newest else None,
                "members": len(there.names),
                **there.extent(),
                "fixes": sum(course.fixes for course in self._courses.values()),
                "length": sum(ways.length for ways in self._ways.values()),
                "cells": len(self._cells),
                "area": self._area,
            }
        nearest, _ = there.nearest()
        found["pairs"] = len(there.pairs(self.near)[0])
        alone = [name for name, metres in zip(there.names, nearest, strict=True) if not metres <= self.near]
        return {**found, "alone": alone}

    def _at(self, at: Any) -> int:
        return self._latest if at is None else _ms_of(at)

    def _members(self, at: int) -> pd.DataFrame:
        there = There.of(self._newest, at, self._rules.max_gap)
        nearest, who = there.nearest()
        near = {
            name: (metres, other)
            for name, metres, other in zip(there.names, nearest.tolist(), who, strict=True)
        }
        rows = []
        for name in sorted(self._newest):
            course = self._courses.get(name) or Course(name, self._rules)
            ways = self._ways.get(name) or Ways()
            ways.renew(course)
            seen, lat, lon = self._newest[name]
            metres, other = near.get(name, (np.nan, None))
            stands = course.fixes > 0 and course.is_stop(course.stay)
            rows.append(
                {
                    "member": name,
                    "fixes": course.fixes,
                    "trips": course.trips,
                    "first": course.first if course.fixes else None,
                    "last": course.last if course.fixes else None,
                    "duration": course.last - course.first,
                    "length": ways.length,
                    "moving_time": ways.moving_time,
                    "max_speed": ways.fastest,
                    "gaps": course.gaps,
                    "gap_time": course.gap_time,
                    "stops": course.stops,
                    "stopped": course.stopped,
                    "stopped_since": course.stay.begin if stands else None,
                    "cells": len(course.cells),
                    "area": course.area,
                    "too_late": course.too_late,
                    "lat": lat,
                    "lon": lon,
                    "seen": seen,
                    "is_there": name in near,
                    "nearest": metres,
                    "nearest_member": other,
                    "is_alone": name in near and not metres <= self.near,
                }
            )
        return _frame_of(rows)


MOMENTS = ("first", "last", "stopped_since", "seen")
KINDS = {
    "member": "str",
    **dict.fromkeys(("fixes", "trips"), "int64"),
    **dict.fromkeys(("first", "last", "duration"), "Int64"),
    "length": "float64",
    "moving_time": "Int64",
    "max_speed": "float64",
    "gaps": "int64",
    "gap_time": "Int64",
    "stops": "int64",
    **dict.fromkeys(("stopped", "stopped_since"), "Int64"),
    "cells": "int64",
    "area": "float64",
    "too_late": "int64",
    **dict.fromkeys(("lat", "lon"), "float64"),
    "seen": "Int64",
    "is_there": "bool",
    "nearest": "float64",
    "nearest_member": "str",
    "is_alone": "bool",
}


def _frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame, moments and spans in ms as pandas has them."""
    columns: dict[str, Any] = {}
    for name, kind in KINDS.items():
        values = [row[name] for row in rows]
        if kind != "Int64":
            columns[name] = pd.Series(values, dtype=kind)
        elif name in MOMENTS:
            columns[name] = pd.to_datetime(pd.Series(values, dtype="Int64"), unit="ms", utc=True)
            columns[name] = columns[name].astype("datetime64[ns, UTC]")
        else:
            columns[name] = spans(np.array(values, np.int64) * MS)
    return pd.DataFrame(columns)


def _ms_of(at: Any) -> int:
    """Return an aware moment in ms; raises InvalidInput."""
    moment = pd.Timestamp(at)
    if moment.tz is None:
        raise InvalidInput(f"at {str(at)[:40]!r} has no zone", field="at")
    return int(moment.value) // MS
