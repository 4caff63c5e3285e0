"""CSV in: any table of fixes by an explicit column map. CSV out: the trail frame."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import IO, Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.columns import SCALES, ColumnMap, Guess, guess_columns, parse_columns
from locshare_ext.formats.loaded import FixRows, Loaded, Progress, name_of
from locshare_ext.formats.times import NEEDS_ZONE, TimeReader, zone_of
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.names import near_names
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["guess_file", "is_trail_csv", "read_csv", "unquoted"]

COLUMNS_NEEDED = "columns_needed"  # the code of the error for a CSV without a map
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NAMES_UNKNOWN = frozenset({"", "nan", "null", "none", "na", "n/a", "\\n"})
_QUOTED = re.compile(r"'+[=+\-@\t\r]")  # what a writer that fears formulas made of a text cell
_TOLD_EVERY = 4096  # rows between two calls of `progress`


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where each field stands in a row, and how to read it."""

    member: int | None
    source: int | None
    time: tuple[int, TimeReader]
    received: tuple[int, TimeReader] | None
    lat: int
    lon: int
    numbers: tuple[tuple[str, str, int, float], ...]  # field, header, place, factor
    extra: tuple[tuple[str, int], ...]
    own_extra: int | None  # where a trail frame's CSV has `extra`
    number: Callable[[str], float]
    text: Callable[[str], str]
    otherwise: str  # the member of rows without one


