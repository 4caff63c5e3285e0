"""Rules that a group keeps, held to all that comes to it; what they tell goes onto its log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from locshare_ext.alerts import Alert, Rule, Watch, rule_from_json
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.store import Selection
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.rates import Rates

__all__ = ["AlertOptions", "Alerts"]

LAG = 1000  # ms by which time alone is behind, so that it does not overtake a fix under way
SHORTEST = 0.25  # s between two looks at who is silent
AT_ONCE = 16 << 10  # bytes of entries held to the rules before the loop goes on
PAGE = 1000  # events looked at for one that speaks of a member


@dataclass(frozen=True, slots=True)
class AlertOptions:
    """How many alerts of one rule go onto a log: rate: a second for long; burst: at once."""

    rate: float = 0.5
    burst: int = 100


class Alerts:
    """The rules of all groups of one server; a companion of groups.

    A group without rules costs nothing, one with them is one more reader of its log. They begin
    quietly: where everybody is when rules are set, or when a server starts, sets off nothing.
    """

    def __init__(
        self,
        groups: Groups,
        *,
        log: logging.Logger | logging.LoggerAdapter[Any],
        options: AlertOptions | None = None,
    ) -> None:
        self.options = options or AlertOptions()
        self._groups, self._log = groups, log
        self._guards: dict[str, _Guard] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        groups.companions.append(self)
        groups.on_settings.append(self._set)

    async def resume(self) -> None:
        """Begin to hold the rules of the groups that the store has; raises StoreError."""
        for info in await self._groups.store.logs():
            if info.kind == "group" and info.settings.get("alerts"):
                with suppress(LocShareError):
                    await self._groups.open(info.name)

    async def close(self) -> None:
        """Hold nothing any more."""
        tasks = [task for guard in self._guards.values() if (task := guard.stop()) is not None]
        self._guards.clear()
        for task in self._tasks:
            task.cancel()
        if tasks := [*tasks, *self._tasks]:
            await asyncio.wait(tasks)

    # -- as a companion of groups

    async def knows(self, group: Group, member: str) -> bool:
        """Whether it has something of a member: nothing that the log does not have."""
        return False

    async def forgetting(self, group: Group, member: str) -> None:
        """Let go of a member, of what was told of others with it, and of its name in rules."""
        guard = self._guards.get(group.slug)
        if guard is not None:
            await guard.forget(member)
        await self._remove_told(group, {fold(member)}, is_own=False)  # its own go with its fixes
        await self._name_anew(group, member, None)

    def renamed(self, group: Group, member: str, name: str) -> None:
        """Begin anew with the new name; what was told with the old one goes."""
        if not group.settings["alerts"] and group.slug not in self._guards:
            return

        async def follow() -> None:
            try:
                await self._remove_told(group, {fold(member), fold(name)}, is_own=True)
                await self._name_anew(group, member, name)
            except LocShareError as error:
                self._log.warning("alerts of a member who was renamed: %s", error.message)
            if (guard := self._guards.get(group.slug)) is not None:
                guard.begin_anew()

        task = asyncio.ensure_future(follow())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def deleted(self, slug: str) -> None:
        """A group is gone: its log closes its guard."""

    # -- inside

    async def _set(self, group: Group) -> None:
        """Hold what a group's settings say now; what comes after this is held to it."""
        rules = []
        for said in group.settings["alerts"]:
            try:
                rules.append(rule_from_json(said))
            except InvalidInput as error:  # of another version
                self._log.warning("a rule of group %s is left out: %s", group.slug, error.message)
        guard = self._guards.get(group.slug)
        if guard is not None and (guard.group is not group or not rules):
            guard.stop()
            del self._guards[group.slug]
            guard = None
        if guard is None and rules:
            guard = self._guards[group.slug] = _Guard(group, self._groups.clock, self.options, self._log)
        if guard is not None:
            guard.set_rules(rules)
            with suppress(LocShareError):  # it is tried again with the next entry
                await guard.ready()

    async def _remove_told(self, group: Group, names: set[str], *, is_own: bool) -> None:
        """Remove the alerts of others that speak of somebody; is_own: and their own."""
        after = 0
        while True:
            store = self._groups.store
            page = await store.events(group.slug, Selection(after=after), kind="alert", limit=PAGE)
            for entry in page:
                if isinstance(entry.item, Event) and _speaks_of(entry.item, is_own) & names:
                    await group.log.remove_event(entry.offset)
            if len(page) < PAGE:
                return
            after = page[-1].offset

    async def _name_anew(self, group: Group, member: str, name: str | None) -> None:
        """Put another name in the place of a member's in a group's rules; None: none at all."""
        before: Sequence[Mapping[str, Any]] = group.settings["alerts"]
        rules = [rule for said in before if (rule := _named_anew(said, member, name)) is not None]
        if rules != list(before):
            await self._groups.update(group, {"alerts": rules})


