"""Reading a CSV by blocks gives what reading it row by row gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.formats import csvtable
from locshare_ext.formats.csv import read_csv
from locshare_ext.formats.loaded import Loaded

MAP = "member=who,{time}=when,lat=lat,lon=lon,speed_kmh=v,altitude=h,heading=head,source=app,extra.note=note"
HEADER = "who,when,lat,lon,v,h,head,app,note"
TIMES = st.sampled_from(
    [
        *(
            "2026-01-26T15:57:02Z",
            "2026-01-26 15:57:02.5+01:00",
            "2026-01-26T15:57Z",
            "2026-01-26T15:57:02 UTC",
        ),
        *(
            "2026-01-26T15:57:02,123456789Z",
            "1769443022",
            "1769443022.9999",
            "1769443022123",
            "1769443022123456",
        ),
        *(
            "1769443022123456789",
            "-5",
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "1500-01-01T00:00:00Z",
            "1e9",
        ),
        *("2026-01-26 15:57:02", "2026-03-29 01:30:00", "2026-10-25 01:30:00", "99999999999999999999", "٣"),
    ]
)
NUMBERS = st.one_of(
    st.floats(-200, 200).map(repr),
    st.sampled_from(
        ["", " 5 ", "nan", "NULL", "1_0", "+3", ".5", "5.", "1e400", "inf", "5,5", "fast", "0x1", "１"]
    ),
)
TEXTS = st.sampled_from(
    ["ann", "cid", "bo/b", "", " x ", "=1+1", "me", "x" * 70, "3학년", "007", "1e5", "2.50", '""']
)
CELLS = st.tuples(TEXTS, TIMES, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS)


def rows_of(loaded: Loaded) -> dict[str, Any]:
    return {
        "rows": loaded.table.to_pylist(),
        "aside": (loaded.set_aside, loaded.set_aside_count),
        "remarks": sorted(loaded.remarks),
    }


def both(path: Path, columns: str, **options: Any) -> list[Any]:
    """Return what both ways answer, an error as its text."""
    answers: list[Any] = []
    for is_quick in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not is_quick:
                patch.setattr(csvtable.CsvTable, "blocks", lambda _: None)
            try:
                answers.append(rows_of(read_csv(path, columns, **options)))
            except LocShareError as error:
                answers.append(error.message)
    return answers


def quoted(cell: str, is_quoted: bool) -> str:
    return '"' + cell.replace('"', '""') + '"' if is_quoted else cell


@given(
    rows=st.lists(CELLS, max_size=12),
    quotes=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    odd=st.sampled_from(["", "a,b", ",,,,,,,,", 'x"y,"', '"two\nlines",1,2,3,4,5,6,7,8', "\r"]),
    zone=st.sampled_from([None, "UTC", "Europe/London"]),
    size=st.sampled_from([64, 300, 4 << 20]),
    time=st.sampled_from(["time", "time_s", "time_ms", "time_us", "time_ns"]),
)
def test_both_ways_give_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    quotes: bool,
    end: str,
    odd: str,
    zone: str | None,
    size: int,
    time: str,
) -> None:
    path = tmp_path_factory.mktemp("csv") / "some.csv"
    lines = [",".join(quoted(cell, quotes) for cell in row) for row in rows]
    lines.insert(len(lines) // 2, odd)
    path.write_bytes((HEADER + "\n" + end.join(lines) + end).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvtable, "_BLOCK", size)
        quick, careful = both(path, MAP.format(time=time), tz=zone)
    assert quick == careful


def test_blocks_are_really_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above compares one way with itself."""
    from locshare_ext.formats import csvplan

    path = tmp_path / "plain.csv"
    path.write_text(HEADER + "\n" + "ann,2026-01-26T15:57:02Z,1,2,36,,,,\n" * 1000)

    def refuse(*_: Any) -> None:
        raise AssertionError("a row was read by itself")

    monkeypatch.setattr(csvplan, "add_row", refuse)
    monkeypatch.setattr("locshare_ext.formats.csvfast.add_row", refuse)
    monkeypatch.setattr("locshare_ext.formats.csv.add_row", refuse)
    table = read_csv(path, MAP.format(time="time")).table
    assert table.num_rows == 1000
    assert table.column("speed").to_pylist()[0] == 10.0


def test_a_zone_that_is_missing_is_asked_for_in_a_late_block(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    good = "ann,2026-01-26T15:57:02Z,1,2,,,,,\n"
    path.write_text(HEADER + "\n" + good * 500 + "ann,2026-01-26T15:57:02,1,2,,,,,\n")
    with pytest.raises(InvalidInput, match=r"line 502: when .* has no zone"):
        read_csv(path, MAP.format(time="time"))
