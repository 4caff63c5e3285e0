"""Everything that is compared, in one run, and kept in files with what it was measured on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.cell import Pace
from locshare_ext.comparison.grid import Progress, compare, poll_intervals
from locshare_ext.comparison.manygroups import watch_groups
from locshare_ext.comparison.memory import FULL as FULL_APPETITE
from locshare_ext.comparison.memory import SMALL as SMALL_APPETITE
from locshare_ext.comparison.memory import AppetitePlan, appetite
from locshare_ext.comparison.table import MEASURED, with_figures
from locshare_ext.comparison.twoways import speak
from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.atomic import replacing
from locshare_ext.version import __version__

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SIZES", "Comparison", "Size", "about_here", "kept", "load", "run"]

_KEPT = Path(__file__).parent / "kept"
_ABOUT = "about.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; see the functions that these are arguments of.

    interval: s between the polls of the grid. intervals: those that are compared, at
    `interval_rate` fixes per second to `interval_watchers`. fixes: published one by one over
    each transport. groups: followed by `group_watchers` each.
    """

    rates: tuple[float, ...]
    watchers: tuple[int, ...]
    pace: Pace
    interval: float
    intervals: tuple[float, ...]
    interval_rate: float
    interval_watchers: int
    interval_pace: Pace
    fixes: int
    groups: tuple[int, ...]
    group_watchers: int
    appetite: AppetitePlan


SIZES = {
    # for a test or a notebook: less than a minute
    "small": Size(
        rates=(1.0, 10.0),
        watchers=(1, 20),
        pace=Pace(0.6, fixes=1, idle=0.1),
        interval=0.5,
        intervals=(0.1, 0.3, 1.0),
        interval_rate=4.0,
        interval_watchers=10,
        interval_pace=Pace(1.2, idle=0.1),
        fixes=50,
        groups=(1, 8),
        group_watchers=10,
        appetite=SMALL_APPETITE,
    ),
    # to be kept: about 25 minutes
    "full": Size(
        rates=(0.1, 1.0, 10.0, 100.0),
        watchers=(1, 10, 100, 500),
        pace=Pace(6.0, fixes=10, most=30.0, idle=1.0),
        interval=1.0,
        intervals=(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        interval_rate=1.0,
        interval_watchers=20,
        interval_pace=Pace(20.0, idle=1.0),
        fixes=500,
        groups=(1, 2, 4, 8, 16),
        group_watchers=30,  # 16 event streams of each are nearly as many as a server keeps open
        appetite=FULL_APPETITE,
    ),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one run has measured.

    grid: of `compare`. intervals: of `poll_intervals`. speaking: of `speak`. groups: of
    `watch_groups`. appetite: of `appetite`. about: of `about_here`, with `size` and `seconds`.
    """

    grid: pd.DataFrame
    intervals: pd.DataFrame
    speaking: pd.DataFrame
    groups: pd.DataFrame
    appetite: pd.DataFrame
    about: dict[str, Any]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a CSV for each table, and what it was measured on; replaces those of another run."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name in _tables():
            frame: pd.DataFrame = getattr(self, name)
            if name in _GRIDS:
                frame = frame[list(MEASURED)]
            with replacing(place / f"{name}.csv") as file:
                file.write_text(frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        with replacing(place / _ABOUT) as file:
            file.write_text(json.dumps(self.about, indent=1, ensure_ascii=False) + "\n")


_GRIDS = ("grid", "intervals")


def run(size: str = "small", progress: Progress = lambda _: None) -> Comparison:
    """Measure everything, in one of `SIZES`; raises as the functions that it calls."""
    if size not in SIZES:
        raise InvalidInput(f"size {size!r} is unknown; expected one of {', '.join(SIZES)}", field="size")
    how, begin, about = SIZES[size], time.monotonic(), about_here()
    grid = compare(how.rates, how.watchers, pace=how.pace, interval=how.interval, progress=progress)
    intervals = poll_intervals(
        how.intervals,
        rate=how.interval_rate,
        watchers=how.interval_watchers,
        pace=how.interval_pace,
        progress=progress,
    )
    speaking = speak(how.fixes, progress=progress)
    groups = watch_groups(how.groups, watchers=how.group_watchers, progress=progress)
    hungry = appetite(how.appetite, progress=progress)
    about |= {"size": size, "seconds": round(time.monotonic() - begin)}
    return Comparison(grid, intervals, speaking, groups, hungry, about)


def kept() -> Comparison:
    """Return the full run that comes with the package."""
    return load(_KEPT)


def load(folder: str | os.PathLike[str]) -> Comparison:
    """Return what `Comparison.save` has written; raises InvalidFile when it is not that."""
    import pandas as pd

    place, tables = Path(folder), {}
    try:
        about = json.loads((place / _ABOUT).read_text())
        for name in _tables():
            frame = pd.read_csv(place / f"{name}.csv")
            tables[name] = with_figures(frame[list(MEASURED)]) if name in _GRIDS else frame
    except (OSError, ValueError, KeyError) as error:
        raise InvalidFile(f"{place} holds no comparison that can be read: {error}") from None
    return Comparison(**tables, about=about)


def about_here() -> dict[str, Any]:
    """Return what a measurement here depends on; nothing that names the machine or its user."""
    versions = {name: _version(name) for name in ("tornado", "aiohttp", "stomp.py", "coilmq")}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        # how many processes wanted to run in the minute before: on a quiet machine hardly any
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "locshare_ext": __version__,
        "commit": _commit(),
        **versions,
    }


def _tables() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Comparison) if field.name != "about")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _commit() -> str | None:
    """Return the commit of a working copy, with a + if its package was changed since; None elsewhere."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    package = "locshare_ext"
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", package)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{name}+" if changed else name


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 -- our own words
        ["git", "-C", str(root), *words],  # noqa: S607 -- whichever git is meant here
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
