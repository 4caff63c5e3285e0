"""What phone apps tell, put on a group's log: fixes, what else happened, signs of life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from locshare_ext.broker.access import PUBLISH, Principal, require
from locshare_ext.errors import LocShareError
from locshare_ext.model.clock import OLDEST_LIVE, REPAIR
from locshare_ext.model.coarse import coarser
from locshare_ext.model.event import Event
from locshare_ext.model.names import fold
from locshare_ext.model.report import Happening, Report
from locshare_ext.model.store import Selection
from locshare_ext.model.wire import Refused
from locshare_ext.services.batch import Stored
from locshare_ext.services.devices import Devices
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.tokens import expired_error

__all__ = ["Apps", "Taken"]

_REMEMBERED = 1000  # events that were told last


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request. principal: who sent it; is_new: for the first time, by an open invite."""

    principal: Principal
    group: Group
    stored: Stored
    is_new: bool = False


class Apps:
    """Takes reports for the member that an invite names, or that an open one gives a device.

    clock: ms since 1970 UTC. Used on one event loop.
    """

    def __init__(self, groups: Groups, devices: Devices, *, clock: Callable[[], int]) -> None:
        self._groups = groups
        self._devices = devices
        self._clock = clock
        self._told: dict[tuple[str, str, int, str], None] = {}
        groups.companions.append(self)

    async def take(self, principal: Principal, report: Report) -> Taken:
        """Store what is good of a report and set the rest aside, however little that leaves.

        What says nothing is a sign of life. Of an invite that expired not long ago only what
        was measured before is taken. Raises AccessDenied, Gone when the invite has ended and
        nothing is from before, TooFast, Conflict, StoreError: then it is to come again.
        """
        assert principal.group is not None  # noqa: S101 -- an invite has one
        require(principal, principal.group, PUBLISH)
        if principal.member is None and not report.says_anything:
            self._check_living(principal)  # nobody comes with an open invite alone
            group = await self._groups.open(principal.group)
            return Taken(principal, group, Stored(0, 0, [], group.log.cursor(group.log.head)))
        joined = await self._devices.holder(
            principal, f"{report.app}\n{report.device}", report.name or report.app
        )
        principal = joined.principal
        self._groups.rates.check(principal.id)
        group = await self._groups.open(principal.group or "")
        batch = self._groups.admit_decoded(principal, group, report.decoded(), report.raws)
        now = self._clock()
        batch.events.extend(await self._new_events(principal, group, report, now))
        self._devices.check_still(principal)  # it may have been forgotten while that was looked up
        if not batch.fixes and not batch.events:
            self._groups.asides.add(group, batch.refused)
            self._check_living(principal)
        try:
            stored = await self._groups.append(group, batch)
        except LocShareError:
            for event in batch.events:  # it comes again
                self._told.pop(_key(group, event), None)
            raise
        group.heard[fold(principal.speaker)] = now
        return Taken(principal, group, stored, joined.is_new)

    async def set_aside(self, principal: Principal, error: LocShareError, raw: bytes) -> None:
        """Keep what nobody could read, or cannot be taken, beside the log; raises as `take` does."""
        assert principal.group is not None  # noqa: S101 -- an invite has one
        require(principal, principal.group, PUBLISH)
        self._check_living(principal)
        group = await self._groups.open(principal.group)
        self._groups.rates.spend(principal.id, 1)
        is_coarse = principal.precision is not None
        refused = Refused(0, error, raw, principal.member, principal.id, is_coarse)
        self._groups.asides.add(group, [refused])

    def _check_living(self, principal: Principal) -> None:
        if principal.expires is not None and self._clock() >= principal.expires:
            raise expired_error(principal.expires)

    # -- what groups tell their companions

    async def knows(self, group: Group, member: str) -> bool:
        """Whether it has something of a member: nothing that is not on the log."""
        return False

    async def forgetting(self, group: Group, member: str) -> None:
        """Let go of what a member told."""
        self._told = {key: None for key in self._told if key[:2] != (group.slug, fold(member))}

    def renamed(self, group: Group, member: str, name: str) -> None:
        """Do nothing: what comes again is found on the log."""

    def deleted(self, slug: str) -> None:
        """Let go of what was told in a group."""
        self._told = {key: None for key in self._told if key[0] != slug}

    async def _new_events(self, principal: Principal, group: Group, report: Report, now: int) -> list[Event]:
        """Return what happened and is not on the log: apps send the same again and again."""
        if not report.happenings:
            return []
        is_coarse = coarser(group.settings["precision"], principal.precision) is not None
        member = self._groups.member_of(group, principal.speaker)
        found = []
        for told in report.happenings:
            event = _event(told, member, now, is_coarse=is_coarse)
            end = principal.expires
            has_ended = end is not None and now >= end and event.time >= end
            key = _key(group, event)
            if has_ended or key in self._told or await self._is_known(group, event):
                continue
            if len(self._told) >= _REMEMBERED:
                del self._told[next(iter(self._told))]
            self._told[key] = None
            found.append(event)
        return found

    async def _is_known(self, group: Group, event: Event) -> bool:
        assert event.member is not None  # noqa: S101 -- an app's event has one
        same = Selection(since=event.time, until=event.time, members=frozenset({event.member}))
        entries = await self._groups.store.events(group.slug, same, kind=event.kind)
        return any(isinstance(entry.item, Event) and entry.item.text == event.text for entry in entries)


def _event(told: Happening, member: str, now: int, *, is_coarse: bool) -> Event:
    """Return it as an event; where places are coarse, without what may say where it was."""
    time = told.time if OLDEST_LIVE <= told.time <= now + REPAIR else now
    data = None if is_coarse else told.data
    return Event(kind=told.kind, time=time, received=now, member=member, text=told.text, data=data)


def _key(group: Group, event: Event) -> tuple[str, str, int, str]:
    return group.slug, fold(event.member or ""), event.time, event.text or ""
