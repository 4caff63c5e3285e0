"""What an open group is, how many there may be, and who is told of what becomes of its members."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from locshare_ext.broker.log import GroupLog
from locshare_ext.errors import StoreError
from locshare_ext.model.aside import KEPT

__all__ = ["Companion", "Group", "GroupOptions"]


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How much is kept in memory and how many there may be.

    log_length: entries per group for readers that lag. groups, members: over them, 409.
    set_aside: refused fixes of a group that are kept.
    """

    log_length: int = 10_000
    groups: int = 1000
    members: int = 10_000
    set_aside: int = KEPT


@dataclass(slots=True)
class Group:
    """An open group: its log, its settings, and what is remembered of its members.

    is_stored: whether the store knows it; until its first entry a group lives in memory.
    unsure: why the store could not be asked for it, None if it could: its settings are not
    known then, so nothing of it may be stored.
    names: folded name -> the name as first written. heard: folded name -> ms by the
    server's clock when something of the member last came, duplicates included.
    """

    slug: str
    log: GroupLog
    settings: dict[str, Any]
    is_stored: bool
    names: dict[str, str] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    unsure: StoreError | None = None


class Companion(Protocol):
    """Something that has its own of groups and members, and ends it with them."""

    async def knows(self, group: Group, member: str) -> bool:
        """Whether it has something of a member."""

    async def forgetting(self, group: Group, member: str) -> None:
        """A member is about to be forgotten."""

    def renamed(self, group: Group, member: str, name: str) -> None:
        """A member has another name from now on."""

    def deleted(self, slug: str) -> None:
        """A group is gone, also from the store."""
