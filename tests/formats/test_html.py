"""A trail as a web page: what it holds, how small it is, and that nothing in it can do harm."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from locshare_ext import Geofence, Silence, open_recording
from locshare_ext.errors import InvalidInput
from locshare_ext.formats import save
from locshare_ext.formats.htmlwrite import UNITS
from locshare_ext.formats.packed import ROWS, packed_parts
from locshare_ext.formats.pagecode import script_of, style
from locshare_ext.formats.trail import Trail, trail_of_table
from locshare_ext.model.event import Event

from .helpers import BASE, random_table, table_of

BUSES = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"
MOST = 40  # bytes a fix
PARTS = re.compile(r'<script type="text/plain" class="fixes">([^<]*)</script>\n')
ABOUT = re.compile(r'<script type="application/json" id="about">([^<]*)</script>')


def unpacked(said: dict[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """Return a part's columns, read as the page does: as floats, NaN where unknown."""
    raw, count, offset = np.frombuffer(zlib.decompress(data), np.uint8), said["count"], 0
    found = {}
    for column in said["columns"]:
        bits = 0 if column["known"] else (count + 7) // 8
        known = np.unpackbits(raw[offset : offset + bits])[:count] if bits else np.ones(count)
        planes = raw[offset + bits : offset + bits + column["width"] * count].reshape(column["width"], count)
        codes = sum(
            (plane.astype(np.int64) << (8 * byte) for byte, plane in enumerate(planes)), np.zeros(count, int)
        )
        values = column["first"] + np.cumsum((codes >> 1) ^ -(codes & 1)) * column["step"]
        found[column["name"]] = np.where(known, values.astype(float), np.nan)
        offset += bits + column["width"] * count
    assert offset == len(raw)
    return found


def page_of(trail: Trail, folder: Path) -> str:
    path = folder / "page.html"
    save(path, trail)
    return path.read_text("utf-8")


