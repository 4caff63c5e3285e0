"""Disk full, read-only, damaged, locked: what a running server says then, and that it gets well again."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.errors import Unavailable
from locshare_ext.transports import TRANSPORTS, Transport
from tests.support.faults import full_disk
from tests.support.served import Served
from tests.transports.bench import LIMIT, Bench, Watch, fix, numbers

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's"),
]
STREAMS = ("sse", "websocket", "stomp")  # a poll sees what is kept only


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as served:
        yield served


@pytest.fixture
async def bench(served: Served) -> AsyncIterator[Bench]:
    bench = Bench(served, "hikers")
    await bench.ask("POST", "groups", {"title": bench.group})
    yield bench
    await bench.close()


def path_of(served: Served) -> Path:
    return served.folder / "log.sqlite3"


def said_by(served: Served) -> list[str]:
    """What the server has logged for its operator."""
    return (served.folder / "serve.log").read_text().splitlines()


async def store_of(bench: Bench) -> dict[str, Any]:
    return dict((await bench.ask("GET", "health"))["store"])


async def healthy_again(bench: Bench) -> None:
    """Wait until the server knows by itself that its store works: nobody publishes."""
    async with asyncio.timeout(LIMIT):
        while not (await store_of(bench))["works"]:
            await asyncio.sleep(0.05)


class Trouble:
    """Publishers by every transport, and a watcher by each that streams, of one group."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.stored: list[int] = []  # numbers of fixes that were acknowledged
        self.refused: list[int] = []
        self.watches: dict[str, Watch] = {}
        self._count = 0
        self._publishers: dict[str, Transport] = {}

    async def begin(self) -> None:
        await self.publish("polling")
        for name in STREAMS:
            self.watches[name] = await self.bench.watch(name)

    async def publish(self, name: str, size: int = 1) -> bool:
        """Publish the next fixes by a transport; returns whether they were acknowledged."""
        publisher = self._publishers.get(name)
        if publisher is None:
            publisher = self._publishers[name] = self.bench.open(name, reconnect=False)
        those = list(range(self._count, self._count + size))
        self._count += size
        try:
            published = await publisher.publish([fix(number) for number in those])
        except Unavailable as error:
            assert error.code in ("store_failed", "store_replaced"), error.message
            self.refused += those
            return False
        assert published.stored == size
        self.stored += those
        return True

    async def until_it_fails(self) -> None:
        while await self.publish("polling", 200):
            assert self._count < 100_000

    async def fails_for_all(self, names: Sequence[str] = TRANSPORTS) -> None:
        """Publish by transports: none is acknowledged, all are seen as volatile by all streams."""
        before = self._count
        for name in names:
            assert not await self.publish(name), name
        wanted = list(range(before, self._count))
        for name, watch in self.watches.items():
            await watch.until(lambda one: set(wanted[-1:]) <= set(numbers(one.fixes)))
            last = [one for one in watch.fixes if (numbers([one])[0]) in wanted]
            assert all(one.flags[-1] == "volatile" and one.cursor is None for one in last), name
            assert numbers(last) == wanted, name

    async def works_for_all(self) -> None:
        """Publish by each transport, what was refused too: all is stored once, and seen by all."""
        for name in TRANSPORTS:
            assert await self.publish(name), name
        again = self.bench.open("polling", reconnect=False)
        for start in range(0, len(self.refused), 1000):
            await again.publish([fix(number) for number in self.refused[start : start + 1000]])
        self.stored += self.refused
        self.refused = []
        for name, watch in self.watches.items():
            await watch.until(
                lambda one: self._count - 1 in numbers([fix for fix in one.fixes if fix.cursor is not None])
            )
            assert watch.fixes, name

    async def all_is_kept(self) -> None:
        """Everything acknowledged is in the log, once, in one line of offsets."""
        found, cursor = [], "start"
        while True:
            page = await self.bench.ask("GET", self.bench.path(f"fixes?after={cursor}&limit=1000"))
            if not page["fixes"]:
                break
            found += page["fixes"]
            cursor = page["cursor"]
        offsets = [int(one["cursor"].rpartition("-")[2]) for one in found]
        assert offsets == list(range(1, len(found) + 1))
        times = [one["time"] for one in found]
        assert sorted(times) == sorted(fix(number)["time"] for number in self.stored)


