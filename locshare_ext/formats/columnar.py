"""Parquet, GeoParquet and Arrow files in: the trail frame's, or any table by a column map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.columns import ColumnMap, guess_columns, parse_columns
from locshare_ext.formats.csvplan import Plan, add_row, check_units, make_plan
from locshare_ext.formats.loaded import Loaded, Progress, name_of
from locshare_ext.formats.presets import Preset, preset_of
from locshare_ext.formats.reading import reading
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.textcolumns import ColumnAdder, name_of_column
from locshare_ext.formats.times import zone_of
from locshare_ext.formats.wkb import points_of_wkb
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["ABOUT", "read_columnar"]

ABOUT = b"locshare"  # the key of the metadata that says what a file of ours is
_ROWS = 65_536  # taken at once
_MOST_GROUP = 2 << 30  # bytes that a row group may unpack to
_MOST_ROW = 1 << 16  # bytes of one row's texts
_WGS84 = (("EPSG", "4326"), ("EPSG", "4979"), ("OGC", "CRS84"), ("OGC", "CRS84h"))
_GEOMETRY = ("latitude of the geometry", "longitude of the geometry")


def read_columnar(
    path: str | Path,
    columns: str | ColumnMap | None = None,
    *,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read a Parquet, GeoParquet or Arrow (Feather) file of fixes, a piece at a time.

    columns: as for CSV; a file with the trail frame's columns needs none. Where a GeoParquet has
    no columns for lat and lon, its points say them. Raises InvalidFile, InvalidInput.
    """
    path = Path(path)
    with reading(on_disk=on_disk, unit="row") as rows:
        try:
            with _Opened(path) as opened:
                plan, preset, about = _planned(path, opened, columns, tz, member)
                _read(path, opened, plan, rows, progress)
        except (pa.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
            raise InvalidFile(f"{path.name} is damaged: {str(error)[:300]}") from error
        rows.check(path, "rows")
        if not len(rows) and preset is None:
            raise InvalidFile(f"{path.name} has no rows")
        known = plan.received is not None and (preset is None or rows.has_received)
        rows.keeps_seq = plan.is_own
        rows.finish(received_known=known)
    return Loaded(
        path=path,
        format=opened.format,
        name=str(about.get("name") or name_of(path))[:64],
        group=str(about.get("group") or "")[:64],
        fixes=rows,
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=tuple(rows.remarks()),
    )


class _Opened:
    """An open file with batches of columns."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(8)
        self._path = path
        self._file: Any = None
        self.format = "parquet" if head.startswith(b"PAR1") else "arrow"
        self._head = head

    def __enter__(self) -> _Opened:
        if self.format == "parquet":
            import pyarrow.parquet as pq

            self._file = pq.ParquetFile(self._path, memory_map=False)
            self.schema = self._file.schema_arrow
            self.rows = self._file.metadata.num_rows
            self._check_groups()
        else:
            source = pa.OSFile(str(self._path))
            is_file = self._head.startswith(b"ARROW1")
            self._file = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            self.schema = self._file.schema
            self.rows = 0
            self._source = source
        stored = [field.with_type(_stored_type(field.type)) for field in self.schema]
        self.schema = pa.schema(stored, self.schema.metadata)
        return self

    def __exit__(self, *_: object) -> None:
        if self.format == "parquet":
            self._file.close()
        else:
            self._source.close()

    @property
    def about(self) -> dict[str, Any]:
        """What a file of ours says of itself."""
        text = (self.schema.metadata or {}).get(ABOUT, b"{}")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield batches with these columns."""
        return map(_as_stored, self._batches(names))

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        if self.format == "parquet":
            yield from self._file.iter_batches(batch_size=_ROWS, columns=names)
        elif isinstance(self._file, pa.ipc.RecordBatchFileReader):
            for number in range(self._file.num_record_batches):
                yield from _cut(self._file.get_batch(number).select(names))
        else:
            for batch in self._file:
                yield from _cut(batch.select(names))

    def _check_groups(self) -> None:
        metadata = self._file.metadata
        for number in range(metadata.num_row_groups):
            size = metadata.row_group(number).total_byte_size
            if size > _MOST_GROUP:
                raise InvalidFile(
                    f"{self._path.name}: row group {number} unpacks to {size:,} bytes, "
                    f"expected at most {_MOST_GROUP:,}"
                )


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """Return what a column is stored as, whatever types other libraries have taught pyarrow meanwhile."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _as_stored(batch: pa.RecordBatch) -> pa.RecordBatch:
    if not any(isinstance(kind, pa.BaseExtensionType) for kind in batch.schema.types):
        return batch
    columns = [
        column.storage if isinstance(column, pa.ExtensionArray) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, _ROWS):
        yield batch.slice(start, _ROWS)


def _planned(
    path: Path,
    opened: _Opened,
    columns: str | ColumnMap | None,
    tz: str | tzinfo | None,
    member: str | None,
) -> tuple[Plan, Preset | None, dict[str, Any]]:
    header = list(opened.schema.names)
    if len(set(header)) < len(header):
        raise InvalidFile(f"{path.name} has two columns of one name")
    preset = None
    if columns is None:
        wanted = FRAME_COLUMNS if set(FRAME_COLUMNS) <= set(header) else None
        if wanted is None:
            raise _columns_needed(path, opened)
        preset = preset_of(wanted)
        assert preset is not None  # noqa: S101
        columns, header = preset.columns, [*wanted, *(name for name in header if name not in wanted)]
    else:
        has_points = _geometry(opened) is not None
        if isinstance(columns, str):
            columns = parse_columns(columns, needed=("time",) if has_points else ("time", "lat", "lon"))
        if has_points and "lat" not in columns.columns:
            columns = ColumnMap({**columns.columns, "lat": _GEOMETRY[0], "lon": _GEOMETRY[1]})
            header += _GEOMETRY
    plan = make_plan(
        path,
        header,
        columns,
        zone=zone_of(tz),
        number=float,
        delimiter=",",
        preset=preset,
        member=member,
        otherwise=member or name_of(path),
        is_quoted=False,
    )
    return plan, preset, opened.about if preset else {}


def _read(path: Path, opened: _Opened, plan: Plan, rows: FixRows, progress: Progress | None) -> None:
    names = _header(opened, plan)
    used = sorted(plan.used)
    geometry = _geometry(opened) if any(names[place] in _GEOMETRY for place in used) else None
    if geometry is not None:
        _check_system(path, opened, geometry)
    stored = [names[place] for place in used if names[place] not in _GEOMETRY]
    adder = ColumnAdder(rows, plan)
    size = path.stat().st_size
    done = 0
    for batch in opened.batches([*stored, *([geometry] if geometry else [])]):
        found = {name: _as_text(path, name, batch.column(name)) for name in stored}
        if geometry is not None:
            lon, lat = points_of_wkb(batch.column(geometry))
            found |= dict(zip(_GEOMETRY, (_numbers_as_text(lat), _numbers_as_text(lon)), strict=True))
        if not done:
            check_units(plan, _first_rows(plan, {place: found[names[place]] for place in used}))
        cells = pa.table({name_of_column(place): found[names[place]] for place in used})
        lines = np.arange(done + 1, done + batch.num_rows + 1)
        odd = adder.add(cells, lines)
        for row in np.flatnonzero(odd).tolist():
            texts = [""] * plan.width
            for place in used:
                texts[place] = cells.column(name_of_column(place))[row].as_py()
            add_row(rows, plan, done + row + 1, texts)
        done += batch.num_rows
        if progress is not None:
            progress(size * done // max(opened.rows, done), size)
    if progress is not None:
        progress(size, size)


def _first_rows(plan: Plan, columns: dict[int, pa.Array]) -> Iterator[list[str]]:
    """Yield some rows' texts at the places that the plan has."""
    for row in range(min(50, len(next(iter(columns.values()))))):
        texts = [""] * plan.width
        for place, column in columns.items():
            texts[place] = column[row].as_py()
        yield texts


def _header(opened: _Opened, plan: Plan) -> list[str]:
    """Return the columns in the order that the plan has."""
    stored = list(opened.schema.names)
    if plan.is_own:
        return [*FRAME_COLUMNS, *(name for name in stored if name not in FRAME_COLUMNS)]
    return stored if len(stored) == plan.width else [*stored, *_GEOMETRY]


def _as_text(path: Path, name: str, column: pa.Array) -> pa.Array:
    """Return a column as a CSV would have it; nothing for what is unknown."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        return _numbers_as_text(column)
    if pa.types.is_timestamp(kind):
        suffix = "" if kind.tz is None else "Z"
        plain = column.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else column
        text = pc.strftime(plain.cast(pa.timestamp("ms", kind.tz and "UTC"), safe=False), "%Y-%m-%dT%H:%M:%S")
        return pc.fill_null(pc.binary_join_element_wise(text, suffix, ""), "")
    is_plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    is_plain |= pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    is_plain |= pa.types.is_decimal(kind) or pa.types.is_date(kind)
    if not is_plain:
        raise InvalidFile(
            f"{path.name}: column {name!r} is {kind}, expected text, numbers or times", field=name
        )
    text = pc.fill_null(column.cast(pa.large_utf8()), "")
    if len(text) and pc.max(pc.binary_length(text)).as_py() > _MOST_ROW:
        raise InvalidFile(f"{path.name}: column {name!r} has a text of over {_MOST_ROW:,} bytes", field=name)
    return text.cast(pa.utf8())


def _numbers_as_text(numbers: Any) -> pa.Array:
    numbers = pa.array(numbers) if isinstance(numbers, np.ndarray) else numbers
    known = pc.and_(pc.is_valid(numbers), pc.invert(pc.is_nan(numbers)))
    return pc.if_else(pc.fill_null(known, False), pc.fill_null(numbers.cast(pa.utf8()), ""), "")


def _geometry(opened: _Opened) -> str | None:
    """Return the column of a GeoParquet's geometry, None if the file has none."""
    text = (opened.schema.metadata or {}).get(b"geo")
    try:
        name = json.loads(text)["primary_column"] if text else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_there = isinstance(name, str) and name in opened.schema.names
    return name if is_there and pa.types.is_binary(opened.schema.field(name).type) else None


def _check_system(path: Path, opened: _Opened, geometry: str) -> None:
    """Refuse points in another reference system: some would pass as degrees. None told: it is WGS 84."""
    try:
        system = json.loads(opened.schema.metadata[b"geo"])["columns"][geometry].get("crs")
    except (KeyError, TypeError, AttributeError):
        system = None
    if not isinstance(system, dict):
        return
    name, told = str(system.get("name"))[:80], system.get("id")
    told = (told.get("authority"), str(told.get("code"))) if isinstance(told, dict) else None
    if told in _WGS84 or (told is None and name.startswith("WGS 84") and "Geo" in str(system.get("type"))):
        return
    called = name if told is None else f"{name} ({told[0]}:{told[1]})"
    raise InvalidFile(
        f"{path.name}: its points are in {called}, expected WGS 84 (EPSG:4326 or OGC:CRS84)", field="geometry"
    )


def _columns_needed(path: Path, opened: _Opened) -> InvalidInput:
    header = [name for name in opened.schema.names if not pa.types.is_nested(opened.schema.field(name).type)]
    guess = guess_columns(header, [])
    looks = f'; it looks like columns="{guess.columns}"' if guess.columns.columns else ""
    return InvalidInput(
        f"{path.name}: say which column is which{looks}; it has {', '.join(header)[:500]}",
        code="columns_needed",
        field="columns",
    )
