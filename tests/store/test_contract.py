"""What every store of logs does, whichever it is."""

from __future__ import annotations

import asyncio

import pytest

from locshare_ext.errors import Conflict, NotFound, StoreError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.sequence import ORIGINAL_TIME
from locshare_ext.model.store import Appended, LogStore, RecordingInfo, Selection
from locshare_ext.model.trail import arrow_schema
from tests.store.helpers import EPOCH, T0, a_fix, a_note, everything, offsets, put

# --- append


async def test_offsets_begin_at_1_and_the_answer_is_what_is_read(store: LogStore) -> None:
    full = a_fix(
        altitude=31.0,
        accuracy=5.0,
        speed=1.4,
        heading=270.0,
        battery=0.83,
        source="browser",
        extra={"steps": 12, "on": True, "mode": "walk", "none": None, "share": 0.25},
        flags=("future",),
    )
    appended = await put(store, full, a_note(data={"level": 2}, member="ann"), a_fix("bob", 1))
    assert offsets(appended.entries) == [1, 2, 3]
    assert appended.head == 3
    assert appended.duplicates == 0
    assert [entry.item.cursor for entry in appended.entries] == [f"{EPOCH}-{n}" for n in (1, 2, 3)]
    assert await everything(store) == list(appended.entries)


async def test_duplicates_are_dropped_and_counted(store: LogStore) -> None:
    await put(store, *(a_fix("ann", n) for n in range(5)))
    again = await put(store, a_fix("ann", 3), a_fix("ANN", 4), a_fix("ann", 5), a_fix("ann", 5))
    assert (again.duplicates, offsets(again.entries)) == (3, [6])
    only = await put(store, a_fix("ann", 0))
    assert only == Appended((), 1, 6)


async def test_batches_that_come_together_have_their_own_results(store: LogStore) -> None:
    batches = [[a_fix("ann", 1), a_note()], [], [a_fix("ann", 1), a_fix("bob", 1)], [a_fix("ann", 1)]]
    results = await store.append_all("hikers", batches, epoch=EPOCH)
    assert all(isinstance(result, Appended) for result in results)
    assert [(offsets(one.entries), one.duplicates) for one in results] == [
        ([1, 2], 0),
        ([], 0),
        ([3], 1),
        ([], 1),
    ]
    assert results[-1].head == 3
    assert offsets(await everything(store)) == [1, 2, 3]


async def test_late_fixes_of_batches_that_come_together_are_known_again(store: LogStore) -> None:
    await put(store, a_fix("ann", 5), a_fix("ann", 9))
    new, late, stored = a_fix("ann", 12), a_fix("ann", 7), a_fix("ann", 5)
    between = a_fix("ann", 10)  # newer than all that is stored, then older than the batch before
    batches = [
        [new],
        [late, stored],
        [between],
        [late, between, new],
        [a_fix("bob", 2)],
        [a_fix("bob", 1)] * 2,
    ]
    results = await store.append_all("hikers", batches, epoch=EPOCH)
    assert [(offsets(one.entries), one.duplicates) for one in results] == [
        ([3], 0),
        ([4], 1),
        ([5], 0),
        ([], 3),
        ([6], 0),
        ([7], 1),
    ]
    flags = [entry.item.flags for entry in await everything(store)]
    assert flags == [(), (), (), ("late",), ("late",), (), ("late",)]


async def test_the_same_time_elsewhere_is_no_duplicate(store: LogStore) -> None:
    await put(store, a_fix("ann", 1))
    elsewhere = await put(store, a_fix("ann", 1, lat=37.6), a_fix("bob", 1))
    assert elsewhere.duplicates == 0
    assert len(elsewhere.entries) == 2


