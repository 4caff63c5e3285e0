"""Broken and hostile files: one error that names the file, or the row is set aside; never more."""

from __future__ import annotations

import io
import json
import time
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.errors import InvalidFile, InvalidInput, LocShareError
from locshare_ext.formats import load, save
from locshare_ext.formats.frame import frame_from_arrow
from locshare_ext.formats.registry import readable
from locshare_ext.formats.rows import MAX_MEMBERS
from locshare_ext.formats.trail import trail_of_frame

from .helpers import random_table
from .test_readers import MOVEBANK, PLT, REC, collection, point, written

COLUMNS = "member=m,time_s=t,lat=a,lon=o"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><gpx>&b;</gpx>'
EXTERNAL = (
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><gpx><metadata><name>&e;</name></metadata></gpx>'
)
DEEP = 200_000


def parquet(path: Path, **options: Any) -> Path:
    columns = {"m": ["a"], "t": [1769443022], "a": [1.0], "o": [2.0], **options.pop("columns", {})}
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bomb.gpx", BOMB, "DOCTYPE"),
        ("xxe.gpx", EXTERNAL, "DOCTYPE"),
        ("deep.gpx", "<gpx>" + "<a>" * DEEP, "within more than 64"),
        ("deep.json", '{"locations": ' + "[" * DEEP, "within more than 64"),
        ("deeper.json", '{"locations": [], "x": ' + '{"a":' * DEEP, "within more than 64"),
        ("deep.geojson", '{"features": [{"geometry": ' + "[" * DEEP, "within more than 64"),
        ("open.json", '{"locations": [{"latitudeE7": 1', "no valid JSON"),
        ("nan.json", '{"locations": [{"latitudeE7": NaN, "longitudeE7": 1}]}', "no valid JSON"),
        ("two.json", '{"locations": []} {"locations": []}', "no valid JSON|after the end"),
        ("latin.json", '{"locations": [{"deviceTag": "é"}]}'.encode("latin-1"), "no valid JSON"),
        ("utf16.json", '{"locations": []}'.encode("utf-16"), "is UTF-16|neither GeoJSON"),
        ("empty.json", '{"locations": []}', "no locations"),
        ("empty.geojson", '{"type": "FeatureCollection", "features": []}', "no points"),
        ("head.parquet", b"PAR1" + b"\0" * 100, "damaged"),
        ("head.arrow", b"ARROW1\0\0" + b"\xff" * 100, "damaged"),
        ("stream.arrow", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"a" * 100, "damaged"),
        ("long.csv", "m,t,a,o\n" + "1" * 3_000_000, "over 1,048,576|field larger"),
        ("wide.csv", ",".join(f"c{number}" for number in range(20_000)) + "\n", "columns, expected at most"),
        ("long.plt", PLT + "9" * 3_000_000, "over 1,048,576 bytes"),
        ("latin.plt", PLT.encode() + b"\xff\xfe,1\n", "line 9 is not UTF-8"),
        ("half.rec", REC.encode()[:150], "none of 1 lines can be used|1 line"),
    ],
)
def test_one_error_says_what_is_wrong(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    began = time.process_time()
    with pytest.raises(InvalidFile, match=message) as told:
        load(path, columns=COLUMNS if name.endswith((".csv", ".parquet", ".arrow", ".geojson")) else None)
    assert name in told.value.message
    assert len(told.value.message) < 600
    assert time.process_time() - began < 20  # s; the bombs would take hours


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "1e999", "-91", "90.0000001", "9" * 400, "0x10", "", "1,5"]
)
def test_a_latitude_that_cannot_be_is_set_aside_with_its_line(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, "a.csv", f'm,t,a,o\nann,1769443022,1,2\nann,1769443023,"{value}",2\n')
    loaded = load(path, columns=COLUMNS)
    assert loaded.table.num_rows == 1
    assert [(one.line, one.reason[:3]) for one in loaded.set_aside] == [(3, "lat")]


@pytest.mark.parametrize(
    "value", ["9" * 300, "-9" * 30, "1e300", "nan", "inf", "2500-01-01T00:00:00Z", "1e15x"]
)
def test_a_time_that_cannot_be_is_set_aside_with_its_line(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, "a.csv", f"m,t,a,o\nann,1769443022,1,2\nann,{value},1,2\n")
    loaded = load(path, columns=COLUMNS)
    assert [(one.line, "t" in one.reason) for one in loaded.set_aside] == [(3, True)]


def test_too_many_members_are_a_wrong_column(tmp_path: Path) -> None:
    rows = "".join(f"m{number},1769443022,1,2\n" for number in range(MAX_MEMBERS + 1))
    with pytest.raises(InvalidFile, match="is `member` the right column"):
        load(written(tmp_path, "a.csv", "m,t,a,o\n" + rows), columns=COLUMNS)


