"""Recordings without a server: files, replay, many as one frame."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from locshare_ext import Fix, Recording, open_recording, read_trails
from locshare_ext.errors import InvalidFile, InvalidInput
from tests.client.conftest import Collected, attach
from tests.support.served import Served

CSV = """who,when,latitude,longitude
ann,2026-03-01T10:00:00Z,50.0,14.0
bo,2026-03-01T10:00:00Z,50.1,14.1
ann,2026-03-01T10:00:10Z,50.2,14.2
bo,2026-03-01T11:00:00Z,50.3,14.3
"""
COLUMNS = {"member": "who", "time": "when", "lat": "latitude", "lon": "longitude"}


@pytest.fixture
def walk(tmp_path: Path) -> Recording:
    path = tmp_path / "walk.csv"
    path.write_text(CSV)
    return open_recording(path, columns=COLUMNS)


def test_a_csv_is_opened_by_its_map(walk: Recording) -> None:
    trails = walk.trails()
    assert trails["lat"].tolist() == [50.0, 50.1, 50.2, 50.3]
    assert trails["trip"].tolist() == ["ann-1", "bo-1", "ann-1", "bo-2"]
    assert set(trails["recording"]) == {"walk"}
    assert not walk.received_known
    assert walk.state == "closed"
    assert walk.trails(last="30min")["lat"].tolist() == [50.3]
    assert walk.trails(members="ann", since="2026-03-01T10:00:01Z")["lat"].tolist() == [50.2]
    assert walk.at("2026-03-01T10:00:05Z")["lat"].tolist() == [50.0, 50.1]
    assert walk.at("2026-03-01T10:00:05Z", members="bo")["lat"].tolist() == [50.1]
    assert walk.latest()["state"].tolist() == ["lost", "live"]
    assert walk.summary()["fixes"].tolist() == [2, 2]
    with pytest.raises(InvalidInput, match="no time zone"):
        walk.at("2026-03-01T10:00:05")
    walk.tz = "UTC"
    assert len(walk.at("2026-03-01T10:00:05")) == 2


def test_to_a_file_and_back(walk: Recording, tmp_path: Path) -> None:
    path = walk.to_file(tmp_path / "walk.gpkg")
    again = open_recording(path)
    pd.testing.assert_frame_equal(again.trails(), walk.trails())
    assert (again.name, again.received_known) == (walk.name, walk.received_known)
    assert again.history().seq.tolist() == walk.history().seq.tolist()
    walk.to_file(path)  # a cell that is run again
    with pytest.raises(InvalidInput, match="exists"):
        walk.to_file(path, overwrite=False)
    with pytest.raises(InvalidInput, match=r"\.gpkg"):
        walk.to_file(tmp_path / "walk.shp")
    with pytest.raises(InvalidInput, match="no folder"):
        walk.to_file(tmp_path / "none" / "walk.gpkg")


def test_play_delivers_each_fix_once_and_keeps_the_clock(walk: Recording) -> None:
    seen: list[tuple[str, float, str]] = []

    @walk.on_fix
    def see(fix: Fix) -> None:
        seen.append((fix.member, fix.lat, walk.clock.strftime("%H:%M:%S")))

    assert walk.clock.isoformat() == "2026-03-01T10:00:00+00:00"
    player = walk.play(speed=float("inf"))
    assert seen == [
        ("ann", 50.0, "10:00:00"),
        ("bo", 50.1, "10:00:00"),
        ("ann", 50.2, "10:00:10"),
        ("bo", 50.3, "11:00:00"),
    ]
    assert (player.delivered, walk.clock.strftime("%H:%M:%S")) == (4, "11:00:00")
    walk.play(speed=float("inf"), clock="received")
    assert len(seen) == 8
    walk.off_fix(see)
    walk.play(speed=float("inf"))
    assert len(seen) == 8
    for speed in (0, -1):
        with pytest.raises(InvalidInput):
            walk.play(speed=speed)


def test_play_on_a_thread_of_its_own(walk: Recording, collected: Collected) -> None:
    walk.on_fix(lambda fix: collected.add(threading.current_thread().name))
    player = walk.play(speed=1e6, wait=False)
    assert set(collected.wait_count(4)) == {"locshare-play-walk"}
    assert player.wait(10)


def test_playing_again_ends_the_first(walk: Recording, collected: Collected) -> None:
    walk.on_fix(lambda fix: collected.add(fix.lat))
    first = walk.play(speed=0.001, wait=False)
    collected.wait_count(2)
    walk.play(speed=float("inf"))
    assert first.wait(10)
    assert collected.items[2:] == [50.0, 50.1, 50.2, 50.3]


def test_a_map_can_read_it(walk: Recording) -> None:
    history = walk.history()
    assert history.names == ["ann", "bo"]
    assert history.seq.tolist() == sorted(history.seq.tolist())
    assert not walk.is_live
    assert walk.status.state == "closed"
    assert "walk" in walk.status.text
    walk.listen(print, print)()


def test_many_as_one_frame(walk: Recording, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(CSV.replace("ann", "cy"))
    both = read_trails([walk, open_recording(other, columns=COLUMNS, name="second")])
    assert len(both) == 8
    assert str(both["member"].dtype) == "category"
    assert sorted(both["member"].cat.categories) == ["ann", "bo", "cy"]
    assert sorted(both["recording"].cat.categories) == ["second", "walk"]
    assert both.groupby("trip", observed=True)["recording"].nunique().max() == 1
    files = [one.to_file(tmp_path / f"{n}.gpkg") for n, one in enumerate((walk, walk))]
    assert len(read_trails(files)) == 8
    assert len(read_trails(files[0])) == 4
    assert read_trails([]).empty


def test_files_that_cannot_be(tmp_path: Path, walk: Recording) -> None:
    with pytest.raises(InvalidFile, match=r"does not exist; near names: walk\.csv"):
        open_recording(tmp_path / "wall.csv")
    with pytest.raises(InvalidFile, match="folder"):
        open_recording(tmp_path)
    os.mkfifo(tmp_path / "walk.pipe")  # reading it would wait for ever
    with pytest.raises(InvalidFile, match="a device or a pipe, expected a file"):
        open_recording(tmp_path / "walk.pipe")
    with pytest.raises(InvalidInput, match="members 5 is no name"):
        walk.trails(members=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="say which column"):
        open_recording(tmp_path / "walk.csv")  # never guessed silently
    (tmp_path / "x.gpkg").write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(InvalidFile):
        open_recording(tmp_path / "x.gpkg")


@pytest.mark.process
def test_live_and_replayed_are_the_same_sequence(tmp_path: Path, collected: Collected, data: Path) -> None:
    """A detector sees the same fixes at the same clock, live and on the recording."""
    columns = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"
    buses = open_recording(data / "liverpool_bus_route14.csv", columns=columns, tz="UTC").trails()

    def detector(source: Any, into: Any) -> Any:
        return lambda fix: into((source.clock, fix))

    with Served(tmp_path).running() as server:
        group = attach(server, "buses")
        live = group.on_fix(detector(group, collected.add))
        published = group.publish(buses)
        collected.wait_count(published.stored)
        recording = group.record("all", since=1)
        recording.stop()
        replayed: list[Any] = []
        recording.on_fix(detector(recording, replayed.append))
        recording.play(speed=float("inf"), clock="received")
        group.off_fix(live)
        assert replayed == collected.items
        group.note("end of the route")
        page = group.to_html(tmp_path / "buses.html", last="9999d", members=["4716"])  # live groups, too
        assert '"members":["4716"]' in (text := Path(page).read_text("utf-8"))
        assert '"title":"buses"' in text
        assert "end of the route" in text
        assert '"stale_after":60.0' in text


@pytest.mark.parametrize("wrong", [5, [5], None, [None], b"walk.gpkg"])
def test_what_is_no_path_is_said_so(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="is not the path of a file") as told:
        read_trails(wrong)
    assert told.value.field == "path"
