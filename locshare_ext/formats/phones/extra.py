"""What an app sent beyond our fields, made flat: scalars by name, at most 1 KiB as JSON."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import msgspec

from locshare_ext.model.fix import Scalar
from locshare_ext.model.wire import MAX_EXTRA

__all__ = ["DROPPED", "Extra"]

DROPPED = "_dropped"  # the key that names what is not kept
_TEXT = 200  # characters of a value
_NAME = 64  # of a key
_DEPTH = 3  # of objects in objects
_RESERVE = 160  # bytes for the names of what was dropped
_EXACT = 1 << 53  # numbers above are no integers to most readers of JSON
_SECRETS = frozenset({"api_key", "apikey", "token", "access_token", "password", "pass", "auth"})
# what tells a phone from others goes to whoever is to know it by that, and not to all who watch
_IDS = frozenset(
    {"id", "deviceid", "device_id", "uniqueid", "unique_id", "imei", "aid", "ser", "androidid", "serial"}
)
_encode = msgspec.json.Encoder().encode


class Extra:
    """Collects values; what has no room, no plain form, or is a secret is named as dropped.

    Ids of devices are left out: with an open invite, who knows one can speak as its member.
    """

    def __init__(self, most: int = MAX_EXTRA) -> None:
        self._room = most - _RESERVE
        self._kept: dict[str, Scalar] = {}
        self._dropped: dict[str, None] = {}

    def put_all(self, values: Mapping[str, object], used: Collection[str] = (), under: str = "") -> None:
        """Put what is not `used`; objects inside become names with points."""
        for name, value in values.items():
            if name not in used:
                self.put(f"{under}{name}", value)

    def put(self, name: str, value: object) -> None:
        """Put one value; absent and empty ones say nothing."""
        if value is None or value == "" or value == [] or value == {} or name.lower() in _IDS:
            return
        if isinstance(value, dict):
            if name.count(".") >= _DEPTH:
                self.drop(name)
            else:
                self.put_all({str(key): inner for key, inner in value.items()}, under=f"{name}.")
            return
        plain = _plain(value)
        if plain is None or len(name) > _NAME or name.lower() in _SECRETS:
            self.drop(name)
            return
        if isinstance(plain, str) and len(plain) > _TEXT:
            plain = plain[:_TEXT]
            self.drop(name)
        name = _sound(name)
        size = len(_encode({name: plain}))
        if size > self._room:
            self.drop(name)
            return
        self._room -= size
        self._kept[name] = plain

    def drop(self, name: str) -> None:
        """Note that something is not kept, or not whole."""
        self._dropped[_sound(name)[:_NAME]] = None

    def finish(self) -> dict[str, Scalar] | None:
        """Return all of it, None if there is nothing."""
        if self._dropped:
            names = ",".join(self._dropped)
            while len(_encode({DROPPED: names})) > _RESERVE:
                names = names[: len(names) * 3 // 4]
            self._kept[DROPPED] = names
        return self._kept or None


def _plain(value: object) -> Scalar:
    """Return a scalar for a value, None if there is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT else _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return _sound(",".join(_text(one) for one in value))
    return None


def _text(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 1 << 128:
        return "(a huge number)"  # Python refuses to write thousands of digits
    return str(value)


def _sound(text: str) -> str:
    """Return text without halves of characters, which JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode(errors="replace").decode()
