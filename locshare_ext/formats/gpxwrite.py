"""Writes a trail frame as GPX 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.atomic import replacing
from locshare_ext.formats.times import text_of_ms
from locshare_ext.model.trail import FRAME_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAMESPACE", "write_gpx"]

NAMESPACE = "urn:locshare-ext:gpx:1"
GAP = 120_000  # ms; a segment ends at a silence over this and over 5 times the usual interval
_GARMIN = "http://www.garmin.com/xmlschemas/TrackPointExtension/v2"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_BEGIN = f"""<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="locshare_ext" xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:gpxtpx="{_GARMIN}" xmlns:locshare="{NAMESPACE}">
"""


def write_gpx(frame: pd.DataFrame, path: str | Path, *, name: str = "") -> None:
    """Write a trail frame as GPX 1.1, which is replaced when the whole is written.

    One trk per member, a new trkseg after a gap (over 2 min and 5 times the member's
    median interval). Speed and heading are in Garmin's TrackPointExtension, what GPX has
    no word for in extensions of our own; seq, trip and flags are left out, times are kept
    to the millisecond. name: of the whole; the recording's if not given.
    """
    if missing := [column for column in FRAME_COLUMNS if column not in frame.columns]:
        raise InvalidInput(f"this is no trail frame: it has no column {missing[0]!r}")
    groups = [str(group) for group in frame["group"].cat.categories]
    recordings = [str(recording) for recording in frame["recording"].cat.categories if recording]
    title = name or (recordings[0] if len(recordings) == 1 else "")
    with replacing(Path(path)) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_BEGIN)
        if title or groups:
            group = f"<locshare:group>{_text(groups[0])}</locshare:group>" if len(groups) == 1 else ""
            inside = f"<extensions>{group}</extensions>" if group else ""
            titled = f"<name>{_text(title)}</name>" if title else ""
            file.write(f" <metadata>{titled}{inside}</metadata>\n")
        for member, rows in frame.groupby("member", observed=True, sort=True):
            file.writelines(_track(str(member), rows))
        file.write("</gpx>\n")


def _track(member: str, rows: pd.DataFrame) -> Iterator[str]:
    import numpy as np

    time = rows["time"].to_numpy("datetime64[ms]").view("int64")
    received = rows["received"].to_numpy("datetime64[ms]").view("int64")
    steps = np.diff(time)
    longest = max(GAP, 5 * float(np.median(steps))) if len(steps) else GAP
    columns = ("lat", "lon", "altitude", "speed", "heading", "accuracy", "battery", "source", "extra")
    values = [rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in columns]
    yield f" <trk>\n  <name>{_text(member)}</name>\n  <trkseg>\n"
    before = int(time[0])
    for moment, heard, *rest in zip(time.tolist(), received.tolist(), *values, strict=True):
        if moment - before > longest:
            yield "  </trkseg>\n  <trkseg>\n"
        before = moment
        yield _point(moment, heard, rest)
    yield "  </trkseg>\n </trk>\n"


def _point(moment: int, heard: int, values: list[Any]) -> str:
    lat, lon, altitude, speed, heading, accuracy, battery, source, extra = values
    ele = "" if altitude is None else f"<ele>{altitude!r}</ele>"
    garmin = "" if speed is None else f"<gpxtpx:speed>{speed!r}</gpxtpx:speed>"
    garmin += "" if heading is None else f"<gpxtpx:course>{heading!r}</gpxtpx:course>"
    if garmin:
        garmin = f"<gpxtpx:TrackPointExtension>{garmin}</gpxtpx:TrackPointExtension>"
    ours = {
        "accuracy": None if accuracy is None else repr(accuracy),
        "battery": None if battery is None else repr(battery),
        "received": text_of_ms(heard) if heard != moment else None,
        "source": None if source is None else _text(str(source)),
        # in JSON such a character can be written as its number
        "extra": None if extra is None else escape(_NO_XML.sub(_numbered, str(extra))),
    }
    told = garmin + "".join(
        f"<locshare:{name}>{text}</locshare:{name}>" for name, text in ours.items() if text is not None
    )
    more = f"<extensions>{told}</extensions>" if told else ""
    time = f"<time>{text_of_ms(moment)}</time>"
    return f'   <trkpt lat="{lat!r}" lon="{lon!r}">{ele}{time}{more}</trkpt>\n'


def _numbered(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _text(text: str) -> str:
    return escape(_NO_XML.sub("", text))
