"""What goes beside fixes: what a server refused, as a file's table, and a stream's head with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.tally import SetAside
from locshare_ext.model.event import Event

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Beside", "asides_of_rows", "rows_of_asides"]

_KEY = b"locshare"  # of a schema's metadata


class Beside(msgspec.Struct, frozen=True):
    """What an Arrow stream of fixes says in its head of what is beside them; may be from anyone.

    set_aside: line, reason and text of each.
    """

    events: list[Event] = []
    set_aside: list[tuple[int, str, str]] = []

    @classmethod
    def of_schema(cls, schema: pa.Schema) -> Beside:
        """Return what a stream's schema says; raises InvalidFile."""
        told = (schema.metadata or {}).get(_KEY, b"{}")
        try:
            return msgspec.json.decode(told, type=cls)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidFile(f"the stream's metadata cannot be used: {error}", field="metadata") from None

    @classmethod
    def of_file(cls, events: Sequence[Event], set_aside: Sequence[SetAside]) -> Beside:
        """Return what a file has."""
        return cls(list(events), [(one.line, one.reason, one.raw) for one in set_aside])

    def rows(self) -> list[SetAside]:
        """Return what was set aside as a file has it."""
        return [SetAside(*one) for one in self.set_aside]

    def metadata(self) -> dict[bytes, bytes]:
        """Return what a schema's metadata say."""
        return {_KEY: msgspec.json.encode(self)}


def rows_of_asides(asides: Iterable[Mapping[str, Any]]) -> list[SetAside]:
    """Return rows with all that is known, as the API gives it, but who sent it."""
    return [
        SetAside(
            int(one["id"]),
            one["error"]["message"],
            json.dumps({name: value for name, value in one.items() if name != "credential"}),
        )
        for one in asides
    ]


def asides_of_rows(rows: Sequence[SetAside]) -> list[Mapping[str, Any]]:
    """Return what `rows_of_asides` was given; of another file's row line, reason and text."""
    return [
        _told(row.raw) or {"id": row.line, "error": {"message": row.reason}, "raw": row.raw} for row in rows
    ]


def _told(text: str) -> Mapping[str, Any] | None:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not _KINDS.items() <= {n: type(v) for n, v in told.items()}.items():
        return None
    if not all(abs(told[name]) < 1 << 63 for name in ("id", "received")):
        return None
    known = {name: value for name, value in told.items() if name in _KINDS}
    error = {name: value for name, value in told["error"].items() if isinstance(value, str)}
    if isinstance(told.get("member"), str):
        known["member"] = told["member"]
    return {**known, "error": error}


_KINDS: dict[str, type] = {"id": int, "received": int, "error": dict, "raw": str}
