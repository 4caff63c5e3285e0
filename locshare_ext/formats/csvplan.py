"""Where each field of a fix stands in a CSV's row, and how one row becomes a fix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.columns import DEGREES, SCALES, ColumnMap, needs_unit, time_column
from locshare_ext.formats.presets import Preset
from locshare_ext.formats.rows import FUTURE, LATE, REPAIRED, UNTOLD, FixRows
from locshare_ext.formats.times import NEEDS_ZONE, TimeReader, is_number
from locshare_ext.model.names import near_names

__all__ = ["NAMES_UNKNOWN", "Plan", "add_row", "check_units", "make_plan", "unquoted"]

NAMES_UNKNOWN = frozenset({"", "nan", "null", "none", "na", "n/a", "\\n"})
_FLAGS = {"late": LATE, "future": FUTURE, "repaired": REPAIRED}
_SIGNS = {"lat": {"N": 1, "S": -1}, "lon": {"E": 1, "W": -1}}
_QUOTED = re.compile(r"'+[=+\-@\t\r]")  # what a writer that fears formulas made of a text cell


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each field stands in a row, and how to read it."""

    width: int
    delimiter: str
    member: int | None
    source: int | None
    time: tuple[int, TimeReader]
    received: tuple[int, TimeReader] | None
    lat: int
    lon: int
    per_degree: tuple[float, float]  # how many of lat's and of lon's numbers a degree has
    numbers: tuple[tuple[str, str, int, float], ...]  # field, header, place, factor
    extra: tuple[tuple[str, int], ...]
    own_extra: int | None  # where a trail frame's CSV has `extra`
    flags: tuple[tuple[int, int], ...]  # place, flag
    seq: int | None
    number: Callable[[str], float]
    is_own: bool
    is_quoted: bool  # whether texts may have the apostrophe that keeps them from being formulas
    otherwise: str  # the member of rows without one
    preset: Preset | None

    @property
    def used(self) -> set[int]:
        """The places of all columns that are looked at."""
        places = {self.lat, self.lon, self.time[0], *(place for _, _, place, _ in self.numbers)}
        places |= {place for _, place in self.extra} | {place for place, _ in self.flags}
        places |= {at for at in (self.member, self.source, self.own_extra, self.seq) if at is not None}
        return places | ({self.received[0]} if self.received is not None else set())

    def text(self, cell: str) -> str:
        """Return a text cell as it was meant."""
        if self.is_quoted:
            return unquoted(cell)
        return cell if self.is_own else cell.strip()


def make_plan(
    path: Path,
    header: list[str],
    chosen: ColumnMap,
    *,
    zone: tzinfo | None,
    number: Callable[[str], float],
    delimiter: str,
    preset: Preset | None,
    member: str | None,
    otherwise: str,
    is_quoted: bool = True,
) -> Plan:
    """Return the plan for a header and a map of its columns; raises InvalidInput."""
    places = {name: _place(path, header, column) for name, column in chosen.columns.items()}

    def times(field: str) -> tuple[int, TimeReader] | None:
        told = time_column(chosen, field)
        if told is None:
            return None
        place = _place(path, header, told[0])
        return place, TimeReader(zone, unit=told[1], column=header[place])

    time = times("time")
    degrees = {DEGREES[name][0]: (at, DEGREES[name][1]) for name, at in places.items() if name in DEGREES}
    if time is None or len(degrees) < 2:
        raise InvalidInput(f"columns '{chosen}' must say which are time, lat and lon", field="columns")
    is_own = preset is not None and preset.is_own
    return Plan(
        width=len(header),
        delimiter=delimiter,
        member=None if member is not None else places.get("member"),
        source=places.get("source"),
        time=time,
        received=times("received"),
        lat=degrees["lat"][0],
        lon=degrees["lon"][0],
        per_degree=(degrees["lat"][1], degrees["lon"][1]),
        numbers=tuple(
            (SCALES[name][0], header[place], place, SCALES[name][1])
            for name, place in places.items()
            if name in SCALES
        ),
        extra=tuple(
            (name.removeprefix("extra."), place)
            for name, place in places.items()
            if name.startswith("extra.")
        ),
        own_extra=header.index("extra") if is_own else None,
        flags=tuple((header.index(name), flag) for name, flag in _FLAGS.items()) if is_own else (),
        seq=header.index("seq") if is_own else None,
        number=number,
        is_own=is_own,
        is_quoted=is_quoted and preset is not None and preset.is_quoted,
        otherwise=otherwise,
        preset=preset,
    )


def check_units(plan: Plan, rows: Iterable[Sequence[str]]) -> None:
    """Raise InvalidInput where the times of some rows are numbers whose unit nobody said.

    One such number among other times is no reason to refuse them all: `add_row` sets it aside.
    """
    sample = list(rows)
    for field, column in (("time", plan.time), ("received", plan.received)):
        if column is None or column[1].unit is not None:
            continue
        place, times = column
        texts = [text for row in sample if len(row) > place and (text := row[place].strip())]
        if texts and all(is_number(text) for text in texts):
            raise needs_unit(field, times.column, f"column {times.column!r} has numbers ({texts[0][:40]})")


