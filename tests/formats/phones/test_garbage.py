"""Whatever comes, a decoder raises nothing but what it says, and its fixes are good ones."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import APPS, Sent, decode, detect
from locshare_ext.model.wire import MAX_EXTRA, check_fix, decode_fixes
from tests.formats.phones.test_overland import PROPERTIES, feature
from tests.formats.phones.test_owntracks import ANDROID
from tests.formats.phones.test_traccar import NINE

NAMES = sorted(
    {*ANDROID, *PROPERTIES, *NINE, "coords", "latitude", "longitude", "locations", "current", "properties"}
    | {"geometry", "coordinates", "action", "poi", "desc", "alarm", "time", "timestamp", "acc", "spd", "id"}
    | {"location", "battery", "hdop", "batt", "tid", "extras"}
)
SCALARS: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.text(max_size=300),
    st.sampled_from(["37,5", "-1", "", "nan", "1e999", "2026-11-22T10:11:15+09:00", "\ud800", "1_0", "٣"]),
    st.sampled_from([-1, 0, 360, 90, 180, 1_763_806_275, 1_763_806_275_000, 2**31, 10**12, "location"]),
)
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=80))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=10)
WHOLE = st.one_of(
    OBJECTS,
    OBJECTS.map(lambda more: {**ANDROID, **more}),
    OBJECTS.map(lambda more: {"locations": [feature(more), {**feature(), **more}, more]}),
    OBJECTS.map(lambda more: {**NINE, "location": {**NINE["location"], **more}}),  # type: ignore[dict-item]
    st.lists(OBJECTS, max_size=3),
    VALUES,
)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=12)), max_size=8)


def queried(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


SENT = st.one_of(
    WHOLE.map(lambda value: Sent(body=json.dumps(value).encode(errors="replace"), now=1)),
    st.builds(Sent, query=PAIRS.map(queried), body=st.binary(max_size=40), user=st.text(max_size=9)),
    st.binary(max_size=200).map(lambda body: Sent(body=body)),
    st.text(max_size=200).map(lambda query: Sent(query=query)),
)


@pytest.mark.parametrize("app", APPS)
@settings(max_examples=150)
@given(sent=SENT)
def test_only_what_is_documented_is_raised(app: str, sent: Sent) -> None:
    try:
        report = decode(app, sent)
    except InvalidInput:
        return
    raws = report.raws() if report.fixes or report.refused else ()
    for place, fix in report.fixes:
        check_fix(fix)
        assert len(msgspec.json.encode(fix.extra or {})) <= MAX_EXTRA
        wire = {name: value for name, value in msgspec.structs.asdict(fix).items() if value is not None}
        assert decode_fixes(msgspec.json.encode(wire)).refused == []  # good by the rules for all others, too
        assert isinstance(raws[place], bytes)
    for one in report.refused:
        assert one.error.message
        assert one.raw
        assert isinstance(raws[one.index], bytes)
    for told in report.happenings:
        assert told.text
        msgspec.json.encode(told.data)
    msgspec.json.encode([report.device, report.name])


@settings(max_examples=150)
@given(sent=SENT)
def test_telling_apart_raises_only_what_is_documented(sent: Sent) -> None:
    with contextlib.suppress(InvalidInput):
        assert detect(sent) in APPS
