"""A sealed part of a log: its fixes as an Arrow stream, and what is in it in short.

Nothing here knows of SQLite. Members stand in a segment by their ids, as text: a rename
changes no segment, and a name is in none.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from locshare_ext.model.sequence import ORIGINAL_TIME
from locshare_ext.model.trail import ARROW_FIELDS, STREAM_END, arrow_schema
from locshare_ext.store.checks import checks_of, unbroken
from locshare_ext.store.prints import pack, prints_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "Built",
    "Part",
    "Segment",
    "Summary",
    "build",
    "codes_of",
    "columns_of",
    "compacted",
    "effective_times",
    "messages_of",
    "named",
    "ranks",
    "sent_times",
]

PART_ROWS = 8_192  # few enough for a seek to unpack, enough to pack well
_PART = struct.Struct("<12q")
_SIZE = struct.Struct("<q")
_CODEC = "zstd"
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1  # an empty range: from HIGHEST to LOWEST


@dataclass(frozen=True, slots=True)
class Segment:
    """What the table of segments says of one: offsets, and ms of either clock.

    id: never used again. index: the parts, packed. texts: [ids of members, sources] as JSON, in
    the order of its dictionaries; checks: its checksums; None of one that an older version made.
    """

    id: int
    first: int
    last: int
    rows: int
    low_time: int
    high_time: int
    low_received: int
    high_received: int
    index: bytes
    texts: str | None = None
    checks: bytes | None = None

    def unbroken(self) -> AbstractContextManager[None]:
        """Raise StoreDamaged for whatever goes wrong inside, where it is read."""
        return unbroken(self.first, self.last, self.low_received, self.high_received)

    def dictionaries(self, body: bytes) -> tuple[list[int], list[str]]:
        """Return the ids of its members, and its sources; a code is a place in these."""
        with self.unbroken():
            if self.texts is None:
                return _dictionaries_of(body)
            ids, sources = json.loads(self.texts)
            return ids, sources

    def parts(self) -> list[Part]:
        """Return its record batches, each of which can be read alone."""
        with self.unbroken():
            return [Part(number, *values) for number, values in enumerate(_PART.iter_unpack(self.index))]


@dataclass(frozen=True, slots=True)
class Part:
    """One record batch of a segment: where it lies in the stream, and how far its fixes reach.

    start, end: bytes. first, last: offsets. The others are ms; late: `time` of those that were
    late (from the highest number to the lowest without any); sent: as the devices sent it.
    """

    number: int
    start: int
    end: int
    first: int
    last: int
    low_time: int
    high_time: int
    low_received: int
    high_received: int
    low_late: int
    high_late: int
    low_sent: int
    high_sent: int


@dataclass(frozen=True, slots=True)
class Built:
    """A segment that is not in the store yet; its id is 0.

    summary, body: Arrow streams. prints: its fixes' fingerprints, packed.
    """

    segment: Segment
    summary: bytes
    body: bytes
    prints: bytes


class Summary:
    """Each member of a segment: its newest fix in it, and how far its fixes reach.

    That is the keyframe of a seek, and each segment has it of its own members only: what is
    forgotten or trimmed is then in no other segment. A member has one row for its fixes in
    order and one for those that were late (is_late), which reach far back. ids ascends; rows:
    how many fixes. low, high: of `time`. heard: `received` of the last that arrived, at
    the offset `last`. sent_low, sent_high: of the times as sent, by which duplicates are known. All ms.
    """

    def __init__(self, table: pa.Table) -> None:
        import numpy as np

        self.table = table
        self.ids: Ints = _ints(table, "id")
        self.rows: Ints = _ints(table, "rows")
        self.low, self.high = _ints(table, "low"), _ints(table, "high")
        self.is_late: Ints = table.column("late").to_numpy(zero_copy_only=False).astype(np.int64)
        self.sent_low, self.sent_high = _ints(table, "sent_low"), _ints(table, "sent_high")
        self.last, self.heard = _ints(table, "last"), _ints(table, "heard")
        self.seq = _ints(table, "seq")

    @classmethod
    def read(cls, data: bytes) -> Summary:
        """Return the summary that was packed into these bytes."""
        import pyarrow as pa

        (size,) = _SIZE.unpack_from(data)
        stream = pa.decompress(memoryview(data)[_SIZE.size :], decompressed_size=size, codec=_CODEC)
        return cls(pa.ipc.open_stream(stream).read_all())

    @cached_property
    def effective(self) -> Ints:
        """Effective time of each member's newest fix."""
        return effective_times(_ints(self.table, "time"), _ints(self.table, "received"))

    def newest(self, places: Ints) -> pa.Table:
        """Return the newest fixes of the rows at these places, with the columns of trails."""
        return self.table.take(places).select([name for name, _ in ARROW_FIELDS])

    def has_any(self, members: Collection[int]) -> bool:
        """Whether one of the members, by id, is in the segment."""
        import numpy as np

        return bool(np.isin(self.ids, list(members)).any())


