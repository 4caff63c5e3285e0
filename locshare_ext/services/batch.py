"""A body that was sent to a group, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from locshare_ext.model import wire
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix

__all__ = ["Batch", "Stored"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A body's good fixes, bound to their members, those set aside, and what else it tells."""

    fixes: list[Fix]
    refused: list[wire.Refused]
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a body that was published."""

    stored: int
    duplicates: int
    refused: list[wire.Refused]
    cursor: str

    def as_json(self) -> dict[str, Any]:
        """Return the answer of POST fixes."""
        return {
            "stored": self.stored,
            "duplicates": self.duplicates,
            "set_aside": [refused.as_json() for refused in self.refused],
            "cursor": self.cursor,
        }
