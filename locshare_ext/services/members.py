"""A group's members: forgotten, renamed and merged, wherever something of them is."""

from __future__ import annotations

from locshare_ext.errors import Conflict, NotFound
from locshare_ext.model.names import fold, member_name, near_names
from locshare_ext.model.store import Selection
from locshare_ext.services.groups import Group, Groups

__all__ = ["forget_member", "merge_member", "rename_member"]


async def forget_member(groups: Groups, group: Group, member: str) -> int:
    """Remove every trace of a member; returns how many entries that were.

    Raises NotFound for a member that the group does not have.
    """
    await _check_known(groups, group, member)
    for companion in groups.companions:
        await companion.forgetting(group, member)
    key = fold(member)
    removed = await group.log.forget(group.names.get(key, member))
    group.names.pop(key, None)
    group.heard.pop(key, None)
    return removed


async def rename_member(groups: Groups, group: Group, member: str, name: str) -> str:
    """Give a member another name, in all that is kept of it; returns the name.

    Raises NotFound for a member that the group does not have, Conflict for a name that
    another has, InvalidName.
    """
    name = member_name(name)
    await _check_known(groups, group, member)
    known = group.names.get(fold(member), member)
    if fold(name) != fold(member) and (fold(name) in group.names or await _is_known(groups, group, name)):
        raise Conflict(
            f"there is a member {name!r} already; to make one of both, merge them",
            code="member_taken",
            field="name",
        )
    _rename(groups, group, known, name)  # first: what comes meanwhile must not bring the old one back
    try:
        await group.log.rename_member(known, name)
    except BaseException:
        _rename(groups, group, name, known)
        raise
    return name


async def merge_member(groups: Groups, group: Group, member: str, into: str) -> tuple[str, int]:
    """Let all that is kept of a member be another's; returns that one's name, and how many fixes both had.

    With a name that nobody has it is renamed. Raises NotFound for a member that the group
    does not have, InvalidName, StoreDamaged when some fixes cannot be read: then nothing is changed.
    """
    into = member_name(into)
    is_taken = fold(into) in group.names or await _is_known(groups, group, into)
    if fold(into) == fold(member) or not is_taken:
        return await rename_member(groups, group, member, into), 0
    await _check_known(groups, group, member)
    known, name = group.names.get(fold(member), member), group.names.get(fold(into), into)
    twice = await group.log.merge_member(known, name)
    _rename(groups, group, known, name)
    # what was sent meanwhile came with the old name
    return name, twice + await group.log.merge_member(known, name)


def _rename(groups: Groups, group: Group, member: str, name: str) -> None:
    old, new = fold(member), fold(name)
    if group.names.pop(old, None) is not None:
        group.names[new] = name
    if old in group.heard:
        group.heard[new] = max(group.heard.pop(old), group.heard.get(new, 0))
    for companion in groups.companions:
        companion.renamed(group, member, name)


async def _is_known(groups: Groups, group: Group, member: str) -> bool:
    """Whether a companion has something of a member."""
    return any([await companion.knows(group, member) for companion in groups.companions])


async def _check_known(groups: Groups, group: Group, member: str) -> None:
    """Raise NotFound, with near names, for a member that the group does not have."""
    # who has left nothing but notes is not known by name after a restart
    traces = Selection(members=frozenset({member}))
    if (
        fold(member) not in group.names
        and not await groups.store.events(group.slug, traces, limit=1)
        and not await _is_known(groups, group, member)
    ):
        near = near_names(member, group.names.values())
        raise NotFound(
            f"member {member!r} is not in group {group.slug!r}",
            code="member_not_found",
            field="member",
            details={"near": near},
        )
