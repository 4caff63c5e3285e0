"""The blocks in which fixes are kept while a file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locshare_ext.model.fix import NUMBERS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["as_measured", "chosen", "kept_schema", "late_of"]


def chosen(texts: pa.Array, good: NDArray[np.bool_]) -> pa.Array:
    """Return the chosen texts, of a dictionary only what they use."""
    import pyarrow as pa

    if bool(good.all()):
        return texts
    chosen = texts.filter(pa.array(good))
    return (
        chosen.cast(texts.type.value_type).dictionary_encode()
        if pa.types.is_dictionary(texts.type)
        else chosen
    )


def kept_schema() -> pa.Schema:
    """Return what is kept of a fix in between: members and sources as numbers."""
    import pyarrow as pa

    return pa.schema(
        [
            ("seq", pa.int64()),
            ("member", pa.int32()),
            ("source", pa.int32()),
            ("time", pa.int64()),
            ("received", pa.int64()),
            *((name, pa.float64()) for name in ("lat", "lon", *NUMBERS)),
            ("flags", pa.int8()),
            ("extra", pa.utf8()),
        ]
    )


def as_measured(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the block with each fix received when it was measured."""
    return batch.set_column(batch.schema.get_field_index("received"), "received", batch.column("time"))


def late_of(
    member: NDArray[np.int32],
    time: NDArray[np.int64],
    received: NDArray[np.int64],
    newest: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which fixes were older than one of the same member that came before them.

    newest: each member's newest effective time so far, which is kept up to date.
    """
    effective = np.minimum(time, received)
    late = np.zeros(len(member), dtype=bool)
    by_member = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.diff(member[by_member], prepend=-1))
    for rows in np.split(by_member, starts[1:]):
        code = member[rows[0]]
        so_far = np.maximum(np.maximum.accumulate(effective[rows]), newest[code])
        late[rows] = effective[rows] < so_far
        newest[code] = so_far[-1]
    return late