def one_line_of_each(served: Served) -> None:
    """The operator is told once that it fails and once that it works, not for each fix."""
    lines = [line for line in said_by(served) if "sqlite3" in line]
    assert [bool(re.search(r"fails, nothing is recorded", line)) for line in lines] == [True, False], lines
    assert re.search(r"works again; nothing was recorded for \d+ s", lines[1])
    assert len(said_by(served)) == 2, said_by(served)


async def test_a_full_disk(bench: Bench, served: Served) -> None:
    assert served.process is not None
    trouble = Trouble(bench)
    await trouble.begin()
    with full_disk(served.process.pid, path_of(served)):
        await trouble.until_it_fails()
        await trouble.fails_for_all()
        store = await store_of(bench)
        assert store["works"] is False
        assert "full" in store["error"]
        since = store["failing_since"]
        await trouble.fails_for_all()
        assert (await store_of(bench))["failing_since"] == since
    await healthy_again(bench)
    assert "failing_since" not in await store_of(bench)
    await trouble.works_for_all()
    await trouble.all_is_kept()
    one_line_of_each(served)
    served.kill()
    with closing(sqlite3.connect(path_of(served))) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_files_that_there_is_no_room_for(bench: Bench, served: Served) -> None:
    """However much of one has come when there is no more room, it is said in words; nothing is left."""
    assert served.process is not None
    await bench.publish(fix(0))
    head, line = "member,time,lat,lon\n", "ann,2026-01-02T03:04:05Z,1.5,2.5\n"
    with full_disk(served.process.pid, path_of(served), 0):
        for lines in (20_000, 200_000):  # it fails at the end, and while more comes
            with pytest.raises(AssertionError, match=r"503.*no_room"):
                await bench.ask("POST", "recordings?name=old", (head + line * lines).encode())
    assert (await bench.ask("GET", "recordings"))["recordings"] == []
    assert not [one for one in said_by(served) if "Traceback" in one]
    columns = "columns=member=member,time=time,lat=lat,lon=lon"
    made = await bench.ask("POST", f"recordings?name=old&{columns}", (head + line).encode())
    assert made["name"] == "old"


