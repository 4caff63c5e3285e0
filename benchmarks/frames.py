"""What is asked of a trail frame, beside what one writes without it: MovingPandas, geopandas, pandas."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import Report
from locshare_ext import analysis
from locshare_ext.formats.frame import frame_from_arrow
from locshare_ext.model.trail import arrow_schema

__all__ = ["crowd", "run"]

BEGIN = 1_763_806_275_000
SUMMARY = 0.1  # s per 100,000 fixes, the target
CROWD = 10.0  # s for who met whom of a hundred members in a day
MEMBERS, FIXES = 10, 100_000
LONG = 20.0  # s: what takes that long is run once


def crowd(members: int, fixes: int, interval: int, *, wide: float = 5_000.0, seed: int = 1) -> pd.DataFrame:
    """Return a frame of members who walk about a town, `fixes` of each, one each `interval` s.

    wide: metres, how far from its middle most of them begin.
    """
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    turn = rng.normal(0, 0.3, (fixes, members)).cumsum(axis=0)
    speed = rng.uniform(0, 2.8, members)
    north = rng.normal(0, wide, members) + (np.cos(turn) * speed * interval).cumsum(axis=0)
    east = rng.normal(0, wide, members) + (np.sin(turn) * speed * interval).cumsum(axis=0)
    time_ms = (
        BEGIN + (np.arange(fixes)[:, None] * interval * 1000) + rng.integers(0, interval * 1000, members)
    )
    order = np.argsort(time_ms.ravel(), kind="stable")
    rows = fixes * members
    names = pa.array([f"m{number:04d}" for number in range(members)])
    codes = np.broadcast_to(np.arange(members, dtype=np.int32), (fixes, members)).ravel()[order]
    columns: dict[str, Any] = {
        "seq": np.arange(1, rows + 1),
        "member": pa.DictionaryArray.from_arrays(pa.array(codes), names),
        "source": pa.array(["browser"]).take(pa.array(np.zeros(rows, np.int8))),
        "time": time_ms.ravel()[order],
        "received": time_ms.ravel()[order] + rng.integers(50, 900, rows),
        "lat": 37.5665 + north.ravel()[order] / 110_574,
        "lon": 126.978 + east.ravel()[order] / 88_300,
        "accuracy": rng.uniform(3, 20, rows),
        "speed": np.broadcast_to(speed, (fixes, members)).ravel()[order],
        "late": np.zeros(rows, bool),
        "future": np.zeros(rows, bool),
        "repaired": np.zeros(rows, bool),
    }
    for field in arrow_schema():
        columns.setdefault(field.name, pa.nulls(rows, field.type))
    table = pa.table({name: columns[name] for name in arrow_schema().names}).cast(arrow_schema())
    return frame_from_arrow(table, group="crowd")


def run(report: Report) -> None:
    is_quick = report.options.rounds < 2
    frame = crowd(MEMBERS, (FIXES // 5 if is_quick else FIXES) // MEMBERS, 10)
    rounds = report.options.rounds
    _beside(report, frame, rounds)
    _judge_million(report, crowd(50, 2_000 if is_quick else 20_000, 1), rounds, is_judged=not is_quick)
    told = _apart(100, 864 if is_quick else 8_640, 10)
    fixes = told.pop("fixes")
    for name, (seconds, rows) in told["helpers"].items():
        topic = f"{fixes:,.0f} fixes of 100 members: {name}"
        report.note(topic, "ours", f"{seconds:8.2f} s  {rows:,} rows", seconds=seconds)
    report.note("the same, most memory at a time", "ours", f"{told['memory'] / 2**30:8.2f} GiB")
    if not is_quick:
        report.judge(
            "100 members over a day", "encounters", told["helpers"]["encounters"][0], most=CROWD, unit=" s"
        )


def _judge_million(report: Report, frame: pd.DataFrame, rounds: int, *, is_judged: bool) -> None:
    """Measure the numbers of 50 members with a fix a second: a million fixes, unless it is to be quick."""
    tenth = frame.head(len(frame) // 10)
    asked: dict[str, tuple[Callable[[], Any], float | None]] = {
        "summary": (lambda: analysis.summary(frame), 1.5),
        "resample 1 s": (lambda: analysis.resample(frame, "1s"), 0.5),
        "encounters 50 m, all pairs": (lambda: analysis.encounters(frame, within=50), 1.0),
        "alone beyond 200 m": (lambda: analysis.alone(frame, beyond=200), None),
        "stops": (lambda: analysis.stops(frame), None),
        "speeds": (lambda: analysis.speeds(frame), None),
        "coverage": (lambda: analysis.coverage(frame), None),
        "live numbers of a tenth, 1,000 at a time": (lambda: counted(tenth, 1_000), None),
    }
    topic = f"{len(frame):,} fixes of 50 members"
    for name, (work, most) in asked.items():
        work()  # the first loads libraries
        seconds = statistics.median(cpu(work) for _ in range(rounds))
        report.note(f"{topic}: {name}", "ours", f"{seconds:8.3f} s", seconds=seconds)
        if most is not None and is_judged:
            report.judge(topic, name, seconds, most=most, unit=" s")


def counted(frame: pd.DataFrame, size: int) -> analysis.GroupNumbers:
    """Return the numbers of a group whose fixes came so many at a time, asked for now and then."""
    numbers = analysis.GroupNumbers()
    time_ms = frame["time"].astype("int64").to_numpy() // 1_000_000
    names = frame["member"].astype(str).to_numpy()
    lat, lon = frame["lat"].to_numpy(), frame["lon"].to_numpy()
    for first in range(0, len(frame), size):
        part = slice(first, first + size)
        at = time_ms[part].tolist()
        numbers.add_columns(names[part].tolist(), at, at, lat[part], lon[part])
        if first // size % 100 == 0:
            numbers.members(), numbers.group()
    return numbers


def _beside(report: Report, frame: pd.DataFrame, rounds: int) -> None:
    """Measure each helper and the plain way of asking the same, in turn."""
    plain: dict[str, tuple[str, Callable[[], Any], Callable[[], Any]]] = {
        "summary": ("MovingPandas", lambda: analysis.summary(frame), lambda: moving_summary(frame)),
        "gaps": ("pandas", lambda: analysis.gaps(frame), lambda: pandas_gaps(frame)),
        "quality": ("pandas", lambda: analysis.quality(frame), lambda: pandas_quality(frame)),
        "resample 5 s": (
            "pandas, over gaps too",
            lambda: analysis.resample(frame, "5s"),
            lambda: on_grid(frame, 5),
        ),
        "encounters 50 m": (
            "geopandas, each 10 s",
            lambda: analysis.encounters(frame, within=50),
            lambda: joined_near(frame, 10, 50),
        ),
        "distances 1 min": (
            "pandas",
            lambda: analysis.distances(frame, "1min"),
            lambda: pandas_pairs(frame, 60),
        ),
        "stops 30 m, 2 min": (
            "MovingPandas",
            lambda: analysis.stops(frame, radius=30, lasting="2min"),
            lambda: moving_stops(frame),
        ),
        "to_movingpandas": (
            "MovingPandas by itself",
            lambda: analysis.to_movingpandas(frame),
            lambda: moving(frame),
        ),
    }
    per = len(frame) / 100_000
    for name, (peer, ours, other) in plain.items():
        mine = [cpu(ours) for _ in range(rounds + 1)][1:]  # the first loads libraries
        theirs = [cpu(other)]
        while len(theirs) < rounds and theirs[0] < LONG:
            theirs.append(cpu(other))
        seconds, reference = statistics.median(mine), statistics.median(theirs)
        topic = f"{name}, {len(frame):,} fixes"
        report.note(topic, "ours", f"{seconds:8.3f} s", seconds=seconds)
        report.note(
            topic, peer, f"{reference:8.3f} s  {reference / seconds:6.1f} times ours", seconds=reference
        )
        if name == "summary" and len(frame) >= FIXES:
            report.judge("summary", "s per 100,000 fixes", seconds / per, most=SUMMARY, unit=" s")


def cpu(work: Callable[[], Any]) -> float:
    """Return the CPU seconds that something takes; others may be at work on the machine."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun = time.process_time()
        work()
        return time.process_time() - begun


