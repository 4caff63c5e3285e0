"""A recording as one file: a GeoPackage that opens in QGIS, R and GDAL, and here without a server."""

from __future__ import annotations

from locshare_ext.formats.gpkgread import is_geopackage, read_geopackage
from locshare_ext.formats.gpkgwrite import CHECKSUM_RULE, write_geopackage

__all__ = ["CHECKSUM_RULE", "is_geopackage", "read_geopackage", "write_geopackage"]