class _Guard:
    """Holds the rules of one group: a reader of its log, whose place is all that waits."""

    def __init__(
        self,
        group: Group,
        clock: Any,
        options: AlertOptions,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self.group = group
        self._clock, self._log = clock, log
        self._watch = Watch()
        self._offset = 0
        self._is_begun = group.log.head == 0  # nobody is anywhere
        self._is_over = False
        self._beginning = asyncio.Lock()
        self._rates = Rates(options.rate, options.burst)
        self._left_out: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[Any] | None = None
        with suppress(LocShareError):  # it was closed just now
            group.log.attach(self)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Hold these; those that were held before go on as they are."""
        wanted = {rule.name: rule for rule in rules}
        for rule in self._watch.rules:
            if wanted.get(rule.name) != rule:
                self._watch.remove(rule.name)
        held = {rule.name for rule in self._watch.rules}
        for rule in wanted.values():
            if rule.name not in held:
                self._watch.add(rule)
        self._go()

    async def forget(self, member: str) -> None:
        """Tell nothing of a member any more; returns when what was told is on the log."""
        self._watch.forget(member)
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def ready(self) -> None:
        """Take everybody to be where the log says, if that is not known; raises StoreError."""
        log = self.group.log
        async with self._beginning:
            if self._is_begun:
                return
            newest = await log.newest()
            self._offset = log.head  # nothing has come in between: that was all of one turn
            fixes = [entry.item for entry in newest if isinstance(entry.item, Fix)]
            self._watch.begin(fixes, moment=self._clock() - LAG)
            self._is_begun = True

    def begin_anew(self) -> None:
        """Take everybody to be where the log says, before the next entry."""
        self._is_begun = False
        self._go()

    def stop(self) -> asyncio.Task[None] | None:
        """End it; returns what is to be waited for."""
        self._is_over = True
        self.group.log.detach(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None and not self._task.done():
            self._task.cancel()
            return self._task
        return None

    # -- as a reader

    def wake(self) -> None:
        """Take what is there."""
        self._go()

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Do nothing: what could not be stored could set off nothing that is stored."""

    def close(self, reason: str) -> None:
        """End with the log."""
        self.stop()

    # -- inside

    def _go(self) -> None:
        if not self._is_over and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        """Go on to the head of the log; what comes meanwhile is taken, too."""
        log = self.group.log
        try:
            while not self._is_begun or self._offset < log.head:
                if self._is_begun:
                    await self._take_some()
                else:
                    await self.ready()
            await self._tell(self._watch.advance(self._clock() - LAG))
        except LocShareError as error:  # what was not told is lost; the log knows where everybody is
            self._is_begun = False
            self._log.debug("alerts of group %s: %s", self.group.slug, error.message)
            return
        except Exception:
            self._is_begun = False
            self._log.exception("alerts of group %s failed", self.group.slug)
            return
        self._set_timer()

    async def _take_some(self) -> None:
        log = self.group.log
        entries: Sequence[LogEntry] | None = log.tail(self._offset, AT_ONCE)
        if entries is None:
            entries = await log.read(self._offset, PAGE, AT_ONCE)
        if not entries:  # they were removed
            self._offset = log.head
            return
        alerts: list[Alert] = []
        for entry in entries:
            if isinstance(entry.item, Fix):
                alerts += self._watch.see(entry.item)
        self._offset = entries[-1].offset
        await self._tell(alerts)
        await asyncio.sleep(0)  # the others' turn

    async def _tell(self, alerts: Sequence[Alert]) -> None:
        """Put alerts onto the log, of each rule as many as its rate allows; raises StoreError."""
        now = self._clock()
        events: list[Event] = []
        for alert in alerts:
            if self._rates.wait(alert.rule):
                self._left_out[alert.rule] = self._left_out.get(alert.rule, 0) + 1
                continue
            self._rates.spend(alert.rule, 1)
            if left := self._left_out.pop(alert.rule, 0):
                events.append(_left_out(alert.rule, left, now))
            events.append(
                Event(
                    kind="alert",
                    time=alert.time,
                    received=now,
                    member=alert.member,
                    text=alert.text,
                    data=alert.data(),
                )
            )
        if not events:
            return
        self._writing = asyncio.ensure_future(self.group.log.append(events))
        try:
            await self._writing
        finally:
            self._writing = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._watch.due()
        if due is not None and not self._is_over:
            delay = max(SHORTEST, (due + LAG - self._clock()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(delay, self._go)


def _left_out(rule: str, count: int, now: int) -> Event:
    what = "1 alert" if count == 1 else f"{count} alerts"
    return Event(
        kind="alert",
        time=now,
        received=now,
        text=f"{what} of {rule} left out: too many",
        data={"rule": rule, "alert": "left_out", "value": float(count)},
    )


def _speaks_of(event: Event, is_own: bool) -> set[str]:
    other = (event.data or {}).get("other")
    return {fold(name) for name in (event.member if is_own else None, other) if isinstance(name, str)}


def _named_anew(said: Mapping[str, Any], member: str, name: str | None) -> Mapping[str, Any] | None:
    """Return a rule with another name for a member; None for one that is about nobody else."""
    folded = fold(member)
    changed = dict(said)
    if "of" in said and fold(said["of"]) == folded:
        if name is None:
            return None
        changed["of"] = name
    if "members" in said:
        others = [one for one in said["members"] if fold(one) != folded]
        if len(others) < len(said["members"]):
            changed["members"] = sorted([*others, *([] if name is None else [name])])
            if not changed["members"]:
                return None
    return changed
