"""What is read out of bodies without decoding them, and events out of a stream however it is cut."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import ServerUnreachable
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.wire import encode
from locshare_ext.transports import Fixes
from locshare_ext.transports.bodies import before, is_after, last_cursor, merged, read_event
from locshare_ext.transports.eventstream import EventParser, StreamEvent
from locshare_ext.transports.items import members_text

TRAP = '"cursor":"abcd-7","flags":[]}]'  # in a value it is escaped, but not in a key's place alone


def made(cursor: str | None, **fields: object) -> Fix:
    return Fix(member="ann", time=1, lat=1.0, lon=2.0, cursor=cursor, flags=(), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("flags", [(), ("late",), ("late", "future", "repaired")])
def test_the_last_cursor_is_that_of_the_last_fix(flags: tuple[str, ...]):
    fixes = [made("abcd-7"), msgspec.structs.replace(made("abcd-9"), flags=flags)]
    assert last_cursor(encode(fixes)) == "abcd-9"
    assert last_cursor(encode(fixes[1])) == "abcd-9"


@given(
    st.dictionaries(
        st.text(max_size=20) | st.just("cursor") | st.just(TRAP), st.text(max_size=40) | st.just(TRAP)
    )
)
def test_no_extra_passes_for_a_cursor(extra: dict[str, str]):
    assert last_cursor(encode([made("abcd-7", extra=extra), made(None, extra=extra)])) is None
    assert last_cursor(encode([made(None, extra=extra), made("abcd-9", extra=extra)])) == "abcd-9"


def test_other_forms_of_the_same_are_decoded():
    assert last_cursor(b'[ {"cursor": "abcd-9", "flags": [], "new": 1} ]') == "abcd-9"
    assert last_cursor(b"[]") is None
    for body in (b"[", b'["x"]', b"\xff", b"[7]"):
        with pytest.raises(ServerUnreachable):
            last_cursor(body)


def test_places_are_compared_in_their_log():
    assert is_after("abcd-10", "abcd-9")
    assert not is_after("abcd-9", "abcd-9")
    assert is_after("efgh-1", "abcd-9")
    assert is_after("abcd-1", "start")
    assert (before("abcd-10"), before("abcd-1"), before("abcd-0")) == ("abcd-9", "abcd-0", "abcd-0")


def test_a_page_is_told_in_the_logs_order():
    fixes = [made(f"abcd-{number}") for number in (2, 3, 5, 6)]
    events = [Event(kind="note", time=1, cursor=f"abcd-{number}") for number in (1, 4, 7)]
    items = list(merged(encode(fixes), events, "abcd-9"))
    assert [item.cursor for item in items] == ["abcd-1", "abcd-3", "abcd-4", "abcd-6", "abcd-7"]
    assert [len(item.decode()) for item in items if isinstance(item, Fixes)] == [2, 2]
    (alone,) = merged(encode(fixes), [], "abcd-9")
    assert alone == Fixes(encode(fixes), "abcd-9")
    *_, last = merged(encode(fixes), events[:1], "abcd-9")
    assert last.cursor == "abcd-9"
    assert list(merged(b"[]", [], "abcd-9")) == []


def test_an_event_that_only_a_newer_server_knows_is_left_out():
    assert read_event(encode(Event(kind="note", time=1))) == Event(kind="note", time=1)
    assert read_event(b'{"type":"event","kind":"earthquake","time":1}') is None


def test_names_with_commas_are_listed_as_json():
    assert members_text(None) is None
    assert members_text("ann,bo") == "ann,bo"
    assert members_text(["ann", "하나"]) == "ann,하나"
    assert members_text(["a,b", "c"]) == '["a,b","c"]'
    assert members_text(["[a]"]) == '["[a]"]'


STREAM = (
    b": hello\n\n"
    b"event: hello\nid: abcd-1\ndata: {}\n\n"
    b":\n\n"
    b"data:no space\ndata: two\n\n"
    b"id: abcd-2\nretry: 10\n\n"
    b"id: abcd-3\ndata: " + "하나".encode() + b"\n\n"
)
EVENTS = [
    StreamEvent(b"hello", "abcd-1", b"{}"),
    StreamEvent(b"message", None, b"no space\ntwo"),
    StreamEvent(b"message", "abcd-2", b""),
    StreamEvent(b"message", "abcd-3", "하나".encode()),
]


@given(st.data(), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_split_and_any_line_end_gives_the_same_events(data: st.DataObject, end: bytes):
    stream = STREAM.replace(b"\n", end)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    parser = EventParser()
    got = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += parser.feed(stream[start:stop])
    assert got + parser.feed(b"\n\n") == EVENTS