def read_csv(
    path: str | Path,
    columns: str | ColumnMap | None = None,
    *,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Read a CSV (comma, semicolon, tab or bar) of fixes.

    columns: as `parse_columns` reads it; a CSV that this package wrote needs none. tz: the
    zone of times that have none, needed if there are such. member: all rows are of this
    one; without a member column it is the file's stem. encoding: UTF-8 or what a byte
    order mark says, unless given.

    Rows that cannot be used are set aside with the reason. Raises InvalidFile when the
    file is no table or not one row is good; InvalidInput for a wrong map (with code
    `columns_needed` and a guess in its words when there is none) or a missing zone.
    """
    path = Path(path)
    with path.open("rb") as raw:
        table = _Table(path, raw, encoding)
        header = table.header
        own = is_trail_csv(header)
        if columns is None:
            if not own:
                raise _columns_needed(path, guess_columns(header, table.peek(50)))
            columns = _own_columns()
        chosen = parse_columns(columns) if isinstance(columns, str) else columns
        plan = _plan(path, header, chosen, zone_of(tz), table.number, own=own, member=member)
        rows, names = FixRows(), _Constant()
        size = path.stat().st_size
        for count, (line, cells) in enumerate(table.rows()):
            _add(rows, plan, line, cells, len(header), table.delimiter)
            if own:
                names.see(cells)
            if progress is not None and count % _TOLD_EVERY == 0:
                progress(raw.tell(), size)
        if progress is not None:
            progress(size, size)
    rows.check(path, "rows")
    known = plan.received is not None and (not own or rows.has_received)
    return Loaded(
        path=path,
        format="csv",
        name=names.recording or name_of(path),
        group=names.group,
        table=rows.table(received_known=known),
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=tuple(rows.remarks()),
        info={"columns": str(chosen)},
    )


def guess_file(path: str | Path, *, encoding: str | None = None) -> Guess | None:
    """Return a guess of a CSV's columns for a person to confirm; None if it is one of ours."""
    path = Path(path)
    with path.open("rb") as raw:
        table = _Table(path, raw, encoding)
        return None if is_trail_csv(table.header) else guess_columns(table.header, table.peek(50))


def is_trail_csv(header: Sequence[str]) -> bool:
    """Return whether a header is that of a trail frame's CSV."""
    return tuple(header[: len(FRAME_COLUMNS)]) == FRAME_COLUMNS


def unquoted(text: str) -> str:
    """Return a text cell without the apostrophe that keeps it from being a formula."""
    return text[1:] if _QUOTED.match(text) else text


class _Table:
    """A CSV's header and its rows with their line numbers."""

    def __init__(self, path: Path, raw: IO[bytes], encoding: str | None) -> None:
        self._path = path
        head = raw.read(64 * 1024)
        if not head.strip():
            raise InvalidFile(f"{path.name} is empty; expected a header and rows")
        if b"\0" in head and not head.startswith(_UTF16):
            raise InvalidFile(f"{path.name} is no text file; expected CSV")
        raw.seek(0)
        self._text = io.TextIOWrapper(raw, encoding or _encoding(head), newline="")
        first = self._first_line()
        self.delimiter = max(",;\t|", key=lambda letter: _outside_quotes(first).count(letter))
        # a comma can only be a decimal one where it parts no columns
        self.number = _decimal_comma if self.delimiter == ";" else _number
        self._reader = csv.reader(self._text, delimiter=self.delimiter)
        self._peeked: list[tuple[int, list[str]]] = []
        _, self.header = next(self._numbered(), (0, []))
        self.header = [cell.strip() for cell in self.header]
        if len(set(self.header)) < len(self.header):
            twice = next(cell for cell in self.header if self.header.count(cell) > 1)
            raise InvalidFile(f"{path.name}: column {twice!r} is in the header twice")

    def peek(self, count: int) -> list[list[str]]:
        """Return the first rows, which `rows` will give again."""
        self._peeked += islice(self._numbered(), count - len(self._peeked))
        return [cells for _, cells in self._peeked]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) of every row that is not blank."""
        yield from self._peeked
        for line, cells in self._numbered():
            if any(cells):
                yield line, cells

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise InvalidFile(f"{self._path.name}: line {line}: {error}") from None
            except UnicodeError as error:
                raise self._not_text(error) from None
            yield line, cells

    def _first_line(self) -> str:
        try:
            line = self._text.readline(64 * 1024)
            self._text.seek(0)
        except UnicodeError as error:
            raise self._not_text(error) from None
        return line

    def _not_text(self, error: UnicodeError) -> InvalidFile:
        return InvalidFile(
            f"{self._path.name} is not {self._text.encoding} text ({error}); say which with encoding="
        )


def _encoding(head: bytes) -> str:
    return "utf-16" if head.startswith(_UTF16) else "utf-8-sig"


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


class _Constant:
    """The recording and the group that all rows of a trail frame's CSV name, if they agree."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def see(self, cells: list[str]) -> None:
        if len(self._seen) < 2 and len(cells) > 1:
            self._seen.add((cells[0], cells[1]))

    @property
    def recording(self) -> str:
        return unquoted(next(iter(self._seen))[0]) if len(self._seen) == 1 else ""

    @property
    def group(self) -> str:
        return unquoted(next(iter(self._seen))[1]) if len(self._seen) == 1 else ""


def _plan(
    path: Path,
    header: list[str],
    chosen: ColumnMap,
    zone: tzinfo | None,
    number: Callable[[str], float],
    *,
    own: bool,
    member: str | None,
) -> _Plan:
    places = {name: _place(path, header, column) for name, column in chosen.columns.items()}

    def times(field: str) -> tuple[int, TimeReader] | None:
        for name, unit in ((field, None), (f"{field}_s", "s"), (f"{field}_ms", "ms")):
            if name in places:
                reader: Any = TimeReader(zone, unit=unit, column=header[places[name]])  # type: ignore[arg-type]
                return places[name], reader
        return None

    time = times("time")
    if time is None or "lat" not in places or "lon" not in places:
        raise InvalidInput(f"columns '{chosen}' must say which are time, lat and lon", field="columns")
    return _Plan(
        member=None if member is not None else places.get("member"),
        source=places.get("source"),
        time=time,
        received=times("received"),
        lat=places["lat"],
        lon=places["lon"],
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
        own_extra=FRAME_COLUMNS.index("extra") if own else None,
        number=number,
        text=unquoted if own else str.strip,
        otherwise=member if member is not None else name_of(path),
    )


