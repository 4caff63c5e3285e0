"""GPX 1.0 and 1.1 in, 1.1 out: a track is a member.

Read with expat, not with gpxpy: it names lines, keeps good points beside bad ones and
lets no entity in; a file of any length costs its fixes, not its tree.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any
from xml.parsers import expat

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.gpxwrite import CREATOR, NAMESPACE, write_gpx
from locshare_ext.formats.loaded import Loaded, Progress, as_member, name_of
from locshare_ext.formats.reading import reading
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import TimeReader
from locshare_ext.model.names import fold

__all__ = ["read_gpx", "write_gpx"]

_CHUNK = 1 << 18  # bytes parsed at once
_MOST_TRACKS = 1_000_000
# elements that are points -> what they are in; of waypoints, all are one line
_TRACKS: Mapping[str, str] = {"trkpt": "trk"}
_OTHERS: Mapping[str, str] = {"wpt": "", "rtept": "rte"}
_BEGIN = re.compile(rb"(\xef\xbb\xbf)?(\s*)(<\?xml[^>]*\?>)?(.*)", re.DOTALL)
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_OF_EXPAT = ("utf-8", "utf-16", "ascii", "iso8859-1")
_DEEPEST = 64  # elements within elements
_LONGEST = 1 << 16  # characters of one text

# names of elements in a trkpt or its extensions, in lower case -> field; units are metres, m/s, degrees
_FIELDS = {
    "ele": "altitude",
    "speed": "speed",  # GPX 1.0, Garmin TrackPointExtension v2, OsmAnd: m/s
    "course": "heading",
    "bearing": "heading",
    "heading": "heading",
    "accuracy": "accuracy",
    "hacc": "accuracy",
}
_KEPT = ("hdop", "vdop", "pdop", "sat", "fix", "hr", "cad", "atemp")  # as keys of extra
_OURS = ("battery", "received", "source", "extra")


@dataclass(slots=True)
class _Point:
    line: int
    lat: str
    lon: str
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Track:
    member: int  # as `FixRows.new_member` gave it
    name: str = ""
    points: int = 0


def read_gpx(
    path: str | Path,
    *,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read the tracks of a GPX file; each is a member called as the track is.

    A track without a name is called as the file's stem. member: all points are of this
    one. Speed, heading and accuracy are taken from GPX 1.0 and from extensions. Points
    without a time or with values that cannot be are set aside; waypoints and routes are
    read only where there is no track, as of loggers that write nothing else. Raises
    InvalidFile when the file is no GPX, is broken, has a DOCTYPE, or has not one point
    with a time.
    """
    path = Path(path)
    kinds, are_bound = _TRACKS, True
    while True:
        with reading(on_disk=on_disk) as rows:
            found = _Reading(path, rows, kinds, are_bound=are_bound)
            try:
                found.read(progress)
            except _UnboundPrefixError:  # of an extension that a program wrote and never declared
                rows.close()
                are_bound = False
                continue
            if kinds is _TRACKS and not found.points and found.others:
                rows.close()
                kinds = _OTHERS
                continue
            return _loaded(path, rows, found, member)


def _loaded(path: Path, rows: FixRows, found: _Reading, member: str | None) -> Loaded:
    remarks: list[str] = []
    for track, name in _named(found.tracks, name_of(path), member, remarks):
        rows.name_member(track.member, name)
    if found.kinds is _TRACKS:
        rows.check(path, "points")
    if not len(rows) and found.creator != CREATOR:  # ours may be of a recording without fixes
        others = f"; it has {found.others}, none with a time" if found.others else ""
        raise InvalidFile(f"{path.name} has no track points{others}")
    if found.others:
        is_read = "are not read" if found.kinds is _TRACKS else "are read, as there is no track"
        remarks.append(f"{found.others} {is_read}")
    known = rows.has_received
    rows.finish(received_known=known)
    return Loaded(
        path=path,
        format="gpx",
        name=found.title or name_of(path),
        group=found.group,
        fixes=rows,
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=(*remarks, *rows.remarks()),
        info={"version": found.version, "creator": found.creator},
    )


class _UnboundPrefixError(Exception):
    """A name has a prefix that stands for no namespace."""