async def test_a_locked_file(bench: Bench, served: Served) -> None:
    trouble = Trouble(bench)
    await trouble.begin()
    with closing(sqlite3.connect(path_of(served), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await trouble.fails_for_all(["stomp"])  # each waits for a while
        assert "locked" in (await store_of(bench))["error"]
        other.execute("ROLLBACK")
    await healthy_again(bench)
    await trouble.works_for_all()
    await trouble.all_is_kept()
    one_line_of_each(served)


async def test_a_damaged_file_that_is_put_back(bench: Bench, served: Served) -> None:
    """Nothing of what was good is overwritten while it is damaged."""
    path, trouble = path_of(served), Trouble(bench)
    await trouble.begin()
    await bench.close()
    served.stop()
    good = path.read_bytes()
    path.write_bytes(good[:100] + os.urandom(len(good) - 100))
    bad = path.read_bytes()
    served.start()
    trouble.watches.clear()
    for name in STREAMS:
        trouble.watches[name] = await bench.watch(name)
    trouble._publishers.clear()
    await trouble.fails_for_all()
    store = await store_of(bench)
    assert (store["works"], "damaged" in store["error"]) == (False, True)
    assert path.read_bytes() == bad
    path.write_bytes(good)
    await healthy_again(bench)


async def test_a_file_that_vanishes_and_comes_back(bench: Bench, served: Served) -> None:
    path, trouble = path_of(served), Trouble(bench)
    await trouble.begin()
    aside = path.with_name("aside.sqlite3")
    path.rename(aside)
    await trouble.fails_for_all()
    assert "removed or replaced" in (await store_of(bench))["error"]
    assert not path.exists()
    aside.rename(path)
    await healthy_again(bench)
    await trouble.works_for_all()
    await trouble.all_is_kept()


def without_rights() -> None:
    """Have a child's permissions count, also when it is root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: gone with the next exec


async def test_a_folder_that_cannot_be_written(
    tmp_path: Path, start: Callable[..., Served], benches: Callable[[Served], Bench]
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    folder.chmod(0o500)
    served = start(tmp_path, "--store", str(folder / "log.sqlite3"), preexec=without_rights)
    bench = benches(served)
    try:
        watch = await bench.watch("websocket")  # the others: 404, there is no such group
        trouble = Trouble(bench)
        for name in TRANSPORTS:
            assert not await trouble.publish(name), name
        await watch.until(lambda one: len(one.fixes) == len(TRANSPORTS))
        assert {one.flags for one in watch.fixes} == {("volatile",)}
        store = await store_of(bench)
        assert store["works"] is False
        assert str(folder) in store["error"]
        assert "Permission denied" in store["error"]
        assert list(folder.iterdir()) == []
        folder.chmod(0o700)
        await healthy_again(bench)
        assert await trouble.publish("polling")
    finally:
        folder.chmod(0o700)


@pytest.fixture
async def benches() -> AsyncIterator[Callable[[Served], Bench]]:
    """Make benches on servers, closed at the end."""
    made: list[Bench] = []

    def on(served: Served) -> Bench:
        made.append(Bench(served, "hikers"))
        return made[-1]

    yield on
    for bench in made:
        await bench.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Served]]:
    """Start servers that are ended at the end."""
    begun: list[Served] = []

    def begin(folder: Path, *options: str, preexec: Callable[[], None] | None = None) -> Served:
        served = Served(folder, *options)
        served.preexec = preexec
        begun.append(served)
        return served.start()

    yield begin
    for served in begun:
        served.stop()


# --- two servers


async def test_a_second_server_takes_its_own_file(
    tmp_path: Path, start: Callable[..., Served], benches: Callable[[Served], Bench]
) -> None:
    path = tmp_path / "log.sqlite3"
    store = ("--store", str(path))
    first, second = start(tmp_path / "one", *store), start(tmp_path / "two", *store)
    pair = [benches(first), benches(second)]
    for number, bench in enumerate(pair):
        await bench.publish(fix(number))
    places = [await store_of(bench) for bench in pair]
    own = tmp_path / "log-2.sqlite3"
    assert [place["path"] for place in places] == [str(path), str(own)]
    assert first.process is not None
    note = f"another server (process {first.process.pid}) uses {path}"
    assert places[0]["notes"] == []
    assert note in places[1]["notes"][0]
    assert str(own) in places[1]["notes"][0]
    assert [line for line in said_by(second) if note in line]
    for bench, number in zip(pair, (0, 1), strict=True):
        page = await bench.ask("GET", bench.path("fixes"))
        assert [one["time"] for one in page["fixes"]] == [fix(number)["time"]]
    # whose server was killed, its file is free: the next one has it
    first.kill()
    third = start(tmp_path / "three", *store)
    bench = benches(third)
    await bench.publish(fix(2))
    place = await store_of(bench)
    assert (place["path"], place["notes"]) == (str(path), [])
    page = await bench.ask("GET", bench.path("fixes"))
    assert [one["time"] for one in page["fixes"]] == [fix(n)["time"] for n in (0, 2)]
    for served in (second, third):
        served.stop()
    assert not list(tmp_path.glob("*.lock"))


async def test_a_file_that_is_no_store_is_refused_with_a_sentence(
    tmp_path: Path, start: Callable[..., Served], benches: Callable[[Served], Bench]
) -> None:
    served = start(tmp_path)
    bench = benches(served)
    path_of(served).write_text("lat,lon\n" * 1000)
    assert not await Trouble(bench).publish("polling")
    assert "it is not a database" in (await store_of(bench))["error"]
    assert path_of(served).read_text() == "lat,lon\n" * 1000


async def test_a_file_of_a_newer_version_is_left_as_it_is(
    tmp_path: Path, start: Callable[..., Served], benches: Callable[[Served], Bench]
) -> None:
    served = start(tmp_path)
    bench = benches(served)
    await bench.publish(fix(0))
    served.stop()
    with closing(sqlite3.connect(path_of(served))) as conn:
        conn.execute("PRAGMA user_version = 99")
    before = path_of(served).read_bytes()
    served.start()
    with pytest.raises(AssertionError, match=r"503.*schema_too_new.*update locshare_ext"):
        await bench.publish(fix(1))
    error = (await store_of(bench))["error"]
    assert "newer version" in error
    assert str(path_of(served)) in error
    assert path_of(served).read_bytes() == before