def _place(path: Path, header: list[str], column: str) -> int:
    if column in header:
        return header.index(column)
    folded = [cell.casefold() for cell in header]
    if folded.count(column.casefold()) == 1:
        return folded.index(column.casefold())
    near = near_names(column, header, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InvalidInput(
        f"columns: {path.name} has no column {column!r}{hint} It has: {', '.join(header)}", field="columns"
    )


def _add(rows: FixRows, plan: _Plan, line: int, cells: list[str], width: int, delimiter: str) -> None:
    """Add a row, or set it aside; a missing zone concerns the whole file and is raised."""
    try:
        if len(cells) != width:
            raise InvalidInput(f"{len(cells)} cells, expected {width} as in the header")
        place, times = plan.time
        numbers = {}
        for field, header, at, factor in plan.numbers:
            if cells[at]:
                numbers[field] = _optional(rows, plan, line, field, header, cells[at]) * factor
        rows.add(
            line,
            plan.otherwise if plan.member is None else plan.text(cells[plan.member]),
            times.read(cells[place]),
            _required(plan, "lat", cells[plan.lat]),
            _required(plan, "lon", cells[plan.lon]),
            numbers,
            received=None if plan.received is None else plan.received[1].read(cells[plan.received[0]]),
            source=plan.text(cells[plan.source]) if plan.source is not None else "",
            extra=_extra(plan, cells),
        )
    except InvalidFile:
        raise
    except InvalidInput as error:
        if error.code == NEEDS_ZONE:
            raise InvalidInput(f"line {line}: {error.message}", code=NEEDS_ZONE, field="tz") from None
        rows.put_aside(line, error.message, delimiter.join(cells))


def _required(plan: _Plan, field: str, text: str) -> float:
    try:
        return plan.number(text)
    except ValueError:
        raise InvalidInput(f"{field} {text[:40]!r} is no number, expected degrees", field=field) from None


def _optional(rows: FixRows, plan: _Plan, line: int, field: str, header: str, text: str) -> float:
    try:
        return plan.number(text)
    except ValueError:
        if text.strip().lower() not in _NAMES_UNKNOWN:
            rows.leave_out(line, field, text, f"a number in column {header}")
        return float("nan")


def _extra(plan: _Plan, cells: list[str]) -> str | None:
    """Return the kept columns as a JSON object; numbers stay numbers."""
    if plan.own_extra is not None:  # JSON already
        return unquoted(cells[plan.own_extra]) or None
    if not plan.extra:
        return None
    kept: dict[str, Any] = {key: _scalar(cells[place]) for key, place in plan.extra if cells[place] != ""}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else None


def _scalar(text: str) -> str | int | float:
    # only what a number gives back as it was: "007" and "1e5" are names of things
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and abs(value) < 1e15:
            return value
    return text


def _number(text: str) -> float:
    if "_" in text:  # which Python takes for 1_000
        raise ValueError(text)
    return float(text)


def _decimal_comma(text: str) -> float:
    return _number(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)


def _own_columns() -> ColumnMap:
    fields = ("member", "source", "time", "received", "lat", "lon", *NUMBERS)
    return ColumnMap({name: name for name in fields})


def _columns_needed(path: Path, guess: Guess) -> InvalidInput:
    text = f"{path.name}: say which column is which"
    if not guess.missing:
        text += f'; it looks like columns="{guess.columns}"'
    else:
        text += f"; none looks like {' or '.join(guess.missing)}"
    if guess.needs_zone:
        text += ", and tz= for its times, which have no zone"
    if guess.doubts:
        text += f" ({'; '.join(guess.doubts)})"
    return InvalidInput(text, code=COLUMNS_NEEDED, field="columns")
