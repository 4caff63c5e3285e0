"""The formats of files, in one list: what is read and written, by which names, and what gets lost.

The command line's help, `format=` of the API, `to_file` and the documentation take theirs from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Any

from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import near_names

__all__ = ["API_FORMATS", "FORMATS", "Format", "by_name", "by_suffix", "readable", "suffixes", "writable"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    name: in `format=`. title: for people. suffixes: how its files end, the usual one first.
    media_type: of HTTP. reader, writer: `module:function` below `formats`. options: which of
    columns, tz, member, encoding its reader takes. loses: what of a trail is not in a file of it.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    media_type: str
    reader: str = ""
    writer: str = ""
    options: frozenset[str] = frozenset()
    loses: str = ""

    def read(self) -> Callable[..., Any]:
        """Return the function that reads it."""
        return _function(self.reader)

    def write(self) -> Callable[..., Any]:
        """Return the function that writes a trail: (Trail, binary file), of `gpkg` (path, Trail)."""
        return _function(self.writer)


_TABLE = frozenset({"columns", "tz", "member"})
_TEXT = _TABLE | {"encoding"}
_ONE = frozenset({"member"})

FORMATS: tuple[Format, ...] = (
    Format(
        "gpkg",
        "GeoPackage, our recording file",
        (".gpkg",),
        "application/geopackage+sqlite3",
        "gpkgread:read_geopackage",
        "gpkgwrite:write_trail",
        loses="nothing (times to the millisecond, as everywhere); columns of your own are left out",
    ),
    Format(
        "csv",
        "CSV",
        (".csv", ".tsv", ".txt"),
        "text/csv; charset=utf-8",
        "csv:read_csv",
        "csvwrite:write",
        _TEXT,
        "notes and other events; texts that look like formulas get an apostrophe in front",
    ),
    Format(
        "parquet",
        "Parquet",
        (".parquet",),
        "application/vnd.apache.parquet",
        "columnar:read_columnar",
        "columnarwrite:write_parquet",
        _TABLE,
        "notes and other events",
    ),
    Format(
        "geoparquet",
        "GeoParquet 1.1",
        (".geoparquet",),
        "application/vnd.apache.parquet",
        "columnar:read_columnar",
        "columnarwrite:write_geoparquet",
        _TABLE,
        "notes and other events",
    ),
    Format(
        "arrow",
        "Arrow, Feather",
        (".arrow", ".feather"),
        "application/vnd.apache.arrow.file",
        "columnar:read_columnar",
        "columnarwrite:write_arrow",
        _TABLE,
        "notes and other events",
    ),
    Format(
        "geojson",
        "GeoJSON",
        (".geojson", ".json"),
        "application/geo+json",
        "geojson:read_geojson",
        "geojsonwrite:write",
        _TABLE,
        "notes and other events",
    ),
    Format(
        "gpx",
        "GPX 1.1",
        (".gpx",),
        "application/gpx+xml",
        "gpx:read_gpx",
        "gpxwrite:write",
        _ONE,
        "notes and other events, seq, trip, flags; accuracy, battery, received, source and extra are in "
        "extensions that other programs pass over",
    ),
    Format(
        "kml",
        "KML with gx:Track",
        (".kml",),
        "application/vnd.google-earth.kml+xml",
        "",
        "kmlwrite:write",
        loses="notes and other events, received, source, extra, seq, trip, flags; altitudes of a track "
        "unless all are known",
    ),
    Format(
        "movebank",
        "Movebank CSV",
        (".movebank.csv",),
        "text/csv; charset=utf-8",
        "csv:read_csv",
        "movebank:write",
        _TEXT,
        "notes and other events, received, source, battery, extra, seq, trip, flags",
    ),
    Format(
        "html",
        "a web page that replays it",
        (".html",),
        "text/html; charset=utf-8",
        "",
        "htmlwrite:write",
        loses="source, extra, seq, trip, flags; places beyond 1e-7 degree, speed beyond 1 cm/s, heading, "
        "accuracy and altitude beyond 0.1, battery beyond 1 %",
    ),
    Format("traccar", "Traccar CSV", (), "text/csv", "csv:read_csv", options=_TEXT),
    Format("plt", "GeoLife and OziExplorer PLT", (".plt",), "text/plain", "plt:read_plt", options=_ONE),
    Format("owntracks", "OwnTracks Recorder", (".rec",), "text/plain", "rec:read_rec", options=_ONE),
    Format(
        "google",
        "Google Timeline and Records.json",
        (),
        "application/json",
        "google:read_google",
        options=_ONE,
    ),
)
# of `trails?format=`: what can be sent on while it is made; `arrow` there is the stream that clients read
API_FORMATS = ("arrow", "csv", "geojson", "gpx", "kml", "parquet")


def readable() -> tuple[Format, ...]:
    """Return what can be read."""
    return tuple(one for one in FORMATS if one.reader)


def writable() -> tuple[Format, ...]:
    """Return what can be written."""
    return tuple(one for one in FORMATS if one.writer)


def suffixes(formats: tuple[Format, ...] | None = None) -> tuple[str, ...]:
    """Return the usual endings of formats, of all that can be written if none are given."""
    return tuple(one.suffixes[0] for one in formats or writable() if one.suffixes)


def by_name(name: str, among: tuple[Format, ...] = FORMATS) -> Format:
    """Return the format of a name; raises InvalidInput with near names."""
    for one in among:
        if one.name == name:
            return one
    names = [one.name for one in among]
    near = near_names(name[:40], names, 1)
    hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(names)}"
    raise InvalidInput(f"format {name[:40]!r} is unknown; {hint}", code="format_unknown", field="format")


def by_suffix(path: PurePath) -> Format:
    """Return the format that a file to be written ends with; raises InvalidInput."""
    name = path.name.lower()
    found = [
        (len(suffix), one)
        for one in writable()
        for suffix in one.suffixes
        if name.endswith(suffix) and name != suffix
    ]
    if not found:
        raise InvalidInput(
            f"{path.name} ends with {path.suffix or 'nothing'!r}, expected {', '.join(suffixes())}",
            code="format_unknown",
            field="path",
        )
    return max(found, key=lambda pair: pair[0])[1]


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"locshare_ext.formats.{module}"), function)
    return found
