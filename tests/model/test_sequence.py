"""Numbering, the late flag, and what counts as sent again."""

from __future__ import annotations

import msgspec

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.sequence import Sequence, sent_time

NOW = 1_763_806_275_190


def fix(time: int, member: str = "ann", received: int = NOW, lat: float = 1.0, **more) -> Fix:
    return Fix(
        member=member, time=time, lat=lat, lon=2.0, received=received, flags=more.pop("flags", ()), **more
    )


class Log:
    """A list as a store: enough to ask whether a fix is in it."""

    def __init__(self) -> None:
        self.sequence = Sequence("4k7qabcd")
        self.fixes: list[Fix] = []

    def add(self, *drafts: Fix | Event) -> tuple[list[int], int, list[tuple[str, ...]]]:
        entries, duplicates = self.sequence.admit(drafts, self.has)
        self.fixes += [entry.item for entry in entries if isinstance(entry.item, Fix)]
        flags = [entry.item.flags for entry in entries if isinstance(entry.item, Fix)]
        return [entry.offset for entry in entries], duplicates, flags

    def has(self, asked: Fix) -> bool:
        return any(
            (one.member.casefold(), sent_time(one), one.lat, one.lon)
            == (asked.member.casefold(), sent_time(asked), asked.lat, asked.lon)
            for one in self.fixes
        )


def test_offsets_and_cursors_go_up_by_one():
    log = Log()
    assert log.add(fix(NOW - 2), Event(kind="note", time=NOW, text="hi"), fix(NOW - 1))[0] == [1, 2, 3]
    assert log.fixes[-1].cursor == "4k7qabcd-3"
    assert log.add(fix(NOW))[0] == [4]


def test_sent_again_is_stored_once():
    log = Log()
    assert log.add(fix(NOW - 5), fix(NOW - 5))[:2] == ([1], 1)
    assert log.add(fix(NOW - 5))[:2] == ([], 1)
    assert log.add(fix(NOW - 5, member="ANN"))[:2] == ([], 1)
    assert log.add(fix(NOW - 5, lat=1.5))[:2] == ([2], 0)
    assert log.add(fix(NOW - 9))[:2] == ([3], 0)
    assert log.add(fix(NOW - 9), fix(NOW - 5))[:2] == ([], 2)


def test_late_is_below_the_newest_of_that_member():
    log = Log()
    assert log.add(fix(NOW - 5), fix(NOW - 9), fix(NOW - 9, member="bo"), fix(NOW - 5, lat=3.0))[2] == [
        (),
        ("late",),
        (),
        (),
    ]


def test_a_clock_ahead_pins_nothing():
    log = Log()
    ahead = NOW + 20 * 3_600_000
    log.add(fix(ahead, flags=("future",)))
    assert log.add(fix(NOW + 1000, received=NOW + 1000))[2] == [()]
    # the fix from the future again, received later: still the same fix
    assert log.add(fix(ahead, received=NOW + 5000, flags=("future",)))[:2] == ([], 1)


def test_a_repaired_fix_sent_again_is_the_same():
    log = Log()
    sent = NOW + 5 * 86_400_000
    first = fix(NOW, flags=("repaired",), extra={"original_time": sent})
    again = msgspec.structs.replace(first, time=NOW + 10, received=NOW + 10)
    assert log.add(first)[:2] == ([1], 0)
    assert log.add(again)[:2] == ([], 1)