async def test_a_repaired_fix_is_known_again_by_the_time_it_was_sent_with(store: LogStore) -> None:
    ahead = T0 + 3 * 86_400_000

    def repaired(received: int) -> Fix:
        extra = {ORIGINAL_TIME: ahead}
        return a_fix(time=received, received=received, flags=("repaired",), extra=extra)

    assert len((await put(store, repaired(T0))).entries) == 1
    assert (await put(store, repaired(T0 + 60_000))).duplicates == 1
    # days later its clock is no longer ahead of ours: the same fix, sent again, needs no repair
    assert (await put(store, a_fix(time=ahead, received=ahead + 9))).duplicates == 1
    assert (await put(store, a_fix(time=ahead + 1, received=ahead + 9))).duplicates == 0


async def test_late_fixes_are_flagged_and_do_not_become_newest(store: LogStore) -> None:
    appended = await put(store, a_fix("ann", 10), a_fix("ann", 4), a_fix("bob", 5), a_fix("ann", 10, lat=1.0))
    flags = [entry.item.flags for entry in appended.entries if isinstance(entry.item, Fix)]
    assert flags == [(), ("late",), (), ()]
    assert offsets(await store.newest("hikers")) == [3, 4]


async def test_a_clock_ahead_pins_nothing(store: LogStore) -> None:
    await put(store, a_fix(time=T0 + 50_000, received=T0))
    after = await put(store, a_fix(time=T0 + 10_000, received=T0 + 10_000))
    assert after.entries[0].item == (await store.newest("hikers"))[0].item
    assert isinstance(after.entries[0].item, Fix)
    assert after.entries[0].item.flags == ()


async def test_a_member_keeps_the_spelling_that_came_first(store: LogStore) -> None:
    await put(store, a_fix("Ann", 1), a_fix("ann", 2), a_note(member="ANN"))
    assert {entry.item.member for entry in await everything(store)} == {"Ann"}
    assert await store.counts("hikers") == {"Ann": 2}


async def test_batches_are_answered_in_the_order_they_came(store: LogStore) -> None:
    answered: list[int] = []
    futures = [
        store.append("hikers", [a_fix("ann", n)], epoch=EPOCH)
        if n % 3
        else store.append("hikers", [a_fix("ann", n), a_fix("bob", n)], epoch=EPOCH)
        for n in range(40)
    ]
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: answered.append(number))  # type: ignore[misc]
    appended = await asyncio.gather(*futures)
    assert answered == list(range(40))
    flat = [entry.offset for one in appended for entry in one.entries]
    assert flat == list(range(1, len(flat) + 1))


async def test_an_empty_batch_is_fine(store: LogStore) -> None:
    await put(store, a_fix())
    assert await put(store) == Appended((), 0, 1)


async def test_cancelling_does_not_undo(store: LogStore) -> None:
    future = store.append("hikers", [a_fix("ann", 1)], epoch=EPOCH)
    future.cancel()
    assert (await put(store, a_fix("ann", 2))).head == 2
    assert offsets(await everything(store)) == [1, 2]


# --- logs


async def test_an_unknown_log_is_empty(store: LogStore) -> None:
    assert await store.log("hikers") is None
    assert await store.logs() == []
    assert await everything(store) == []
    assert await store.newest("hikers") == []
    assert await store.counts("hikers") == {}
    assert await store.events("hikers", Selection()) == []
    assert (await store.trails("hikers", Selection())).schema == arrow_schema()
    assert await store.forget("hikers", "ann") == 0
    assert await store.trim("hikers", T0) == 0
    await store.delete_log("hikers")
    await store.delete_recording("nothing")
    assert await store.recordings() == []
    with pytest.raises(NotFound):
        await store.update_settings("hikers", {})


async def test_logs_have_their_own_offsets_members_and_life(store: LogStore) -> None:
    await put(store, a_fix("ann", 1), a_fix("ann", 2))
    await put(store, a_fix("ann", 1), log="cyclists", epoch="zyxwvuts")
    info = await store.log("cyclists")
    assert info is not None
    assert (info.epoch, info.oldest, info.head, info.kind) == ("zyxwvuts", 1, 1, "group")
    assert [log.name for log in await store.logs()] == ["cyclists", "hikers"]
    # a later caller's life does not replace the log's own
    appended = await put(store, a_fix("ann", 3), epoch="qqqqqqqq")
    assert appended.entries[0].item.cursor == f"{EPOCH}-3"