def build(batch: pa.RecordBatch) -> Built:
    """Return the segment of fixes with ids for names, ascending by seq; at least one."""
    import numpy as np
    import pyarrow as pa

    seq, time, received = (_ints(batch, name) for name in ("seq", "time", "received"))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec(_CODEC, compression_level=3))
    ends = []
    with pa.ipc.new_stream(sink, arrow_schema(), options=options) as writer:
        writer.write(batch.slice(0, 0))  # the dictionaries
        ends.append(sink.tell())
        for start in range(0, len(seq), PART_ROWS):
            writer.write(batch.slice(start, PART_ROWS))
            ends.append(sink.tell())
    body = bytes(memoryview(sink.getvalue()))
    sent, late = sent_times(batch), batch.column("late").to_numpy(zero_copy_only=False)
    lows = (time, received, np.where(late, time, HIGHEST), sent)
    highs = (time, received, np.where(late, time, LOWEST), sent)
    index, pieces = b"", memoryview(body)
    for number, (start, end) in enumerate(pairwise(ends)):
        rows = slice(number * PART_ROWS, (number + 1) * PART_ROWS)
        reach = [
            int(found)
            for low, high in zip(lows, highs, strict=True)
            for found in (low[rows].min(), high[rows].max())
        ]
        index += _PART.pack(start, end, int(seq[rows][0]), int(seq[rows][-1]), *reach)
    summary = _summary(batch, seq, time, received, sent)
    segment = Segment(
        id=0,
        first=int(seq[0]),
        last=int(seq[-1]),
        rows=len(seq),
        low_time=int(time.min()),
        high_time=int(time.max()),
        low_received=int(np.min(received)),
        high_received=int(np.max(received)),
        index=index,
        texts=_texts(batch),
        checks=checks_of([summary, pieces[: ends[0]], *(pieces[start:end] for start, end in pairwise(ends))]),
    )
    ids, codes = codes_of(batch)
    prints = prints_of(ids[codes], sent, *(batch.column(name).to_numpy() for name in ("lat", "lon")))
    return Built(segment, summary, body, pack(prints))


def messages_of(segment: Segment, body: bytes) -> bytes:
    """Return the messages of a segment's fixes, as they may be put into another stream."""
    return body[segment.parts()[0].start : -len(STREAM_END)]


def columns_of(stream: bytes, names: Collection[str] | None = None) -> pa.RecordBatch:
    """Return a segment's fixes from its stream, or some of their columns: others are not unpacked.

    The stream may have some of its parts only.
    """
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(use_threads=False)
    if names is not None:
        options.included_fields = [place for place, (name, _) in enumerate(ARROW_FIELDS) if name in names]
    batches = [batch for batch in pa.ipc.open_stream(stream, options=options) if batch.num_rows]
    return batches[0] if len(batches) == 1 else _joined(batches)


def codes_of(batch: pa.RecordBatch) -> tuple[Ints, NDArray[np.int32]]:
    """Return the ids of members, and for each fix the place of its member among them."""
    import numpy as np

    member = batch.column("member")
    ids = np.array([int(text) for text in member.dictionary.to_pylist()], dtype=np.int64)
    return ids, member.indices.to_numpy()


def named(batch: pa.RecordBatch, names: Mapping[int, str]) -> pa.RecordBatch:
    """Return fixes with names for ids, and only what occurs in the dictionaries."""
    return _renamed(batch, lambda text: names[int(text)])


