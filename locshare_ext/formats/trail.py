"""What writers of files write: a trail frame's columns as Arrow, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.rows import SetAside
from locshare_ext.formats.trips import dictionary_of, sort_order, trip_codes
from locshare_ext.model.event import Event
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP, arrow_schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trail", "dictionary_array", "names_in", "trail_of_frame", "trail_of_table"]

_TIME = ("time", "received")
_TEXTS = ("recording", "group", "member", "trip", "source")


@dataclass(frozen=True)
class Trail:
    """Fixes sorted by (time, member, seq), with `trail.FRAME_COLUMNS` and then columns of one's own.

    Texts are dictionaries (`extra` aside), times are timestamp[ns, UTC], unknown is null. name:
    of the whole. metadata: of the Arrow schema, which pandas reads.
    """

    table: pa.Table
    name: str = ""
    group: str = ""
    description: str = ""
    received_known: bool = True
    trip_gap: int = TRIP_GAP  # ms
    events: Sequence[Event] = ()
    set_aside: Sequence[SetAside] = ()
    info: Mapping[str, Any] = field(default_factory=dict)  # what else a manifest should say, plain JSON

    @property
    def groups(self) -> list[str]:
        """The groups that the fixes are of."""
        return names_in(self.table, "group")

    @property
    def recordings(self) -> list[str]:
        """The recordings that the fixes are of; empty for live trails."""
        return [name for name in names_in(self.table, "recording") if name]

    @property
    def own_columns(self) -> list[str]:
        """The columns that are no trail frame's own."""
        return [name for name in self.table.column_names if name not in FRAME_COLUMNS]


def trail_of_frame(frame: pd.DataFrame, *, name: str = "", **said: Any) -> Trail:
    """Return a trail frame to be written; raises InvalidInput when it is none.

    name: the recording's if not given and there is one. said: other fields of `Trail`.
    """
    if missing := [column for column in FRAME_COLUMNS if column not in frame.columns]:
        raise InvalidInput(f"this is no trail frame: it has no column {missing[0]!r}")
    own = [column for column in frame.columns if column not in FRAME_COLUMNS]
    try:
        table = pa.Table.from_pandas(frame[[*FRAME_COLUMNS, *own]], preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidInput(f"the frame has a column that no file can hold: {error}") from None
    for column in _TIME:
        if (
            not pa.types.is_timestamp(table.schema.field(column).type)
            or not table.schema.field(column).type.tz
        ):
            raise InvalidInput(
                f"column {column!r} is {frame[column].dtype}, expected times with a zone", field=column
            )
        table = _replaced(table, column, table.column(column).cast(pa.timestamp("ns", "UTC")))
    for column in _TEXTS:
        if not pa.types.is_dictionary(table.schema.field(column).type):
            table = _replaced(table, column, table.column(column).cast(pa.utf8()).dictionary_encode())
    gap = frame.attrs.get("trip_gap_s", TRIP_GAP / 1000)
    trail = Trail(table, name=name, trip_gap=round(float(gap) * 1000), **said)
    return _titled(trail, name)


def trail_of_table(table: pa.Table, *, group: str = "", recording: str = "", **said: Any) -> Trail:
    """Return a table of `trail.ARROW_FIELDS` in any order to be written; needs no pandas."""
    schema = arrow_schema()
    table = table.select(schema.names).cast(schema).unify_dictionaries()
    time, seq = table.column("time").to_numpy(), table.column("seq").to_numpy()
    members, codes = dictionary_of(table.column("member"))
    order = sort_order(time, codes, seq)
    if order is not None:
        table, time, codes = table.take(pa.array(order)), time[order], codes[order]
    gap = int(said.get("trip_gap", TRIP_GAP))
    trips, trip = trip_codes(time, codes, members, gap)
    rows = len(time)
    constant = np.zeros(rows, dtype=np.int32)
    columns: dict[str, Any] = {name: table.column(name) for name in FRAME_COLUMNS if name in schema.names}
    columns |= {
        "recording": dictionary_array(constant, [recording]),
        "group": dictionary_array(constant, [group]),
        "trip": dictionary_array(trip, trips),
        **{name: _timestamps(table.column(name)) for name in _TIME},
    }
    sorted_table = pa.table({name: columns[name] for name in FRAME_COLUMNS})
    return _titled(Trail(sorted_table, **said), recording)


def names_in(table: pa.Table, column: str) -> list[str]:
    """Return the texts in use in a column, sorted."""
    found = table.column(column)
    if not pa.types.is_dictionary(found.type):
        return sorted(text for text in found.unique().to_pylist() if text is not None)
    names, _ = dictionary_of(found)
    return names


def _titled(trail: Trail, name: str) -> Trail:
    from dataclasses import replace

    recordings, groups = trail.recordings, trail.groups
    return replace(
        trail,
        name=name or (recordings[0] if len(recordings) == 1 else ""),
        group=trail.group or (groups[0] if len(groups) == 1 else ""),
    )


def _timestamps(ms: pa.ChunkedArray) -> Any:
    most = (2**63 - 1) // 1_000_000  # ms that nanoseconds can hold, until 2262
    values = ms.to_numpy()
    return pa.array(np.clip(values, -most, most) * 1_000_000).cast(pa.timestamp("ns", "UTC"))


def dictionary_array(codes: Any, names: list[str]) -> Any:
    """Return texts as `names[code]`, null where the code is -1."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(names, pa.utf8())
    )


def _replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
