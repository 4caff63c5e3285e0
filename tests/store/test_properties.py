"""Whatever is sent, however it is read, with a restart in between: one log, each fix once."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Entry, LogStore, RecordingInfo, Selection
from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, T0, SealingStore, everything

FEW = st.integers(0, 6)  # so that the same comes again
VALUES = st.none() | st.booleans() | FEW | st.text(max_size=3)
EXTRA = st.none() | st.dictionaries(st.text(max_size=3), VALUES)


@st.composite
def drafts(draw: st.DrawFn) -> Fix | Event:
    member = draw(st.sampled_from(["ann", "Ann", "bob", "İo", "ß", "SS"]))
    time, received = T0 + draw(FEW), T0 + draw(FEW)
    if draw(st.integers(0, 5)) == 0:
        who = draw(st.none() | st.just(member))
        return Event(kind="note", time=time, received=received, member=who, text="n", data=draw(EXTRA))
    return Fix(
        member=member,
        time=time,
        received=received,
        lat=draw(st.sampled_from([-90.0, 0.0, 1e-9, 90.0])),
        lon=180.0,
        speed=draw(st.none() | st.just(1.5)),
        extra=draw(EXTRA) or None,
        flags=draw(st.sampled_from([(), ("future",), ("late",)])),
    )


BATCHES = st.lists(st.lists(drafts(), max_size=8), max_size=8)
ACTIONS = st.lists(
    st.lists(drafts(), max_size=6)
    | st.tuples(st.just("forget"), st.sampled_from(["ANN", "bob", "ss"]))
    | st.tuples(st.just("trim"), FEW)
    | st.tuples(st.just("record"), FEW, FEW),
    max_size=10,
)


@settings(max_examples=30)
@given(BATCHES, st.lists(st.integers(1, 5), min_size=1))
def test_nothing_twice_nothing_out_of_order_and_cursors_read_all(
    batches: list[list[Fix | Event]], limits: list[int]
) -> None:
    async def check(store: LogStore) -> None:
        appended = await asyncio.gather(*(store.append("g", batch, epoch=EPOCH) for batch in batches))
        told = [entry for one in appended for entry in one.entries]
        assert [entry.offset for entry in told] == list(range(1, len(told) + 1))
        assert len(told) + sum(one.duplicates for one in appended) == sum(map(len, batches))
        keys = [key_of(entry.item) for entry in told if isinstance(entry.item, Fix)]
        assert len(set(keys)) == len(keys)
        assert set(keys) == {key_of(one) for batch in batches for one in batch if isinstance(one, Fix)}
        got: list[Entry] = []
        while page := await store.read("g", got[-1].offset if got else 0, limits[len(got) % len(limits)]):
            got += page
        assert got == told

    both(check)


@settings(max_examples=50)
@given(BATCHES, BATCHES)
def test_a_restart_in_between_changes_nothing(
    first: list[list[Fix | Event]], then: list[list[Fix | Event]]
) -> None:
    async def fill(store: LogStore, batches: list[list[Fix | Event]]) -> list[object]:
        return [await store.append("g", batch, epoch=EPOCH) for batch in batches]

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            once = SQLiteStore(Path(folder, "once.db"))
            whole = await fill(once, first) + await fill(once, then)
            restarted = SQLiteStore(Path(folder, "restarted.db"))
            parts = await fill(restarted, first)
            await restarted.close()
            restarted = SQLiteStore(Path(folder, "restarted.db"))
            parts += await fill(restarted, then)
            assert parts == whole
            assert await everything(restarted, "g") == await everything(once, "g")
            assert await restarted.newest("g") == await once.newest("g")
            assert await restarted.counts("g") == await once.counts("g")
            await once.close()
            await restarted.close()

    asyncio.run(run())


@settings(max_examples=30)
@given(ACTIONS)
def test_all_stores_are_the_same(actions: list[object]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sealing = SealingStore(Path(folder, "sealing.db"))
            stores: list[LogStore] = [MemoryStore(), SQLiteStore(Path(folder, "store.db")), sealing]
            try:
                for number, action in enumerate(actions):
                    seen = [await act(store, action, number) for store in stores]
                    assert seen[0] == seen[1] == seen[2]
            finally:
                for store in stores:
                    await store.close()

    asyncio.run(run())


async def act(store: LogStore, action: object, number: int) -> object:
    """Do one thing and return all that can be seen afterwards."""
    done: object = None
    if isinstance(action, list):
        done = await store.append("g", action, epoch=EPOCH)
    elif await store.log("g") is not None and isinstance(action, tuple):
        if action[0] == "forget":
            done = await store.forget("g", action[1])
        elif action[0] == "trim":
            done = await store.trim("g", T0 + action[1])
        else:
            after, end = sorted(action[1:])
            recording = RecordingInfo(
                f"r{number}", "r", "g", "group", T0, T0 + after, after, T0 + end, end, T0 + 5
            )
            await store.put_recording(recording)
    info = await store.log("g")
    kept = [await store.trails("g", Selection(recording=one.id)) for one in await store.recordings()]
    return (
        done,
        info and (info.oldest, info.head, info.trimmed, info.epoch),
        await everything(store, "g"),
        await store.newest("g"),
        await store.counts("g"),
        (await store.trails("g", Selection())).to_pylist(),
        [table.to_pylist() for table in kept],
        [table.to_pylist() for table in await moments(store)],
    )


async def moments(store: LogStore) -> list[pa.Table]:
    """Where everyone was at some moments, by either clock, in the log and in its recordings."""
    tables = []
    for recording in [None, *(one.id for one in await store.recordings())]:
        for clock in ("time", "received"):
            for until in (None, T0 + 3):
                chosen = Selection(until=until, clock=clock, recording=recording)  # type: ignore[arg-type]
                tables.append(await store.at("g", chosen))
    return tables


def both(check: object) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sealing = SealingStore(Path(folder, "sealing.db"))
            for store in (MemoryStore(), SQLiteStore(Path(folder, "store.db")), sealing):
                try:
                    await check(store)  # type: ignore[operator]
                finally:
                    await store.close()

    asyncio.run(run())


def key_of(fix: Fix) -> tuple[str, int, float]:
    return fix.member.casefold(), fix.time, fix.lat
