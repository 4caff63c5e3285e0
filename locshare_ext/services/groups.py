"""The open groups: found or made by name, published to, set, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from locshare_ext.broker.access import PUBLISH, Principal, require
from locshare_ext.broker.log import GroupLog
from locshare_ext.errors import Conflict, InvalidInput, LocShareError, NotFound, SchemaTooNew, StoreError
from locshare_ext.model import wire
from locshare_ext.model.coarse import coarser
from locshare_ext.model.cursor import new_epoch
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold, group_slug, member_name, near_names
from locshare_ext.model.store import Appended, LogInfo, LogStore
from locshare_ext.services.admission import Admission, nothing_good
from locshare_ext.services.asides import Asides
from locshare_ext.services.batch import Batch, Stored
from locshare_ext.services.group import Companion, Group, GroupOptions
from locshare_ext.services.rates import Rates
from locshare_ext.services.settings import complete_settings

__all__ = ["Companion", "Group", "GroupOptions", "Groups"]


class Groups:
    """All groups of one server over one store; used on one event loop.

    clock: ms since 1970 UTC. rates: how fast who has an invite may send. on_open: called
    once, when the store is first asked.
    """

    def __init__(
        self,
        store: LogStore,
        *,
        clock: Callable[[], int],
        options: GroupOptions | None = None,
        rates: Rates | None = None,
        on_open: Callable[[], None] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.rates = rates or Rates()
        self.options = options or GroupOptions()
        self.asides = Asides(store, clock=clock, keep=self.options.set_aside)
        self.companions: list[Companion] = [self.asides]
        # told of a group that was opened, or whose settings changed
        self.on_settings: list[Callable[[Group], Awaitable[None]]] = []
        self._on_open = on_open
        self._open: dict[str, Group] = {}
        self._opening: dict[str, asyncio.Task[Group]] = {}

    @property
    def count(self) -> int:
        """How many groups are open in memory."""
        return len(self._open)

    def get(self, slug: str) -> Group | None:
        """Return a group that is open already; `slug` as `group_slug` returns it."""
        return self._open.get(slug)

    async def open(self, name: str) -> Group:
        """Return the group of this name; one that nobody has published to begins empty.

        Raises InvalidName, Conflict when there are too many, StoreError.
        """
        slug = group_slug(name)
        while (group := self._open.get(slug)) is None:
            task = self._opening.get(slug)
            if task is None:
                task = self._opening[slug] = asyncio.ensure_future(self._load(slug))
                task.add_done_callback(lambda _: self._opening.pop(slug, None))
            # shielded: others may wait for the same group when this caller is cancelled
            await asyncio.shield(task)
        if group.unsure is not None:
            return await self._opened_again(group)
        return group

    async def find(self, name: str) -> Group:
        """Return the group of this name if it exists, in the store or by what came to it.

        Raises NotFound with the near names in `details`.
        """
        slug = group_slug(name)
        group: Group | None = None
        with suppress(Conflict):  # no room is needed for a group that exists
            group = await self.open(slug)
        if group is not None and group.is_stored:
            return group
        known = {info.name: info for info in await self._logs()}
        if group is not None and slug in known:
            if known[slug].epoch == group.log.epoch:  # its first entry was stored since
                group.is_stored = True
                return group
            return await self._replaced(group)  # made by somebody else
        near = near_names(slug, known)
        hint = f"; near names: {', '.join(near)}" if near else ""
        raise NotFound(
            f"group {slug!r} does not exist{hint}",
            code="group_not_found",
            field="group",
            details={"near": near},
        )

    async def watched(self, name: str) -> Group:
        """Return the group for who watches: as `find`, and as `open` while the store cannot be asked.

        What comes then is kept nowhere, and seen all the same.
        """
        with suppress(Conflict):
            group = await self.open(name)
            if group.unsure is not None:
                return group
        return await self.find(name)

    async def obtain(self, title: str) -> Group:
        """Return the group of this name, made if it does not exist; see `create`."""
        with suppress(NotFound):
            return await self.find(title)
        try:
            return await self.create(title, {})
        except Conflict as error:
            if error.code != "group_exists":
                raise
        return await self.find(title)  # somebody was first

    async def all(self) -> list[Group]:
        """Return every group that exists, by name."""
        return [await self.open(info.name) for info in await self._logs()]

    async def create(self, title: str, settings: Mapping[str, Any]) -> Group:
        """Make a group before anything is published to it; raises Conflict if it exists."""
        slug = group_slug(title)
        group = await self.open(slug)
        if group.is_stored:
            raise Conflict(f"group {slug!r} exists", code="group_exists", field="group")
        chosen = {name: value for name, value in settings.items() if value is not None}
        chosen.setdefault("title", title.strip())
        await self.store.create_log(slug, kind="group", epoch=group.log.epoch, settings=chosen)
        group.is_stored = True
        await self._take_settings(group, chosen)
        return group

    async def update(self, group: Group, settings: Mapping[str, Any]) -> None:
        """Change some settings of a group that exists; None resets one."""
        info = await self.store.log(group.slug)
        merged = {**(info.settings if info is not None else {}), **settings}
        chosen = {name: value for name, value in merged.items() if value is not None}
        await self.store.update_settings(group.slug, chosen)
        await group.log.refresh()
        await self._take_settings(group, chosen)

    async def delete(self, group: Group) -> None:
        """Remove a group with all that was recorded of it; its readers are closed."""
        await self.store.delete_log(group.slug)
        self._open.pop(group.slug, None)
        for companion in self.companions:  # first: who is out because of it is told so
            companion.deleted(group.slug)
        group.log.close("the group was deleted")

    def member_of(self, group: Group, name: str) -> str:
        """Return a member's name as it was first written, a new one's as it is.

        Raises InvalidName, and Conflict when the group has no room for a new member.
        """
        known = group.names.get(fold(name))
        if known is not None:
            return known
        member = member_name(name)
        if len(group.names) >= self.options.members:
            raise Conflict(
                f"group {group.slug!r} has {self.options.members} members already",
                code="too_many_members",
                field="member",
            )
        return group.names.setdefault(fold(member), member)

    def admit(self, principal: Principal, group: Group, body: bytes) -> Batch:
        """Return the fixes of a body, each bound to the member that may send it.

        By an invite that expired not long ago only those measured before are taken. What
        comes by an invite counts for its rate, whatever becomes of it. Raises AccessDenied,
        InvalidInput when not one of them is good, TooLarge, and Conflict when the group has no
        room for a new member.
        """
        require(principal, group.slug, PUBLISH)
        try:
            decoded = wire.decode_fixes(body)
        except InvalidInput as error:
            self.asides.add(group, [self._rules(principal, group).refused(0, error, body)])
            raise
        batch = self.admit_decoded(principal, group, decoded, partial(wire.split, body))
        if batch.refused and not batch.fixes:
            self.asides.add(group, batch.refused)
            raise nothing_good(batch.refused)
        return batch

    def admit_decoded(
        self, principal: Principal, group: Group, decoded: wire.Decoded, raws: Callable[[], Sequence[bytes]]
    ) -> Batch:
        """Return the fixes of what was read by other rules than the wire's; raises AccessDenied.

        raws: gives what was sent, by place. That none of it is good is the caller's to judge.
        """
        require(principal, group.slug, PUBLISH)
        rules = self._rules(principal, group)
        if principal.kind == "invite":
            self.rates.spend(principal.id, max(1, len(decoded.fixes) + len(decoded.refused)))
        fixes, refused = rules.admit(decoded, raws)
        for fix in fixes:
            group.heard[fold(fix.member)] = fix.received
        return Batch(fixes, refused)

    def _rules(self, principal: Principal, group: Group) -> Admission:
        precision = coarser(group.settings["precision"], principal.precision)
        return Admission(principal, group.slug, self.clock(), partial(self.member_of, group), precision)

    async def append(self, group: Group, batch: Batch) -> Stored:
        """Store a batch, then tell the readers; raises StoreError when it could not be stored."""
        log = group.log
        drafts: Sequence[Fix | Event] = [*batch.fixes, *batch.events] if batch.events else batch.fixes
        if not drafts:
            self.asides.add(group, batch.refused)
            return Stored(0, 0, batch.refused, log.cursor(log.head))
        if group.unsure is not None:
            log.offer(batch.fixes)
            raise group.unsure
        appended = await log.append(drafts)
        group.is_stored = True
        self.asides.add(group, batch.refused)
        return self.stored(group, batch, appended)

    def append_all(
        self, group: Group, batches: Sequence[Batch]
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches that came together, at once; each has its own result, see `stored`."""
        if group.unsure is not None:
            group.log.offer([fix for batch in batches for fix in batch.fixes])
            refused: asyncio.Future[list[Appended | LocShareError]]
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(group.unsure)
            return refused
        future = group.log.append_all([batch.fixes for batch in batches])

        def note(done: asyncio.Future[list[Appended | LocShareError]]) -> None:
            if done.cancelled() or done.exception() is not None:
                return
            group.is_stored = True
            for batch, result in zip(batches, done.result(), strict=True):
                if isinstance(result, Appended):  # else it comes again
                    self.asides.add(group, batch.refused)

        if not group.is_stored or any(batch.refused for batch in batches):
            future.add_done_callback(note)
        return future

    def stored(self, group: Group, batch: Batch, appended: Appended) -> Stored:
        """Return what is answered for a batch."""
        cursor = group.log.cursor(appended.head)
        stored = len(appended.entries) - len(batch.events)
        return Stored(stored, appended.duplicates, batch.refused, cursor)

    async def publish(self, principal: Principal, name: str, body: bytes) -> Stored:
        """Store a body of one fix or an array of them; see `admit` and `append`.

        Raises TooFast for an invite that is over its rate.
        """
        if principal.kind == "invite":
            self.rates.check(principal.id)
        group = await self.open(name)
        return await self.append(group, self.admit(principal, group, body))

    async def note(self, group: Group, event: Event) -> Appended:
        """Put an event on a group's log."""
        return await group.log.append([event])

    async def close(self) -> None:
        """Close every group's readers; the store stays open, its owner closes it."""
        for task in list(self._opening.values()):
            task.cancel()
        await self.asides.settle()
        groups, self._open = list(self._open.values()), {}
        for group in groups:
            group.log.close("the server is stopping")

    async def _logs(self) -> list[LogInfo]:
        return [info for info in await self.store.logs() if info.kind == "group"]

    async def _load(self, slug: str) -> Group:
        if self._on_open is not None:
            self._on_open()
            self._on_open = None
        names: dict[str, str] = {}
        unsure: StoreError | None = None
        try:
            info = await self.store.log(slug)
            if info is not None:
                names = {fold(name): name for name in await self.store.counts(slug)}
        except SchemaTooNew:
            raise
        except StoreError as error:
            info, unsure = None, error  # whoever is here still sees what comes, marked volatile
        if info is None:
            self._make_room()
            info = LogInfo(slug, "group", new_epoch(), oldest=1, head=0, created=self.clock())
            is_stored = False
        else:
            is_stored = True
        log = GroupLog(info, self.store, length=self.options.log_length)
        settings = complete_settings(info.settings, slug)
        group = Group(slug, log, settings, is_stored, names, unsure=unsure)
        self._open[slug] = group
        for tell in self.on_settings:
            await tell(group)
        return group

    async def _take_settings(self, group: Group, chosen: Mapping[str, Any]) -> None:
        group.settings = complete_settings(chosen, group.slug)
        for tell in self.on_settings:
            await tell(group)

    async def _opened_again(self, group: Group) -> Group:
        """Return a group that was opened while the store failed, anew if that answers by now."""
        try:
            found = await self.store.log(group.slug)
        except SchemaTooNew:
            raise
        except StoreError as error:
            group.unsure = error
            return group
        if found is not None:
            return await self._replaced(group)
        group.unsure = None
        return group

    async def _replaced(self, group: Group) -> Group:
        """Return a group as the store has it; who reads of the one that was open reads anew."""
        if self._open.get(group.slug) is group:  # nobody was faster
            del self._open[group.slug]
            group.log.close("the store is back: subscribe again")
        return await self.open(group.slug)

    def _make_room(self) -> None:
        """Drop a group that exists nowhere and that nobody reads, when there are too many."""
        if len(self._open) < self.options.groups:
            return
        for slug, group in self._open.items():
            if not group.is_stored and not group.log.readers and not group.log.head:
                del self._open[slug]
                group.log.close("nobody used the group")  # who still holds it must open it again
                return
        raise Conflict(f"there are {self.options.groups} groups already", code="too_many_groups")
