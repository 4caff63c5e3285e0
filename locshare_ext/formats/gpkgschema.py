"""The tables of our recording file, a GeoPackage 1.3 (OGC 12-128r17).

`fixes` is a point layer, the others are attribute tables; what any GIS needs to open it
stands in the `gpkg_` tables. The spatial index is the extension gpkg_rtree_index.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = [
    "APPLICATION_ID",
    "COLUMNS",
    "FORMAT",
    "FORMAT_VERSION",
    "HEADER",
    "USER_VERSION",
    "WGS84",
    "arrow_type",
    "create_core",
    "create_index",
    "create_table",
]

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
FORMAT = "locshare_ext recording"
FORMAT_VERSION = 1

# "GP", version 0, flags: little-endian, no envelope; srs 4326; then WKB little-endian point
HEADER = b"GP\x00\x01" + (4326).to_bytes(4, "little") + b"\x01" + (1).to_bytes(4, "little")

# table -> column -> type of GeoPackage; every table has `fid` (and `fixes` has `geom`) before these
COLUMNS: dict[str, dict[str, str]] = {
    "fixes": {
        "recording": "TEXT",
        "group": "TEXT",
        "member": "TEXT",
        "trip": "TEXT",
        "source": "TEXT",
        "seq": "INTEGER",
        "time": "DATETIME",
        "received": "DATETIME",
        "lat": "DOUBLE",
        "lon": "DOUBLE",
        "altitude": "DOUBLE",
        "accuracy": "DOUBLE",
        "speed": "DOUBLE",
        "heading": "DOUBLE",
        "battery": "DOUBLE",
        "late": "BOOLEAN",
        "future": "BOOLEAN",
        "repaired": "BOOLEAN",
        "extra": "TEXT",
    },
    "events": {
        "kind": "TEXT",
        "time": "DATETIME",
        "received": "DATETIME",
        "member": "TEXT",
        "text": "TEXT",
        "data": "TEXT",
        "cursor": "TEXT",
    },
    "members": {
        "recording": "TEXT",
        "group": "TEXT",
        "member": "TEXT",
        "fixes": "INTEGER",
        "trips": "INTEGER",
        "first": "DATETIME",
        "last": "DATETIME",
    },
    "set_aside": {"line": "INTEGER", "reason": "TEXT", "raw": "TEXT"},
    "manifest": {"key": "TEXT", "value": "TEXT"},
}

WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],'
    'AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)

create_core = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {USER_VERSION}",
    """CREATE TABLE gpkg_spatial_ref_sys (
        srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
        organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    f"""INSERT INTO gpkg_spatial_ref_sys VALUES
        ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinates'),
        ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinates'),
        ('WGS 84 geodetic', 4326, 'EPSG', 4326, '{WGS84}', 'longitude, latitude in degrees')""",
    """CREATE TABLE gpkg_contents (
        table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
        description TEXT DEFAULT '',
        last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
        min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
        CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_geometry_columns (
        table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
        srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
        CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
        CONSTRAINT uk_gc_table_name UNIQUE (table_name),
        CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
        CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_extensions (
        table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
        scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)

_BOX = "ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
_SOME = "(NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))"
_NONE = "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
_PUT = f"INSERT OR REPLACE INTO rtree_fixes_geom VALUES (NEW.fid, {_BOX});"
_DROP = "DELETE FROM rtree_fixes_geom WHERE id = OLD.fid;"
# after the rows are in; the triggers serve programs that edit the layer and have ST_ functions
create_index = (
    """INSERT INTO gpkg_extensions VALUES ('fixes', 'geom', 'gpkg_rtree_index',
        'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')""",
    f"""CREATE TRIGGER rtree_fixes_geom_insert AFTER INSERT ON fixes WHEN {_SOME} BEGIN {_PUT} END""",
    f"""CREATE TRIGGER rtree_fixes_geom_update1 AFTER UPDATE OF geom ON fixes
        WHEN OLD.fid = NEW.fid AND {_SOME} BEGIN {_PUT} END""",
    f"""CREATE TRIGGER rtree_fixes_geom_update2 AFTER UPDATE OF geom ON fixes
        WHEN OLD.fid = NEW.fid AND {_NONE} BEGIN {_DROP} END""",
    f"""CREATE TRIGGER rtree_fixes_geom_update3 AFTER UPDATE ON fixes
        WHEN OLD.fid != NEW.fid AND {_SOME} BEGIN {_DROP} {_PUT} END""",
    f"""CREATE TRIGGER rtree_fixes_geom_update4 AFTER UPDATE ON fixes
        WHEN OLD.fid != NEW.fid AND {_NONE}
        BEGIN DELETE FROM rtree_fixes_geom WHERE id IN (OLD.fid, NEW.fid); END""",
    f"""CREATE TRIGGER rtree_fixes_geom_delete AFTER DELETE ON fixes
        WHEN OLD.geom NOT NULL BEGIN {_DROP} END""",
)


def create_table(name: str) -> str:
    """Return the statement that makes one of our tables."""
    geometry = "geom POINT, " if name == "fixes" else ""
    columns = ", ".join(f'"{column}" {kind}' for column, kind in COLUMNS[name].items())
    return f"CREATE TABLE {name} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, {geometry}{columns})"


def arrow_type(kind: str) -> pa.DataType:
    """Return the Arrow type in which values of a GeoPackage type are kept in between."""
    if kind in ("INTEGER", "BOOLEAN"):
        return pa.int64()
    return pa.float64() if kind == "DOUBLE" else pa.utf8()
