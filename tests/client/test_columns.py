"""Growing columns with a bound."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from locshare_ext.client.columns import (
    FixColumns,
    batch_from_table,
    table_from_fixes,
)
from locshare_ext.client.incoming import decode_fixes, decode_rows, seq_of, seqs_of
from locshare_ext.client.source import COLUMNS
from locshare_ext.model.fix import Fix
from locshare_ext.model.trail import arrow_schema, fixes_from_table


def fix(seq: int, member: str = "ann", **values: object) -> Fix:
    fields = {"time": seq * 10, "received": seq * 10 + 1, "lat": seq / 1e5, "lon": -seq / 1e5, **values}
    return Fix(member=member, cursor=f"aaaa-{seq}", flags=(), **fields)  # type: ignore[arg-type]


def test_history_is_what_was_appended_and_batches_stay() -> None:
    columns = FixColumns()
    first = columns.append([fix(1), fix(2, "bo", speed=1.5)], [1, 2])
    assert first.names == ["ann", "bo"]
    assert first.member.tolist() == [0, 1]
    assert np.isnan(first.speed[0])
    assert first.speed[1] == 1.5
    for seq in range(3, 3000):
        columns.append([fix(seq, "cy")], [seq])
    history = columns.history()
    assert history.seq.tolist() == list(range(1, 3000))
    assert history.names == ["ann", "bo", "cy"]
    assert first.names == ["ann", "bo"]
    assert first.seq.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        history.lat[0] = 0


def test_the_bound_drops_the_oldest_half() -> None:
    columns = FixColumns(bound=2000)
    held = columns.append([fix(seq) for seq in range(1, 2001)], list(range(1, 2001))) or columns.history()
    columns.append([fix(2001)], [2001])
    history = columns.history()
    assert history.seq[0] == 1002
    assert history.seq[-1] == 2001
    assert held.seq.tolist() == list(range(1, 2001))
    for seq in range(2002, 12_000, 7):
        columns.append([fix(seq + k) for k in range(7)], [seq + k for k in range(7)])
        assert len(columns) <= 2000
    big = columns.append([fix(seq) for seq in range(20_000, 25_000)], list(range(20_000, 25_000)))
    assert len(big) == 5000  # more than the bound at once is still told whole


def test_one_member_however_it_is_spelled() -> None:
    columns = FixColumns()
    batch = columns.append([fix(1, "Ann"), fix(2, "ANN"), fix(3, "bo")], [1, 2, 3])
    assert batch.names == ["Ann", "bo"]
    assert batch.member.tolist() == [0, 0, 1]


def test_tables_and_fixes_are_the_same() -> None:
    fixes = [
        fix(1, altitude=3.0, source="browser", extra={"trip": "x", "n": 1}),
        Fix(member="bo", time=5, received=7, lat=1.0, lon=2.0, cursor="aaaa-2", flags=("late", "future")),
    ]
    table = table_from_fixes(fixes)
    assert table.schema.equals(arrow_schema())
    assert list(fixes_from_table(table, epoch="aaaa")) == fixes
    batch = batch_from_table(table)
    assert batch.names == ["ann", "bo"]
    assert batch.altitude[0] == 3.0
    assert np.isnan(batch.altitude[1])
    columns = FixColumns()
    columns.append([fix(1, "bo")], [1])
    assert columns.extend(batch).member.tolist() == [1, 0]  # ids are ours


def test_empty_tables() -> None:
    empty = arrow_schema().empty_table()
    assert len(batch_from_table(empty)) == 0
    assert list(fixes_from_table(empty)) == []
    assert len(FixColumns().extend(batch_from_table(empty))) == 0


def test_a_volatile_fix_has_no_place() -> None:
    assert seq_of(fix(7)) == 7
    assert seq_of(Fix(member="a", time=1, lat=0.0, lon=0.0, flags=("volatile",))) == -1


def test_rows_are_fixes_without_what_columns_do_not_keep() -> None:
    fixes = [fix(1, altitude=3.0, source="browser", extra={"n": 1}), fix(2, "bo", battery=0.5)]
    body = msgspec.json.encode(fixes)
    assert decode_fixes(body) == fixes
    told, same = FixColumns().append(fixes, [1, 2]), FixColumns().append(decode_rows(body), [1, 2])
    assert told.names == same.names == ["ann", "bo"]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(told, name), getattr(same, name))
    one = msgspec.json.encode(fixes[1])
    assert decode_fixes(b" " + one) == fixes[1:]
    assert decode_rows(b"[" + one + b"]") == decode_rows(one)
    null = decode_rows(b'{"member": "ann", "time": 1, "lat": 1, "lon": 2, "speed": null, "flags": []}')
    assert np.isnan(FixColumns().append(null, [-1]).speed[0])


def test_offsets_of_one_log_and_of_several() -> None:
    assert seqs_of([]) == []
    assert seqs_of([fix(n) for n in (7, 8, 12)]) == [7, 8, 12]
    other = Fix(member="a", time=1, lat=0.0, lon=0.0, cursor="bbbb-3", flags=())
    unstored = Fix(member="a", time=1, lat=0.0, lon=0.0, flags=("volatile",))
    assert seqs_of([fix(7), other, unstored]) == [7, 3, -1]
    assert seqs_of([unstored, fix(9)]) == [-1, 9]


def test_a_forgotten_member_leaves_nothing() -> None:
    columns = FixColumns()
    held = columns.append([fix(1, "ann"), fix(2, "Bo"), fix(3, "cy"), fix(4, "ann")], [1, 2, 3, 4])
    assert columns.forget("BO")
    left = columns.history()
    assert (left.names, left.member.tolist(), left.seq.tolist()) == (["ann", "cy"], [0, 1, 0], [1, 3, 4])
    assert held.seq.tolist() == [1, 2, 3, 4]
    assert not columns.forget("Bo")
    again = columns.append([fix(5, "bo"), fix(6, "CY")], [5, 6])
    assert again.names == ["ann", "cy", "bo"]
    assert again.member.tolist() == [2, 1]


def test_a_renamed_member_is_one_with_who_has_that_name() -> None:
    columns = FixColumns()
    held = columns.append([fix(1, "ann"), fix(2, "Bo"), fix(3, "cy"), fix(4, "ann")], [1, 2, 3, 4])
    assert columns.rename("ANN", "CY")
    left = columns.history()
    assert (left.names, left.member.tolist(), left.seq.tolist()) == (["Bo", "cy"], [1, 0, 1, 1], [1, 2, 3, 4])
    assert (held.names, held.member.tolist()) == (["ann", "Bo", "cy"], [0, 1, 2, 0])
    assert columns.rename("bo", "BO")
    assert columns.rename("cy", "dan")
    left = columns.history()
    assert [left.names[number] for number in left.member] == ["dan", "BO", "dan", "dan"]
    assert not columns.rename("ann", "BO")
    assert columns.append([fix(5, "Dan")], [5]).member.tolist() == [left.names.index("dan")]
