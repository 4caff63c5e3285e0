"""What reading a file gives, and the rows it is built of."""

from __future__ import annotations

import math
import unicodedata
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.errors import InvalidFile, InvalidInput, InvalidName
from locshare_ext.model.event import Event
from locshare_ext.model.fix import NUMBERS, Scalar
from locshare_ext.model.names import BIDI_CONTROLS, fold, member_name
from locshare_ext.model.trail import TRIP_GAP
from locshare_ext.model.wire import MAX_EXTRA, MAX_SOURCE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["MAX_MEMBERS", "FixRows", "Loaded", "Progress", "SetAside", "as_member", "name_of"]

MAX_MEMBERS = 10_000
KEPT_ASIDE = 1_000  # rows set aside that are kept with their text; the others are counted

IMPORT = "import"  # the source of fixes whose file names none
_extra_decoder = msgspec.json.Decoder(dict[str, Scalar])

Progress = Callable[[int, int], None]  # bytes done, bytes in all

# name -> (what the range is called, the test), of what may be unknown
RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "altitude": ("metres", lambda value: abs(value) < 1e7),
    "accuracy": ("[0, inf) metres", lambda value: value >= 0),
    "speed": ("[0, inf) m/s", lambda value: value >= 0),
    "heading": ("[0, 360) degrees", lambda value: 0 <= value < 360),
    "battery": ("[0, 1]", lambda value: 0 <= value <= 1),
}


@dataclass(frozen=True, slots=True)
class SetAside:
    """A part of a file that became no fix: its line (1 is the first), why, and its text."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Loaded:
    """A file's fixes as a recording of their own.

    table: `trail.ARROW_FIELDS`, ascending by seq; its order is that of `received` if the
    file has it (`received_known`), else of `time`. set_aside: the first of those that
    could not be used, `set_aside_count` how many there were. remarks: sentences on what
    was left out or changed, for people. info: what else the file says of itself.
    """

    path: Path
    format: str
    name: str
    table: pa.Table
    group: str = ""
    received_known: bool = False
    set_aside: tuple[SetAside, ...] = ()
    set_aside_count: int = 0
    remarks: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    stored_frame: pd.DataFrame | None = field(default=None, repr=False)

    def frame(
        self, *, trip_gap: int | timedelta | str | None = None, extra: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return the trail frame; as it was stored when the file keeps one and nothing is asked."""
        if self.stored_frame is not None and trip_gap is None and not extra:
            return self.stored_frame.copy()
        from locshare_ext.formats.frame import frame_from_arrow

        gap = TRIP_GAP if trip_gap is None else trip_gap
        return frame_from_arrow(self.table, group=self.group, recording=self.name, trip_gap=gap, extra=extra)


