"""What a reader of a group may ask for, by whichever transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import fold, split_names

__all__ = ["FEED_OPTIONS", "FeedOptions", "flag"]

FEED_OPTIONS = ("after", "members", "batch", "conflate", "last")  # by their names in a query
MAX_BATCH = 60_000  # ms
CONFLATED = 100  # ms, of `conflate` without `batch`
MAX_MEMBERS = 1000


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What of a group a reader wants, and how: by the headers of SUBSCRIBE or a query's parameters.

    after: a cursor, `start` or `now`. batch: ms between arrays, None for each entry as it
    comes. members: folded names, None for all. last: begin with each member's newest fix.
    """

    after: str | None = None
    last: bool = False
    batch: int | None = None
    conflate: bool = False
    members: frozenset[str] | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether it goes on from a cursor."""
        return self.after not in (None, "start", "now")

    def begins_with_newest(self, gap: bool) -> bool:
        """Whether each member's newest fix comes first: not where a place is resumed from.

        gap: whether the place was lost.
        """
        return self.last and (self.after in (None, "now") or gap)

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> FeedOptions:
        """Read what was sent by name; raises InvalidInput that names the one at fault."""
        conflate = flag(sent, "conflate")
        batch = _batch(sent.get("batch"))
        return cls(
            sent.get("after"),
            flag(sent, "last"),
            CONFLATED if conflate and batch is None else batch,
            conflate,
            _members(sent.get("members")),
        )


def flag(sent: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter says yes; raises InvalidInput for what is neither yes nor no."""
    value = sent.get(name, "0")
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
