"""Files of the OwnTracks Recorder in: a line is the moment of arrival, a topic, a JSON message.

Fields and units as in the OwnTracks booklet (tech/json): `tst` s, `vel` km/h, `acc` and `alt` m,
`cog` degrees, `batt` percent. Arrival has no parts of a second (Recorder, recorder.c).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.loaded import Loaded, Progress, as_member, name_of
from locshare_ext.formats.reading import reading, text_lines
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import TimeReader

__all__ = ["is_rec", "read_rec"]

_LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?:\t[^\t]*\t| +\S+ +\{)")
_SPACED = re.compile(r"(\S+) +(\S+) +(\{.*)")  # what became of the tabs where text was copied
_APPLE = 978_307_200  # s from 1970 to 2001: an app that counts from there writes too small a tst
_OLDEST = 1_262_304_000  # s, the year 2010: OwnTracks is younger
_USED = frozenset({"_type", "lat", "lon", "tst", "acc", "alt", "vel", "cog", "batt", "tid", "topic", "_id"})
_TEXT = 100  # characters of a value that are kept in extra
_decoder = msgspec.json.Decoder(dict[str, Any])


def is_rec(head: bytes) -> bool:
    """Return whether a file that begins so is of the Recorder."""
    return _LINE.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read_rec(
    path: str | Path,
    *,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read a .rec file; its member is the user whose folder it is in (rec/USER/DEVICE/x.rec).

    Elsewhere it is the file's stem, unless `member` is given. Messages without a place are
    counted. Raises InvalidFile.
    """
    path = Path(path)
    name = member if member is not None else _user(path)
    others = 0
    with reading(on_disk=on_disk) as rows:
        adding = _Adding(rows, name)
        for line, text in text_lines(path, progress):
            if not text:
                continue
            try:
                others += not adding.add(line, text)
            except InvalidFile:
                raise
            except InvalidInput as error:
                rows.put_aside(line, error.message, text)
        rows.check(path, "lines")
        if not len(rows):
            raise InvalidFile(f"{path.name} has no locations, but {others:,} other messages")
        rows.finish(received_known=True)
    other = [f"{others:,} messages that are no locations are not read"] if others else []
    return Loaded(
        path=path,
        format="owntracks",
        name=name_of(path),
        fixes=rows,
        received_known=True,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=(*other, *rows.remarks()),
    )


def _user(path: Path) -> str:
    """Return the user in whose folder the Recorder put the file, else the file's stem."""
    folders = path.absolute().parts
    if len(folders) >= 4 and folders[-4] == "rec":
        return as_member(folders[-3], name_of(path))
    return name_of(path)


class _Adding:
    def __init__(self, rows: FixRows, member: str) -> None:
        self._rows, self._member = rows, member
        self._arrival = TimeReader(UTC, column="the moment of arrival")

    def add(self, line: int, text: str) -> bool:
        """Add a line's fix; returns False when it has none."""
        spaced = _SPACED.fullmatch(text)
        cells = text.split("\t", 2) if spaced is None else list(spaced.groups())
        if len(cells) < 3:
            raise InvalidInput("no moment, topic and message with tabs between them")
        try:
            message = _decoder.decode(cells[2])
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            if not cells[2].lstrip().startswith("{"):
                return False  # what other programs publish below the same topic
            raise InvalidInput(f"the message is no JSON object ({error})") from None
        if message.get("_type") != "location":
            return False
        arrival = self._arrival.read(cells[0])
        time = round(_number(message, "tst", needed=True) * 1000)
        if 0 < time < _OLDEST * 1000:
            time += _APPLE * 1000
            self._rows.leave_out(line, "tst", str(message["tst"]), "seconds since 1970 (it counts from 2001)")
        self._rows.add(
            line,
            self._member,
            time,
            _number(message, "lat", needed=True),
            _number(message, "lon", needed=True),
            _numbers(message),
            # arrival is cut to seconds: a fix of the same second did not arrive before it was measured
            received=max(arrival, time) if arrival + 1000 > time else arrival,
            source="owntracks",
            extra=_rest(message),
        )
        return True


def _numbers(message: Mapping[str, Any]) -> dict[str, float]:
    numbers = {
        "altitude": _number(message, "alt"),
        "accuracy": _number(message, "acc"),
        "speed": _number(message, "vel") / 3.6,
        "heading": _number(message, "cog"),
        "battery": _number(message, "batt") / 100,
    }
    if numbers["accuracy"] <= 0:  # zero may mean unknown
        del numbers["accuracy"]
    return numbers


def _number(message: Mapping[str, Any], name: str, *, needed: bool = False) -> float:
    value = message.get(name)
    if value is None and not needed:
        return float("nan")
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        return float(value)  # Greenwich writes numbers as text
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(f"{name} {str(value)[:40]!r} is no number", field=name) from None


def _rest(message: Mapping[str, Any]) -> str | None:
    kept: dict[str, Any] = {}
    for key, value in message.items():
        if key in _USED:
            continue
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ",".join(value)  # inregions, motionactivities
        if isinstance(value, str):
            kept[key] = value[:_TEXT]
        elif isinstance(value, bool | int | float):
            kept[key] = value
    return json.dumps(kept, ensure_ascii=False) if kept else None
