"""A recording's fixes as they are saved with a notebook, for who opens it without a kernel."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from locshare_ext.widget.frames import encode_columns
from locshare_ext.widget.trail_log import TrailLog

__all__ = ["MOST_FIXES", "snapshot_for_page", "snapshot_of"]

MOST_FIXES = 100_000  # about 4 MB in the notebook
ALIGN = 8  # bytes; columns of floats begin at such places


def snapshot_of(log: TrailLog, most: int = MOST_FIXES) -> bytes:
    """Return a log's fixes with names and texts, empty without any: what the page's snapshot.js reads.

    The length of the header (uint32, little-endian), the header in JSON, spaces up to the next
    place that 8 divides, and the columns. Of more than `most` fixes it holds every second,
    third, ... of each member's, and the last one.
    """
    rows = log.rows(log.oldest, log.head)
    kept = _thinned(rows["member"], most)
    columns, data = encode_columns({name: column[kept] for name, column in rows.items()})
    if not len(kept):
        return b""
    head: dict[str, Any] = {"names": log.names, "categories": log.categories}
    text = json.dumps({**head, "columns": columns, "count": len(kept)}).encode()
    text += b" " * (-(len(text) + 4) % ALIGN)
    return len(text).to_bytes(4, "little") + text + data


def snapshot_for_page(saved: bytes, layer: Any) -> bytes | str:
    """Return a snapshot as a layer's model has it on the page.

    Beside stock widgets it is text (base64): their models save no bytes with a notebook.
    """
    return saved if layer.route == "extension" else base64.b64encode(saved).decode()


def _thinned(member: npt.NDArray[np.uint32], most: int) -> npt.NDArray[np.intp]:
    """Return the rows that are kept, in their order."""
    count = len(member)
    if count <= most:
        return np.arange(count)
    order = np.argsort(member, kind="stable")
    is_first = np.diff(member[order], prepend=-1) != 0
    starts = np.flatnonzero(is_first)
    within = np.arange(count) - starts[np.cumsum(is_first) - 1]
    step = -(-count // max(1, most - len(starts)))
    is_last = np.append(is_first[1:], True)
    kept: npt.NDArray[np.intp] = np.sort(order[(within % step == 0) | is_last])
    return kept
