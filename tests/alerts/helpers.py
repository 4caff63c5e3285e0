"""Fixes for rules, and what rules told of them."""

from __future__ import annotations

from collections.abc import Iterable

from locshare_ext.alerts import Alert, Watch
from locshare_ext.model.fix import Fix

BEGIN = 1_760_000_000_000  # ms
LAT, LON = 46.2, 14.1
DEGREE = 111_150.0  # m of latitude here, about


def fix(
    seconds: float,
    member: str = "ann",
    north: float = 0.0,
    *,
    lon: float = LON,
    lat: float | None = None,
    delay: float = 0.0,
    speed: float | None = None,
) -> Fix:
    """Return a fix of a moment, so many metres north of the place; delay: until it was received, s."""
    time = BEGIN + round(seconds * 1000)
    return Fix(
        member=member,
        time=time,
        received=time + round(delay * 1000),
        lat=LAT + north / DEGREE if lat is None else lat,
        lon=lon,
        speed=speed,
        flags=(),
    )


def told(watch: Watch, fixes: Iterable[Fix]) -> list[tuple[str, str, float]]:
    """Return (kind, member, seconds since BEGIN) of all that fixes set off."""
    return [short(alert) for each in fixes for alert in watch.see(each)]


def short(alert: Alert) -> tuple[str, str, float]:
    """Return what of an alert is looked at."""
    return alert.kind, alert.member, (alert.time - BEGIN) / 1000
