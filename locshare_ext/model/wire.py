"""The JSON that clients send and get: fixes in, fixes and events out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from locshare_ext.errors import InvalidFix, InvalidInput, LocShareError, TooLarge
from locshare_ext.model.clock import NEWEST, admit_time, ms_from_rfc3339
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix, Scalar
from locshare_ext.model.names import near_names
from locshare_ext.model.sequence import ORIGINAL_TIME

__all__ = [
    "MAX_FIXES",
    "MAX_SOURCE",
    "Decoded",
    "FixInput",
    "Refused",
    "bind",
    "check_fix",
    "decode_fixes",
    "encode",
    "error_object",
    "in_range",
    "member_in",
    "split",
]

MAX_FIXES = 1000  # in one body
MAX_EXTRA = 1024  # bytes of `extra` as JSON
MAX_SOURCE = 32  # characters

_Between90 = Annotated[float, msgspec.Meta(ge=-90, le=90)]
_Between180 = Annotated[float, msgspec.Meta(ge=-180, le=180)]
_NotNegative = Annotated[float, msgspec.Meta(ge=0)]
_Heading = Annotated[float, msgspec.Meta(ge=0, lt=360)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FixInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A fix as a client sends it; types and ranges of the contract, checked while decoding."""

    time: int | str
    lat: _Between90
    lon: _Between180
    altitude: float | None = None
    accuracy: _NotNegative | None = None
    speed: _NotNegative | None = None
    heading: _Heading | None = None
    battery: _Share | None = None
    source: str | None = None
    extra: dict[str, Scalar] | None = None
    member: str | None = None
    received: Any = None  # this and the next two are the server's: ignored when sent
    cursor: Any = None
    flags: Any = None


# field -> (what the range is called, the test); what the typed decoder checks, in words
_RANGES: dict[str, tuple[str, Any]] = {
    "lat": ("[-90, 90] degrees", lambda value: -90 <= value <= 90),
    "lon": ("[-180, 180] degrees", lambda value: -180 <= value <= 180),
    "altitude": ("metres", lambda value: True),
    "accuracy": ("[0, inf) metres", lambda value: value >= 0),
    "speed": ("[0, inf) m/s", lambda value: value >= 0),
    "heading": ("[0, 360) degrees", lambda value: 0 <= value < 360),
    "battery": ("[0, 1]", lambda value: 0 <= value <= 1),
}
_ALIASES = {
    "latitude": "lat",
    "lng": "lon",
    "long": "lon",
    "longitude": "lon",
    "timestamp": "time",
    "tst": "time",
    "ts": "time",
    "bearing": "heading",
    "course": "heading",
    "cog": "heading",
    "vel": "speed",
    "velocity": "speed",
    "acc": "accuracy",
    "hdop": "accuracy",
    "alt": "altitude",
    "ele": "altitude",
    "elevation": "altitude",
    "batt": "battery",
    "name": "member",
    "id": "member",
    "user": "member",
}

_one = msgspec.json.Decoder(FixInput)
_many = msgspec.json.Decoder(list[FixInput])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Refused:
    """One fix of a body that is not good: its place, why, and what was sent.

    member: whose it is, as far as known. credential: the id of the principal who sent it.
    is_coarse: whether its sender wants no exact place kept.
    """

    index: int
    error: LocShareError
    raw: bytes
    member: str | None = None
    credential: str = ""
    is_coarse: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the form of the answer's `set_aside`."""
        return {"index": self.index, "error": error_object(self.error)}


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A body's good fixes with their places in it, and those refused."""

    fixes: list[tuple[int, FixInput]]
    refused: list[Refused]


def encode(item: Fix | Event | Sequence[Fix | Event]) -> bytes:
    """Return the wire body of a fix, an event or an array of them."""
    return _encoder.encode(item)


def error_object(error: LocShareError) -> dict[str, Any]:
    """Return the inside of the one error shape: code, message and, if known, field and details."""
    shape: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.field is not None:
        shape["field"] = error.field
    return {**error.details, **shape}


