"""What clients send as fixes, and how a bad one is answered."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidFix, InvalidInput, TooLarge
from locshare_ext.model.fix import Fix
from locshare_ext.model.wire import bind, decode_fixes, encode

NOW = 1_763_806_275_190
GOOD = {"time": 1_763_806_275_123, "lat": 37.5665, "lon": 126.978}


def test_all_fields_of_a_fix_arrive_and_leave():
    sent = {
        **GOOD,
        "altitude": 31.0,
        "accuracy": 5.0,
        "speed": 1.4,
        "heading": 270.0,
        "battery": 0.83,
        "source": "browser",
        "extra": {"steps": 12, "mode": "walk", "flat": None, "on": True},
        "received": 1,
        "cursor": "mine",
        "flags": ["late"],
        "member": "somebody else",
    }
    [(index, fix)] = decode_fixes(json.dumps(sent).encode()).fixes
    bound = bind(fix, "ann", NOW)
    assert index == 0
    out = json.loads(encode(bound))
    assert out.pop("received") == NOW
    assert out.pop("flags") == []
    assert out.pop("member") == "ann"
    assert out == {
        key: value for key, value in sent.items() if key not in ("received", "cursor", "flags", "member")
    }


@pytest.mark.parametrize(
    ("change", "code", "field", "words"),
    [
        ({"lat": 91.2}, "lat_out_of_range", "lat", "lat 91.2 is outside [-90, 90] degrees"),
        ({"lon": -180.1}, "lon_out_of_range", "lon", "[-180, 180]"),
        ({"heading": 360}, "heading_out_of_range", "heading", "[0, 360)"),
        ({"battery": 83}, "battery_out_of_range", "battery", "[0, 1]"),
        ({"speed": -1}, "speed_out_of_range", "speed", "[0, inf) m/s"),
        ({"accuracy": -0.1}, "accuracy_out_of_range", "accuracy", "metres"),
        ({"lat": "37.5"}, "lat_wrong_type", "lat", "text, expected a number"),
        ({"lat": True}, "lat_wrong_type", "lat", "true or false"),
        ({"lat": None}, "lat_missing", "lat", "missing"),
        ({"time": None}, "time_missing", "time", "missing"),
        ({"time": 1.5}, "time_wrong_type", "time", "integer milliseconds"),
        ({"time": [1]}, "time_wrong_type", "time", "an array"),
        ({"time": "yesterday"}, "time_malformed", "time", "RFC 3339"),
        ({"time": "2026-11-22T10:32:00"}, "time_malformed", "time", "offset"),
        ({"time": 1_763_806_275}, "time_out_of_range", "time", "seconds"),
        ({"time": 10**30}, "time_out_of_range", "time", "out of range"),
        ({"source": ""}, "source_invalid", "source", "1-32"),
        ({"source": "a\nb"}, "source_invalid", "source", "printable"),
        ({"source": 5}, "source_wrong_type", "source", "text"),
        ({"extra": [1]}, "extra_wrong_type", "extra", "an object"),
        ({"extra": {"a": [1]}}, "extra_not_scalar", "extra", "extra.a is an array"),
        ({"extra": {"a": "x" * 1100}}, "extra_too_large", "extra", "1024"),
        ({"latitude": 1}, "unknown_field", "latitude", "did you mean `lat`?"),
        ({"Lng": 1}, "unknown_field", "Lng", "did you mean `lon`?"),
        ({"acuracy": 1}, "unknown_field", "acuracy", "did you mean `accuracy`?"),
        ({"zzzzqq": 1}, "unknown_field", "zzzzqq", "expected time, lat"),
    ],
)
def test_a_bad_fix_is_set_aside_with_its_reason(change, code, field, words):
    body = json.dumps([GOOD, {**GOOD, **change}, GOOD]).encode()
    decoded = decode_fixes(body)
    refused = [(entry.index, entry.error) for entry in decoded.refused]
    for index, fix in decoded.fixes:
        try:
            bind(fix, "ann", NOW)
        except InvalidFix as error:
            refused.append((index, error))
    [(index, error)] = refused
    assert index == 1
    assert (error.code, error.field) == (code, field)
    assert words in error.message
    assert decode_fixes(json.dumps(GOOD).encode()).refused == []


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
@pytest.mark.parametrize("array", [True, False])
def test_numbers_that_are_none(number, array):
    fix = b'{"time": 1763806275123, "lat": %s, "lon": 1}' % number
    body = b"[%s]" % fix if array else fix
    decoded = decode_fixes(body)
    assert decoded.fixes == []
    assert (decoded.refused[0].error.code, decoded.refused[0].error.field) == ("lat_out_of_range", "lat")


@pytest.mark.parametrize(
    "bad",
    ['"lat": NaN', '"altitude": -Infinity', '"speed": 1e999', '"source": "\\ud800"', '"extra": {"a": NaN}'],
)
def test_what_is_no_json_costs_no_other_fix(bad):
    good = json.dumps(GOOD)
    body = f'[{good}, {{"time": 1763806275123, "lat": 1, "lon": 2, {bad}}}, {good}]'
    decoded = decode_fixes(body.encode())
    assert [index for index, _ in decoded.fixes] == [0, 2]
    assert [one.index for one in decoded.refused] == [1]
    assert decoded.refused[0].error.field == bad.split('"')[1]


@pytest.mark.parametrize(
    "body",
    [
        *[b"", b" ", b"{", b"[", b"[{]", b"\xff\xfe", b'{"a": "\xff"}', b"[" * 5000, b"{}{}", b"[] []"],
        *(json.dumps(GOOD).encode(encoding) for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")),
    ],
)
def test_what_is_no_json_is_refused_whole(body):
    with pytest.raises(InvalidInput) as caught:
        decode_fixes(body)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("field", ["member", "time", "source", "lat"])
@pytest.mark.parametrize("array", [False, True])
def test_a_known_field_that_is_no_utf_8(field, array):
    text = {"member": "ann", "time": 1_763_806_275_123, "lat": 1, "lon": 2, field: "@"}
    body = json.dumps([text] if array else text).encode().replace(b"@", b"caf\xe9")
    with pytest.raises(InvalidInput) as caught:
        decode_fixes(body)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("body", [b"5", b'"text"', b"null", b"true"])
def test_json_that_is_no_fix(body):
    [refused] = decode_fixes(body).refused
    assert "a fix is a JSON object" in refused.error.message


def test_an_empty_array_is_fine():
    decoded = decode_fixes(b" [] ")
    assert decoded.fixes == []
    assert decoded.refused == []


@pytest.mark.parametrize("bad", [b"", b',{"lat": 1}'])
def test_more_fixes_than_the_limit(bad):
    body = b"[" + b",".join([json.dumps(GOOD).encode()] * 4) + bad + b"]"
    with pytest.raises(TooLarge, match="expected at most 3"):
        decode_fixes(body, limit=3)


def test_wrong_clocks():
    def bound(time: int) -> Fix:
        [(_, fix)] = decode_fixes(json.dumps({**GOOD, "time": time}).encode()).fixes
        return bind(fix, "ann", NOW)

    assert bound(NOW + 60_000).flags == ()
    assert bound(NOW + 60_001).flags == ("future",)
    assert bound(NOW + 60_001).effective_time == NOW
    repaired = bound(NOW + 86_400_001)
    assert (repaired.time, repaired.flags) == (NOW, ("repaired",))
    assert repaired.extra == {"original_time": NOW + 86_400_001}
    assert bound(631_152_000_000).time == 631_152_000_000
    [(_, old)] = decode_fixes(json.dumps({**GOOD, "time": 5}).encode()).fixes
    assert bind(old, "ann", NOW, live=False).time == 5


def test_times_as_text():
    for text, ms in (
        ("2026-11-22T10:32:00+09:00", 1_795_311_120_000),
        ("2026-11-22T01:32:00Z", 1_795_311_120_000),
        ("2026-11-22T01:32:00.123456Z", 1_795_311_120_123),
    ):
        [(_, fix)] = decode_fixes(json.dumps({**GOOD, "time": text}).encode()).fixes
        assert bind(fix, "ann", ms).time == ms


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["time", "lat", "lon", "speed", "extra", "source", "member", "cursor", "x"]),
            json_values,
        ),
        max_size=4,
    )
)
def test_any_json_is_answered_fix_by_fix(sent):
    decoded = decode_fixes(json.dumps(sent).encode())
    assert len(decoded.fixes) + len(decoded.refused) == len(sent)
    for refused in decoded.refused:
        assert refused.error.message


@given(st.binary(max_size=200))
def test_garbage_raises_only_documented_errors(body):
    with contextlib.suppress(InvalidInput):
        decode_fixes(body)
