"""A phone app's request as decoders get it, and how its parts are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from locshare_ext.errors import InvalidInput, TooLarge
from locshare_ext.model.wire import MAX_FIXES

__all__ = ["Sent", "check_count", "form_of", "is_json", "json_of", "raw_of"]

_FIELDS = 1000  # of a form or query: no app sends a tenth of it
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came. now: ms since 1970 UTC, for what has no time of its own.

    query: as it stood in the address, without the question mark. user, device: of OwnTracks'
    headers X-Limit-U and X-Limit-D.
    """

    query: str = ""
    body: bytes = b""
    user: str = ""
    device: str = ""
    now: int = 0

    @property
    def raw(self) -> bytes:
        """What is kept of it if nobody can read it."""
        return self.body or self.query.encode(errors="replace")

    @property
    def size(self) -> int:
        """How much it is, in bytes."""
        return len(self.query) + len(self.body)


def is_json(body: bytes) -> bool:
    """Whether a body looks like JSON; what apps call it is not to be relied on."""
    return body.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")


def json_of(body: bytes) -> Any:
    """Return a body's JSON, NaN and infinities included, as some write them; raises InvalidInput."""
    body = body.removeprefix(_BOM)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = f"body is not JSON: {error}"
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise InvalidInput(reason, code="invalid_json", field="body") from None


def check_count(count: int) -> None:
    """Raise TooLarge for more than any app sends at once: it keeps them, and can be told to send less."""
    if count > MAX_FIXES + 1:  # a full batch of Overland, and where it is now
        raise TooLarge(f"{count} fixes in one body, expected at most {MAX_FIXES}", code="too_many_fixes")


def raw_of(value: object) -> bytes:
    """Return the JSON of a part of a body, for what is set aside."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError, RecursionError, TypeError, ValueError):
        return ascii(value).encode()[:4096]  # halves of characters and such


def form_of(text: str) -> Mapping[str, str]:
    """Return the fields of a query or form, the first of a name; raises InvalidInput for too many."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise InvalidInput(f"more than {_FIELDS} fields", code="too_many_fields", field="query") from None
    for name, value in pairs:
        found.setdefault(name, value)
    return found