def decode_fixes(body: bytes, *, limit: int = MAX_FIXES) -> Decoded:
    """Decode one fix or an array of up to `limit`.

    Raises InvalidInput when the body is no JSON object or array, TooLarge for a longer
    array. A bad fix raises nothing: it is among `refused`.
    """
    body = body.lstrip(b" \t\r\n")
    try:
        if body[:1] != b"[":
            return Decoded([(0, _checked(_one.decode(body)))], [])
        fixes = _many.decode(body)
        if len(fixes) > limit:
            raise _too_many(len(fixes), limit)
        return Decoded([(index, _checked(fix)) for index, fix in enumerate(fixes)], [])
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidFix):
        return _decode_slowly(body, limit)


def split(body: bytes) -> list[bytes]:
    """Return the JSON of each fix of a body, by its place; raises InvalidInput for what is no JSON."""
    return _raws_of(body.lstrip(b" \t\r\n"))


def member_in(raw: bytes, speaker: str) -> str | None:
    """Return the member that the JSON of a fix names, or who speaks; None where that cannot be told."""
    try:
        sent = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(sent, dict):
        return None
    name = sent.get("member")
    return speaker if name is None else name if isinstance(name, str) else None


def bind(sent: FixInput, member: str, received: int, *, live: bool = True) -> Fix:
    """Return the fix of `member` that was received at `received` (ms).

    live: apply the rules for wrong clocks; imports may be of any age.
    Raises InvalidFix for a time that cannot be.
    """
    time = sent.time if isinstance(sent.time, int) else ms_from_rfc3339(sent.time)
    flags: tuple[str, ...] = ()
    extra = sent.extra
    if live:
        admitted, flags = admit_time(time, received)
        if admitted != time:
            extra = {**(extra or {}), ORIGINAL_TIME: time if abs(time) < 1 << 63 else str(time)}
            time = admitted
    return Fix(
        member=member,
        time=time,
        lat=float(sent.lat),
        lon=float(sent.lon),
        altitude=sent.altitude,
        accuracy=sent.accuracy,
        speed=sent.speed,
        heading=sent.heading,
        battery=sent.battery,
        source=sent.source,
        extra=extra or None,
        received=received,
        flags=flags,
    )


def in_range(name: str, value: float) -> bool:
    """Whether a number may be the field of that name, such as `heading`."""
    return bool(math.isfinite(value) and _RANGES[name][1](value))


def check_fix(fix: FixInput) -> FixInput:
    """Check a fix that was not decoded from JSON, as decoding would; returns it. Raises InvalidFix."""
    for name in _RANGES:
        value = getattr(fix, name)
        if value is not None and (error := _explain_number(name, value)) is not None:
            raise error
    return _checked(fix)


def _checked(fix: FixInput) -> FixInput:
    """Check what types cannot say; returns the fix."""
    if fix.source is not None and not _is_short_text(fix.source):
        raise InvalidFix(
            f"source {fix.source[:40]!r} is not 1-{MAX_SOURCE} printable characters",
            code="source_invalid",
            field="source",
        )
    if fix.extra and (size := len(_encoder.encode(fix.extra))) > MAX_EXTRA:
        raise InvalidFix(
            f"extra has {size} bytes as JSON, expected at most {MAX_EXTRA}",
            code="extra_too_large",
            field="extra",
        )
    if isinstance(fix.time, int) and not -NEWEST <= fix.time <= NEWEST:
        raise InvalidFix(
            f"time {str(fix.time)[:24]} is out of range; expected milliseconds since 1970",
            code="time_out_of_range",
            field="time",
        )
    return fix


def _is_short_text(text: str) -> bool:
    return 1 <= len(text) <= MAX_SOURCE and text.isprintable()


def _too_many(count: int, limit: int) -> TooLarge:
    return TooLarge(f"{count} fixes in one body, expected at most {limit}", code="too_many_fixes")


def _decode_slowly(body: bytes, limit: int) -> Decoded:
    """Decode fix by fix, to keep the good ones and say what is wrong with the others."""
    raws = _raws_of(body)
    if len(raws) > limit:
        raise _too_many(len(raws), limit)
    decoded = Decoded([], [])
    for index, raw in enumerate(raws):
        try:
            decoded.fixes.append((index, _checked(_one.decode(raw))))
        except InvalidFix as error:
            decoded.refused.append(Refused(index, error, raw))
        except msgspec.DecodeError as error:
            decoded.refused.append(Refused(index, _explain(raw, str(error)), raw))
    return decoded


