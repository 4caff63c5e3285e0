"""Exports under other names and with coarser places."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.client.files import write_file
from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load, save
from locshare_ext.formats.coarse import coarsened
from locshare_ext.formats.frame import frame_from_arrow
from locshare_ext.formats.loaded import SetAside
from locshare_ext.formats.pseudonyms import KeyFile, key_file, pseudonymised
from locshare_ext.formats.registry import by_name, writable
from locshare_ext.formats.trail import Trail, names_in, trail_of_frame, trail_of_table
from locshare_ext.formats.verify import verify_geopackage
from locshare_ext.model import coarse
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix

from .helpers import BASE, random_table, table_of

EVENTS = (Event(kind="note", time=BASE, received=BASE, member="Ann", text="Ann fell", data={"who": "Ann"}),)


def walk() -> Trail:
    rows = [
        {"member": name, "time": BASE + 60_000 * n * 40, "extra": json.dumps({"device": f"{name}s handset"})}
        for n in range(3)
        for name in ("Ann", "bo-1", "Zoë")
    ]
    frame = frame_from_arrow(table_of(*rows), group="Ann and friends", recording="walk of bo-1")
    aside = (SetAside(3, "lat 91", "Ann,91"),)
    return trail_of_frame(frame, description="ANN's walk", events=EVENTS, set_aside=aside)


@pytest.mark.parametrize("name", [one.name for one in writable()])
def test_nobody_is_named_in_any_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"walk{by_name(name).suffixes[0]}"
    with key_file(tmp_path / "key.json") as key:
        save(path, pseudonymised(walk(), key))
    content = path.read_bytes()
    for text in ("Ann", "ANN", "bo-1", "Zoë", "handset", "fell"):
        assert text.encode() not in content, text
    assert len(set(key.members.values())) == 3


def test_the_key_tells_who_they_are(tmp_path: Path) -> None:
    before = walk()
    with key_file(tmp_path / "key.json") as key:
        after = pseudonymised(before, key)
    stored = json.loads((tmp_path / "key.json").read_text())
    assert set(stored["members"]) == {"Ann", "bo-1", "Zoë"}
    old, new = before.table.sort_by("seq"), after.table.sort_by("seq")
    names = [stored["members"][name] for name in old.column("member").to_pylist()]
    assert new.column("member").to_pylist() == names
    for column in ("time", "received", "lat", "lon", "seq", "speed"):
        assert new.column(column).to_pylist() == old.column(column).to_pylist()
    wanted = [trip.rpartition("-")[2] for trip in old.column("trip").to_pylist()]
    assert new.column("trip").to_pylist() == [f"{name}-{n}" for name, n in zip(names, wanted, strict=True)]
    order = list(zip(*(after.table.column(name).to_pylist() for name in ("time", "member")), strict=True))
    assert order == sorted(order)  # the rows of one moment do not stand in the order of the true names
    assert after.description == f"{stored['members']['Ann']}'s walk"
    assert after.info["pseudonymised"] is True
    assert names_in(after.table, "member") == sorted(set(names))


def test_the_key_is_for_its_owner_and_gives_the_same_names_again(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    before = os.umask(0)
    try:
        with key_file(path) as key:
            first = key.pseudonym("Ann")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with key_file(path) as key:
        assert key.pseudonym("ann") == first
        assert key.pseudonym("bo") != first
    assert len(json.loads(path.read_text())["members"]) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match="can be read by others"), key_file(path):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["key.json"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": "x", "version": 1, "members": {}}', '{"members": {"a": "m-1", "b": "m-1"}}'],
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidFile, match="no key of pseudonyms"), key_file(path):
        pass
    assert path.read_text() == content


def test_a_failure_leaves_no_key_and_the_key_is_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = frame_from_arrow(random_table(5), group="g", recording="r")
    path, key = tmp_path / "walk.gpx", tmp_path / "key.json"
    with pytest.raises(InvalidInput, match="kept apart"):
        write_file(path, frame, format="gpx", pseudonyms=path)
    with pytest.raises(InvalidInput, match="no folder"):
        write_file(path, frame, format="gpx", pseudonyms=tmp_path / "none" / "key.json")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("locshare_ext.formats.gpxwrite._points", fail)
    with pytest.raises(OSError, match="No space"):
        write_file(path, frame, format="gpx", pseudonyms=key)
    assert list(tmp_path.iterdir()) == []


def test_pseudonyms_tell_nothing_of_names() -> None:
    one, other = KeyFile(), KeyFile()
    names = [f"member {number}" for number in range(200)]
    drawn = [one.pseudonym(name) for name in names]
    assert len(set(drawn)) == 200
    assert drawn != [other.pseudonym(name) for name in names]
    assert drawn != sorted(drawn)


@given(
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    accuracy=st.one_of(st.none(), st.floats(0, 5000)),
    metres=st.sampled_from([10, 500, 25_000]),
)
def test_a_coarse_trail_is_what_a_coarse_group_would_have_kept(
    lat: float, lon: float, accuracy: float | None, metres: float
) -> None:
    fix = coarse.coarsened(
        Fix(
            member="a",
            time=BASE,
            lat=lat,
            lon=lon,
            accuracy=accuracy,
            extra={"a": 1},
            received=BASE,
            flags=(),
        ),
        metres,
    )
    table = table_of({"lat": lat, "lon": lon, "accuracy": accuracy, "altitude": 5.0, "extra": '{"a": 1}'})
    row = coarsened(trail_of_table(table), metres).table.to_pylist()[0]
    assert (row["lat"], row["lon"], row["accuracy"]) == (fix.lat, fix.lon, fix.accuracy)
    assert (row["altitude"], row["extra"]) == (None, None)


@pytest.mark.parametrize("metres", [0, -5, float("nan"), float("inf"), 2e6, "5"])
def test_a_grid_that_is_none_is_refused(metres: float) -> None:
    with pytest.raises(InvalidInput, match="precision"):
        coarsened(walk(), metres)


def test_a_coarse_file_under_other_names_is_sound_and_says_so(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(200), group="g", recording="r")
    path = tmp_path / "open.gpkg"
    write_file(path, frame, format="gpkg", precision=500, pseudonyms=tmp_path / "key.json", events=EVENTS)
    assert verify_geopackage(path).is_sound
    loaded = load(path)
    assert (loaded.info["precision_m"], loaded.info["pseudonymised"]) == (500, True)
    assert [(event.kind, event.text, event.data) for event in loaded.events] == [("note", None, None)]
    assert loaded.table.column("accuracy").to_numpy().min() >= 500