# the plain ways


def moving(frame: pd.DataFrame) -> Any:
    import movingpandas

    return movingpandas.TrajectoryCollection(
        frame.copy(), "trip", obj_id_col="member", t="time", x="lon", y="lat"
    )


def moving_summary(frame: pd.DataFrame) -> pd.DataFrame:
    collection = moving(frame)
    collection.add_speed(name="moved")
    rows = [
        {
            "member": trip.obj_id,
            "fixes": len(trip.df),
            "length": trip.get_length(),
            "duration": trip.get_duration(),
            "fastest": trip.df["moved"].max(),
        }
        for trip in collection
    ]
    return pd.DataFrame(rows).groupby("member").sum()


def moving_stops(frame: pd.DataFrame) -> Any:
    import movingpandas

    detector = movingpandas.TrajectoryStopDetector(moving(frame))
    return detector.get_stop_points(max_diameter=60, min_duration=pd.Timedelta("2min"))


def pandas_gaps(frame: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    for _, fixes in frame.groupby("member", observed=True):
        silence = fixes["time"].diff()
        limit = max(5 * silence.median(), pd.Timedelta("2min"))
        found.append(fixes[silence > limit])
    return found


def pandas_quality(frame: pd.DataFrame) -> pd.DataFrame:
    by_member = frame.groupby("member", observed=True)
    delay = (frame["received"] - frame["time"]).dt.total_seconds()
    return pd.DataFrame(
        {
            "fixes": by_member.size(),
            "interval": by_member["time"].apply(lambda times: times.diff().median()),
            "late": by_member["late"].mean(),
            "delay": delay.groupby(frame["member"], observed=True).quantile(0.95),
            "accuracy": by_member["accuracy"].quantile(0.95),
            "same": by_member.apply(lambda fixes: fixes.duplicated(["time", "lat", "lon"]).sum()),
        }
    )


def on_grid(frame: pd.DataFrame, every: int) -> pd.DataFrame:
    """Return each member's place each `every` s, in proportion by degrees."""
    parts = []
    for member, fixes in frame.groupby("member", observed=True):
        places = fixes.set_index("time")[["lat", "lon"]]
        moments = pd.date_range(places.index[0].ceil(f"{every}s"), places.index[-1], freq=f"{every}s")
        both = places.reindex(places.index.union(moments)).interpolate("time").loc[moments]
        parts.append(both.assign(member=member).rename_axis("time").reset_index())
    return pd.concat(parts, ignore_index=True)


def pandas_pairs(frame: pd.DataFrame, every: int) -> pd.DataFrame:
    from pyproj import Geod

    grid = on_grid(frame, every)
    pairs = grid.merge(grid, on="time", suffixes=("_a", "_b"))
    pairs = pairs[pairs["member_a"] < pairs["member_b"]]
    *_, metres = Geod(ellps="WGS84").inv(pairs["lon_a"], pairs["lat_a"], pairs["lon_b"], pairs["lat_b"])
    return pairs.assign(distance=metres)


def joined_near(frame: pd.DataFrame, every: int, within: float) -> pd.DataFrame:
    """Join the places of each moment by geopandas; what happens between these is not seen."""
    import geopandas

    grid = on_grid(frame, every)
    points = geopandas.GeoDataFrame(
        grid, geometry=geopandas.points_from_xy(grid["lon"], grid["lat"]), crs="EPSG:4326"
    ).to_crs(32652)
    # 1,000 km from one moment to the next, so that one join does for all of them
    number = ((grid["time"] - grid["time"].min()).dt.total_seconds() // every).to_numpy()
    apart = geopandas.points_from_xy(points.geometry.x + number * 1e6, points.geometry.y)
    moved = points.set_geometry(geopandas.GeoSeries(apart, crs=32652, index=points.index))
    near = moved.sjoin(moved[["member", "geometry"]], predicate="dwithin", distance=within)
    return pd.DataFrame(near[near["member_left"] < near["member_right"]])


# a process of its own, to see its memory


def _apart(members: int, fixes: int, interval: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.frames", str(members), str(fixes), str(interval)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return told


def main(arguments: list[str]) -> None:
    import resource

    frame = crowd(*(int(word) for word in arguments))
    helpers: dict[str, Callable[[], pd.DataFrame]] = {
        "summary": lambda: analysis.summary(frame),
        "gaps": lambda: analysis.gaps(frame),
        "quality": lambda: analysis.quality(frame),
        "resample": lambda: analysis.resample(frame, "10s"),
        "spread": lambda: analysis.spread(frame, "1min"),
        "encounters": lambda: analysis.encounters(frame, within=50),
    }
    told: dict[str, tuple[float, int]] = {}
    for name, helper in helpers.items():
        rows: list[int] = []
        seconds = cpu(lambda helper=helper, rows=rows: rows.append(len(helper())))  # type: ignore[misc]
        told[name] = (seconds, rows[0])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"helpers": told, "memory": memory, "fixes": len(frame)}))


if __name__ == "__main__":
    main(sys.argv[1:])