def test_a_parquet_of_wrong_types_and_shapes(tmp_path: Path) -> None:
    nested = parquet(tmp_path / "nested.parquet", columns={"a": pa.array([[1.0]])})
    with pytest.raises(InvalidFile, match="column 'a' is list"):
        load(nested, columns=COLUMNS)
    text = parquet(tmp_path / "text.parquet", columns={"a": ["north"]})
    with pytest.raises(InvalidFile, match="row 1: lat 'north'"):
        load(text, columns=COLUMNS)
    long = parquet(tmp_path / "long.parquet", columns={"m": ["x" * 100_000]})
    with pytest.raises(InvalidFile, match="'m' has a text of over"):
        load(long, columns=COLUMNS)
    missing = parquet(tmp_path / "missing.parquet", columns={"a": pa.array([None], pa.float64())})
    with pytest.raises(InvalidFile, match="row 1: lat"):
        load(missing, columns=COLUMNS)
    naive = parquet(tmp_path / "naive.parquet", columns={"t": pa.array([0], pa.timestamp("us"))})
    with pytest.raises(InvalidInput, match="has no zone"):
        load(naive, columns=COLUMNS.replace("time_s", "time"))
    with pytest.raises(InvalidInput, match=r"column 't' has numbers .*; say time_s=t"):
        load(parquet(tmp_path / "numbers.parquet"), columns=COLUMNS.replace("time_s", "time"))
    assert load(naive, columns=COLUMNS.replace("time_s", "time"), tz="UTC").table.num_rows == 1


def test_a_row_group_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 200_000
    columns = {"m": ["a"] * count, "t": [1769443022] * count, "a": [1.0] * count, "o": [2.0] * count}
    path = parquet(tmp_path / "bomb.parquet", columns=columns, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 100_000  # it unpacks to fifty times that
    assert load(path, columns=COLUMNS).table.num_rows == count
    monkeypatch.setattr("locshare_ext.formats.columnar._MOST_GROUP", 1 << 20)
    with pytest.raises(InvalidFile, match="row group 0 unpacks to"):
        load(path, columns=COLUMNS)


def good_files() -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Return a small good file of each format that is read, and how it is read."""
    frame = frame_from_arrow(random_table(20), group="g", recording="r")
    found: dict[str, tuple[bytes, dict[str, Any]]] = {}
    for one in readable():
        if one.writer and one.name not in ("gpkg", "movebank"):
            out = io.BytesIO()
            one.write()(trail_of_frame(frame), out)
            found[one.name] = (out.getvalue(), {})
    locations = [{"latitudeE7": n, "longitudeE7": 2, "timestampMs": "1769443022123"} for n in range(5)]
    lines = collection(*(point(1.5, n / 9, t=1769443022 + n, who="ann") for n in range(5)))
    found["google"] = (json.dumps({"locations": locations}).encode(), {})
    found["lines"] = (json.dumps(lines).encode(), {"columns": "member=who,time_s=t"})
    found["plt"], found["owntracks"], found["movebank"] = (
        (PLT.encode(), {}),
        (REC.encode(), {}),
        (MOVEBANK.encode(), {}),
    )
    return found


GOOD = good_files()


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=60)
@given(data=st.data())
def test_damage_anywhere_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """Cut, flipped, filled in: an answer or one of our errors, on disk as in memory."""
    content, options = GOOD[name]
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b'"', b"\n", b",", b"[", b"<", b"\xff", b"1e999"])
            )
        )
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
    path = tmp_path_factory.mktemp("damaged") / "file"
    path.write_bytes(damaged)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            loaded = load(path, on_disk=data.draw(st.booleans()), **options)
        except LocShareError as error:
            assert error.message
            return
        try:
            loaded.table  # noqa: B018 -- what is read must hold together
        finally:
            loaded.close()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(("name", "content"), [("a.plt", PLT), ("a.rec", REC), ("a.csv", MOVEBANK)])
def test_marks_of_byte_order(tmp_path: Path, encoding: str, name: str, content: str) -> None:
    path = written(tmp_path, name, content.encode(encoding))
    if encoding == "utf-16-le":  # without its mark it is no text for anybody
        with pytest.raises(LocShareError):
            load(path)
        return
    kind = None if encoding == "utf-8-sig" else {"a.plt": "plt", "a.rec": "owntracks", "a.csv": "csv"}[name]
    assert load(path, format=kind).table.num_rows >= 1


@pytest.mark.parametrize("name", ["gpx", "kml", "geojson", "csv"])
def test_markup_in_names_stays_text(tmp_path: Path, name: str) -> None:
    from .helpers import table_of

    table = table_of({"member": "</name><script>alert(1)</script>".replace("/", "|")}, {"member": "]]>&amp;"})
    frame = frame_from_arrow(table, group="<g>", recording='"r"')
    path = tmp_path / f"walk.{name}"
    save(path, trail_of_frame(frame))
    if name == "kml":
        assert b"<script" not in path.read_bytes()
    else:
        assert sorted(load(path).fixes.members) == sorted(set(table.column("member").to_pylist()))
