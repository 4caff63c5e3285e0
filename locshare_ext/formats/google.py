"""Google's location history in: Records.json of Takeout, and what phones export since 2024.

Records.json: {"locations": [{"latitudeE7", "longitudeE7", "timestamp" or "timestampMs", ...}]},
with velocity in m/s. Android's Timeline.json: {"semanticSegments": [...], "rawSignals": [...]},
iOS' location-history.json: a list of segments. A segment's timelinePath are places that Google
worked out; visits and activities are no fixes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.jsonread import TOP, elements
from locshare_ext.formats.loaded import Loaded, Progress, name_of
from locshare_ext.formats.reading import reading
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import TimeReader

__all__ = ["is_google", "read_google"]

_MOST = 200_000  # values in one location or segment
_ARRAYS = ("locations", "semanticSegments", "rawSignals", TOP)
_KEYS = (b'"locations"', b'"semanticSegments"', b'"rawSignals"', b'"timelinePath"', b'"timelineObjects"')
_DEGREES = re.compile(r"(?:geo:)?\s*(-?[0-9.]+)\s*°?\s*,\s*(-?[0-9.]+)\s*°?\Z")
_KEPT = {
    "source": "signal",
    "deviceTag": "device_tag",
    "platformType": "platform",
    "verticalAccuracy": "vertical_accuracy",
    "batteryCharging": "charging",
}


def is_google(head: bytes) -> bool:
    """Return whether JSON that begins so looks like Google's."""
    return any(key in head for key in _KEYS)


