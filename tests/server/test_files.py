"""Trails and recordings as files, and imports that break off."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.parse
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from locshare_ext.formats import load
from locshare_ext.formats.registry import API_FORMATS, by_name, writable
from locshare_ext.formats.verify import verify_geopackage
from locshare_ext.model.trail import arrow_schema
from tests.server.test_api import ARROW, TIME, error, fix, post, said

FILES = [name for name in API_FORMATS if name != "arrow"]


@pytest.fixture
async def shared(fetch: Any) -> str:
    """A group whose members have shared; returns a recording of it."""
    await post(
        fetch, *(fix(n, member="ann" if n % 2 else "3학년", speed=1.5, extra={"n": n}) for n in range(40))
    )
    said(await fetch("api/groups/hikers/notes", "POST", {"text": "=lost"}), 201)
    walk = {"group": "hikers", "name": "산책 & walk", "since": 0, "description": "morning"}
    return str(said(await fetch("api/recordings", "POST", walk), 201)["id"])


@pytest.mark.parametrize("name", FILES)
async def test_trails_in_every_format(fetch, shared, tmp_path: Path, name):
    response = await fetch(f"api/groups/hikers/trails?format={name}")
    assert response.code == 200, response.body
    assert response.headers["Content-Type"] == by_name(name).media_type
    assert f'filename="hikers{by_name(name).suffixes[0]}"' in response.headers["Content-Disposition"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    path = tmp_path / "file"
    path.write_bytes(response.body)
    if name == "kml":
        assert response.body.count(b"<when>") == 40
        return
    loaded = load(path)
    assert loaded.format in (name, "csv")
    assert sorted(loaded.fixes.members) == ["3학년", "ann"]
    assert loaded.table.num_rows == 40
    assert loaded.table.column("speed").to_pylist() == [1.5] * 40
    empty = await fetch(f"api/groups/hikers/trails?format={name}&members=nobody")
    assert empty.code == 200
    at = await fetch(f"api/groups/hikers/trails?format={name}&at={TIME + 5000}")
    path.write_bytes(at.body)
    assert load(path).table.num_rows == 2


async def test_a_format_that_there_is_not(fetch, shared):
    found = error(await fetch("api/groups/hikers/trails?format=kml2"), 400)
    assert found["field"] == "format"
    assert ", ".join(API_FORMATS) in found["message"]
    found = error(await fetch(f"api/recordings/{shared}/file?format=gpkgs"), 400)
    assert (found["field"], found["code"]) == ("format", "format_unknown")


async def test_a_recording_as_our_file(fetch, shared, tmp_path: Path):
    response = await fetch(f"api/recordings/{shared}/file")
    assert response.code == 200, response.body
    assert response.headers["Content-Type"] == "application/geopackage+sqlite3"
    assert "filename*=UTF-8''%EC%82%B0%EC%B1%85%20%26%20walk.gpkg" in response.headers["Content-Disposition"]
    path = tmp_path / "walk.gpkg"
    path.write_bytes(response.body)
    assert verify_geopackage(path).is_sound
    loaded = load(path)
    assert (loaded.name, loaded.group, loaded.info["description"]) == ("산책 & walk", "hikers", "morning")
    assert [event.text for event in loaded.events] == ["=lost"]
    assert loaded.received_known
    whole = pa.ipc.open_stream((await fetch("api/groups/hikers/trails")).body).read_all()
    assert loaded.table.to_pylist() == whole.to_pylist()


async def test_what_was_refused_is_in_the_file_of_who_may_manage(fetch, invite, tmp_path: Path):
    await post(fetch, fix(1))
    made = said(await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk", "since": 0}), 201)
    await post(fetch, fix(2), {**fix(3), "lat": 91.2})
    path = tmp_path / "walk.gpkg"
    for roles, expected in (("watch manage", ["lat"]), ("watch", [])):
        token = (await invite("zoe", roles=roles.split()))["token"]
        response = await fetch(
            f"api/recordings/{made['id']}/file", headers={"X-Locshare-Token": token, "Authorization": ""}
        )
        path.write_bytes(response.body)
        assert verify_geopackage(path).is_sound
        assert [row.reason[:3] for row in load(path).set_aside] == expected
    assert "credential" not in path.read_bytes().decode("latin-1")


async def test_events_of_a_recording_by_pages(fetch, shared):
    at = f"api/recordings/{shared}/events"
    for number in range(3):
        said(await fetch("api/groups/hikers/notes", "POST", {"text": f"note {number}"}), 201)
    first = said(await fetch(f"{at}?limit=2"))
    rest = said(await fetch(f"{at}?after={first['cursor']}"))
    texts = [one["text"] for one in first["events"] + rest["events"]]
    assert texts == ["=lost", "note 0", "note 1", "note 2"]
    assert said(await fetch(f"{at}?after={rest['cursor']}")) == {"events": [], "cursor": rest["cursor"]}
    said(await fetch(f"api/recordings/{shared}", "PATCH", {"close": True}))
    said(await fetch("api/groups/hikers/notes", "POST", {"text": "after its end"}), 201)
    assert len(said(await fetch(f"{at}?members=ann"))["events"]) == 0
    assert [one["text"] for one in said(await fetch(at))["events"]] == texts
    assert error(await fetch(f"{at}?after=nonsense"), 400)["field"] == "after"


@pytest.mark.parametrize("name", [one.name for one in writable()])
async def test_a_recording_in_every_format(fetch, shared, name):
    response = await fetch(f"api/recordings/{shared}/file?format={name}")
    assert response.code == 200
    assert int(response.headers["Content-Length"]) == len(response.body) > 0


def rows(count: int) -> pa.Table:
    times = [TIME + number for number in range(count)]
    table = {
        name: pa.array([None] * count if name not in ("member", "time", "lat", "lon", "seq") else [0] * count)
        for name in arrow_schema().names
    }
    table |= {"member": pa.array(["ann"] * count), "time": pa.array(times), "received": pa.array(times)}
    table |= {name: pa.array([float(n % 90) for n in range(count)]) for name in ("lat", "lon")}
    table |= {name: pa.array([False] * count) for name in ("late", "future", "repaired")}
    return pa.table(table)


def body(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return sink.getvalue()


async def test_an_import_whose_sender_goes_leaves_nothing(fetch, site, jp_serverapp, monkeypatch):
    """Sent whole, and gone while it is being kept: as by Ctrl-C of the command."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    append = site.store.append

    def slow(*args: Any, **options: Any) -> asyncio.Future[Any]:
        begun.set()

        async def later() -> Any:
            await go_on.wait()
            return await append(*args, **options)

        return asyncio.ensure_future(later())

    monkeypatch.setattr(site.store, "append", slow)
    port, token = jp_serverapp.port, jp_serverapp.identity_provider.token
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = body(rows(5000))
    head = (
        f"POST {jp_serverapp.base_url}locshare/api/recordings?name=x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: token {token}\r\nContent-Type: {ARROW['Content-Type']}\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    await writer.drain()
    await asyncio.wait_for(begun.wait(), 30)
    assert [log.kind for log in await site.store.logs()] == ["import"]
    writer.close()
    while await site.store.logs() or site.recordings._under_way:  # the test's own time-out ends this
        await asyncio.sleep(0.01)
    go_on.set()
    assert said(await fetch("api/recordings"))["recordings"] == []


async def test_an_import_that_a_killed_server_left_is_removed(fetch, site):
    await site.store.create_log("import.rcutoff00", kind="import", epoch="abcd", settings={"title": "x"})
    made = said(await fetch("api/recordings?name=whole", "POST", body(rows(10)), headers=dict(ARROW)), 201)
    assert await site.recordings.remove_unfinished() == 1
    assert [log.name for log in await site.store.logs()] == [made["log"]]
    assert json.loads((await fetch(f"api/recordings/{made['id']}")).body)["upto"] == 10


async def send(fetch: Any, data: bytes, kind: str, **query: str) -> Any:
    at = "api/recordings?" + urllib.parse.urlencode(query)
    return await fetch(at, "POST", data, headers={"Content-Type": kind})


async def test_a_file_may_be_sent_as_it_is(fetch, site):
    gpx = (
        '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="2"/><trk><trkseg>'
        '<trkpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time></trkpt></trkseg></trk></gpx>'
    )
    made = said(await send(fetch, gpx.encode(), "application/gpx+xml", name="산책/1"), 201)
    assert (made["name"], made["state"], made["kind"], made["upto"]) == ("산책/1", "closed", "import", 1)
    assert made["remarks"] == ["1 waypoints are not read"]
    table = pa.ipc.open_stream((await fetch(f"api/recordings/{made['id']}/trails")).body).read_all()
    assert table.column("member").to_pylist() == ["산책-1"]
    rows = "who,when,lat,lon\n철수,1769443022,1,2\n".encode("euc-kr")
    told = {"columns": "member=who,time_s=when,lat=lat,lon=lon", "encoding": "euc-kr"}
    made = said(await send(fetch, rows, "text/csv", name="buses", **told), 201)
    assert (made["since"], "remarks" in made) == (1769443022000, False)
    whole = (await fetch(f"api/recordings/{made['id']}/file")).body
    again = said(await send(fetch, whole, "application/octet-stream", name="again"), 201)
    assert not again["received_known"]
    assert not site.recordings._under_way


@pytest.mark.parametrize(
    ("data", "query", "field", "words"),
    [
        (b"a,b\n1,2\n", {"name": "x"}, "columns", "say which column is which"),
        (b"<html></html>", {"name": "x"}, None, "is HTML"),
        (b"SQLite format 3\0" + b"x" * 200, {"name": "x"}, None, "x"),
        (b"a,b\n1,2\n", {}, "name", "name is missing"),
        (b"a,b\n1,2\n", {"name": "x", "format": "xlsx"}, "format", "unknown"),
        (b"a,b\n1,2\n", {"name": "x", "received_known": "1"}, "received_known", "unknown"),
        (b"", {"name": "x"}, None, "empty"),
        (
            b"who,when,lat,lon\na,b,1,2\n",
            {"name": "x", "columns": "time=when,lat=lat,lon=lon"},
            None,
            "none of",
        ),
    ],
)
async def test_a_file_that_is_none_leaves_nothing(
    fetch, site, data, query, field, words, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = error(await send(fetch, data, "application/octet-stream", **query), 400)
    assert found.get("field") == field
    assert words in found["message"]
    assert str(tmp_path) not in found["message"]
    assert said(await fetch("api/recordings"))["recordings"] == []
    assert await site.store.logs() == []
    assert [one for one in tmp_path.iterdir() if "locshare" in one.name] == []


async def test_our_file_comes_back_with_what_lies_beside_its_fixes(fetch, shared):
    await post(fetch, {**fix(50), "lat": 91.2}, fix(51))
    sent = await fetch(f"api/recordings/{shared}/file")
    made = said(await send(fetch, sent.body, "application/geopackage+sqlite3", name="again"), 201)
    at = f"api/recordings/{made['id']}"
    notes = said(await fetch(f"{at}/events"))["events"]
    assert [(one["kind"], one["text"]) for one in notes] == [("note", "=lost")]
    assert (
        notes[0]["received"] == said(await fetch(f"api/recordings/{shared}/events"))["events"][0]["received"]
    )
    (refused,) = said(await fetch(f"{at}/set-aside"))["set_aside"]
    (before,) = said(await fetch(f"api/recordings/{shared}/set-aside"))["set_aside"]
    unlike = ("id", "credential")  # who sent it is not in a file
    assert {n: refused[n] for n in refused if n not in unlike} == {
        n: before[n] for n in before if n not in unlike
    }
    again = await fetch(f"{at}/file")
    assert again.code == 200
    assert said(await fetch(f"{at}/set-aside?after={refused['id']}"))["set_aside"] == []


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"events": 5}, "metadata cannot be used"),
        ({"events": [{"type": "event", "kind": "party", "time": 1}]}, "metadata cannot be used"),
        ({"events": [{"type": "event", "kind": "note", "time": 1 << 60}]}, "event 0: time"),
        ({"events": [{"type": "event", "kind": "note", "time": 1, "text": "x" * 2001}]}, "2,001 characters"),
        ({"events": [{"type": "event", "kind": "note", "time": 1, "member": "a/b"}]}, "event 0: member"),
        ({"events": [{"type": "event", "kind": "note", "time": 1, "data": {"a": "x" * 2000}}]}, "1024 bytes"),
    ],
)
async def test_what_no_event_can_be_is_refused_and_leaves_nothing(fetch, site, beside, message):
    table = rows(3).replace_schema_metadata({"locshare": json.dumps(beside)})
    found = error(await fetch("api/recordings?name=x", "POST", body(table), headers=dict(ARROW)), 400)
    assert message in found["message"]
    assert await site.store.logs() == []