class FixRows:
    """Collects the fixes of a file in columns, checked, and what had to be set aside."""

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self.set_aside_count = 0
        self._members: dict[str, int] = {}  # name as the file has it -> code
        self._folded: dict[str, int] = {}
        self._names: list[str] = []
        self._sources: dict[str, int] = {}
        self._member, self._source = array("i"), array("i")
        self._time, self._received = array("q"), array("q")
        self._lat, self._lon = array("d"), array("d")
        self._numbers = {name: array("d") for name in NUMBERS}
        self._extra: list[str | None] = []
        self._left_out: dict[str, tuple[int, int, str, str]] = {}

    def __len__(self) -> int:
        return len(self._time)

    def add(
        self,
        line: int,
        member: str,
        time: int,
        lat: float,
        lon: float,
        numbers: Mapping[str, float],
        *,
        received: int | None = None,
        source: str = "",
        extra: str | None = None,
    ) -> None:
        """Add one fix; raises InvalidInput, and adds nothing, when it cannot be one.

        A number that cannot be (heading 400) is left out and counted, not the fix. extra:
        a JSON object. source: own short text, else `import`.
        """
        if not -90 <= lat <= 90:  # false for NaN
            raise InvalidInput(f"lat {lat} is outside [-90, 90] degrees", field="lat")
        if not -180 <= lon <= 180:
            raise InvalidInput(f"lon {lon} is outside [-180, 180] degrees", field="lon")
        code = self._members.get(member)
        if code is None:
            code = self._new_member(member)
        if extra is not None:
            extra = self._checked_extra(line, extra)
        if not (1 <= len(source) <= MAX_SOURCE and source.isprintable()):
            source = IMPORT
        self._member.append(code)
        self._source.append(self._sources.setdefault(source, len(self._sources)))
        self._time.append(time)
        self._received.append(time if received is None else received)
        self._lat.append(lat)
        self._lon.append(lon)
        for name, column in self._numbers.items():
            column.append(self._number(line, name, numbers.get(name)))
        self._extra.append(extra)

    def put_aside(self, line: int, reason: str, raw: str) -> None:
        """Count what became no fix, and keep the first of them."""
        self.set_aside_count += 1
        if len(self.set_aside) < KEPT_ASIDE:
            self.set_aside.append(SetAside(line, reason, raw[:1000]))

    def leave_out(self, line: int, name: str, shown: str, expected: str) -> None:
        """Count a value that is left out of a fix."""
        count, first, text, why = self._left_out.get(name, (0, line, shown[:40], expected))
        self._left_out[name] = (count + 1, first, text, why)

    def remarks(self) -> list[str]:
        """Return sentences on what was left out and set aside."""
        told = [
            f"{name}: {count:,} value{'s' * (count > 1)} left out as unknown "
            f"(the first in line {first}: {text!r}, expected {why})"
            for name, (count, first, text, why) in self._left_out.items()
        ]
        if self.set_aside:
            first_aside = self.set_aside[0]
            told.append(
                f"{self.set_aside_count:,} set aside "
                f"(the first in line {first_aside.line}: {first_aside.reason})"
            )
        return told

    def check(self, path: Path, what: str) -> None:
        """Raise InvalidFile when nothing but bad `what` (rows, points) was found."""
        if not len(self) and self.set_aside:
            first = self.set_aside[0]
            raise InvalidFile(
                f"{path.name}: none of {self.set_aside_count:,} {what} can be used; "
                f"line {first.line}: {first.reason}"
            )

    def table(self, *, received_known: bool) -> pa.Table:
        """Return the Arrow table, in order of `received` if that is known, else of `time`."""
        import numpy as np
        import pyarrow as pa

        from locshare_ext.model.trail import arrow_schema

        def texts(codes: array[int], names: list[str]) -> Any:
            return pa.DictionaryArray.from_arrays(
                pa.array(np.array(codes, np.int32)), pa.array(names, pa.utf8())
            )

        time, received = np.array(self._time, np.int64), np.array(self._received, np.int64)
        member = np.array(self._member, np.int32)
        order = np.argsort(received if received_known else time, kind="stable")
        rows, none = len(time), np.zeros(len(time), dtype=bool)
        columns: dict[str, Any] = {
            "member": texts(self._member, self._names),
            "source": texts(self._source, list(self._sources)),
            "time": time,
            "received": received,
            "lat": np.array(self._lat),
            "lon": np.array(self._lon),
            **{name: pa.array(np.array(column), from_pandas=True) for name, column in self._numbers.items()},
            "extra": pa.array(self._extra, pa.utf8()),
        }
        table = pa.table(columns).take(pa.array(order))
        late = none
        if received_known:
            late = _late(member[order], np.minimum(time, received)[order])
        for name, values in {"late": late, "future": none, "repaired": none}.items():
            table = table.append_column(name, pa.array(values))
        table = table.append_column("seq", pa.array(np.arange(1, rows + 1)))
        schema = arrow_schema()
        return table.select(schema.names).cast(schema)

    @property
    def has_received(self) -> bool:
        """Whether any fix was received at another moment than it was measured."""
        return self._received != self._time

    def _checked_extra(self, line: int, text: str) -> str | None:
        if len(text.encode("utf-8", "replace")) > MAX_EXTRA:
            self.leave_out(line, "extra", text, f"at most {MAX_EXTRA} bytes of JSON")
            return None
        try:
            _extra_decoder.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            self.leave_out(line, "extra", text, "a JSON object of texts, numbers, true, false and null")
            return None
        return text

    def _number(self, line: int, name: str, value: float | None) -> float:
        if value is None or math.isnan(value):
            return math.nan
        if name == "heading" and value == 360:
            return 0.0  # many write north so
        expected, is_inside = RANGES[name]
        if math.isfinite(value) and is_inside(value):
            return value
        self.leave_out(line, name, str(value), expected)
        return math.nan

    def _new_member(self, member: str) -> int:
        name = member_name(member)
        if len(self._names) >= MAX_MEMBERS:
            raise InvalidFile(
                f"more than {MAX_MEMBERS:,} different members ({member!r} is one more); "
                "is `member` the right column?"
            )
        code = self._folded.setdefault(fold(name), len(self._names))
        if code == len(self._names):
            self._names.append(name)
        self._members[member] = code
        return code


def as_member(text: str, otherwise: str) -> str:
    """Return the name that a member can have and that is nearest to a title such as a track's."""
    kept = "".join(
        " " if char.isspace() else "-" if char == "/" else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace() or (char.isprintable() and char not in BIDI_CONTROLS)
    )
    for name in (" ".join(kept.split())[:64].strip(), otherwise):
        try:
            return member_name(name)
        except InvalidName:
            continue
    return "track"


def name_of(path: Path) -> str:
    """Return a recording's name for a file: its stem."""
    return path.stem or path.name


def _late(member: Any, effective: Any) -> Any:
    """Return which fixes were older than one of the same member that came before them."""
    import numpy as np

    late = np.zeros(len(member), dtype=bool)
    by_member = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.diff(member[by_member], prepend=-1))
    for rows in np.split(by_member, starts[1:]):
        late[rows] = effective[rows] < np.maximum.accumulate(effective[rows])
    return late
