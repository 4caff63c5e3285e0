"""Files of fixes read and written, beside pandas and geopandas; and the memory that a large one takes.

Each measurement is a process of its own: its CPU time, without that of imports, and its peak of
memory. The large CSV grows fourfold: what a file of 2 GB takes shows in the difference. Set
LOCSHARE_BENCH_GB to import one of so many GB as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Report, Verdict

ROWS = 1_000_000
QUICK = 200_000
MAP = "member=vehicle,time=when,lat=lat,lon=lon,speed=speed,heading=bearing,accuracy=acc"
MOST_GROWTH = 0.25  # of the memory that a file may take more when it is four times as large

_PRELUDE = """
import json, resource, sys, time
path = sys.argv[1]
{before}
began = time.process_time()
{work}
print(json.dumps([time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
_FRAME = f"""
from locshare_ext.formats import load, save
from locshare_ext.formats.trail import trail_of_frame
frame = load(path, columns={MAP!r}).frame()
"""
_LOAD = "from locshare_ext.formats import load, csvfast, csv, frame, gpkgread\nimport pandas\n"
_POINTS = "geometry=geopandas.points_from_xy(frame.lon, frame.lat)"
_ON_DISK = f"""
loaded = load(path, columns={MAP!r}, on_disk=True)
count = sum(batch.num_rows for batch in loaded.fixes.batches())
loaded.close()
"""
_PANDAS = "frame = pandas.read_csv(path, parse_dates=['when'])\n"
_TO_GEOPANDAS = f"import geopandas\nframe = geopandas.GeoDataFrame(frame, crs=4326, {_POINTS})\n"
READS: dict[str, tuple[str, str]] = {
    "CSV into a temporary file, sorted": (_LOAD, _ON_DISK),
    "CSV to a trail frame": (_LOAD, f"frame = load(path, columns={MAP!r}).frame()"),
    "CSV by pandas.read_csv, unchecked": ("import pandas", _PANDAS),
    "CSV by geopandas, unchecked": ("import pandas, geopandas", _PANDAS + _TO_GEOPANDAS),
}
GEOPACKAGE: dict[str, tuple[str, str]] = {
    "our GeoPackage written": (_FRAME, "save(path + '.gpkg', trail_of_frame(frame))"),
    "GeoPackage written by geopandas": (
        _FRAME + _TO_GEOPANDAS,
        "frame.to_file(path + '.geopandas.gpkg', layer='fixes')",
    ),
    "our GeoPackage read and verified": (_LOAD, "frame = load(path + '.gpkg').frame()"),
    "the same by geopandas": (
        "import geopandas",
        "frame = geopandas.read_file(path + '.gpkg', layer='fixes')",
    ),
}
WRITES = ("csv", "parquet", "geoparquet", "arrow", "geojson", "gpx", "kml", "movebank")


def run(report: Report) -> None:
    rows = QUICK if report.options.seconds < 5 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.csv", Path(folder) / "large.csv"
        write_csv(small, rows)
        print(f"{rows:,} fixes, {small.stat().st_size / 1e6:,.0f} MB of CSV")
        for what, (before, work) in {**READS, **GEOPACKAGE}.items():
            _show(what, rows, *measure(small, before, work))
        for name in WRITES:
            before = f"{_FRAME}from locshare_ext.formats.registry import by_name\n"
            before += f"write = by_name({name!r}).write()"
            work = f"with open(path + '.{name}', 'wb') as out: write(trail_of_frame(frame), out)"
            _show(f"{name} written", rows, *measure(small, before, work))
        before, work = READS["CSV into a temporary file, sorted"]
        write_csv(large, ROWS)  # fewer are held in memory anyway
        _, one = measure(large, before, work)
        write_csv(large, 4 * ROWS)
        cpu, four = measure(large, before, work)
        _show("CSV of 4,000,000 fixes", 4 * ROWS, cpu, four)
        growth = four / one - 1
        report.verdicts.append(
            Verdict(
                "import of CSV",
                "memory more for four times the rows",
                f"{growth:.0%}",
                f"<= {MOST_GROWTH:.0%}",
                growth <= MOST_GROWTH,
            )
        )
        if gigabytes := float(os.environ.get("LOCSHARE_BENCH_GB", "0")):
            count = round(gigabytes * 1e9 / (small.stat().st_size / rows))
            write_csv(large, count)
            print(f"{count:,} fixes, {large.stat().st_size / 1e9:.2f} GB of CSV")
            _show("all of it", count, *measure(large, before, work))


def measure(path: Path, before: str, work: str) -> tuple[float, int]:
    """Return the CPU time (s) of some work in a process of its own, and its peak of memory (KiB)."""
    script = _PRELUDE.format(before=before, work=work)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    cpu, peak = json.loads(done.stdout)
    return float(cpu), int(peak)


def write_csv(path: Path, rows: int) -> None:
    """Write made-up buses, 20 fixes/s in all, one in fifty up to a minute late."""
    with path.open("w") as file:
        file.write("vehicle,when,lat,lon,speed,bearing,acc,note\n")
        for start in range(0, rows, 200_000):
            file.writelines(_lines(start, min(200_000, rows - start)))


def _lines(start: int, count: int) -> Iterator[str]:
    rng = np.random.default_rng(start)
    late = np.where(rng.random(count) < 0.02, rng.integers(0, 60_000, count), 0)
    times = 1_700_000_000_000 + (start + np.arange(count)) * 50 - late
    texts = np.datetime_as_string(times.astype("datetime64[ms]"))
    columns: list[Any] = [
        rng.integers(0, 40, count),
        texts,
        53 + rng.random(count).round(6),
        -3 + rng.random(count).round(6),
        (rng.random(count) * 20).round(2),
        rng.integers(0, 360, count),
        rng.integers(1, 30, count),
    ]
    for bus, when, lat, lon, speed, bearing, accuracy in zip(*(one.tolist() for one in columns), strict=True):
        yield f"bus {bus},{when}Z,{lat:.6f},{lon:.6f},{speed},{bearing},{accuracy},\n"


def _show(what: str, rows: int, cpu: float, peak: int) -> None:
    print(
        f"  {what:<36} {cpu:8.2f} s CPU  {cpu / rows * 1e6:6.2f} us a fix  peak {peak / 1024:7,.0f} MiB",
        flush=True,
    )
