"""Alerts: what ten rules take of a fix, in a group of a hundred members and in one of ten thousand."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from benchmarks.report import Report
from locshare_ext.alerts import Geofence, Proximity, Rule, Silence, Speed, Watch
from locshare_ext.model.fix import Fix

__all__ = ["run"]

BEGIN = 1_763_806_275_000
FIXES = 30_000
RUNS = 3  # the best counts: what else the machine does only adds to it
LAT, LON = 46.2, 14.1
METRE = 1 / 111_150  # degrees of latitude


def run(report: Report) -> None:
    """Measure it in this process, by its own time."""
    taken = {}
    for members in (100, 10_000):
        fixes = list(_walk(members))
        taken[members] = min(_seconds(fixes) for _ in range(RUNS)) / FIXES * 1e6
        report.judge("alerts", f"µs a fix, 10 rules, {members} members", round(taken[members], 1), most=100)
    grown = taken[10_000] / taken[100]
    report.judge("alerts", "times as much with 10,000 members as with 100", round(grown, 2), most=2)


def _rules() -> list[Rule]:
    corners = [(14.1, 46.19), (14.13, 46.2), (14.12, 46.22), (14.09, 46.21), (14.1, 46.19)]
    return [
        *(Geofence.circle(f"camp {n}", LAT + n / 100, LON, 400, margin=30) for n in range(3)),
        Geofence(name="field", area={"type": "Polygon", "coordinates": [corners]}, margin=20),
        Proximity(name="near", near=20, far=40),
        Proximity(name="team", near=100, members=[f"m{n}" for n in range(10)]),
        Silence(name="quiet", lasting=60),
        Silence(name="lost", lasting="10min"),
        Speed(name="fast", above=10),
        Speed(name="racing", above=30),
    ]


def _walk(members: int) -> Iterator[Fix]:
    """Yield fixes of members in turn, who walk where each has 4,000 square metres."""
    rng = random.Random(5)
    side = (members * 4000) ** 0.5 * METRE
    at = [(LAT + side * rng.random(), LON + side * rng.random()) for _ in range(members)]
    for number in range(FIXES):
        who, time_ms = number % members, BEGIN + number * 1000 // members
        lat, lon = at[who]
        at[who] = lat, lon = lat + METRE * rng.uniform(-2, 2), lon + METRE * rng.uniform(-2, 2)
        yield Fix(member=f"m{who}", time=time_ms, received=time_ms, lat=lat, lon=lon, speed=1.4, flags=())


def _seconds(fixes: list[Fix]) -> float:
    watch = Watch(_rules())
    begun = time.process_time()
    for fix in fixes:
        watch.see(fix)
    return time.process_time() - begun