def held(page: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a page says of itself, and its columns whole."""
    (found,) = ABOUT.findall(page)
    about = json.loads(found)
    parts = [
        unpacked(*one) for one in zip(about["parts"], map(base64.b64decode, PARTS.findall(page)), strict=True)
    ]
    names = {name for part in parts for name in part}
    empty = {id(part): np.full(len(part["time"]), np.nan) for part in parts}
    return about, {
        name: np.concatenate([part.get(name, empty[id(part)]) for part in parts]) for name in names
    }


def test_the_page_holds_every_fix_exactly(tmp_path: Path) -> None:
    trail = trail_of_table(random_table(3000, seed=7), group="hikers", recording="walk")
    about, columns = held(page_of(trail, tmp_path))
    names = trail.table.column("member").to_pylist()
    table = trail.table.take(sorted(range(3000), key=names.__getitem__))  # a member's rows together
    assert about["fixes"] == 3000
    assert [about["members"][int(code)] for code in columns["member"]] == table.column("member").to_pylist()
    for name, values in (("time", columns["time"]), ("received", columns["time"] + columns["lag"])):
        assert values.tolist() == (table.column(name).cast("int64").to_numpy() // 1_000_000).tolist()
    for name in ("lat", "lon"):
        assert columns[name].tolist() == np.rint(table.column(name).to_numpy() * 1e7).tolist()
    for name, unit in UNITS.items():
        was = table.column(name).to_numpy(zero_copy_only=False)
        assert np.isnan(columns[name]).tolist() == np.isnan(was).tolist()
        assert np.nanmax(np.abs(columns[name] * unit - was)) <= unit / 2 + 1e-6


@pytest.mark.parametrize(
    "values",
    [
        np.array([5]),
        np.arange(ROWS + 3) * 1000,
        np.array([0, 2**52, -(2**52), 0, 1]),
        np.tile([7, 7, 9, -3], 100),
    ],
)
def test_whole_numbers_come_back(values: NDArray[np.int64]) -> None:
    known = np.arange(len(values)) % 3 != 1
    parts = [unpacked(*part) for part in packed_parts({"a": values, "b": values}, {"b": known})]
    assert np.concatenate([part["a"] for part in parts]).tolist() == values.tolist()
    got = np.concatenate([part["b"] for part in parts])
    assert got[known].tolist() == values[known].tolist()
    assert np.isnan(got[~known]).all()


def test_a_column_that_nobody_has_takes_nothing() -> None:
    ((said, _),) = packed_parts({"a": np.arange(5), "b": np.arange(5)}, {"b": np.zeros(5, bool)})
    assert [column["name"] for column in said["columns"]] == ["a"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("liverpool_bus_route14.csv", {"columns": BUSES, "tz": "UTC"}),
        ("bus304_limerick.gpx", {}),
        ("owntracks_2019-02.rec", {}),
        ("cerknicko-jezero.gpx", {}),
    ],
)
def test_real_recordings_are_small(data: Path, tmp_path: Path, name: str, options: dict[str, str]) -> None:
    recording = open_recording(data / name, **options)
    page = recording.to_html()
    assert isinstance(page, str)
    about, columns = held(page)
    assert len(columns["time"]) == len(recording.trails()) == about["fixes"]
    fixed = len((script_of("page/main.js") + script_of("worker.js") + style()).encode())
    assert (len(page.encode()) - fixed) / about["fixes"] < MOST
    assert fixed < 600_000


HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\u2028"'


def test_names_notes_and_titles_are_no_markup(tmp_path: Path) -> None:
    events = (Event(kind="note", time=BASE, received=BASE, member=HOSTILE[:60], text=HOSTILE),)
    rows = [{"member": "<b>ann</b><!--", "time": BASE}, {"member": "bo", "time": BASE + 1}]
    trail = trail_of_table(table_of(*rows), recording=HOSTILE, description=HOSTILE, events=events)
    page = page_of(trail, tmp_path)
    plain = page_of(trail_of_table(table_of(*rows), recording="walk"), tmp_path)
    for tag in ("<script", "</script", "<img", "<b>", "<!--", "<title"):
        assert page.count(tag) == plain.count(tag), tag
    about, _ = held(page)
    assert about["title"] == about["description"] == about["events"][0][4] == HOSTILE
    assert about["members"] == ["<b>ann</b><!--", "bo"]


def test_the_policy_lets_the_page_run_its_own_script_alone(tmp_path: Path) -> None:
    page = page_of(trail_of_table(table_of({"member": "ann", "time": BASE})), tmp_path)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    sheets = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for rule, (text,) in (("script-src", scripts), ("style-src", sheets)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    assert not re.search(r"\beval\(|new Function\b|document\.write", page)


def test_received_is_there_only_if_it_is_known(tmp_path: Path) -> None:
    row = {"member": "ann", "time": BASE, "received": BASE}
    for is_known in (True, False):
        about, columns = held(page_of(trail_of_table(table_of(row), received_known=is_known), tmp_path))
        assert about["has_received"] is ("lag" in columns) is is_known


def test_an_empty_trail_is_a_page_too(tmp_path: Path) -> None:
    (found,) = ABOUT.findall(page_of(trail_of_table(random_table(0, seed=1)), tmp_path))
    about = json.loads(found)
    assert (about["fixes"], about["parts"], about["members"]) == (0, [], [])


def test_a_choice_under_other_names(data: Path, tmp_path: Path) -> None:
    recording = open_recording(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC")
    path = recording.to_html(
        tmp_path / "buses.page",
        members=["4716", "4803"],
        since="2026-01-26T16:00Z",
        clock="received",
        title="Buses of an afternoon",
        precision=100,
        pseudonyms=tmp_path / "key.json",
    )
    about, columns = held(Path(path).read_text("utf-8"))
    stored = json.loads((tmp_path / "key.json").read_text())["members"]
    assert set(about["members"]) == set(stored.values())
    assert set(stored) == {"4716", "4803"}
    assert (about["title"], about["pseudonymised"], about["precision"]) == (
        "Buses of an afternoon",
        True,
        100,
    )
    assert about["settings"] == {"clock": "received"}
    assert columns["time"].min() >= 1769443200000
    assert len(set(zip(columns["lat"], columns["lon"], strict=True))) < len(columns["time"]) / 2


def test_a_title_may_be_any_text(data: Path) -> None:
    page = open_recording(data / "cerknicko-jezero.gpx").to_html(title="\ud800 {walk} $1 \\u003c %s")
    assert held(str(page))[0]["title"] == "? {walk} $1 \\u003c %s"


def test_what_cannot_be_asked_for(data: Path, tmp_path: Path) -> None:
    recording = open_recording(data / "cerknicko-jezero.gpx")
    (tmp_path / "there.html").write_text("mine")
    for options, field in (
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"clock": "wall"}, "clock"),
        ({"precision": -1}, "precision"),
        ({"overwrite": False}, "path"),
        ({"since": "2020-01-02T00:00Z", "until": "2020-01-01T00:00Z"}, "since"),
    ):
        with pytest.raises(InvalidInput) as raised:
            recording.to_html(tmp_path / "there.html", **options)  # type: ignore[arg-type]
        assert raised.value.field == field
    assert (tmp_path / "there.html").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["there.html"]


def test_fences_and_what_rules_told_are_in_the_page(tmp_path: Path) -> None:
    rows = [{"member": "ann", "time": BASE + n * 1000, "lat": 37.5, "lon": 127 + n / 1000} for n in range(30)]
    save(tmp_path / "walk.gpkg", trail_of_table(table_of(*rows), recording="walk"))
    recording = open_recording(tmp_path / "walk.gpkg")
    camp = Geofence.circle("camp", 37.5, 127.01, 300)
    square = [[126.99, 37.49], [127.005, 37.49], [127.005, 37.51], [126.99, 37.49]]
    wood = Geofence(name="</wood>", area={"type": "Polygon", "coordinates": [square]})
    recording.alert([camp, wood, Silence(name="quiet", lasting=600)])
    about, _ = held(str(recording.to_html()))
    assert dict(about["fences"]) == {camp.name: camp.area.to_json(), wood.name: wood.area.to_json()}
    assert about["events"] == []  # nothing was told yet
    recording.play(float("inf"))
    about, _ = held(str(recording.to_html()))
    told = recording.alerts()
    assert [event[4] for event in about["events"]] == told["text"].tolist()
    assert {"ann entered camp", "ann left camp", "ann left </wood>"} <= set(told["text"])
    # of those chosen, and none where names or places are hidden
    late = recording.to_html(since=BASE + 20_000, fences=[camp])
    about, _ = held(str(late))
    assert [one[0] for one in about["fences"]] == ["camp"]
    assert all(event[0] >= BASE + 20_000 for event in about["events"])
    for hidden in ({"precision": 100}, {"pseudonyms": tmp_path / "key.json"}):
        about, _ = held(str(recording.to_html(**hidden)))  # type: ignore[arg-type]
        assert about["fences"] == []
    with pytest.raises(InvalidInput) as raised:
        recording.to_html(fences=["camp"])  # type: ignore[list-item]
    assert raised.value.field == "rule"
