"""One answer to a poll: it is shared for a turn of the loop, and always goes on."""

from __future__ import annotations

import pytest

from locshare_ext.broker.log import GroupLog
from locshare_ext.broker.memory import MemoryStore
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.streams.page import Page, read_page
from tests.broker.helpers import a_log
from tests.store.helpers import a_fix

ALL = FeedOptions()


@pytest.fixture
async def log() -> GroupLog:
    """A log with three fixes: two of ann, the last of bob."""
    made = a_log(MemoryStore())
    await made.append([a_fix("ann", 0), a_fix("ann", 1), a_fix("bob", 2)])
    return made


async def test_what_comes_in_the_same_turn_is_found_though_nothing_was_there_before(log: GroupLog):
    """A long poll that was told that there is something looked again and again at an empty page."""
    page = await read_page(log, log.head, 10, ALL)
    assert page == Page(3)
    told = log.append_all([[a_fix("ann", 9)]])
    assert told.done()  # in this store it is committed at once: it is still the same turn
    assert log.head == 4
    page = await read_page(log, page.offset, 10, ALL)
    assert page.offset == 4
    assert b'"ann"' in page.fixes


async def test_it_passes_what_was_forgotten(log: GroupLog):
    """Else a long poll, which waits for something above its place, never came to rest."""
    await log.forget("bob")
    page = await read_page(log, 2, 10, ALL)
    assert page.is_empty
    assert page.offset == log.head
