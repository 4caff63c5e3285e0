"""A made-up group worth looking at: walkers, cyclists and a bus in a made-up town.

Pure and seeded: it has no clock, does no I/O and imports nothing heavy. Its fixes say
what they are, by source `simulator`.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from locshare_ext.client.streets import Point, Street, Streets
from locshare_ext.errors import InvalidInput
from locshare_ext.model.geodesy import EARTH_RADIUS

__all__ = ["SEOUL", "TimedFix", "names_of", "simulate"]

TimedFix = tuple[int, dict[str, Any]]  # when it is to be sent, ms; the fix as it is published

SEOUL = (37.5665, 126.978)  # City Hall

NAMES = {
    "walker": ("Minji", "Joon", "Ann", "Ben", "Yuna", "Leo", "Mia", "Noah"),
    "cyclist": ("Hana", "Theo", "Sora", "Max", "Ida", "Tom"),
    "bus": ("Bus 7", "Bus 12", "Bus 40"),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of traveller moves and reports; m, s, m/s, m/s2."""

    name: str
    speed: tuple[float, float]  # cruising, of the slowest and the fastest
    corner: float  # speed round a corner
    accelerates: float
    brakes: float
    every: tuple[float, float]  # time between fixes
    aside: float  # to the right of the street's middle
    rests: tuple[float, float]  # at the end of a way
    side_factor: float  # how much a side street is avoided


_KINDS = {
    kind.name: kind
    for kind in (
        _Kind("walker", (1.15, 1.6), 1.1, 0.8, 1.2, (4, 6), 5.0, (8, 60), 1.0),
        _Kind("cyclist", (4.2, 6.4), 2.6, 0.9, 1.6, (2, 3), 3.0, (5, 25), 1.3),
        _Kind("bus", (9.5, 11.5), 3.5, 0.9, 1.1, (3, 3), 3.5, (12, 25), 6.0),
    )
}
STOP_EVERY = 330.0  # m between bus stops


def simulate(
    *,
    start: int,
    seed: int = 1,
    centre: tuple[float, float] = SEOUL,
    walkers: int = 4,
    cyclists: int = 3,
    buses: int = 1,
    seconds: float | None = None,
    every: float | None = None,
    is_sent_at_once: bool = False,
) -> Iterator[TimedFix]:
    """Yield (when it is to be sent, the fix), ascending; endless unless `seconds` is given.

    start: the moment of the first fixes, ms since 1970. centre: (lat, lon) of the town. The
    same arguments give the same fixes. There are GPS noise that drifts as real noise does,
    gaps in a tunnel, batteries that fall, traffic lights and bus stops, two walkers who
    walk together, and one phone that is offline now and then: its fixes come late, in one
    batch. `extra.kind` is walker, cyclist or bus. every: s between a phone's fixes, 1 at least;
    None: as each kind has it. is_sent_at_once: when it is measured, for those who bring a
    network of their own.
    """
    lat, lon = centre
    if not (-85 <= lat <= 85 and -180 <= lon <= 180):
        raise InvalidInput(f"centre {centre} is outside lat [-85, 85], lon [-180, 180]", field="centre")
    if min(walkers, cyclists, buses) < 0 or walkers + cyclists + buses == 0:
        raise InvalidInput("a simulated group needs at least one walker, cyclist or bus")
    if every is not None and not every >= 1:
        raise InvalidInput(f"every {every!r} is not 1 s or more", field="every")
    town = Streets.build(seed)
    phones = _phones(town, seed, {"walker": walkers, "cyclist": cyclists, "bus": buses})
    for phone in phones:
        phone.every = phone.every if every is None else (every, every)
        phone.is_sent_at_once = is_sent_at_once
    waiting: list[tuple[int, int, dict[str, Any]]] = []  # (due, order of measuring, fix)
    count, now = 0, 0.0
    while seconds is None or now < seconds:
        for phone in phones:
            phone.traveller.advance(now)
            for due, fix in phone.report(now):
                fix["time"] += start
                fix["lat"], fix["lon"] = _on_earth(centre, fix.pop("place"))
                heapq.heappush(waiting, (due + start, count, fix))
                count += 1
        now += 1.0
        while waiting and waiting[0][0] < start + int(now * 1000):
            due, _, fix = heapq.heappop(waiting)
            yield due, fix
    while waiting:
        due, _, fix = heapq.heappop(waiting)
        yield due, fix


def names_of(kind: str, count: int) -> list[str]:
    """Return what the members of a kind are called."""
    names = NAMES[kind]
    rounds = [divmod(number, len(names)) for number in range(count)]
    return [names[place] if round_ == 0 else f"{names[place]} {round_ + 1}" for round_, place in rounds]


def _phones(town: Streets, seed: int, counts: dict[str, int]) -> list[_Phone]:
    phones = []
    for kind, count in counts.items():
        leader: _Traveller | None = None
        for number, name in enumerate(names_of(kind, count)):
            rng = random.Random(f"{seed} {name}")  # noqa: S311 - nothing secret
            follows = leader if kind == "walker" and number == 1 else None
            traveller = _Traveller(_KINDS[kind], town, rng, number, follows)
            leader = leader or traveller
            is_flaky = kind == "walker" and number == 2 % max(count, 1)
            phones.append(_Phone(name, traveller, rng, is_flaky))
    return phones