def compacted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return fixes with only what occurs in the dictionaries."""
    return _renamed(batch, str)


def _renamed(batch: pa.RecordBatch, name_of: Callable[[str], str]) -> pa.RecordBatch:
    import pyarrow as pa

    schema = arrow_schema()
    arrays = []
    for field in schema:
        array = batch.column(field.name)
        if field.name == "member":
            array = _compact(array, name_of)
        elif field.name == "source":
            array = _compact(array, str)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def ranks(batch: Any, codes: NDArray[Any]) -> Ints:
    """Return the place of each member's newest fix by effective time, ascending by member's code."""
    import numpy as np

    effective = effective_times(_ints(batch, "time"), _ints(batch, "received"))
    order = np.lexsort((_ints(batch, "seq"), effective, codes))
    is_last = np.append(codes[order][1:] != codes[order][:-1], True)
    return order[is_last] if len(order) else order


def sent_times(batch: pa.RecordBatch) -> Ints:
    """Return the times as they were sent (ms), also of repaired fixes; see `sequence.sent_time`."""
    import numpy as np

    time = _ints(batch, "time")
    repaired = np.flatnonzero(batch.column("repaired").to_numpy(zero_copy_only=False))
    if not len(repaired):
        return time
    import msgspec

    time = time.copy()
    for place in repaired.tolist():
        text = batch.column("extra")[place].as_py()
        original = msgspec.json.decode(text).get(ORIGINAL_TIME) if text else None
        if isinstance(original, int) and not isinstance(original, bool):
            time[place] = original
    return time


def _dictionaries_of(stream: bytes) -> tuple[list[int], list[str]]:
    import pyarrow as pa

    empty = pa.ipc.open_stream(stream).read_next_batch()
    ids, sources = (empty.column(name).dictionary.to_pylist() for name in ("member", "source"))
    return [int(text) for text in ids], sources


def _texts(batch: pa.RecordBatch) -> str:
    ids, sources = (batch.column(name).dictionary.to_pylist() for name in ("member", "source"))
    return json.dumps([[int(text) for text in ids], sources])


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _summary(batch: pa.RecordBatch, seq: Ints, time: Ints, received: Ints, sent: Ints) -> bytes:
    import numpy as np
    import pyarrow as pa

    ids, codes = codes_of(batch)
    kinds = 2 * codes + batch.column("late").to_numpy(zero_copy_only=False)
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], kinds[order][1:] != kinds[order][:-1])))
    ends = np.append(starts[1:], len(order)) - 1

    def lowest(values: Ints) -> Ints:
        return np.minimum.reduceat(values[order], starts)

    def highest(values: Ints) -> Ints:
        return np.maximum.reduceat(values[order], starts)

    extremes = {
        "id": ids[codes[order][starts]],
        "rows": np.diff(np.append(starts, len(order))),
        "last": seq[order][ends],
        "heard": received[order][ends],
        "low": lowest(time),
        "high": highest(time),
        "sent_low": lowest(sent),
        "sent_high": highest(sent),
    }
    table = pa.Table.from_batches([batch.take(pa.array(ranks(batch, kinds)))])
    for name, values in extremes.items():
        table = table.append_column(name, pa.array(values.astype(np.int64)))
    table = table.take(pa.array(np.argsort(extremes["id"], kind="stable")))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    # packed as a whole: each column for itself takes twenty times as long to unpack
    stream = sink.getvalue()
    packed: bytes = pa.compress(stream, codec=_CODEC, asbytes=True)
    return _SIZE.pack(stream.size) + packed


def _compact(array: pa.DictionaryArray, text_of: Callable[[str], str]) -> pa.DictionaryArray:
    """Return the array with another text for each, and only those that occur, in their order."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
    counted = np.bincount(codes + 1, minlength=len(array.dictionary) + 1)[1:]
    used = np.flatnonzero(counted)
    place = np.full(len(array.dictionary) + 1, -1, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    indices = place[codes]  # -1 picks the last, which is -1
    texts = array.dictionary.to_pylist()
    values = pa.array([text_of(texts[code]) for code in used.tolist()], pa.utf8())
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), values)


def effective_times(time: Ints, received: Ints) -> Ints:
    """Return the earlier of both clocks (ms), as `Fix.effective_time`."""
    import numpy as np

    return np.where((received > 0) & (received < time), received, time)


def _ints(batch: Any, name: str) -> Ints:
    column = batch.column(name)
    values: Ints = column.to_numpy()
    return values
