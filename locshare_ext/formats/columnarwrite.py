"""Writes a trail as Parquet, GeoParquet or Arrow: all of it, in the types of the trail frame."""

from __future__ import annotations

import json
from typing import IO, Any

import pyarrow as pa

from locshare_ext.formats.columnar import ABOUT
from locshare_ext.formats.trail import Trail
from locshare_ext.formats.wkb import wkb_of_points

__all__ = ["write_arrow", "write_geoparquet", "write_parquet"]

_GROUP = 1 << 19  # rows of a row group
_GEOMETRY = "geometry"


def write_parquet(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as Parquet, which pandas reads as the same frame."""
    _write_parquet(_with_about(trail), out)


def write_geoparquet(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as GeoParquet 1.1: the same with a column of points, WGS 84 (OGC:CRS84)."""
    table = trail.table
    lat, lon = table.column("lat").to_numpy(), table.column("lon").to_numpy()
    if _GEOMETRY in table.column_names:
        table = table.drop_columns([_GEOMETRY])
    table = table.append_column(_GEOMETRY, wkb_of_points(lat, lon))
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if len(lat):
        column["bbox"] = [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())]
    geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
    table = _with_about(trail, table)
    metadata = {**table.schema.metadata, b"geo": json.dumps(geo).encode()}
    metadata.pop(b"pandas", None)  # which does not know of the geometry
    _write_parquet(table.replace_schema_metadata(metadata), out)


def write_arrow(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as an Arrow file (Feather 2), which pandas reads as the same frame."""
    table = _with_about(trail).unify_dictionaries()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(out, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=_GROUP)


def _write_parquet(table: pa.Table, out: IO[bytes]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, table.schema, compression="zstd") as writer:
        writer.write_table(table, row_group_size=_GROUP)


def _with_about(trail: Trail, table: pa.Table | None = None) -> pa.Table:
    table = trail.table if table is None else table
    about = {"name": trail.name, "group": trail.group, "received_known": trail.received_known, "version": 1}
    metadata = {**(table.schema.metadata or {}), ABOUT: json.dumps(about, ensure_ascii=False).encode()}
    return table.replace_schema_metadata(metadata)