def _raws_of(body: bytes) -> list[bytes]:
    """Return the JSON of each element of an array, or of the one that there is.

    What is nearly JSON, as Python writes it for NaN and infinities, is taken too: one of
    them must not cost the other fixes of its array, and its own field can then be named.
    """
    try:
        msgspec.json.decode(body)
        return [bytes(raw) for raw in _raws.decode(body)] if body[:1] == b"[" else [body]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = f"body is not JSON: {error}"
    try:
        sent = json.loads(body.decode())  # as text: of bytes it would take UTF-16, too
    except (ValueError, RecursionError):
        raise InvalidInput(reason, code="invalid_json") from None
    return [json.dumps(one).encode() for one in (sent if isinstance(sent, list) else [sent])]


def _explain(raw: bytes, reason: str) -> InvalidFix:
    """Return in words what the typed decoder refused."""
    try:
        sent = json.loads(raw)
    except ValueError:
        return InvalidFix(f"fix is not valid: {reason}")
    if not isinstance(sent, dict):
        return InvalidFix(f"a fix is a JSON object, got {_kind(sent)}")
    for name in sent:
        if name not in FixInput.__struct_fields__:
            return _unknown(name)
    for name in ("time", "lat", "lon"):
        if name not in sent or sent[name] is None:
            return InvalidFix(f"{name} is missing", code=f"{name}_missing", field=name)
    for name, value in sent.items():
        if (error := _explain_field(name, value)) is not None:
            return error
        if re.search("[\ud800-\udfff]", str(value)):
            return InvalidFix(
                f"{name} {ascii(value)[:80]} contains half of a character (a lone surrogate)",
                code=f"{name}_invalid",
                field=name,
            )
    return InvalidFix(f"fix is not valid: {reason}")


def _explain_field(name: str, value: Any) -> InvalidFix | None:
    if value is None:
        return None
    if name in _RANGES:
        return _explain_number(name, value)
    if name == "time" and (isinstance(value, bool) or not isinstance(value, int | str)):
        return _wrong_type(
            name, value, "integer milliseconds since 1970 UTC, or RFC 3339 text with an offset"
        )
    if name in ("source", "member") and not isinstance(value, str):
        return _wrong_type(name, value, "text")
    if name == "extra":
        return _explain_extra(value)
    return None


def _explain_number(name: str, value: Any) -> InvalidFix | None:
    expected, is_inside = _RANGES[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _wrong_type(name, value, f"a number, {expected}")
    if math.isfinite(value) and is_inside(value):
        return None
    return InvalidFix(f"{name} {value} is outside {expected}", code=f"{name}_out_of_range", field=name)


def _explain_extra(value: Any) -> InvalidFix | None:
    if not isinstance(value, dict):
        return _wrong_type("extra", value, "an object")
    for key, inner in value.items():
        if isinstance(inner, dict | list):
            return InvalidFix(
                f"extra.{key[:40]} is {_kind(inner)}, expected text, a number, true, false or null",
                code="extra_not_scalar",
                field="extra",
            )
        if isinstance(inner, float) and not math.isfinite(inner):
            return InvalidFix(f"extra.{key[:40]} {inner} is no number", code="extra_invalid", field="extra")
    return None


def _unknown(name: str) -> InvalidFix:
    known = [field for field in FixInput.__struct_fields__ if field not in ("received", "cursor", "flags")]
    near = [_ALIASES[name.lower()]] if name.lower() in _ALIASES else near_names(name[:64], known, 1)
    hint = f"; did you mean `{near[0]}`?" if near else f"; expected {', '.join(known)}"
    return InvalidFix(f"field {name[:64]!r} is unknown{hint}", code="unknown_field", field=name[:64])


def _wrong_type(name: str, value: Any, expected: str) -> InvalidFix:
    shown = json.dumps(value)
    shown = shown if len(shown) <= 40 else shown[:40] + "…"
    return InvalidFix(
        f"{name} {shown} is {_kind(value)}, expected {expected}", code=f"{name}_wrong_type", field=name
    )


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    kinds: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "text",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), type(value).__name__)
