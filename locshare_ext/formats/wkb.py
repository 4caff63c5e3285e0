"""Points as well-known binary (OGC 06-103r4, 8.2), many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from locshare_ext.errors import InvalidFile

__all__ = ["points_of_wkb", "wkb_of_points"]

_POINT = b"\x01\x01\x00\x00\x00"  # little-endian, 2D
_SIZE = 21
# a point's kind -> its bytes: 2D; with z, m and both, as ISO and as EWKB number them
_KINDS = {1: _SIZE, 1001: 29, 2001: 29, 3001: 37, 1 | 1 << 31: 29, 1 | 1 << 30: 29, 1 | 3 << 30: 37}
_HEADERS = {b"\x01" + kind.to_bytes(4, "little"): size for kind, size in _KINDS.items()}


def wkb_of_points(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> pa.Array:
    """Return points as an Arrow array of binary."""
    blobs = np.empty(len(lat), dtype=[("header", "V5"), ("lon", "<f8"), ("lat", "<f8")])
    blobs["header"] = np.void(_POINT)
    blobs["lon"], blobs["lat"] = lon, lat
    offsets = pa.py_buffer(np.arange(0, _SIZE * (len(lat) + 1), _SIZE, dtype=np.int64))
    return pa.Array.from_buffers(pa.large_binary(), len(lat), [None, offsets, pa.py_buffer(blobs.tobytes())])


def points_of_wkb(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lon and lat of each point, NaN where there is none; raises InvalidFile for other shapes."""
    lon, lat = np.full(len(column), np.nan), np.full(len(column), np.nan)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    known = column.drop_null()
    if not len(known):
        return lon, lat
    first: Any = known[0].as_py()
    size = _HEADERS.get(first[:5], 0)
    heads = pc.binary_slice(known, 0, 5)
    if not size or not pc.all(pc.equal(heads, pa.scalar(first[:5], heads.type))).as_py():
        raise InvalidFile("the geometries are not all points in little-endian WKB")
    if not pc.all(pc.equal(pc.binary_length(known), size)).as_py():
        raise InvalidFile("a geometry is cut off")
    data = b"".join(known.to_pylist())
    points = np.frombuffer(
        data, dtype=[("header", "V5"), ("lon", "<f8"), ("lat", "<f8"), ("more", f"V{size - _SIZE}")]
    )
    lon[valid], lat[valid] = points["lon"], points["lat"]
    return lon, lat
