"""What the headers of SUBSCRIBE ask for, beside where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import fold, split_names

__all__ = ["FeedOptions", "read_prefetch", "refuse_group_headers"]

MAX_BATCH = 60_000  # ms
CONFLATED = 100  # ms, of `conflate` without `batch`
MAX_MEMBERS = 1000
MAX_DURABLE_NAME = 64  # characters

_OF_GROUPS = ("after", "last", "batch", "conflate", "members", "durable-name")


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """The headers of SUBSCRIBE that say what of a group is wanted, and how.

    batch: ms between arrays, None for one MESSAGE per entry. members: folded names, None
    for all. last: begin with each member's newest fix. durable: under which name the place
    is remembered, None for not.
    """

    after: str | None = None
    last: bool = False
    batch: int | None = None
    conflate: bool = False
    members: frozenset[str] | None = None
    durable: str | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> FeedOptions:
        """Read the headers; raises InvalidInput that names the one at fault."""
        conflate = _flag(headers, "conflate")
        batch = _batch(headers.get("batch"))
        return cls(
            headers.get("after"),
            _flag(headers, "last"),
            CONFLATED if conflate and batch is None else batch,
            conflate,
            _members(headers.get("members")),
            _durable(headers.get("durable-name"), headers.get("ack", "auto")),
        )


def read_prefetch(headers: Mapping[str, str], default: int, most: int) -> int:
    """Return how many MESSAGEs may wait for an ACK; raises InvalidInput."""
    value = headers.get("prefetch-count")
    if value is None:
        return min(default, most)
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value[:9]) <= most:
        raise InvalidInput(f"prefetch-count {value[:40]!r} is not 1-{most} messages", field="prefetch-count")
    return int(value)


def refuse_group_headers(headers: Mapping[str, str], destination: str) -> None:
    """Raise InvalidInput for a header that means something to a group's topic only."""
    for name in _OF_GROUPS:
        if name in headers:
            raise InvalidInput(
                f"{name} is for /topic/group.NAME; {destination[:80]} keeps nothing to choose from",
                code="header_not_allowed",
                field=name,
            )


def _flag(headers: Mapping[str, str], name: str) -> bool:
    value = headers.get(name, "0")
    if value not in ("0", "1", "true", "false"):
        raise InvalidInput(f"{name} {value[:40]!r} is not 1 or 0", field=name)
    return value in ("1", "true")


def _batch(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value[:9]) <= MAX_BATCH:
        raise InvalidInput(f"batch {value[:40]!r} is not 1-{MAX_BATCH} milliseconds", field="batch")
    return int(value)


def _members(value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    folded = [fold(name) for name in split_names(value)]
    if not 1 <= len(folded) <= MAX_MEMBERS:
        raise InvalidInput(
            f"members has {len(folded)} names, expected 1-{MAX_MEMBERS} separated by commas "
            "or as a JSON array",
            field="members",
        )
    return frozenset(folded)


def _durable(name: str | None, ack: str) -> str | None:
    if name is None:
        return None
    if not 1 <= len(name) <= MAX_DURABLE_NAME or not name.isprintable() or "/" in name:
        raise InvalidInput(
            f"durable-name {name[:80]!r} is not 1-{MAX_DURABLE_NAME} printable characters without `/`",
            field="durable-name",
        )
    if ack == "auto":
        raise InvalidInput(
            "durable-name needs ack:client or ack:client-individual: with ack:auto nothing is "
            "acknowledged, so there is no place to remember",
            code="durable_needs_ack",
            field="durable-name",
        )
    return name
