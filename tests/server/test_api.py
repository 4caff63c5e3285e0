"""The HTTP API of a real Jupyter server."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest

from locshare_ext.model.trail import arrow_schema

TIME = 1_763_806_275_123


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann", **fields}


def said(response: Any, status: int = 200) -> Any:
    assert response.code == status, (response.code, response.body)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    return json.loads(response.body)


def error(response: Any, status: int) -> Any:
    shape = said(response, status)
    assert list(shape) == ["error"]
    assert {"code", "message"} <= set(shape["error"])
    return shape["error"]


def table(response: Any) -> pa.Table:
    assert response.code == 200, response.body
    return pa.ipc.open_stream(io.BytesIO(response.body)).read_all()


async def post(fetch: Any, *fixes: Any, group: str = "hikers") -> Any:
    return said(await fetch(f"api/groups/{group}/fixes", "POST", list(fixes)))


async def test_post_then_poll(fetch):
    stored = await post(fetch, fix(), fix(1, lat="48.1"), fix())
    assert (stored["stored"], stored["duplicates"]) == (1, 1)
    assert stored["set_aside"][0]["index"] == 1
    assert stored["set_aside"][0]["error"]["field"] == "lat"
    page = said(await fetch("api/groups/hikers/fixes"))
    assert page["gap"] is False
    assert page["cursor"] == stored["cursor"] == page["fixes"][0]["cursor"]
    rest = said(await fetch(f"api/groups/hikers/fixes?after={page['cursor']}"))
    assert rest == {"fixes": [], "cursor": page["cursor"], "gap": False}


async def test_pages_of_a_limit(fetch):
    await post(fetch, *(fix(number) for number in range(5)))
    times, after = [], "start"
    for _ in range(3):
        page = said(await fetch(f"api/groups/hikers/fixes?after={after}&limit=2"))
        times += [one["time"] - TIME for one in page["fixes"]]
        after = page["cursor"]
    assert times == [0, 1000, 2000, 3000, 4000]
    assert said(await fetch("api/groups/hikers/fixes?after=now"))["fixes"] == []
    only = said(await fetch("api/groups/hikers/fixes?members=nobody"))
    assert only["fixes"] == []
    assert only["cursor"] == after


async def test_nothing_new_is_304(fetch):
    await post(fetch, fix())
    first = await fetch("api/groups/hikers/fixes")
    headers = {"If-None-Match": first.headers["Etag"]}
    assert (await fetch("api/groups/hikers/fixes", headers=headers)).code == 304
    await post(fetch, fix(1))
    assert (await fetch("api/groups/hikers/fixes", headers=headers)).code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=x", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limt=1", "limt"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("wait=x", "wait"),
    ],
)
async def test_bad_queries_name_the_field(fetch, query, field):
    await post(fetch, fix())
    assert error(await fetch(f"api/groups/hikers/fixes?{query}"), 400)["field"] == field


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b'"x"', 400, None),
        (b"\xff", 400, None),
        (json.dumps(fix(lat=91.2)).encode(), 400, "lat"),
        (json.dumps([fix(lat=91.2), fix(latitude=3)]).encode(), 400, "lat"),
        (b'{"time": 1763806275123, "lat": NaN, "lon": 1}', 400, "lat"),
        (b"[" + b",".join([json.dumps(fix()).encode()] * 1001) + b"]", 413, None),
        (b"[" + b" " * (2 << 20) + b"]", 413, None),
        (b"[" * 100_000, 400, None),
    ],
)
async def test_bodies_that_cannot_be_stored(fetch, body, status, field):
    assert error(await fetch("api/groups/hikers/fixes", "POST", body), status).get("field") == field


async def test_all_refused_are_listed(fetch):
    found = error(await fetch("api/groups/hikers/fixes", "POST", [fix(lat=91.2), fix(lon=200)]), 400)
    assert found["message"] == "fix 0: lat 91.2 is outside [-90, 90] degrees"
    assert [one["error"]["field"] for one in found["set_aside"]] == ["lat", "lon"]


async def test_an_unknown_group_names_near_ones(fetch):
    await post(fetch, fix())
    found = error(await fetch("api/groups/hiker"), 404)
    assert found["code"] == "group_not_found"
    assert found["near"] == ["hikers"]
    assert error(await fetch("api/groups/hiker/fixes"), 404)["near"] == ["hikers"]
    assert error(await fetch("api/groups/a.b"), 400)["field"] == "group"


async def test_a_group_as_it_is(fetch):
    stored = await post(fetch, fix(), fix(1, member="밥"))
    group = said(await fetch("api/groups/hikers"))
    assert (group["group"], group["title"], group["cursor"]) == ("hikers", "hikers", stored["cursor"])
    assert group["counts"] == {"ann": 1, "밥": 1}
    assert [one["member"] for one in group["members"]] == ["ann", "밥"]
    one = group["members"][0]
    assert one["fix"]["lat"] == 37.5665
    assert one["age"] > one["heard_age"] >= 0
    listed = said(await fetch("api/groups"))["groups"]
    assert [(one["group"], one["members"], one["fixes"]) for one in listed] == [("hikers", 2, 2)]
    assert listed[0]["newest"] == TIME + 1000


async def test_make_set_and_delete_a_group(fetch):
    made = said(await fetch("api/groups", "POST", {"title": "3학년 2반", "tz": "Asia/Seoul"}), 201)
    assert (made["group"], made["title"], made["settings"]["tz"]) == ("3학년-2반", "3학년 2반", "Asia/Seoul")
    assert error(await fetch("api/groups", "POST", {"title": "3학년 2반"}), 409)["code"] == "group_exists"
    path = "api/groups/3학년-2반"
    changed = said(await fetch(path, "PATCH", {"stale": 30, "tz": None}))
    assert (changed["settings"]["stale"], changed["settings"]["tz"]) == (30, None)
    assert changed["settings"]["title"] == "3학년 2반"
    await post(fetch, fix(), group="3학년 2반")
    assert said(await fetch(path))["settings"]["stale"] == 30
    assert said(await fetch(path, "DELETE"))["deleted"] == "3학년-2반"
    error(await fetch(path), 404)
    await post(fetch, fix(), group="3학년 2반")  # begins anew
    assert said(await fetch(path))["settings"]["stale"] == 60


async def test_a_group_says_what_is_a_gap(fetch):
    made = said(await fetch("api/groups", "POST", {"title": "hikers", "gap": 45}), 201)
    assert {name: made["settings"][name] for name in ("stale", "lost", "gap")} == {
        "stale": 60,
        "lost": 600,
        "gap": 45,
    }
    changed = said(await fetch("api/groups/hikers", "PATCH", {"gap": 30.6}))
    assert changed["settings"]["gap"] == 31
    assert said(await fetch("api/groups/hikers", "PATCH", {"gap": None}))["settings"]["gap"] == 120
    unknown = error(await fetch("api/groups/hikers", "PATCH", {"gaps": 5}), 400)
    assert "did you mean `gap`?" in unknown["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stale": 0}, "stale"),
        ({"stale": True}, "stale"),
        ({"stale": 0.5}, "stale"),
        ({"gap": 0}, "gap"),
        ({"gap": "2 min"}, "gap"),
        ({"gaps": 5}, "gaps"),
        ({"tz": "Mars"}, "tz"),
        ({"title": "a/b"}, "group"),
        ({"titel": "a"}, "titel"),
        ({"ephemeral": 1}, "ephemeral"),
        ({"ephemeral": "yes"}, "ephemeral"),
        ({"retention_bytes": 5}, "retention_bytes"),
        ({"retention_bytes": 1e6 + 0.5}, "retention_bytes"),
        ({"retention_bytes": True}, "retention_bytes"),
        ({"precision": 0.5}, "precision"),
        ({"precision": "city"}, "precision"),
        ({"consent": "x" * 2001}, "consent"),
    ],
)
async def test_settings_are_checked(fetch, body, field):
    await post(fetch, fix())
    assert error(await fetch("api/groups/hikers", "PATCH", body), 400)["field"] == field


async def test_forget_a_member(fetch, store_path):
    await post(fetch, fix(member="Zebedee-Quux"), fix(1))
    assert error(await fetch("api/groups/hikers/members/zeb", "DELETE"), 404)["code"] == "member_not_found"
    assert said(await fetch("api/groups/hikers/members/zebedee-quux", "DELETE"))["forgotten"] == 1
    assert list(said(await fetch("api/groups/hikers"))["counts"]) == ["ann"]
    page = said(await fetch("api/groups/hikers/fixes"))
    assert [one["member"] for one in page["fixes"]] == ["ann"]
    for path in store_path.parent.iterdir():
        assert b"Zebedee" not in path.read_bytes()


async def test_trails_as_arrow(fetch):
    await post(fetch, *(fix(number, member="ab"[number % 2]) for number in range(6)))
    response = await fetch("api/groups/hikers/trails")
    assert response.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    found = table(response)
    assert found.schema.equals(arrow_schema(), check_metadata=False)
    about = json.loads(found.schema.metadata[b"locshare"])
    assert about["group"] == "hikers"
    assert about["head"] == 6
    assert found["time"].to_pylist() == [TIME + 1000 * number for number in range(6)]
    some = table(await fetch(f"api/groups/hikers/trails?members=a&since={TIME + 1000}&until={TIME + 4000}"))
    assert some["seq"].to_pylist() == [3, 5]
    for text, rows in (
        ("2025-11-22T10:11:18.123Z", 3),
        ("2025-11-22T19:11:18.123 09:00", 3),  # what curl makes of a + in a query
        ("2025-11-22T19:11:18 09:00", 3),
        ("2025-11-22T10:12Z", 0),
    ):
        assert table(await fetch(f"api/groups/hikers/trails?since={text}")).num_rows == rows, text
    page = said(await fetch("api/groups/hikers/fixes?limit=4"))
    rest = table(await fetch(f"api/groups/hikers/trails?after={page['cursor']}"))
    assert rest["seq"].to_pylist() == [5, 6]
    assert table(await fetch("api/groups/hikers/trails?after=1&upto=3"))["seq"].to_pylist() == [2, 3]
    received = table(await fetch(f"api/groups/hikers/trails?clock=received&until={TIME}"))
    assert received.num_rows == 0


async def test_trails_as_csv_hold_no_formulas(fetch):
    await post(fetch, fix(member="=1+1", source="@x", extra={"a": "-1"}), fix(1, lat=-33.5))
    response = await fetch("api/groups/hikers/trails?format=csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    found = pyarrow.csv.read_csv(io.BytesIO(response.body)).to_pylist()
    assert [(row["member"], row["source"]) for row in found] == [("'=1+1", "'@x"), ("ann", "")]
    assert found[1]["lat"] == -33.5
    empty = await fetch("api/groups/hikers/trails?format=csv&members=nobody")
    assert empty.body.splitlines()[0].startswith(b'"seq"')


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=kml2", "format"),
        ("clock=known", "clock"),
        ("since=yesterday", "since"),
        ("since=2025-11-22T10:11:18", "since"),
        ("since=2025-11-22 10:11", "since"),
        ("upto=-1", "upto"),
        ("recording=nope", None),
    ],
)
async def test_bad_trail_queries(fetch, query, field):
    await post(fetch, fix())
    response = await fetch(f"api/groups/hikers/trails?{query}")
    assert error(response, 404 if field is None else 400).get("field") == field


async def test_a_recording_from_start_to_end(fetch):
    await post(fetch, fix(0))
    made = said(await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"}), 201)
    assert (made["state"], made["group"], made["after"]) == ("running", "hikers", 1)
    now = made["since"]
    await post(fetch, fix(1), {**fix(), "time": now + 5})
    path = f"api/recordings/{made['id']}"
    stopped = said(await fetch(path, "PATCH", {"stop": True}))
    assert stopped["state"] == "stopped"
    assert stopped["upto"] == 3
    assert said(await fetch(path, "PATCH", {"stop": True})) == stopped
    # comes late, but was measured while it ran; and one that was not
    await post(fetch, {**fix(member="bob"), "time": now}, {**fix(member="bob"), "time": now - 60_000})
    got = table(await fetch(f"{path}/trails"))
    assert got["seq"].to_pylist() == [2, 3, 4]
    same = table(await fetch(f"api/groups/hikers/trails?recording={made['id']}"))
    assert same["seq"].to_pylist() == [2, 3, 4]
    closed = said(await fetch(path, "PATCH", {"close": True, "name": "long walk", "description": "sunny"}))
    assert (closed["state"], closed["name"], closed["description"]) == ("closed", "long walk", "sunny")
    assert [one["id"] for one in said(await fetch("api/recordings?group=hikers"))["recordings"]] == [
        made["id"]
    ]
    assert said(await fetch("api/recordings"))["recordings"][0]["name"] == "long walk"
    said(await fetch(path, "DELETE"))
    assert error(await fetch(path), 404)["code"] == "recording_not_found"


async def test_a_recording_begins_in_the_past(fetch, site, monkeypatch):
    now = site.clock()
    for number in range(10):
        monkeypatch.setattr(site.groups, "clock", lambda number=number: now - 100_000 + number * 10_000)
        await post(fetch, fix(number))
    body = {"group": "hikers", "name": "walk", "since": now - 55_000}
    made = said(await fetch("api/recordings", "POST", body), 201)
    assert made["after"] == 5
    future = {**body, "since": now + 60_000}
    assert error(await fetch("api/recordings", "POST", future), 400)["field"] == "since"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "x"}, 400, "group"),
        ({"group": "hikers"}, 400, "name"),
        ({"group": "hikers", "name": "a\nb"}, 400, "name"),
        ({"group": "hikers", "name": "x", "since": "now"}, 400, "since"),
        ({"group": "hikers", "name": "x", "sinse": 3}, 400, "sinse"),
        ({"group": "nobody", "name": "x"}, 404, "group"),
        ([], 400, "body"),
    ],
)
async def test_recordings_that_cannot_be(fetch, body, status, field):
    await post(fetch, fix())
    assert error(await fetch("api/recordings", "POST", body), status).get("field") == field


def stream(rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> bytes:
    schema = schema or arrow_schema()
    full = [{field.name: row.get(field.name) for field in schema} for row in rows]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.Table.from_pylist(full, schema=schema), max_chunksize=3)
    return sink.getvalue()


ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}


async def test_an_import_is_a_closed_log_of_its_own(fetch):
    rows = [{"member": "bus", "time": number, "lat": 1.0, "lon": 2.0, "speed": None} for number in range(10)]
    path = "api/recordings?name=old walk&received_known=0"
    made = said(await fetch(path, "POST", stream(rows), headers=dict(ARROW)), 201)
    assert (made["kind"], made["state"], made["group"]) == ("import", "closed", None)
    assert (made["since"], made["until"], made["upto"]) == (0, 9, 10)
    assert made["received_known"] is False
    got = table(await fetch(f"api/recordings/{made['id']}/trails"))
    assert got["time"].to_pylist() == list(range(10))
    assert said(await fetch("api/groups"))["groups"] == []  # imports never enter a live log
    error(await fetch(f"api/groups/{made['log']}"), 400)
    said(await fetch(f"api/recordings/{made['id']}", "DELETE"))
    assert said(await fetch("api/recordings"))["recordings"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"PK\x03\x04 nonsense", 400),
        (stream([{"member": "bus", "time": 1, "lat": 1.0, "lon": 2.0}])[:300], 400),
        (stream([{"member": "bus", "time": 1, "lat": 91.0, "lon": 2.0}]), 400),
        (stream([{"member": "a/b", "time": 1, "lat": 1.0, "lon": 2.0}]), 400),
        (stream([{"member": "bus", "time": None, "lat": 1.0, "lon": 2.0}]), 400),
        (stream([{"x": 1}], pa.schema([("x", pa.int64())])), 400),
    ],
)
async def test_files_that_cannot_be_imported_leave_nothing(fetch, body, status, site):
    response = await fetch("api/recordings?name=x", "POST", body, headers=dict(ARROW))
    error(response, status)
    assert said(await fetch("api/recordings"))["recordings"] == []
    assert await site.store.logs() == []


async def test_other_types_are_not_imported(fetch):
    headers = {"Content-Type": "image/png"}
    assert error(await fetch("api/recordings?name=x", "POST", b"x", headers=headers), 415)


async def test_health(fetch, store_path, site):
    found = said(await fetch("api/health"))
    assert found["store"] == {
        "persistent": True,
        "works": True,
        "path": str(store_path),
        "journal": None,
        "notes": [],
    }
    assert (found["groups"], found["connections"], found["protocol"]) == (0, 0, 1)
    assert not store_path.exists()
    store_path.parent.mkdir(parents=True)
    store_path.write_bytes(b"this is no database" * 100)
    broken = said(await fetch("api/health"))["store"]
    assert broken["works"] is False
    assert broken["error"]


async def test_health_tells_that_recording_failed(fetch, store_path, site, monkeypatch, caplog):
    monkeypatch.setattr("locshare_ext.store.connection.BUSY_TIMEOUT", 0.05)
    await post(fetch, fix())
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            error(await fetch("api/groups/hikers/fixes", "POST", fix(time=TIME + 1)), 503)
        warned = [record.name for record in caplog.records if record.levelname == "WARNING"]
        assert warned == ["LocShareApp"]  # not one for each
        found = said(await fetch("api/health"))["store"]
        assert found["works"] is False
        assert "locked" in found["error"]
        assert site.clock() - 60_000 < found["failing_since"] <= site.clock()
        other.execute("ROLLBACK")
    await post(fetch, fix(time=TIME + 1))
    assert said(await fetch("api/health"))["store"]["works"] is True


async def test_what_is_not_there_has_the_same_shape(fetch):
    for path in ("nothing", "api", "api/groups/a/b/c", "stomp/x"):
        assert error(await fetch(path), 404)["code"] == "not_found"
    refused = await fetch("api/groups", "PUT", b"{}")
    assert error(refused, 405)["code"] == "method_not_allowed"
    assert refused.headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert error(await fetch("nothing", "DELETE"), 404)["code"] == "not_found"
    assert error(await fetch("stomp"), 400)["code"] == "websocket_expected"


async def test_head_is_get_without_the_body(fetch):
    await post(fetch, fix())
    for path in ("health", "groups", "groups/hikers/fixes", "groups/hikers/trails", "recordings"):
        got, head = await fetch(f"api/{path}"), await fetch(f"api/{path}", "HEAD")
        assert (head.code, head.body) == (200, b""), path
        assert head.headers["Content-Type"] == got.headers["Content-Type"]


async def test_our_own_bugs_are_not_explained(fetch, site, monkeypatch, caplog):
    async def bug():
        raise RuntimeError("37.5665 lsk_secret")

    monkeypatch.setattr(site.store, "logs", bug)
    found = error(await fetch("api/groups?_=abc"), 500)
    assert found == {
        "code": "internal_error",
        "message": "something went wrong in the server; its log says what",
    }
    [record] = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "abc" not in record.getMessage()


async def test_compressed_bodies_are_refused(fetch):
    headers = {"Content-Encoding": "gzip"}
    assert error(await fetch("api/groups/hikers/fixes", "POST", b"x", headers=headers), 415)
