"""GeoLife's PLT in: six lines of heading, then latitude, longitude, 0, feet, days, date, time.

As in the user guide of GeoLife GPS Trajectories 1.3: times are GMT, -777 feet are unknown. It is
OziExplorer's track format, whose times are in days since 1899-12-30.
"""

from __future__ import annotations

import math
import re
from datetime import UTC
from pathlib import Path

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.columns import FOOT
from locshare_ext.formats.loaded import Loaded, Progress, as_member, name_of
from locshare_ext.formats.reading import reading, text_lines
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import TimeReader

__all__ = ["is_plt", "read_plt"]

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_HEADING = 6  # lines
_UNKNOWN = -777  # feet
_FIRST_DAY = 25_569  # days from 1899-12-30 to 1970-01-01
_DAY = 86_400_000  # ms


def is_plt(head: bytes) -> bool:
    """Return whether a file that begins so is a PLT."""
    return head.lstrip(b"\xef\xbb\xbf").startswith((b"Geolife trajectory", b"OziExplorer Track Point File"))


def read_plt(
    path: str | Path,
    *,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read one PLT; its member is the user's folder in GeoLife's tree (000/Trajectory/x.plt).

    Elsewhere it is the file's stem, unless `member` is given. Raises InvalidFile, also for
    another datum than WGS 84.
    """
    path = Path(path)
    name = as_member(path.parent.parent.name, name_of(path))
    if path.parent.name.casefold() != "trajectory" or not path.parent.parent.name:
        name = name_of(path)
    with reading(on_disk=on_disk) as rows:
        adding = _Adding(rows, path, member if member is not None else name)
        for line, text in text_lines(path, progress):
            if line <= _HEADING:
                adding.heading(line, text)
            elif text:
                try:
                    adding.add(line, text)
                except InvalidFile:
                    raise
                except InvalidInput as error:
                    rows.put_aside(line, error.message, text)
        rows.check(path, "points")
        if not len(rows):
            raise InvalidFile(f"{path.name} has no points after its {_HEADING} lines of heading")
        rows.finish(received_known=False)
    return Loaded(
        path=path,
        format="plt",
        name=name_of(path),
        fixes=rows,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=tuple(rows.remarks()),
    )


class _Adding:
    """Turns lines into fixes, as the heading says that they are meant."""

    def __init__(self, rows: FixRows, path: Path, member: str) -> None:
        self._rows, self._path, self._member = rows, path, member
        self._times = TimeReader(UTC, column="date and time")
        self._height = FOOT
        self._source = "geolife"

    def heading(self, line: int, text: str) -> None:
        """Take a line of the heading; raises InvalidFile for another datum than WGS 84."""
        if line == 1 and text.startswith("Ozi"):
            self._source = "oziexplorer"
        elif line == 2 and re.sub(r"[\W_]", "", text).upper() not in ("WGS84", ""):
            raise InvalidFile(f"{self._path.name} is in {text.strip(' ,')[:40]}, expected WGS 84")
        elif line == 3 and "metre" in text.lower().replace("meter", "metre"):
            self._height = 1.0  # as GPSBabel can write it

    def add(self, line: int, text: str) -> None:
        """Add a line's fix; raises InvalidInput when it has none."""
        cells = [cell.strip() for cell in text.split(",")]
        if len(cells) < 7:
            raise InvalidInput(f"{len(cells)} cells, expected lat, lon, 0, feet, days, date, time")
        if _ISO_DATE.match(cells[5]):
            time = self._times.read(f"{cells[5]} {cells[6]}")
        else:  # OziExplorer writes the date as people of its country do
            days = _number("days", cells[4])
            if not 0 < days < 1e6:
                raise InvalidInput(f"days {cells[4][:40]!r} is no day since 1899-12-30", field="time")
            time = round((days - _FIRST_DAY) * _DAY)
        height = _number("altitude", cells[3]) if cells[3] else math.nan
        numbers = {} if height == _UNKNOWN else {"altitude": height * self._height}
        lat, lon = _number("lat", cells[0]), _number("lon", cells[1])
        self._rows.add(line, self._member, time, lat, lon, numbers, source=self._source)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name} {text[:40]!r} is no number", field=name) from None
