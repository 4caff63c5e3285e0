"""Trails of a log that is mostly sealed: the same answers, and where everyone was at a moment."""

from __future__ import annotations

import io
import json
import os
import signal
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest

from locshare_ext.store import file as file_module
from tests.server.test_api import TIME, error, fix, post, said, table

COUNT = 60


@pytest.fixture
async def sealed(fetch: Any, site: Any) -> tuple[pa.Table, str]:
    """A group with notes and late fixes; returns its trails before all but ten of its fixes were sealed."""
    for start in range(0, COUNT, 10):
        fixes = [fix(n - 7 * (n % 9 == 8), member="abc"[n % 3]) for n in range(start, start + 10)]
        await post(fetch, *fixes)
        said(await fetch("api/groups/hikers/notes", "POST", {"text": "here"}), 201)
    before = await fetch("api/groups/hikers/trails"), await fetch("api/groups/hikers/trails?format=csv")
    site.store.kept._maintenance._rows, site.store.kept._maintenance._live = (
        16,
        10,
    )  # what a few fixes can show
    assert await site.store.kept.seal("hikers") == 3
    return table(before[0]), before[1].body.decode()


async def test_sealed_trails_are_the_same(fetch, sealed, monkeypatch):
    whole, text = sealed
    for least in (-1, 20_000):  # by the other process, by a thread
        monkeypatch.setattr(file_module, "IN_THREAD", least)
        found = await fetch("api/groups/hikers/trails")
        assert table(found).to_pylist() == whole.to_pylist()
        assert json.loads(table(found).schema.metadata[b"locshare"])["head"] == COUNT + 6
        assert (await fetch("api/groups/hikers/trails?format=csv")).body.decode() == text
        some = table(
            await fetch(f"api/groups/hikers/trails?members=a,c&since={TIME + 5000}&until={TIME + 50_000}")
        )
        assert some.to_pylist() == [
            row
            for row in whole.to_pylist()
            if row["member"] != "b" and TIME + 5000 <= row["time"] <= TIME + 50_000
        ]
        assert table(await fetch("api/groups/hikers/trails?members=nobody")).num_rows == 0
    rest = [one["cursor"] for one in said(await fetch("api/groups/hikers/fixes"))["fixes"]]
    assert len(rest) == COUNT


async def test_recordings_of_what_is_sealed(fetch, sealed):
    whole, _ = sealed
    made = said(await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk", "since": 0}), 201)
    found = table(await fetch(f"api/recordings/{made['id']}/trails"))
    assert found.to_pylist() == whole.to_pylist()
    at = table(await fetch(f"api/recordings/{made['id']}/trails?at={TIME + 9000}"))
    assert at.drop_columns("heard").to_pylist() == newest(whole, TIME + 9000)


def newest(whole: pa.Table, moment: int) -> list[dict[str, Any]]:
    """Each member's newest fix of all until a moment, looked for one by one."""
    found: dict[str, dict[str, Any]] = {}
    for row in whole.to_pylist():
        if row["time"] <= moment:
            known = found.get(row["member"], row)
            found[row["member"]] = max(known, row, key=lambda one: (one["time"], one["seq"]))
    return sorted(found.values(), key=lambda row: row["seq"])


@pytest.mark.parametrize("number", [0, 8, 30, 47, 200])
async def test_where_everyone_was(fetch, sealed, number):
    whole, _ = sealed
    moment = TIME + 1000 * number
    found = table(await fetch(f"api/groups/hikers/trails?at={moment}"))
    assert found.column_names[-1] == "heard"
    assert found.drop_columns("heard").to_pylist() == newest(whole, moment)
    last = {row["member"]: row["received"] for row in whole.to_pylist() if row["time"] <= moment}
    assert dict(zip(found["member"].to_pylist(), found["heard"].to_pylist(), strict=True)) == last
    assert table(await fetch(f"api/groups/hikers/trails?at={TIME - 1}")).num_rows == 0
    rows = pyarrow.csv.read_csv(
        io.BytesIO((await fetch(f"api/groups/hikers/trails?at={moment}&members=a&format=csv")).body)
    )
    assert rows["seq"].to_pylist() == [row["seq"] for row in newest(whole, moment) if row["member"] == "a"]


async def test_where_everyone_was_is_asked_without_an_end(fetch, sealed):
    answer = await fetch(f"api/groups/hikers/trails?at={TIME}&until={TIME}")
    assert error(answer, 400)["field"] == "at"
    assert error(await fetch("api/groups/hikers/trails?at=noon"), 400)["field"] == "at"


async def test_an_export_goes_on_when_its_process_was_killed(fetch, site, sealed, monkeypatch):
    monkeypatch.setattr(file_module, "IN_THREAD", -1)
    whole, _ = sealed
    await fetch("api/groups/hikers/trails")
    os.kill(site.store.kept._file.process_id, signal.SIGKILL)
    assert table(await fetch("api/groups/hikers/trails")).num_rows == whole.num_rows