async def test_settings(store: LogStore) -> None:
    made = await store.create_log("hikers", kind="group", epoch=EPOCH, settings={"title": "Hikers", "n": [1]})
    assert (made.head, made.oldest, made.settings) == (0, 1, {"title": "Hikers", "n": [1]})
    with pytest.raises(Conflict):
        await store.create_log("hikers", kind="group", epoch=EPOCH, settings={})
    await put(store, a_fix())
    changed = await store.update_settings("hikers", {"title": "Walkers"})
    assert (changed.head, changed.settings) == (1, {"title": "Walkers"})
    assert await store.log("hikers") == changed


async def test_a_deleted_log_is_gone_and_its_life_cannot_begin_again(store: LogStore) -> None:
    await put(store, *(a_fix("ann", n) for n in range(5)), a_note())
    await put(store, a_fix("ann", 1), log="cyclists", epoch="zyxwvuts")
    await store.put_recording(a_recording())
    await store.delete_log("hikers")
    assert [log.name for log in await store.logs()] == ["cyclists"]
    assert await store.recordings() == []
    assert await everything(store) == []
    with pytest.raises(NotFound):  # its cursors would name other fixes
        await put(store, a_fix("ann", 9))
    assert (await put(store, a_fix("ann", 1), epoch="newnewne")).head == 1
    assert (await everything(store))[0].item.cursor == "newnewne-1"
    assert len(await everything(store, "cyclists")) == 1


# --- reading


async def test_read_pages_over_both_kinds(store: LogStore) -> None:
    drafts: list[Fix | Event] = [a_note(f"{n}", n) if n % 4 == 2 else a_fix("ann", n) for n in range(50)]
    await put(store, *drafts)
    whole = await everything(store)
    got, after = [], 0
    while page := await store.read("hikers", after, 7):
        got += page
        after = page[-1].offset
    assert got == whole
    assert await store.read("hikers", 50, 7) == []
    assert await store.read("hikers", 0, 0) == []


async def test_trails_has_the_fixes_only_with_every_field(store: LogStore) -> None:
    await put(
        store,
        a_fix("ann", 5, speed=1.5, source="browser", extra={"steps": 3}, flags=("future",)),
        a_note(),
        a_fix("bob", 6, altitude=-3.25, accuracy=8.0, heading=0.0, battery=1.0),
        a_fix("ann", 4, lat=-90.0, lon=180.0),
    )
    table = await store.trails("hikers", Selection())
    assert table.schema == arrow_schema()
    none = dict.fromkeys(("altitude", "accuracy", "speed", "heading", "battery", "source", "extra"))
    flags = {"late": False, "future": False, "repaired": False}
    base = {**none, **flags, "lat": 37.5, "lon": 127.0}
    at = [{"time": T0 + n * 1000, "received": T0 + n * 1000 + 50} for n in (5, 6, 4)]
    walk = {"speed": 1.5, "source": "browser", "extra": '{"steps":3}', "future": True}
    stand = {"altitude": -3.25, "accuracy": 8.0, "heading": 0.0, "battery": 1.0}
    assert table.to_pylist() == [
        {**base, **at[0], **walk, "seq": 1, "member": "ann"},
        {**base, **at[1], **stand, "seq": 3, "member": "bob"},
        {**base, **at[2], "seq": 4, "member": "ann", "lat": -90.0, "lon": 180.0, "late": True},
    ]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(since=T0 + 2000), [3, 4, 6]),
        (Selection(until=T0 + 2000), [1, 2, 3, 5]),
        (Selection(since=T0 + 1000, until=T0 + 3000), [2, 3, 4]),
        (Selection(since=T0 + 4000, clock="received"), [5, 6]),
        (Selection(members=frozenset({"BOB"})), [2, 6]),
        (Selection(members=frozenset({"nobody"})), []),
        (Selection(members=frozenset()), []),
        (Selection(after=2, upto=4), [3, 4]),
        (Selection(after=4, since=T0 + 1000), [6]),
    ],
)
async def test_selections(store: LogStore, selection: Selection, expected: list[int]) -> None:
    await put(
        store,
        a_fix("ann", 0),
        a_fix("bob", 1),
        a_fix("ann", 2),
        a_fix("ann", 3),
        a_fix("ann", 0.5, received=T0 + 5000),
        a_fix("bob", 5),
    )
    assert (await store.trails("hikers", selection))["seq"].to_pylist() == expected


