"""When an invite is taken, which one is as good as a new one, which names are free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from locshare_ext.errors import Conflict
from locshare_ext.model.names import looks
from locshare_ext.model.store import InviteInfo
from locshare_ext.services.groups import Group
from locshare_ext.services.tokens import expired_error, revoked_error

__all__ = ["check_alive", "check_free", "is_left", "left_of", "state_of", "to_wipe"]

_SPEAKERS = ("host", "kernel")  # those who need no invite, before any colon


def state_of(info: InviteInfo, now: int) -> Literal["living", "expired", "revoked"]:
    """Return whether an invite is taken at `now` (ms), and if not why."""
    if info.revoked is not None:
        return "revoked"
    return "expired" if info.expires <= now else "living"


def check_alive(info: InviteInfo, now: int, grace: float = 0.0) -> None:
    """Raise Gone for one that was revoked, or expired `grace` seconds ago."""
    if info.revoked is not None:
        raise revoked_error()
    if now >= info.expires + grace * 1000:
        raise expired_error(info.expires)


def check_free(group: Group, infos: Iterable[InviteInfo], name: str, horizon: float) -> None:
    """Raise Conflict if a member of the group, or somebody invited, has a name that looks like this.

    Nor may it be one under which those speak who need no invite, see `Principal.speaker`.
    infos: the group's invites; those that ended before `horizon` (ms) hold no name.
    """
    invited = (
        info.member
        for info in infos
        if info.member is not None and info.revoked is None and info.expires > horizon
    )
    wanted = looks(name)
    is_taken = wanted.partition(":")[0] in _SPEAKERS or any(
        looks(other) == wanted for other in (*group.names.values(), *invited)
    )
    if is_taken:
        raise Conflict(
            f"somebody in group {group.slug!r} is called {name!r} already: choose another name",
            code="member_taken",
            field="member",
        )


def left_of(info: InviteInfo, now: int) -> InviteInfo:
    """Return what is kept of an invite whose member is forgotten: that nobody comes back by it.

    A phone with an open invite is known again by its device; without this the next fix of a phone
    that nobody switched off would make the same member anew. It tells nothing of the member.
    """
    return replace(info, roles=(), member=None, revoked=now, precision=None, consent=None, consented=None)


def is_left(info: InviteInfo) -> bool:
    """Whether it is only what `left_of` keeps, and no invite any more."""
    return not info.roles


def to_wipe(infos: Sequence[InviteInfo], now: int, horizon: float, most: int) -> list[str]:
    """Return ids of what ended before `horizon` (ms), and of the oldest that ended when over `most`."""
    ended = sorted((_forgettable(info), info.id) for info in infos if state_of(info, now) != "living")
    too_many = len(infos) - most
    return [invite_id for number, (end, invite_id) in enumerate(ended) if end <= horizon or number < too_many]


def _forgettable(info: InviteInfo) -> int:
    """Return when it ended; one that another can bring back, while that lives, only with that."""
    return info.expires if info.revoked is None or info.origin is not None else info.revoked