def unquoted(text: str) -> str:
    """Return a text cell without the apostrophe that keeps it from being a formula."""
    return text[1:] if _QUOTED.match(text) else text


def add_row(rows: FixRows, plan: Plan, line: int, cells: list[str]) -> None:
    """Add a row, or set it aside; a missing zone concerns the whole file and is raised."""
    if len(cells) > plan.width and plan.preset is not None:
        cells = plan.preset.mended(cells, plan.width)
    if len(cells) > plan.width and not any(cells[plan.width :]):
        cells = cells[: plan.width]  # delimiters at the end of the row
    try:
        if len(cells) != plan.width:
            raise InvalidInput(f"{len(cells)} cells, expected {plan.width} as in the header")
        place, times = plan.time
        numbers = {}
        for field, header, at, factor in plan.numbers:
            if cells[at]:
                numbers[field] = _optional(rows, plan, line, field, header, cells[at]) * factor
        extra = _extra(plan, cells)
        if plan.preset is not None and plan.preset.completed is not None:
            extra = plan.preset.completed(cells, numbers, extra)
        rows.add(
            line,
            plan.otherwise if plan.member is None else plan.text(cells[plan.member]),
            times.read(cells[place]),
            _degrees(plan, "lat", cells[plan.lat]) / plan.per_degree[0],
            _degrees(plan, "lon", cells[plan.lon]) / plan.per_degree[1],
            numbers,
            received=None if plan.received is None else plan.received[1].read(cells[plan.received[0]]),
            source=_source(plan, cells),
            extra=json.dumps(extra, ensure_ascii=False) if isinstance(extra, dict) else extra,
            flags=_told_flags(plan, cells),
            seq=line if plan.seq is None else _whole(cells[plan.seq]),
        )
    except InvalidFile:
        raise
    except InvalidInput as error:
        if error.code == NEEDS_ZONE:
            raise InvalidInput(f"line {line}: {error.message}", code=NEEDS_ZONE, field="tz") from None
        rows.put_aside(line, error.message, plan.delimiter.join(cells))


def extra_of(plan: Plan, cells: list[str]) -> dict[str, Any]:
    """Return the kept columns; numbers stay numbers."""
    return {key: scalar(cells[place]) for key, place in plan.extra if cells[place] != ""}


def scalar(text: str) -> str | int | float:
    """Return a number that gives the text back as it was: "007" and "1e5" are names of things."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and abs(value) < 1e15:
            return value
    return text


def _extra(plan: Plan, cells: list[str]) -> Any:
    if plan.own_extra is not None:  # JSON already
        return plan.text(cells[plan.own_extra]) or None
    return extra_of(plan, cells) or None if plan.extra else None


def _place(path: Path, header: list[str], column: str) -> int:
    if header.count(column) > 1:
        raise InvalidFile(f"{path.name}: column {column!r} is in the header twice", field="columns")
    if column in header:
        return header.index(column)
    folded = [cell.casefold() for cell in header]
    if folded.count(column.casefold()) == 1:
        return folded.index(column.casefold())
    near = near_names(column, header, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InvalidInput(
        f"columns: {path.name} has no column {column!r}{hint} It has: {', '.join(header)[:2000]}",
        field="columns",
    )


def _source(plan: Plan, cells: list[str]) -> str:
    if plan.source is not None:
        return plan.text(cells[plan.source])
    return "" if plan.preset is None else plan.preset.source


def _told_flags(plan: Plan, cells: list[str]) -> int:
    if not plan.flags:
        return UNTOLD
    return sum(flag for place, flag in plan.flags if cells[place] == "true")


def _whole(text: str) -> int:
    try:
        return min(max(int(text), 0), (1 << 62))
    except ValueError:
        raise InvalidInput(f"seq {text[:40]!r} is no whole number", field="seq") from None


def _degrees(plan: Plan, field: str, text: str) -> float:
    """Return a number that may have its hemisphere behind it: 12.25W is -12.25."""
    text = text.strip()
    sign = _SIGNS[field].get(text[-1:].upper())
    try:
        if sign is None:
            return plan.number(text)
        number = plan.number(text[:-1].rstrip(" °"))
        if number < 0:
            raise ValueError  # which of both is meant, nobody knows
        return sign * number
    except ValueError:
        raise InvalidInput(f"{field} {text[:40]!r} is no number, expected degrees", field=field) from None


def _optional(rows: FixRows, plan: Plan, line: int, field: str, header: str, text: str) -> float:
    try:
        return plan.number(text)
    except ValueError:
        if text.strip().lower() not in NAMES_UNKNOWN:
            rows.leave_out(line, field, text, f"a number in column {header}")
        return float("nan")