async def test_events_are_selected_alike(store: LogStore) -> None:
    await put(store, a_note("a", 0), a_fix("ann", 1), a_note("b", 2, member="ann"), a_note("c", 3))
    assert offsets(await store.events("hikers", Selection())) == [1, 3, 4]
    assert offsets(await store.events("hikers", Selection(since=T0 + 2000, until=T0 + 2000))) == [3]
    assert offsets(await store.events("hikers", Selection(members=frozenset({"Ann"})))) == [3]
    assert offsets(await store.events("hikers", Selection(after=1, upto=3))) == [3]
    await put(store, a_note("down", 4, kind="alert"))
    assert offsets(await store.events("hikers", Selection(), kind="note")) == [1, 3, 4]
    assert offsets(await store.events("hikers", Selection(after=1), kind="note", limit=1)) == [3]
    assert offsets(await store.events("hikers", Selection(), limit=3)) == [1, 3, 4]
    assert offsets(await store.events("hikers", Selection(), kind="alert")) == [5]
    assert await store.events("hikers", Selection(), limit=0) == []


# --- forget and trim


async def test_forget_removes_a_member_and_leaves_tombstones(store: LogStore) -> None:
    await put(
        store,
        a_fix("Ann", 1),
        a_fix("bob", 2),
        a_note("by ann", 3, member="ann"),
        a_fix("ann", 4),
    )
    assert await store.forget("hikers", "ANN") == 3
    assert offsets(await everything(store)) == [2]
    assert offsets(await store.newest("hikers")) == [2]
    assert await store.counts("hikers") == {"bob": 1}
    assert (await store.trails("hikers", Selection()))["member"].to_pylist() == ["bob"]
    info = await store.log("hikers")
    assert info is not None
    assert (info.oldest, info.head, info.trimmed) == (2, 4, 0)
    # offsets are not used again, and nothing is known of the member: not a duplicate, not late
    again = await put(store, a_fix("ann", 1))
    assert offsets(again.entries) == [5]
    assert again.duplicates == 0
    assert again.entries[0].item == (await everything(store))[1].item
    assert await store.forget("hikers", "carl") == 0


async def test_trim_keeps_offsets_and_says_what_is_gone(store: LogStore) -> None:
    await put(store, *(a_fix("ann", n) for n in range(6)), a_note("n", 6), a_fix("bob", 7))
    assert await store.trim("hikers", T0 + 3050) == 3
    info = await store.log("hikers")
    assert info is not None
    assert (info.oldest, info.head, info.trimmed) == (4, 8, 3)
    assert await store.counts("hikers") == {"ann": 3, "bob": 1}
    assert await store.trim("hikers", T0 + 3050) == 0
    assert await store.trim("hikers", T0 + 90_000) == 5
    info = await store.log("hikers")
    assert info is not None
    assert (info.oldest, info.head, info.trimmed) == (9, 8, 8)
    assert await store.counts("hikers") == {}
    assert await store.newest("hikers") == []
    assert offsets((await put(store, a_fix("ann", 100))).entries) == [9]


async def test_trim_looks_at_when_a_fix_came_not_at_its_time(store: LogStore) -> None:
    await put(store, a_fix("ann", 0, received=T0 + 60_000), a_fix("bob", 100, received=T0 + 10_000))
    assert await store.trim("hikers", T0 + 30_000) == 1
    assert await store.counts("hikers") == {"ann": 1}


