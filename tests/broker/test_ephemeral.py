from __future__ import annotations

import pytest

from locshare_ext.broker.ephemeral import EphemeralLog
from locshare_ext.errors import Unavailable
from locshare_ext.model import wire
from locshare_ext.model.fix import Fix
from locshare_ext.model.mark import Mark
from locshare_ext.model.store import LogInfo
from tests.broker.helpers import ReaderOf


def a_log(length: int = 100) -> EphemeralLog:
    return EphemeralLog(LogInfo("r1", "group", "bbbb", 1, 0, 0), length=length)


def fix(member: str, time: int) -> tuple[Fix, bytes]:
    made = Fix(member=member, time=time, received=time, lat=1.0, lon=2.0, cursor=f"aaaa-{time}", flags=())
    return made, wire.encode(made)


DISCONTINUITY = Mark(state="discontinuity", playhead=0, clock="time")


async def test_the_same_fix_comes_again_and_its_body_stays() -> None:
    log = a_log()
    reader = ReaderOf(log)
    sent = fix("ann", 7)
    log.put_fixes([sent])
    log.put_mark(DISCONTINUITY, b"{}")
    log.put_fixes([sent])
    await reader.has(3)
    entries = await log.read(0, 10)
    assert [entry.offset for entry in entries] == [1, 2, 3]
    assert entries[0].body == entries[2].body == sent[1]
    assert b'"cursor":"aaaa-7"' in sent[1]
    assert [entry.item.cursor for entry in entries] == ["bbbb-1", "bbbb-2", "bbbb-3"]


async def test_the_newest_are_those_since_a_discontinuity() -> None:
    log = a_log()
    log.put_fixes([fix("ann", 9), fix("bo", 3)])
    log.put_mark(DISCONTINUITY, b"{}")
    log.put_fixes([fix("ann", 5), fix("ann", 4)])
    assert [(entry.item.member, entry.offset) for entry in await log.newest()] == [("ann", 4)]


async def test_what_memory_does_not_hold_is_a_gap() -> None:
    log = a_log(4)
    log.put_fixes([fix("ann", n) for n in range(1, 11)])
    assert (log.oldest, log.head, log.info.trimmed) == (7, 10, 6)
    assert log.tail(2) is None
    assert [entry.offset for entry in await log.read(2, 10)] == [7, 8, 9, 10]
    place = log.place("bbbb-2", "now")
    assert (place.offset, place.gap) == (6, True)


async def test_a_member_is_forgotten() -> None:
    log = a_log()
    log.put_fixes([fix("Ann", 1), fix("bo", 2)])
    log.forget("ann")
    assert [entry.item.member for entry in await log.read(0, 10)] == ["bo"]
    assert [entry.item.member for entry in await log.newest()] == ["bo"]


async def test_its_end_is_told() -> None:
    log = a_log()
    reader = ReaderOf(log)
    log.close("the recording was deleted")
    assert reader.closed == "the recording was deleted"
    with pytest.raises(Unavailable):
        log.attach(reader)