def _on_earth(centre: tuple[float, float], place: Point) -> tuple[float, float]:
    lat = centre[0] + math.degrees(place[1] / EARTH_RADIUS)
    lon = centre[1] + math.degrees(place[0] / (EARTH_RADIUS * math.cos(math.radians(centre[0]))))
    return round(lat, 7), round((lon + 540) % 360 - 180, 7)


@dataclass(slots=True)
class _Corner:
    """A point of a traveller's way: where, and what happens there."""

    place: Point
    limit: float  # m/s, inf where nothing slows
    node: int | None = None  # a crossing, which may have a light
    is_stop: bool = False
    in_tunnel: bool = False  # the stretch that leads here


class _Traveller:
    """Who moves: along ways through the town, slowed by corners, lights and stops."""

    def __init__(
        self, kind: _Kind, town: Streets, rng: random.Random, number: int, follows: _Traveller | None
    ) -> None:
        self.kind, self._town, self._rng, self._follows = kind, town, rng, follows
        self._cruise = rng.uniform(*kind.speed)
        self._line = town.bus_line() if kind.name == "bus" else []
        middle = town.nearest((0.0, 0.0))
        self._meeting = middle
        if self._line:
            self._node = self._line[number % len(self._line)]
        else:
            self._node = rng.choice(_around(town, middle, 420.0))
        self._way: list[_Corner] = []
        self._middle = town.nodes[self._node]  # of the street, where the traveller is
        self._until_stop = STOP_EVERY * 0.6
        self._wait_until = 0.0
        self._beside = 0.0
        self.speed = 0.0
        self.heading = 0.0  # radians from north
        self.in_tunnel = False

    @property
    def place(self) -> Point:
        """Where the traveller is, beside the middle of the street."""
        aside = self.kind.aside + self._beside
        return (
            self._middle[0] + aside * math.cos(self.heading),
            self._middle[1] - aside * math.sin(self.heading),
        )

    def advance(self, now: float, step: float = 1.0) -> None:
        """Move on for `step` seconds; now: s since the beginning."""
        self._beside += -0.1 * self._beside * step + self._rng.gauss(0, 0.25)
        if self._follows is not None:
            self._middle, self.heading = self._follows._middle, self._follows.heading
            self.speed, self.in_tunnel = self._follows.speed, self._follows.in_tunnel
            return
        if now < self._wait_until:
            self.speed = 0.0
            return
        if not self._way:
            self._set_out(now)
        self.speed = min(self.speed + self.kind.accelerates * step, self._allowed(now))
        self._go(self.speed * step, now)

    def _allowed(self, now: float) -> float:
        """Return the speed from which everything ahead can still be heeded."""
        allowed, ahead, here, heading = self._cruise, 0.0, self._middle, self.heading
        for corner in self._way:
            gap = math.dist(here, corner.place)
            if gap > 0:
                heading = math.atan2(corner.place[0] - here[0], corner.place[1] - here[1])
            ahead += gap
            if ahead > 70:
                break
            limit = 0.0 if corner.is_stop else corner.limit
            if corner.node is not None and self._town.is_red(corner.node, heading, now):
                limit = 0.0
            distance = max(0.0, ahead - 1.0) if limit == 0 else ahead
            allowed = min(allowed, math.sqrt(limit * limit + 2 * self.kind.brakes * distance))
            here = corner.place
        return allowed

    def _go(self, metres: float, now: float) -> None:
        while self._way:
            corner = self._way[0]
            gap = math.dist(self._middle, corner.place)
            self.in_tunnel = corner.in_tunnel
            if gap > 0:
                self.heading = math.atan2(
                    corner.place[0] - self._middle[0], corner.place[1] - self._middle[1]
                )
            if corner.is_stop and gap <= metres + 1.5:
                corner.is_stop = False
                self._wait_until = now + self._rng.uniform(12, 24)
                self.speed = 0.0
                return
            if metres < gap:
                share = metres / gap
                self._middle = (
                    self._middle[0] + (corner.place[0] - self._middle[0]) * share,
                    self._middle[1] + (corner.place[1] - self._middle[1]) * share,
                )
                return
            metres -= gap
            self._middle = corner.place
            self._way.pop(0)
        self.speed = 0.0
        if not self._line:
            self._wait_until = now + self._rng.uniform(*self.kind.rests)

    def _set_out(self, now: float) -> None:
        """Choose where to go next, and the way there."""
        if self._line:
            goal = self._line[(self._line.index(self._node) + 1) % len(self._line)]
        elif self._rng.random() < 0.35 and self._node != self._meeting:
            goal = self._meeting
        else:
            reach = 380.0 if self.kind.name == "walker" else 800.0
            goals = _around(self._town, self._node, reach, nearer=120.0)
            goal = self._rng.choice(goals)
        node = self._node
        for street in self._town.route(node, goal, side_factor=self.kind.side_factor):
            self._way += self._corners(street, node)
            node = street.other(node)
        self._node = goal
        self._slow_at_corners()

    def _corners(self, street: Street, node: int) -> list[_Corner]:
        points = street.line_from(node)[1:]
        corners = [_Corner(place, math.inf, in_tunnel=street.is_tunnel) for place in points]
        corners[-1].node = street.other(node)
        if self._line:
            self._until_stop -= street.length
            if self._until_stop <= 0 and not street.is_tunnel:
                corners[len(corners) // 2].is_stop = True
                self._until_stop = STOP_EVERY
        return corners

    def _slow_at_corners(self) -> None:
        before = self._middle
        for corner, after in zip(self._way, self._way[1:], strict=False):
            turn = _angle(before, corner.place, after.place)
            if turn > math.radians(35):
                corner.limit = self.kind.corner
            before = corner.place


class _Phone:
    """Measures where its traveller is, with a GPS's faults, and sends it, sometimes late."""

    def __init__(self, name: str, traveller: _Traveller, rng: random.Random, is_flaky: bool) -> None:
        self._name, self.traveller, self._rng, self._is_flaky = name, traveller, rng, is_flaky
        self.every = traveller.kind.every  # s between fixes
        self.is_sent_at_once = False
        self._next = rng.uniform(0, 3)
        self._error: Point = (rng.gauss(0, 3), rng.gauss(0, 3))
        self._blur = 0.0  # m that the tunnel left, dies away
        self._battery = rng.uniform(0.35, 0.98)
        self._drain = rng.uniform(0.04, 0.16) / 3600  # of a charge, a second
        self._is_charged = traveller.kind.name == "bus"
        self._offline = (rng.uniform(60, 120), rng.uniform(150, 240))  # from, until

    def report(self, now: float) -> list[tuple[int, dict[str, Any]]]:
        """Return the fixes of this second with when they are to be sent, ms since the beginning."""
        sigma = self._drift()
        if now < self._next:
            return []
        self._next += self._rng.uniform(*self.every)
        if self.traveller.in_tunnel:
            self._blur = 18.0
            return []
        place = self.traveller.place
        accuracy = max(3.0, sigma * 1.7 + self._rng.gauss(0, 0.6))
        speed = self.traveller.speed
        fix: dict[str, Any] = {
            "member": self._name,
            "time": int(now * 1000) + self._rng.randrange(1000),
            "place": (place[0] + self._error[0], place[1] + self._error[1]),
            "altitude": round(38 + 6 * math.sin(place[0] / 340) + self._rng.gauss(0, 1.2), 1),
            "accuracy": round(accuracy, 1),
            "speed": round(max(0.0, speed + self._rng.gauss(0, 0.12)), 2) if speed > 0 else 0.0,
        }
        if speed > 0.4:
            heading = math.degrees(self.traveller.heading) + self._rng.gauss(0, 4)
            fix["heading"] = round(heading % 360, 1) % 360
        if not self._is_charged:
            fix["battery"] = round(max(0.02, self._battery - self._drain * now), 3)
        fix |= {"source": "simulator", "extra": {"kind": self.traveller.kind.name}}
        return [(self._due(fix["time"], now), fix)]

    def _drift(self) -> float:
        """Let the error wander for a second (its memory is 30 s); returns its size in m."""
        x, y = self.traveller.place
        sigma = 2.2 + 1.6 * (1 + math.sin(x / 170) * math.cos(y / 140)) + self._blur
        self._blur *= 0.93
        push = sigma * math.sqrt(2 / 30)
        east, north = self._error
        self._error = (
            east - east / 30 + self._rng.gauss(0, push) * 0.7,
            north - north / 30 + self._rng.gauss(0, push) * 0.7,
        )
        return sigma

    def _due(self, measured: int, now: float) -> int:
        due = measured + int(self._rng.uniform(120, 900))
        if self.is_sent_at_once:
            return measured
        if not self._is_flaky:
            return due
        begin, end = self._offline
        if now >= end:
            self._offline = (now + self._rng.uniform(150, 300), now + self._rng.uniform(360, 480))
        elif now >= begin:
            return max(due, int(end * 1000))
        return due


def _around(town: Streets, node: int, reach: float, *, nearer: float = 0.0) -> list[int]:
    """Return the crossings within `reach` metres of one, those nearer than `nearer` left out."""
    here = town.nodes[node]
    found = [other for other, place in enumerate(town.nodes) if nearer < math.dist(here, place) <= reach]
    return found or [other for other in range(len(town.nodes)) if other != node]


def _angle(a: Point, b: Point, c: Point) -> float:
    """Return by how much the way a-b-c turns at b, radians in [0, pi]."""
    turn = math.atan2(c[0] - b[0], c[1] - b[1]) - math.atan2(b[0] - a[0], b[1] - a[1])
    return abs((turn + math.pi) % math.tau - math.pi)
