"""Groups of which nothing is kept: not one byte of what they send is found in any file."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.errors import Conflict, NotFound, StoreError
from locshare_ext.transports import TRANSPORTS
from tests.support.served import Served
from tests.transports.bench import TIME, Bench

LAT = 12.3456789012
MARKS = (b"Zq-hidden", b"secret-mark", struct.pack(">d", LAT), struct.pack("<d", LAT), b"12.345678901")


def marked(number: int, **fields: Any) -> dict[str, Any]:
    """A fix full of what can be found again in a file."""
    return {
        "member": "Zq-hidden",
        "time": TIME + number * 1000,
        "lat": LAT,
        "lon": 100 + number / 1000,
        "source": "secret-mark",
        "extra": {"k": f"secret-mark {number}"},
        **fields,
    }


def found_in(folder: Path) -> list[tuple[str, bytes]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 2
    return [(file.name, mark) for file in files for mark in MARKS if mark in file.read_bytes()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as served:
        yield served


@pytest.fixture
async def bench(served: Served) -> AsyncIterator[Bench]:
    bench = Bench(served, "fleeting")
    yield bench
    await bench.close()


@pytest.mark.process
async def test_nothing_of_it_is_in_any_file(bench: Bench, served: Served) -> None:
    await bench.ask("POST", "groups/kept/fixes", [marked(0, member="ann", source=None, lat=1, extra=None)])
    made = await bench.ask("POST", "groups", {"title": "fleeting", "ephemeral": True})
    assert made["settings"]["ephemeral"] is True
    watches = {name: await bench.watch(name) for name in TRANSPORTS}
    number = 0
    for name in TRANSPORTS:
        publisher = bench.open(name)
        for _ in range(3):
            published = await publisher.publish([marked(number + n) for n in range(100)])
            number += 100
            assert (published.stored, published.duplicates) == (100, 0)
        assert (await publisher.publish(marked(0))).duplicates == 1
    await bench.ask("POST", bench.path("fixes"), [marked(number), marked(1, lat=91)])  # one is set aside
    await bench.note("secret-mark fell", member="Zq-hidden")
    for name, watch in watches.items():
        await watch.until(lambda one: len(one.fixes) == number + 1)
        assert all(fix.cursor is not None for fix in watch.fixes), name
    # what is asked of it is answered from memory
    about = await bench.ask("GET", bench.path())
    assert about["counts"] == {"Zq-hidden": number + 1}
    page = await bench.ask("GET", bench.path("fixes?limit=1000"))
    assert len(page["fixes"]) == 1000
    trails = await bench.ask("GET", bench.path("trails?format=geojson"))
    assert len(trails["features"]) == number + 1
    assert len((await bench.ask("GET", bench.path("set-aside")))["set_aside"]) == 1
    for body in ({"group": "fleeting", "name": "walk"},):
        with pytest.raises(AssertionError, match=r"409.*group_ephemeral"):
            await bench.ask("POST", "recordings", body)
    with pytest.raises(AssertionError, match=r"409.*ephemeral_settled"):
        await bench.ask("PATCH", bench.path(), {"ephemeral": False})
    assert found_in(served.folder) == []
    place = page["cursor"]
    # killed and started again it is as empty as it was made, and still ephemeral
    served.kill()
    assert found_in(served.folder) == []
    served.start()
    about = await bench.ask("GET", bench.path())
    assert (about["settings"]["ephemeral"], about["counts"]) == (True, {})
    again = await bench.ask("GET", bench.path(f"fixes?after={place}"))
    assert (again["gap"], again["fixes"]) == (True, [])
    await bench.publish(marked(1))
    assert await bench.ask("DELETE", bench.path("members", "Zq-hidden")) == {"forgotten": 1}
    await bench.publish(marked(2))
    served.stop()
    assert found_in(served.folder) == []


async def test_what_no_longer_fits_into_memory_is_a_gap(fetch: Any, site: Any) -> None:
    site.store._memory._length = 100
    assert (await fetch("api/groups", "POST", {"title": "fleeting", "ephemeral": True})).code == 201
    for start in range(0, 300, 50):
        body = [marked(start + n) for n in range(50)]
        assert (await fetch("api/groups/fleeting/fixes", "POST", body)).code == 200
    found = site.groups.get("fleeting")
    assert found.log.oldest > 150
    assert found.log.place(f"{found.log.epoch}-1", "now").gap
    assert len(await site.store.read("fleeting", 0, 1000)) == 300 - found.log.oldest + 1


async def test_a_group_becomes_ephemeral_before_its_first_fix(site: Any) -> None:
    store = site.store
    await store.create_log("hikers", kind="group", epoch="abcdefgh", settings={})
    info = await store.update_settings("hikers", {"ephemeral": True})
    assert (info.epoch, info.head) == ("abcdefgh", 0)
    assert (await store.log("hikers")) == info
    with pytest.raises(Conflict, match="stays so"):
        await store.update_settings("hikers", {})
    with pytest.raises(NotFound):
        await store.update_settings("others", {"ephemeral": True})
    await store.delete_log("hikers")
    assert await store.logs() == []


async def test_a_group_that_has_begun_cannot_become_so(fetch: Any) -> None:
    assert (await fetch("api/groups/hikers/fixes", "POST", marked(1))).code == 200
    answer = await fetch("api/groups/hikers", "PATCH", {"ephemeral": True})
    assert (answer.code, b"ephemeral_settled" in answer.body) == (409, True)
    assert (await fetch("api/groups/hikers", "PATCH", {"ephemeral": False, "stale": 5})).code == 200


async def test_until_it_is_known_what_is_ephemeral_nothing_is_kept(
    fetch: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts with a store which cannot be read must not take such a group for another."""
    store = site.store
    assert (await fetch("api/groups", "POST", {"title": "fleeting", "ephemeral": True})).code == 201
    store._names = None  # as after a start
    await store._memory.delete_log("fleeting")
    site.groups._open.clear()

    async def fail(*_: Any) -> Any:
        raise StoreError("it is damaged")

    with monkeypatch.context() as patch:
        patch.setattr(store.kept, "logs", fail)
        patch.setattr(store.kept, "log", fail)
        answer = await fetch("api/groups/fleeting/fixes", "POST", marked(1))
        assert (answer.code, b"it is damaged" in answer.body) == (503, True)
        watching = asyncio.ensure_future(fetch("api/groups/fleeting/fixes?wait=1"))
        assert (await watching).code == 503
    answer = await fetch("api/groups/fleeting/fixes", "POST", marked(2))
    assert answer.code == 200
    assert site.groups.get("fleeting").settings["ephemeral"] is True
    assert len(await store.read("fleeting", 0, 10)) == 1
    assert await store.kept.read("fleeting", 0, 10) == []


