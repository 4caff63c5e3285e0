"""The fixes that a file is read into: checked one by one or many at once, kept in columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from locshare_ext.errors import InvalidFile, InvalidInput, InvalidName
from locshare_ext.formats.rowblocks import as_measured, chosen, kept_schema, late_of
from locshare_ext.formats.runs import RUN_ROWS, Runs
from locshare_ext.formats.tally import SetAside, Tally
from locshare_ext.model.fix import NUMBERS, Scalar
from locshare_ext.model.names import fold, member_name
from locshare_ext.model.wire import MAX_EXTRA, MAX_SOURCE

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FUTURE", "LATE", "MAX_MEMBERS", "RANGES", "REPAIRED", "FixRows", "SetAside"]

MAX_MEMBERS = 10_000
IMPORT = "import"  # the source of fixes whose file names none
LATE, FUTURE, REPAIRED = 1, 2, 4  # flags that a file of ours tells
UNTOLD = -1  # of a file that tells none: what is late is found, the others are false
_MOST = 1.7976931348623157e308  # the largest finite float64
_NO_TIME = -(2**63)
_extra_decoder = msgspec.json.Decoder(dict[str, Scalar])

# name -> (what the range is called, from, to), of what may be unknown
RANGES: dict[str, tuple[str, float, float]] = {
    "altitude": ("metres", -1e7, 1e7),
    "accuracy": ("[0, inf) metres", 0, _MOST),
    "speed": ("[0, inf) m/s", 0, _MOST),
    "heading": ("[0, 360) degrees", 0, math.nextafter(360, 0)),
    "battery": ("[0, 1]", 0, 1),
}


class FixRows(Tally):
    """Collects the fixes of a file, and what had to be set aside.

    on_disk: keep them in a temporary file, so that a file of any size costs little memory;
    then `batches` gives them, once they are all there. unit: what a file's parts are called
    ("line", "point", "item"). One thread at a time.
    """

    def __init__(self, *, on_disk: bool = False, unit: str = "line") -> None:
        super().__init__(unit)
        self.keeps_seq = False  # whether seq is that of a log: `table` gives it again
        self.has_received = False  # whether any was received at another moment than measured
        self._runs = Runs(on_disk=on_disk)
        self._added = 0
        self._codes: dict[str, int] = {}  # name as the file has it -> code
        self._folded: dict[str, int] = {}
        self._names: list[str] = []
        self._sources: dict[str, int] = {}
        self._blocks: list[pa.RecordBatch] = []
        self._held = 0  # rows in them
        self._new_columns()

    def __len__(self) -> int:
        return self._added

    # adding

    def add(
        self,
        line: int,
        member: str | int,
        time: int,
        lat: float,
        lon: float,
        numbers: Mapping[str, float],
        *,
        received: int | None = None,
        source: str = "",
        extra: str | None = None,
        flags: int = UNTOLD,
        seq: int | None = None,
    ) -> None:
        """Add one fix; raises InvalidInput, and adds nothing, when it cannot be one.

        A number that cannot be (heading 400) is left out and counted, not the fix. member: its
        name, or what `new_member` gave. extra: a JSON object. source: own short text, else
        `import`. seq: its place among those received at the same moment, as added if not given.
        """
        if not -90 <= lat <= 90:  # false for NaN
            raise InvalidInput(f"lat {lat} is outside [-90, 90] degrees", field="lat")
        if not -180 <= lon <= 180:
            raise InvalidInput(f"lon {lon} is outside [-180, 180] degrees", field="lon")
        code = member if isinstance(member, int) else self._code(member)
        if extra is not None:
            extra = self._checked_extra(line, extra)
        self._added += 1
        self._member.append(code)
        self._source.append(self._source_code(source))
        self._time.append(time)
        self._received.append(time if received is None else received)
        self.has_received |= received is not None and received != time
        self._lat.append(lat)
        self._lon.append(lon)
        for name, column in self._numbers.items():
            column.append(self._number(line, name, numbers.get(name)))
        self._extra.append(extra)
        self._flags.append(flags)
        self._seq.append(self._added if seq is None else seq)
        if len(self._seq) + self._held >= RUN_ROWS:
            self._seal()

    def add_block(
        self,
        lines: NDArray[np.int64],
        member: pa.Array,
        time: NDArray[np.int64],
        lat: NDArray[np.float64],
        lon: NDArray[np.float64],
        numbers: Mapping[str, NDArray[np.float64]],
        *,
        received: NDArray[np.int64] | None = None,
        source: pa.Array | None = None,
        extra: pa.Array | None = None,
        flags: NDArray[np.int8] | None = None,
        seq: NDArray[np.int64] | None = None,
    ) -> NDArray[np.bool_]:
        """Add many fixes as `add` would; returns which were not, as `add` would refuse them.

        member, source, extra: text. Rows whose place or member cannot be are left to the
        caller, who may add them one by one to learn why.
        """
        import pyarrow as pa

        good = (lat >= -90) & (lat <= 90) & (lon >= -180) & (lon <= 180)
        code = np.full(len(good), -1, np.int32)
        code[good] = self._codes_of(chosen(member, good), self._code_or_none)
        good &= code >= 0
        count = int(np.count_nonzero(good))
        if not count:
            return ~good
        all_good = count == len(good)

        def kept(values: Any) -> Any:
            return values if all_good else values[good]

        lines, when = kept(lines), kept(time)
        heard = when if received is None else kept(received)
        self.has_received |= received is not None and bool(np.any(heard != when))
        from_where: Any = (
            np.full(count, self._source_code(""), np.int32)
            if source is None
            else kept(self._codes_of(source, self._source_code, missing=self._source_code("")))
        )
        columns = {
            "seq": np.arange(self._added + 1, self._added + count + 1) if seq is None else kept(seq),
            "member": kept(code),
            "source": from_where,
            "time": when,
            "received": heard,
            "lat": kept(lat),
            "lon": kept(lon),
            **{
                name: pa.array(
                    self._checked_numbers(lines, name, kept(numbers[name]))
                    if name in numbers
                    else np.full(count, np.nan),
                    from_pandas=True,
                )
                for name in NUMBERS
            },
            "flags": np.full(count, UNTOLD, np.int8) if flags is None else kept(flags),
            "extra": self._checked_extras(lines, extra, good),
        }
        self._added += count
        self._flush()
        for start in range(0, count, RUN_ROWS):
            block = pa.RecordBatch.from_pydict(columns, schema=kept_schema()).slice(start, RUN_ROWS)
            if self._held + block.num_rows > RUN_ROWS:
                self._seal()
            self._blocks.append(block)
            self._held += block.num_rows
        return ~good

    def new_member(self) -> int:
        """Return a member that gets its name later, by `name_member`."""
        self._names.append("")
        return len(self._names) - 1

    def name_member(self, member: int, name: str) -> None:
        """Give a member its name; raises InvalidInput for one that a member cannot have."""
        self._names[member] = member_name(name)

    @property
    def members(self) -> list[str]:
        """The names of all members."""
        return self._merged_names()[0]

    # giving

    def finish(self, *, received_known: bool) -> None:
        """Say that all is added; where `received` is not known, fixes are ordered by `time`."""
        self._seal()
        if not received_known and self.has_received:
            self._runs.change(as_measured)
            self.has_received = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the fixes with `trail.ARROW_FIELDS`, ascending by seq from 1, in order of arrival."""
        import pyarrow as pa

        seq = 0
        for block in self._stored():
            numbers = np.arange(seq + 1, seq + block.num_rows + 1)
            seq += block.num_rows
            yield block.set_column(0, "seq", pa.array(numbers))

    def _stored(self) -> Iterator[pa.RecordBatch]:
        """Yield the fixes in order of arrival, with the seq that they were added with."""
        import pyarrow as pa

        from locshare_ext.model.trail import arrow_schema

        schema = arrow_schema()
        names, turned = self._merged_names()
        members, sources = pa.array(names, pa.utf8()), pa.array(list(self._sources), pa.utf8())
        newest = np.full(max(len(names), 1), _NO_TIME, np.int64)
        for block in self._runs.blocks():
            found = {name: block.column(name) for name in block.schema.names}
            member = turned[found["member"].to_numpy()]
            flags = found["flags"].to_numpy()
            late = late_of(member, found["time"].to_numpy(), found["received"].to_numpy(), newest)
            found["member"] = pa.DictionaryArray.from_arrays(pa.array(member), members)
            found["source"] = pa.DictionaryArray.from_arrays(found["source"], sources)
            told = flags != UNTOLD
            found["late"] = pa.array(np.where(told, (flags & LATE) != 0, late))
            found["future"] = pa.array(told & ((flags & FUTURE) != 0))
            found["repaired"] = pa.array(told & ((flags & REPAIRED) != 0))
            yield pa.RecordBatch.from_arrays([found[name] for name in schema.names], schema=schema)

    def table(self) -> pa.Table:
        """Return all that `batches` gives, as one table; with their own seq where that ascends."""
        import pyarrow as pa

        from locshare_ext.model.trail import arrow_schema

        found = pa.Table.from_batches(list(self._stored()), schema=arrow_schema())
        seq = found.column("seq").to_numpy()
        if self.keeps_seq and bool(np.all(seq[1:] > seq[:-1])):
            return found
        return found.set_column(0, "seq", pa.array(np.arange(1, len(seq) + 1)))

    def close(self) -> None:
        """Let go of the temporary file, if there is one."""
        self._runs.close()

    # inside

    def _new_columns(self) -> None:
        self._seq, self._member, self._source = array("q"), array("i"), array("i")
        self._time, self._received = array("q"), array("q")
        self._lat, self._lon, self._flags = array("d"), array("d"), array("b")
        self._numbers = {name: array("d") for name in NUMBERS}
        self._extra: list[str | None] = []

    def _flush(self) -> None:
        """Make a block of what was added one by one."""
        import pyarrow as pa

        if not self._seq:
            return
        columns: dict[str, Any] = {
            "seq": np.array(self._seq, np.int64),
            "member": np.array(self._member, np.int32),
            "source": np.array(self._source, np.int32),
            "time": np.array(self._time, np.int64),
            "received": np.array(self._received, np.int64),
            "lat": np.array(self._lat),
            "lon": np.array(self._lon),
            **{name: pa.array(np.array(column), from_pandas=True) for name, column in self._numbers.items()},
            "flags": np.array(self._flags, np.int8),
            "extra": pa.array(self._extra, pa.utf8()),
        }
        self._blocks.append(pa.RecordBatch.from_pydict(columns, schema=kept_schema()))
        self._held += len(self._seq)
        self._new_columns()

    def _seal(self) -> None:
        """Sort what is held, and keep it as a run."""
        import pyarrow as pa

        self._flush()
        if self._blocks:
            self._runs.add(pa.concat_batches(self._blocks))
        self._blocks, self._held = [], 0

    def _codes_of(
        self, texts: pa.Array, code: Callable[[str], int], *, missing: int = -1
    ) -> NDArray[np.int32]:
        """Return a code for each text, each different one looked at once."""
        import pyarrow as pa

        encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
        codes = [missing if text is None else code(text) for text in encoded.dictionary.to_pylist()]
        turned = np.array([*codes, missing], np.int32)
        found: NDArray[np.int32] = turned[
            encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        ]
        return found

    def _code_or_none(self, member: str) -> int:
        try:
            return self._code(member)
        except InvalidName:
            return -1

    def _code(self, member: str) -> int:
        code = self._codes.get(member)
        if code is not None:
            return code
        name = member_name(member)
        if len(self._folded) >= MAX_MEMBERS and fold(name) not in self._folded:
            raise InvalidFile(
                f"more than {MAX_MEMBERS:,} different members ({member!r} is one more); "
                "is `member` the right column?"
            )
        code = self._folded.setdefault(fold(name), len(self._names))
        if code == len(self._names):
            self._names.append(name)
        self._codes[member] = code
        return code

    def _source_code(self, source: str) -> int:
        if not (1 <= len(source) <= MAX_SOURCE and source.isprintable()):
            source = IMPORT
        return self._sources.setdefault(source, len(self._sources))

    def _merged_names(self) -> tuple[list[str], NDArray[np.int32]]:
        """Return the names, and for each code its name's place: two tracks may be one member's."""
        places: dict[str, int] = {}
        names: list[str] = []
        turned = np.zeros(max(len(self._names), 1), np.int32)
        for code, name in enumerate(self._names):
            turned[code] = places.setdefault(fold(name), len(names))
            if turned[code] == len(names):
                names.append(name)
        if len(names) > MAX_MEMBERS:
            raise InvalidFile(f"more than {MAX_MEMBERS:,} different members")
        return names, turned

    def _checked_extra(self, line: int, text: str) -> str | None:
        if len(text.encode("utf-8", "replace")) > MAX_EXTRA:
            self.leave_out(line, "extra", text, f"at most {MAX_EXTRA} bytes of JSON")
            return None
        try:
            _extra_decoder.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            self.leave_out(line, "extra", text, "a JSON object of texts, numbers, true, false and null")
            return None
        return text

    def _checked_extras(self, lines: NDArray[np.int64], extra: pa.Array | None, good: Any) -> Any:
        import pyarrow as pa

        if extra is None:
            return pa.nulls(len(lines), pa.utf8())
        kept = extra if len(lines) == len(good) else extra.filter(pa.array(good))
        if kept.null_count == len(kept):
            return kept.cast(pa.utf8())
        texts = [
            text and self._checked_extra(line, text)
            for line, text in zip(lines.tolist(), kept.to_pylist(), strict=True)
        ]
        return pa.array([text or None for text in texts], pa.utf8())

    def _number(self, line: int, name: str, value: float | None) -> float:
        if value is None or math.isnan(value):
            return math.nan
        if name == "heading" and value == 360:
            return 0.0  # many write north so
        expected, low, high = RANGES[name]
        if low <= value <= high:
            return value
        self.leave_out(line, name, str(value), expected)
        return math.nan

    def _checked_numbers(
        self, lines: NDArray[np.int64], name: str, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if name == "heading":
            values = np.where(values == 360, 0.0, values)
        expected, low, high = RANGES[name]
        wrong = ~((values >= low) & (values <= high) | np.isnan(values))
        if wrong.any():
            first = int(np.argmax(wrong))
            self.leave_out(
                int(lines[first]), name, str(float(values[first])), expected, int(np.count_nonzero(wrong))
            )
            values = np.where(wrong, np.nan, values)
        return values