def read_google(
    path: str | Path,
    *,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read Google's location history; all fixes are of one member, the file's stem if not given.

    `extra.signal` says where a fix is from: GPS, WIFI, CELL, or `timelinePath` for places that
    Google worked out. Raises InvalidFile.
    """
    path = Path(path)
    with reading(on_disk=on_disk, unit="item") as rows:
        adding = _Adding(rows, member if member is not None else name_of(path))
        found = elements(path, _ARRAYS, ("timelineObjects",), most=_MOST, progress=progress)
        for number, (key, value) in enumerate(found, 1):
            if key == "timelineObjects":
                raise InvalidFile(
                    f"{path.name} is a month of Google's semantic history, which has visits but no fixes; "
                    "Records.json of the same export has them"
                )
            adding.add(key, number, value)
        rows.check(path, "items")
        if not len(rows):
            raise InvalidFile(f"{path.name} has no locations that Google's exports have")
        known = bool(adding.received) and adding.received == len(rows)
        rows.finish(received_known=known)
    return Loaded(
        path=path,
        format="google",
        name=name_of(path),
        fixes=rows,
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=(*adding.remarks(), *rows.remarks()),
    )


class _Adding:
    """Turns what an export lists into fixes."""

    def __init__(self, rows: FixRows, member: str) -> None:
        self.received = 0  # fixes whose arrival at Google is told
        self._rows = rows
        self._member = member
        self._counts: Counter[str] = Counter()
        self._time = TimeReader(UTC, column="timestamp")
        self._ms = TimeReader(unit="ms", column="timestampMs")
        self._arrival = TimeReader(UTC, column="serverTimestamp")

    def add(self, key: str, number: int, value: Any) -> None:
        """Add the fixes of one element."""
        if not isinstance(value, dict):
            self._rows.put_aside(number, f"{key or 'the list'} has something that is no object", str(value))
            return
        try:
            if key == "locations":
                self._location(number, value)
            elif key == "rawSignals":
                self._signal(number, value)
            else:
                self._segment(number, value)
        except InvalidFile:
            raise
        except InvalidInput as error:
            self._rows.put_aside(number, error.message, json.dumps(value, ensure_ascii=False)[:1000])

    def remarks(self) -> Iterator[str]:
        """Yield sentences on what is no fix, and what is one that was not measured."""
        names = {"visit": "visits", "activity": "activities", "wifiScan": "lists of networks"}
        others = [f"{self._counts[key]:,} {name}" for key, name in names.items() if self._counts[key]]
        if others:
            yield f"{' and '.join(others)} are not read"
        if count := self._counts["path"]:
            yield f"{count:,} fixes are of timelinePath, which Google worked out (extra.signal says which)"

    def _location(self, number: int, value: Mapping[str, Any]) -> None:
        if "latitudeE7" not in value or "longitudeE7" not in value:
            raise InvalidInput("the location has no latitudeE7 and longitudeE7")
        if "timestamp" in value:
            time = self._time.read(str(value["timestamp"]))
        else:
            time = self._ms.read(str(value.get("timestampMs", "")))
        arrival = value.get("serverTimestamp")
        received = None if not isinstance(arrival, str) else self._arrival.read(arrival)
        numbers = _numbers(
            value, altitude="altitude", accuracy="accuracy", speed="velocity", heading="heading"
        )
        self._rows.add(
            number,
            self._member,
            time,
            _of_e7("latitudeE7", value["latitudeE7"]),
            _of_e7("longitudeE7", value["longitudeE7"]),
            numbers,
            received=received,
            source="google",
            extra=_json({new: value.get(old) for old, new in _KEPT.items()}),
        )
        self.received += received is not None

    def _signal(self, number: int, value: Mapping[str, Any]) -> None:
        position = value.get("position")
        if not isinstance(position, dict):
            self._counts.update(value.keys())
            return
        lat, lon = _degrees("LatLng", position.get("LatLng", position.get("latLng")))
        numbers = _numbers(
            position, altitude="altitudeMeters", accuracy="accuracyMeters", speed="speedMetersPerSecond"
        )
        self._rows.add(
            number,
            self._member,
            self._time.read(str(position.get("timestamp", ""))),
            lat,
            lon,
            numbers,
            source="google",
            extra=_json({"signal": position.get("source")}),
        )

    def _segment(self, number: int, value: Mapping[str, Any]) -> None:
        self._counts.update(key for key in ("visit", "activity") if key in value)
        points = value.get("timelinePath")
        if not isinstance(points, list):
            return
        start = None
        for point in points:
            if not isinstance(point, dict):
                raise InvalidInput("timelinePath has something that is no object")
            if "time" in point:
                time = self._time.read(str(point["time"]))
            else:  # iOS: whole minutes from the segment's beginning
                start = self._time.read(str(value.get("startTime", ""))) if start is None else start
                time = start + _minutes(point.get("durationMinutesOffsetFromStartTime")) * 60_000
            lat, lon = _degrees("point", point.get("point"))
            self._rows.add(
                number, self._member, time, lat, lon, {}, source="google", extra='{"signal":"timelinePath"}'
            )
            self._counts["path"] += 1


def _numbers(value: Mapping[str, Any], **names: str) -> dict[str, float]:
    found: dict[str, Any] = {field: value.get(name) for field, name in names.items()}
    return {field: float(one) for field, one in found.items() if _is_number(one)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_e7(name: str, value: Any) -> float:
    if not _is_number(value):
        raise InvalidInput(f"{name} {str(value)[:40]!r} is no number", field=name)
    if abs(value) > 1_800_000_000:  # older exports wrote what is negative without its sign, in 32 bits
        value -= (1 << 32) if value > 0 else -(1 << 32)
    return float(value) / 1e7


def _degrees(name: str, text: Any) -> tuple[float, float]:
    match = _DEGREES.match(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInput(f"{name} {str(text)[:40]!r} is no place such as '48.8337°, 2.2562°'", field=name)
    try:
        return float(match[1]), float(match[2])
    except ValueError:
        raise InvalidInput(f"{name} {str(text)[:40]!r} has no numbers", field=name) from None


def _minutes(value: Any) -> int:
    try:
        minutes = int(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(f"durationMinutesOffsetFromStartTime {str(value)[:40]!r} is no number") from None
    if not 0 <= minutes <= 366 * 24 * 60:
        raise InvalidInput(f"durationMinutesOffsetFromStartTime {minutes} is outside a year")
    return minutes


def _json(values: Mapping[str, Any]) -> str | None:
    kept = {
        key: value[:200] if isinstance(value, str) else value
        for key, value in values.items()
        if isinstance(value, str | int | float | bool)
    }
    return json.dumps(kept, ensure_ascii=False) if kept else None