async def test_settings_that_could_not_be_read_are_not_passed_over(
    fetch: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that is opened while the store fails has its precision when that works again."""
    assert (await fetch("api/groups", "POST", {"title": "coarse", "precision": 5000})).code == 201
    site.groups._open.clear()

    async def fail(*_: Any) -> Any:
        raise StoreError("it is damaged")

    with monkeypatch.context() as patch:
        patch.setattr(site.store.kept, "log", fail)
        assert (await fetch("api/groups/coarse/fixes", "POST", marked(1))).code == 503
    held = site.groups.get("coarse")  # who has it open, and does not ask for it again
    fixes = site.groups.admit(_host(), held, b'{"time": 1763806275123, "lat": 12.3456, "lon": 5}')
    with pytest.raises(StoreError):
        await site.groups.append(held, fixes)
    with pytest.raises(StoreError):
        await site.groups.append_all(held, [fixes])
    assert (await fetch("api/groups/coarse/fixes", "POST", marked(2))).code == 200
    (entry,) = await site.store.read("coarse", 0, 10)
    assert abs(entry.item.lat - LAT) > 1e-6


def _host() -> Any:
    from locshare_ext.broker.access import ALL_ROLES, Principal

    return Principal(id="host", kind="host", group=None, roles=ALL_ROLES, member=None)