async def test_the_newest_fix_is_found_anew_when_it_was_trimmed(store: LogStore) -> None:
    await put(
        store,
        a_fix("ann", 5, received=T0 + 5000),
        a_fix("ann", 1, received=T0 + 6000),
        a_fix("ann", 2, received=T0 + 6001),
    )
    assert offsets(await store.newest("hikers")) == [1]
    await store.trim("hikers", T0 + 5500)
    assert offsets(await store.newest("hikers")) == [3]


async def test_trimmed_of_what_is_kept_in_the_middle_is_known(store: LogStore) -> None:
    await put(store, *(a_fix("ann", n) for n in range(10)))
    await store.put_recording(a_recording(after=2, upto=4, since=T0, until=T0))
    assert await store.trim("hikers", T0 + 8000) == 6
    info = await store.log("hikers")
    assert info is not None
    assert (info.oldest, info.trimmed) == (3, 8)
    assert offsets(await everything(store)) == [3, 4, 9, 10]


async def test_size_rises_and_falls(store: LogStore) -> None:
    assert await store.size() == 0
    await put(store, *(a_fix(f"m{n % 7}", n) for n in range(3000)), a_note(data={"level": 2}))
    await put(store, a_fix("ann", 1), log="cyclists", epoch="zyxwvuts")
    full = await store.size()
    assert 100_000 < full < 10_000_000
    await store.trim("hikers", T0 + 1_500_000)
    half = await store.size()
    assert 0.4 * full < half < 0.8 * full
    await put(store, *(a_fix("m0", n) for n in range(3000, 4000)))
    assert await store.size() > half
    await store.forget("hikers", "m0")
    await store.delete_log("hikers")
    assert await store.size() < 0.4 * full


async def test_what_was_received_first_of_what_may_go(store: LogStore) -> None:
    assert await store.received_first(["hikers", "nobody"], 3) is None
    await put(store, *(a_fix("ann", n) for n in range(0, 10, 2)), a_note("n", 9))
    await put(store, *(a_fix("ann", n) for n in range(1, 10, 2)), log="cyclists", epoch="zyxwvuts")
    both = ["hikers", "cyclists"]

    async def first(count: int, logs: list[str] = both) -> float | None:
        moment = await store.received_first(logs, count)
        return None if moment is None else (moment - T0) / 1000

    assert [await first(count) for count in (1, 2, 3, 8)] == [0.05, 1.05, 2.05, 7.05]
    assert await first(99) == 9.05
    assert await first(2, ["hikers"]) == 2.05
    await store.put_recording(a_recording(after=0, upto=3, until=T0 + 4000))  # keeps 0, 2, 4
    assert [await first(count) for count in (1, 2, 3, 4, 5)] == [1.05, 3.05, 5.05, 6.05, 7.05]


async def test_one_event_is_removed(store: LogStore) -> None:
    assert not await store.remove_event("hikers", 1)
    await put(store, a_note("a", 0), a_fix("ann", 1), a_note("b", 2, member="bob"), a_note("c", 3))
    assert await store.remove_event("hikers", 1)
    assert not await store.remove_event("hikers", 1)
    for other in (2, 5, 0, -1, 1 << 60):  # a fix, and what is not there
        assert not await store.remove_event("hikers", other)
    assert offsets(await everything(store)) == [2, 3, 4]
    info = await store.log("hikers")
    assert info is not None
    assert (info.oldest, info.head, info.trimmed) == (2, 4, 0)
    assert await store.remove_event("hikers", 4)
    assert offsets((await put(store, a_note("d", 9))).entries) == [5]


# --- recordings


def a_recording(**fields: object) -> RecordingInfo:
    values: dict[str, object] = {
        "id": "r1",
        "name": "morning walk",
        "log": "hikers",
        "kind": "group",
        "created": T0,
        "since": T0,
        "after": 0,
        **fields,
    }
    return RecordingInfo(**values)  # type: ignore[arg-type]