class _Reading:
    """Turns the file's elements into tracks, whose points it hands on.

    kinds: of points that are read. are_bound: whether every prefix has to stand for a namespace.
    """

    def __init__(self, path: Path, rows: FixRows, kinds: Mapping[str, str], *, are_bound: bool) -> None:
        self.tracks: list[_Track] = []
        self.kinds = kinds
        self.points = 0
        self.title = self.group = self.version = self.creator = ""
        self._path, self._filling, self._rows = path, _Filling(rows), rows
        self._lines = set(kinds.values())
        self._loose: _Track | None = None  # of points that are in no line
        self._counts = {"wpt": 0, "rtept": 0}
        self._within: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._track: _Track | None = None
        self._point: _Point | None = None
        self._text_of: codecs.IncrementalDecoder | None = None  # for what expat does not read itself
        self._parser = expat.ParserCreate(namespace_separator=" " if are_bound else None)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, progress: Progress | None) -> None:
        """Read the file; raises InvalidFile when it is no GPX."""
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            chunk = self._begun(file.read(_CHUNK))
            while chunk:
                self._feed(chunk)
                if progress is not None:
                    progress(file.tell(), size)
                chunk = file.read(_CHUNK)
        self._feed(b"", is_last=True)

    def _begun(self, data: bytes) -> bytes:
        """Return the first bytes, with the XML declaration at their beginning where it has to be."""
        mark, space, declaration, rest = _BEGIN.fullmatch(data).groups()  # type: ignore[union-attr]
        named = None if mark else _ENCODING.search(declaration or b"")
        if named is not None:
            name = named[1].decode("ascii")
            with contextlib.suppress(LookupError):  # of one that nobody knows, expat says so
                if codecs.lookup(name).name not in _OF_EXPAT and b"".decode(name) == "":
                    self._text_of = codecs.getincrementaldecoder(name)()
                    declaration = declaration.replace(named[1], b"utf-8")
        return (mark or b"") + (declaration or b"") + space + rest

    def _feed(self, data: bytes, *, is_last: bool = False) -> None:
        try:
            if self._text_of is not None:
                data = self._text_of.decode(data, is_last).encode()
            self._parser.Parse(data, is_last)
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]:
                raise _UnboundPrefixError from None
            what = expat.ErrorString(error.code)
            raise InvalidFile(
                f"{self._path.name}: line {error.lineno}: no well-formed XML ({what})"
            ) from None
        except (LookupError, ValueError) as error:  # of an encoding that is unknown or of many bytes
            raise InvalidFile(f"{self._path.name}: {error}") from None

    @property
    def others(self) -> str:
        """What there is besides tracks, in words."""
        names = {"wpt": "waypoints", "rtept": "route points"}
        return " and ".join(f"{count:,} {names[name]}" for name, count in self._counts.items() if count)

    def _doctype(self, *_: Any) -> None:
        raise InvalidFile(
            f"{self._path.name}: line {self._parser.CurrentLineNumber}: has a DOCTYPE, which GPX has not"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if not self._within:
            if local != "gpx":
                raise InvalidFile(f"{self._path.name} is XML, but no GPX: it begins with <{local[:40]}>")
            self.version = attributes.get("version", "")
            self.creator = attributes.get("creator", "")[:200]
        if len(self._within) >= _DEEPEST:
            raise InvalidFile(f"{self._path.name}: elements within more than {_DEEPEST} others")
        self._within.append(local)
        self._text, self._length = [], 0
        if local in self._counts:
            self._counts[local] += 1
        if local in self._lines:
            self._track = _Track(self._rows.new_member())
            if len(self.tracks) >= _MOST_TRACKS:
                raise InvalidFile(f"{self._path.name}: more than {_MOST_TRACKS:,} tracks")
        elif local in self.kinds:
            line = self._parser.CurrentLineNumber
            self._point = _Point(line, attributes.get("lat", ""), attributes.get("lon", ""))

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length > _LONGEST:
            line = self._parser.CurrentLineNumber
            raise InvalidFile(f"{self._path.name}: line {line}: a text of over {_LONGEST:,} characters")
        self._text.append(text)

    def _end(self, name: str) -> None:
        namespace, local = name.rpartition(" ")[0], _local(name)
        self._within.pop()
        text = "".join(self._text).strip()
        self._text, self._length = [], 0
        if local in self.kinds:
            track = self._track if self.kinds[local] else self._of_loose()
            if track is not None and self._point is not None:
                track.points += 1
                self.points += 1
                self._filling.add(self._point, track.member)
            self._point = None
        elif self._point is not None:
            self._point_text(namespace, local.lower(), text)
        elif local in self._lines:
            if self._track is not None and self._track.points:
                self.tracks.append(self._track)
            self._track = None
        elif self._within[-1:] in (["trk"], ["rte"]) and local == "name" and self._track is not None:
            self._track.name = text
        elif local == "name" and self._within in (["gpx", "metadata"], ["gpx"]):
            self.title = text[:200]
        elif local == "group" and namespace == NAMESPACE:
            self.group = text[:64]

    def _of_loose(self) -> _Track:
        if self._loose is None:
            self._loose = _Track(self._rows.new_member())
            self.tracks.append(self._loose)
        return self._loose

    def _point_text(self, namespace: str, local: str, text: str) -> None:
        if self._point is None or not text:
            return
        if local == "time" or local in _KEPT:
            self._point.texts.setdefault(local, text)
        elif local in _FIELDS:
            self._point.texts.setdefault(_FIELDS[local], text)
        elif namespace == NAMESPACE and local in _OURS:
            self._point.texts[f"our {local}"] = text


class _Filling:
    """Turns points into fixes."""

    def __init__(self, rows: FixRows) -> None:
        self._rows = rows
        self._time = TimeReader(UTC, column="time")  # GPX: times are UTC, with or without Z
        self._received = TimeReader(UTC, column="received")

    def add(self, point: _Point, member: int) -> None:
        """Add a point, or set it aside."""
        texts = point.texts
        try:
            if "time" not in texts:
                raise InvalidInput("the point has no time: it was drawn, or its clock was left out")
            received = texts.get("our received")
            self._rows.add(
                point.line,
                member,
                self._time.read(texts["time"]),
                _degrees("lat", point.lat),
                _degrees("lon", point.lon),
                self._numbers(point),
                received=None if received is None else self._received.read(received),
                source=texts.get("our source", ""),
                extra=texts.get("our extra") or _kept(texts),
            )
        except InvalidFile:
            raise
        except InvalidInput as error:
            self._rows.put_aside(
                point.line, error.message, f"{point.lat},{point.lon},{texts.get('time', '')}"
            )

    def _numbers(self, point: _Point) -> dict[str, float]:
        numbers = {}
        for key in ("altitude", "speed", "heading", "accuracy", "our battery"):
            if (text := point.texts.get(key)) is not None:
                name = key.removeprefix("our ")
                try:
                    numbers[name] = float(text)
                except ValueError:
                    self._rows.leave_out(point.line, name, text, "a number")
        return numbers


def _local(name: str) -> str:
    """Return an element's name without its namespace, or the prefix that stands for none."""
    return name.rpartition(" ")[2].rpartition(":")[2]


def _degrees(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name} {text[:40]!r} is no number, expected degrees", field=name) from None


def _kept(texts: dict[str, str]) -> str | None:
    kept: dict[str, Any] = {}
    for key in _KEPT:
        if key in texts:
            try:
                kept[key] = float(texts[key])
            except ValueError:
                kept[key] = texts[key][:64]
    return json.dumps(kept, allow_nan=False) if kept and _are_finite(kept) else None


def _are_finite(kept: dict[str, Any]) -> bool:
    return all(not isinstance(value, float) or abs(value) < 1e300 for value in kept.values())


def _named(
    tracks: list[_Track], stem: str, member: str | None, remarks: list[str]
) -> list[tuple[_Track, str]]:
    """Return each track with its member's name; tracks of one name are one member's."""
    if member is not None:
        return [(track, member) for track in tracks]
    names: dict[str, str] = {}  # a track's title -> its member
    owners: dict[str, str] = {}  # a member, folded -> the title it was made of, folded
    for title in dict.fromkeys(track.name for track in tracks if track.name):
        # titles that differ in case only are one member's, as names of members are
        names[title] = _free(as_member(title, stem), owners, fold(title))
        if names[title] != title:
            remarks.append(f"track {title[:80]!r} is member {names[title]!r}")
    nameless = [track for track in tracks if not track.name]
    of_nameless: dict[int, str] = {}
    for number, track in enumerate(nameless, 1):
        name = stem if len(nameless) == 1 else f"{stem[:56]}-{number}"
        of_nameless[id(track)] = _free(as_member(name, "track"), owners, f"nameless {number}\n")
    return [(track, names[track.name] if track.name else of_nameless[id(track)]) for track in tracks]


def _free(name: str, owners: dict[str, str], title: str) -> str:
    """Return the name, with a number behind it if it was made of another title."""
    number, free = 2, name
    while owners.setdefault(fold(free), title) != title:
        free = f"{name[:58]} {number}"
        number += 1
    return free
