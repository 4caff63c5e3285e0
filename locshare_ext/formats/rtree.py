"""SQLite's R-tree filled at once, from sorted points: inserting them one by one takes 20 us each.

The shadow tables are written as the comment at the top of SQLite's ext/rtree/rtree.c tells: a node
is a blob of its depth (only the root's counts), its number of cells, and the cells (64-bit id,
32-bit floats minx, maxx, miny, maxy), big-endian. The root is node 1.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fill_rtree"]

_CELL = np.dtype([("id", ">i8"), ("minx", ">f4"), ("maxx", ">f4"), ("miny", ">f4"), ("maxy", ">f4")])
_GRID = 1 << 16  # steps of the curve along which points are sorted


def fill_rtree(
    database: sqlite3.Connection, name: str, ids: NDArray[np.int64], x: NDArray[Any], y: NDArray[Any]
) -> None:
    """Fill an empty R-tree (id, minx, maxx, miny, maxy) with points, within a transaction.

    name: of the virtual table, plain ASCII. The connection should not be used to query it.
    """
    if not len(ids):
        return
    size = database.execute(f"SELECT length(data) FROM {name}_node WHERE nodeno = 1").fetchone()[0]
    most = (size - 4) // _CELL.itemsize
    order = np.argsort(_along_curve(x, y), kind="stable")
    cells = np.empty(len(ids), _CELL)
    cells["id"] = ids[order]
    for low, high, values in (("minx", "maxx", x[order]), ("miny", "maxy", y[order])):
        cells[low], cells[high] = _rounded(values, -np.inf), _rounded(values, np.inf)
    depth, number = 0, 2  # of the next node
    is_leaf = True
    while len(cells) > most:
        parts = _parts(len(cells), most)
        numbers = np.arange(number, number + len(parts) - 1)
        number += len(numbers)
        _write_nodes(database, name, numbers, cells, parts, size)
        _write_owners(database, name, is_leaf, cells["id"], np.repeat(numbers, np.diff(parts)))
        cells = _boxes(cells, numbers, parts)
        depth, is_leaf = depth + 1, False
    root = depth.to_bytes(2, "big") + len(cells).to_bytes(2, "big") + cells.tobytes()
    database.execute(f"UPDATE {name}_node SET data = ? WHERE nodeno = 1", (root.ljust(size, b"\0"),))
    _write_owners(database, name, is_leaf, cells["id"], np.ones(len(cells), np.int64))


def _parts(count: int, most: int) -> NDArray[np.int64]:
    """Return the bounds of parts of nearly the same size, so that no node is too empty."""
    return np.linspace(0, count, -(-count // most) + 1).round().astype(np.int64)


def _write_nodes(
    database: sqlite3.Connection,
    name: str,
    numbers: NDArray[np.int64],
    cells: NDArray[Any],
    parts: NDArray[np.int64],
    size: int,
) -> None:
    data, width = cells.tobytes(), _CELL.itemsize
    bounds = list(zip(parts[:-1].tolist(), parts[1:].tolist(), strict=True))
    nodes = (
        (
            number,
            (b"\0\0" + (end - start).to_bytes(2, "big") + data[start * width : end * width]).ljust(
                size, b"\0"
            ),
        )
        for number, (start, end) in zip(numbers.tolist(), bounds, strict=True)
    )
    database.executemany(f"INSERT INTO {name}_node VALUES (?, ?)", nodes)


def _write_owners(
    database: sqlite3.Connection, name: str, is_leaf: bool, ids: Any, nodes: NDArray[np.int64]
) -> None:
    """Note in which node each row is, or each node."""
    table = f"{name}_rowid" if is_leaf else f"{name}_parent"
    order = np.argsort(ids, kind="stable")  # the table is a tree by id: in order it only grows at its end
    pairs = zip(ids[order].tolist(), nodes[order].tolist(), strict=True)
    database.executemany(f"INSERT INTO {table} VALUES (?, ?)", pairs)


def _boxes(cells: NDArray[Any], numbers: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[Any]:
    boxes = np.empty(len(numbers), _CELL)
    boxes["id"] = numbers
    for name in ("minx", "miny"):
        boxes[name] = np.minimum.reduceat(cells[name].astype("f4"), parts[:-1])
    for name in ("maxx", "maxy"):
        boxes[name] = np.maximum.reduceat(cells[name].astype("f4"), parts[:-1])
    return boxes


def _rounded(values: NDArray[Any], towards: float) -> NDArray[np.float32]:
    """Return 32-bit floats that are not on the other side of the values."""
    near: NDArray[np.float32] = values.astype("f4")
    is_wrong = near > values if towards < 0 else near < values
    return np.where(is_wrong, np.nextafter(near, np.float32(towards)), near)


def _along_curve(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint32]:
    """Return each point's place on a Z-order curve over their box."""
    return _spread(_scaled(x)) | (_spread(_scaled(y)) << np.uint32(1))


def _scaled(values: NDArray[Any]) -> NDArray[np.uint32]:
    low = float(values.min())
    extent = float(values.max()) - low or 1.0
    scaled: NDArray[np.uint32] = ((values - low) / extent * (_GRID - 1)).astype(np.uint32)
    return scaled


def _spread(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the 16 bits of each value with a zero between any two."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        values = (values | (values << np.uint32(shift))) & np.uint32(mask)
    return values
