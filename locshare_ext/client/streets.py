"""A made-up street network for the simulator: blocks, avenues, lights, a tunnel."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Point", "Street", "Streets"]

Point = tuple[float, float]  # metres east and north of the centre

SIDE = 10  # crossings along each side of the grid
MAIN_EVERY = 3  # every third line of the grid is an avenue
CYCLE = 56.0  # s of a traffic light: half of it for each direction


@dataclass(frozen=True, slots=True)
class Street:
    """A way between two crossings: its line from `a` to `b`, metres long."""

    a: int
    b: int
    line: tuple[Point, ...]
    length: float
    is_main: bool
    is_tunnel: bool = False

    def line_from(self, node: int) -> tuple[Point, ...]:
        """Return the line as walked from this end."""
        return self.line if node == self.a else self.line[::-1]

    def other(self, node: int) -> int:
        """Return the crossing at the other end."""
        return self.b if node == self.a else self.a


@dataclass(slots=True)
class Streets:
    """Crossings and streets around (0, 0); the same seed gives the same town."""

    nodes: list[Point]
    streets: list[Street]
    at: list[list[Street]] = field(init=False)
    lights: dict[int, float] = field(init=False)  # crossing -> phase in s

    def __post_init__(self) -> None:
        self.at = [[] for _ in self.nodes]
        for street in self.streets:
            self.at[street.a].append(street)
            self.at[street.b].append(street)
        self.lights = {
            node: (node * 17.0) % CYCLE
            for node, around in enumerate(self.at)
            if sum(street.is_main for street in around) >= 3
        }

    @classmethod
    def build(cls, seed: int) -> Streets:
        """Return a town about a kilometre wide: bent lines, some blocks merged."""
        rng = random.Random(f"streets {seed}")  # noqa: S311 - nothing secret
        warp = _Warp(rng)
        xs, ys = _lines(rng), _lines(rng)
        nodes = [warp(x, y) for y in ys for x in xs]
        streets: list[Street] = []
        tunnel_row = rng.choice([MAIN_EVERY, 2 * MAIN_EVERY])
        for row in range(SIDE):
            for column in range(SIDE):
                here = row * SIDE + column
                if column + 1 < SIDE:
                    line = warp.line((xs[column], ys[row]), (xs[column + 1], ys[row]))
                    is_tunnel = row == tunnel_row and column in (4, 5)
                    streets.append(_street(here, here + 1, line, row % MAIN_EVERY == 0, is_tunnel))
                if row + 1 < SIDE:
                    line = warp.line((xs[column], ys[row]), (xs[column], ys[row + 1]))
                    streets.append(_street(here, here + SIDE, line, column % MAIN_EVERY == 0))
        for step in range(MAIN_EVERY, 2 * MAIN_EVERY):  # an avenue across the blocks
            a, b = step * SIDE + step, (step + 1) * SIDE + step + 1
            line = warp.line((xs[step], ys[step]), (xs[step + 1], ys[step + 1]))
            streets.append(_street(a, b, line, True))
        return cls(nodes, _thinned(streets, len(nodes), rng))

    def nearest(self, place: Point) -> int:
        """Return the crossing nearest to a place."""
        return min(range(len(self.nodes)), key=lambda node: math.dist(self.nodes[node], place))

    def is_red(self, node: int, heading: float, now: float) -> bool:
        """Return whether the light at a crossing stops who comes in direction `heading` (radians)."""
        phase = self.lights.get(node)
        if phase is None:
            return False
        is_first_half = (now + phase) % CYCLE < CYCLE / 2
        goes_east_west = abs(math.sin(heading)) > math.sqrt(0.5)  # heading is from north
        return is_first_half == goes_east_west

    def route(self, start: int, end: int, *, side_factor: float = 1.0) -> list[Street]:
        """Return the streets of the cheapest way; side streets cost `side_factor` a metre."""
        cost = {start: 0.0}
        came: dict[int, Street] = {}
        queue = [(0.0, start)]
        while queue:
            spent, node = heapq.heappop(queue)
            if node == end:
                break
            if spent > cost[node]:
                continue
            for street in self.at[node]:
                there = street.other(node)
                price = spent + street.length * (1.0 if street.is_main else side_factor)
                if price < cost.get(there, math.inf):
                    cost[there] = price
                    came[there] = street
                    heapq.heappush(queue, (price, there))
        way: list[Street] = []
        node = end
        while node != start:
            way.append(came[node])
            node = came[node].other(node)
        return way[::-1]

    def bus_line(self) -> list[int]:
        """Return the crossings a bus goes round: corners of the avenues, past the tunnel."""
        low, high = 0, (SIDE - 1) // MAIN_EVERY * MAIN_EVERY
        near, far = MAIN_EVERY, 2 * MAIN_EVERY
        tunnel = next((street for street in self.streets if street.is_tunnel), None)
        row = tunnel.a // SIDE if tunnel is not None else near
        other = far if row == near else near
        return [row * SIDE + low, row * SIDE + high, other * SIDE + high, other * SIDE + low]


class _Warp:
    """Bends a grid so that it looks grown and not drawn."""

    def __init__(self, rng: random.Random) -> None:
        self._phase = [rng.uniform(0, math.tau) for _ in range(4)]
        turn = math.radians(rng.uniform(6, 24))
        self._sin, self._cos = math.sin(turn), math.cos(turn)

    def __call__(self, x: float, y: float) -> Point:
        p, q, r, s = self._phase
        bent_x = x + 26 * math.sin(y / 290 + p) + 9 * math.sin(y / 97 + q)
        bent_y = y + 22 * math.sin(x / 260 + r) + 8 * math.sin(x / 83 + s)
        return bent_x * self._cos - bent_y * self._sin, bent_x * self._sin + bent_y * self._cos

    def line(self, start: Point, end: Point, parts: int = 4) -> tuple[Point, ...]:
        """Return a bent line between two places of the grid."""
        (ax, ay), (bx, by) = start, end
        return tuple(
            self(ax + (bx - ax) * part / parts, ay + (by - ay) * part / parts) for part in range(parts + 1)
        )


def _lines(rng: random.Random) -> list[float]:
    """Return where the lines of one direction lie, their middle at 0."""
    places = [0.0]
    for _ in range(SIDE - 1):
        places.append(places[-1] + rng.uniform(75, 145))
    middle = places[-1] / 2
    return [place - middle for place in places]


def _street(a: int, b: int, line: tuple[Point, ...], is_main: bool, is_tunnel: bool = False) -> Street:
    length = sum(math.dist(p, q) for p, q in pairwise(line))
    return Street(a, b, line, length, is_main, is_tunnel)


def _thinned(streets: list[Street], nodes: int, rng: random.Random) -> list[Street]:
    """Return the streets without some side streets; everything stays reachable."""
    kept = list(streets)
    for street in rng.sample(streets, len(streets)):
        if street.is_main or rng.random() > 0.2:
            continue
        fewer = [other for other in kept if other is not street]
        if _ends(fewer, street) and _is_connected(fewer, nodes):
            kept = fewer
    return kept


def _ends(streets: list[Street], gone: Street) -> bool:
    """Return whether no dead end comes of taking one street away."""
    return all(sum(end in (street.a, street.b) for street in streets) >= 2 for end in (gone.a, gone.b))


def _is_connected(streets: list[Street], nodes: int) -> bool:
    around: list[list[int]] = [[] for _ in range(nodes)]
    for street in streets:
        around[street.a].append(street.b)
        around[street.b].append(street.a)
    return len(set(_reached(around))) == nodes


def _reached(around: list[list[int]]) -> Iterator[int]:
    seen, todo = {0}, [0]
    while todo:
        node = todo.pop()
        yield node
        for other in around[node]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
