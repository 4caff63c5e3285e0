"""Many emulated phones against one server: who sends when, and what became of it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from locshare_ext.client.phones.clock import Clock
from locshare_ext.client.phones.network import Network
from locshare_ext.client.phones.phone import TIMEOUT, Counts, Phone
from locshare_ext.client.phones.shapes import Reply, Request
from locshare_ext.errors import LocShareError

__all__ = ["Carried", "Fleet", "Send", "Trouble"]

Send = Callable[[str, Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Carried:
    """A phone with its network and the invite that its app was set up with."""

    phone: Phone
    network: Network
    invite: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """The first time that an app is refused so, or cannot reach the server."""

    phone: Phone
    reply: Reply | None
    error: LocShareError | None


class Fleet:
    """Runs phones; used once, on one loop.

    carried: whose phone is whose, by member. send: makes one request with an invite, and raises
    LocShareError when there is no answer. on_trouble: told once for each app and status; what it
    raises ends the run.
    """

    def __init__(
        self,
        carried: Mapping[str, Carried],
        send: Send,
        clock: Clock,
        *,
        on_trouble: Callable[[Trouble], None] = lambda trouble: None,
    ) -> None:
        self._carried = carried
        self._send = send
        self._clock = clock
        self._on_trouble = on_trouble
        self._changed = asyncio.Event()
        self._heap: list[tuple[float, int, Carried]] = []
        self._order = itertools.count()
        self._planned: dict[str, float] = {}
        self._flying: set[asyncio.Task[None]] = set()
        self._told: set[tuple[str, int | str]] = set()
        self._error: BaseException | None = None

    def counts(self) -> Counts:
        """Return what became of everything until now."""
        total = Counts()
        for one in self._carried.values():
            total.add(one.phone.tally())
        return total

    async def run(self, timed: Iterable[tuple[int, Mapping[str, Any]]]) -> Counts:
        """Have each fix measured when it is due, and return when all queues are empty.

        timed: (ms on the clock, fix with its member and true time), ascending; may be endless.
        """
        upcoming = iter(timed)
        following = next(upcoming, None)
        try:
            while self._error is None:
                self._changed.clear()
                if following is not None:
                    following = self._measure(following, upcoming)
                    if following is None:
                        self._finish()
                moment = min(self._start_due(), math.inf if following is None else following[0])
                if self._flying and (self._clock.stands or math.isinf(moment)):
                    await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
                elif math.isinf(moment):
                    break
                else:
                    await self._clock.reach(moment, self._changed)
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
        if self._error is not None:
            raise self._error
        return self.counts()

    def _measure(
        self, following: tuple[int, Mapping[str, Any]], upcoming: Iterator[tuple[int, Mapping[str, Any]]]
    ) -> tuple[int, Mapping[str, Any]] | None:
        """Hand out all fixes that are due; returns the first that is not."""
        now = self._clock.now()
        due: tuple[int, Mapping[str, Any]] | None = following
        while due is not None and due[0] <= now:
            moment, fix = due
            one = self._carried[fix["member"]]
            moved = {**fix, "time": self._clock.true_time(fix["time"])}
            one.phone.measure(moved, moment, is_offline=not one.network.is_there(moment))
            self._plan(one)
            due = next(upcoming, None)
        return due

    def _finish(self) -> None:
        for one in self._carried.values():
            one.phone.finish(self._clock.now())
            self._plan(one)

    def _plan(self, one: Carried) -> None:
        """Have a phone's turn come when it wants to send, if that is before the turn it has."""
        at = one.phone.next_at()
        if at < self._planned.get(one.phone.member, math.inf):
            self._planned[one.phone.member] = at
            heapq.heappush(self._heap, (at, next(self._order), one))

    def _start_due(self) -> float:
        """Begin what is due; returns when the next will be."""
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            at, _, one = heapq.heappop(self._heap)
            if self._planned.get(one.phone.member) != at:
                continue  # another turn of it came first
            del self._planned[one.phone.member]
            wanted = one.phone.next_at()
            if wanted > now:
                self._plan(one)
            else:
                self._turn(one, now)
        return self._heap[0][0] if self._heap else math.inf

    def _turn(self, one: Carried, now: float) -> None:
        back = one.network.back_at(now)
        if back > now and one.phone.app.rules.is_patient:
            self._planned[one.phone.member] = back
            heapq.heappush(self._heap, (back, next(self._order), one))
            return
        if back > now:
            one.phone.missed(now, self._clock.true_time(now))
            self._plan(one)
            return
        request = one.phone.request(self._clock.true_time(now))
        if request is None:
            self._plan(one)
            return
        one.phone.counts.requests += 1
        fate = one.network.fate()
        if fate == "lost":
            self._lose(one, now)
            return
        task = asyncio.create_task(self._ask(one, request, is_answered=fate == "through"))
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _lose(self, one: Carried, now: float) -> None:
        one.phone.counts.lost += 1
        one.phone.answered(now + TIMEOUT, None)
        self._plan(one)

    async def _ask(self, one: Carried, request: Request, *, is_answered: bool) -> None:
        try:
            reply = await self._send(one.invite, request)
        except LocShareError as error:
            self._tell(Trouble(one.phone, None, error))
            one.phone.counts.failed += 1
            one.phone.answered(self._clock.now(), None)
            self._plan(one)
            return
        if not one.phone.app.rules.is_taken(reply):
            self._tell(Trouble(one.phone, reply, None))
            one.phone.counts.failed += 1
        now = self._clock.now()
        if is_answered:
            one.phone.answered(now, reply)
            self._plan(one)
        else:
            self._lose(one, now)

    def _tell(self, trouble: Trouble) -> None:
        kind = "unreachable" if trouble.reply is None else trouble.reply.status
        key = (trouble.phone.app.name, kind)
        if key not in self._told:
            self._told.add(key)
            self._on_trouble(trouble)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
        self._changed.set()