async def test_recordings_are_kept_replaced_listed_and_deleted(store: LogStore) -> None:
    with pytest.raises(NotFound):
        await store.put_recording(a_recording())
    await put(store, a_fix())
    await put(store, a_fix(), log="cyclists", epoch="zyxwvuts")
    first = a_recording(created=T0 + 5)
    other = a_recording(id="r0", log="cyclists", description="other", received_known=False)
    await store.put_recording(first)
    await store.put_recording(other)
    assert await store.recordings() == [other, first]
    assert await store.recordings("hikers") == [first]
    stopped = a_recording(created=T0 + 5, until=T0 + 9, upto=1, closed=T0 + 99, name="walk")
    await store.put_recording(stopped)
    assert await store.recordings("hikers") == [stopped]
    await store.delete_recording("r1")
    assert await store.recordings() == [other]
    assert len(await everything(store)) == 1


async def test_what_belongs_to_a_recording(store: LogStore) -> None:
    await put(
        store,
        a_fix("ann", 1),  # 1: before it
        a_fix("ann", 2),  # 2
        a_fix("bob", 0),  # 3: old, but arrived in it
        a_note("in it", 3),  # 4
        a_fix("ann", 20),  # 5: after it
        a_fix("carl", 2, received=T0 + 30_000),  # 6: arrived later, but lies inside
        a_note("inside", 3, received=T0 + 30_000),  # 7
        a_fix("carl", 1, received=T0 + 30_000),  # 8: later, and before it began
        a_fix("dora", 2, received=T0 + 99_000),  # 9: after it was closed
    )
    of = Selection(recording="r1")
    await store.put_recording(a_recording(after=1, since=T0 + 2000))
    assert (await store.trails("hikers", of))["seq"].to_pylist() == [2, 3, 5, 6, 8, 9]  # runs
    await store.put_recording(
        a_recording(after=1, since=T0 + 2000, upto=4, until=T0 + 5000, closed=T0 + 99_000)
    )
    assert (await store.trails("hikers", of))["seq"].to_pylist() == [2, 3, 6]
    assert offsets(await store.events("hikers", of)) == [4, 7]
    narrow = Selection(recording="r1", members=frozenset({"carl"}))
    assert (await store.trails("hikers", narrow))["seq"].to_pylist() == [6]
    assert await store.trim("hikers", T0 + 99_001) == 4
    assert offsets(await everything(store)) == [2, 3, 4, 6, 7]
    with pytest.raises(NotFound):
        await store.trails("hikers", Selection(recording="r2"))


async def test_deleting_an_imported_recording_deletes_its_log(store: LogStore) -> None:
    await store.create_log("imp1", kind="import", epoch=EPOCH, settings={})
    await put(store, a_fix(flags=("late",)), log="imp1")
    await store.put_recording(a_recording(log="imp1", kind="import", upto=1, until=T0, closed=T0))
    await put(store, a_fix(), epoch="zyxwvuts")
    await store.delete_recording("r1")
    assert [log.name for log in await store.logs()] == ["hikers"]


async def test_an_import_is_flagged_by_its_own_order(store: LogStore) -> None:
    appended = await put(store, a_fix("ann", 1, flags=("late", "future")), a_fix("ann", 0, flags=("late",)))
    assert [entry.item.flags for entry in appended.entries if isinstance(entry.item, Fix)] == [
        ("future",),
        ("late",),
    ]


# --- the end


async def test_after_close_everything_is_refused(store: LogStore) -> None:
    await put(store, a_fix())
    await store.close()
    await store.close()
    with pytest.raises(StoreError):
        await put(store, a_fix("ann", 2))
    with pytest.raises(StoreError):
        await store.read("hikers", 0, 1)


async def test_the_newest_that_is_kept_after_a_trim(store: LogStore) -> None:
    await put(
        store, a_note("hello", member="ann", received=T0 + 60_000), a_fix("ann", 9, received=T0 + 9_000)
    )
    assert await store.trim("hikers", T0 + 10_000) == 1
    assert await store.newest("hikers") == []
    await put(store, a_fix("ann", 3, received=T0 + 70_000), a_fix("ann", 5, received=T0 + 70_000))
    await put(store, a_fix("ann", 4, received=T0 + 70_000))
    assert [entry.item.time for entry in await store.newest("hikers")] == [T0 + 5_000]
