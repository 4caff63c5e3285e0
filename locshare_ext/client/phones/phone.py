"""One emulated phone: what it has measured and not yet delivered, and when it tries again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from locshare_ext.client.phones.apps import App
from locshare_ext.client.phones.shapes import Handset, Measured, Reply, Request, Sending

__all__ = ["Counts", "Phone"]

TIMEOUT = 15_000  # ms until an app gives up waiting for an answer
NO_NETWORK = 1000  # ms until it has found that there is no network
_GONE = 410  # the invite has ended
_NEXT_FIX = 10_000  # ms to the next fix, for what waits for one and will see none


@dataclass(slots=True)
class Counts:
    """What became of fixes and requests, of one phone or of many.

    measured = delivered + replaced + given_up + waiting. replaced: by another fix of the same
    second, where an app keeps one. given_up: by the app's own rules. failed: requests that the
    server refused or that found no network; lost: on the way there or back.
    """

    measured: int = 0
    delivered: int = 0
    replaced: int = 0
    given_up: int = 0
    waiting: int = 0
    requests: int = 0
    lost: int = 0
    failed: int = 0

    def add(self, other: Counts) -> None:
        """Add those of another."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Phone:
    """An app on a phone, with its queue. Does no I/O and reads no clock: all moments are ms, handed in.

    member: whose it is on the server. clock_error: ms by which the phone's clock is ahead.
    """

    def __init__(self, app: App, handset: Handset, member: str, *, clock_error: int = 0) -> None:
        self.app = app
        self.handset = handset
        self.member = member
        self.counts = Counts()
        self._clock_error = clock_error
        self._rules = app.rules
        self._every = app.rules.every
        self._queue: deque[Measured] = deque()
        self._newest: Measured | None = None
        self._not_before = -math.inf
        self._failures = 0  # in a row
        self._is_ending = False
        self._sent = 0  # fixes of the request that is under way

    @property
    def waiting(self) -> int:
        """How many fixes are queued."""
        return len(self._queue)

    def measure(self, fix: Mapping[str, Any], now: float, *, is_offline: bool = False) -> None:
        """Queue a fix, with the fields of a published one; its `time` is the true one."""
        known = {name: fix.get(name) for name in ("altitude", "accuracy", "speed", "heading", "battery")}
        measured = Measured(
            fix["time"] + self._clock_error, fix["lat"], fix["lon"], **known, is_offline=is_offline
        )
        self.counts.measured += 1
        if self._rules.one_a_second and self._is_same_second(measured):
            self._queue[-1] = measured
            self.counts.replaced += 1
        else:
            self._queue.append(measured)
        self._newest = measured
        if len(self._queue) > self._rules.capacity and not self._sent:
            self._let_go(1)
        if math.isinf(self._not_before) and self._not_before > 0:
            self._not_before = now

    def next_at(self) -> float:
        """Return when it wants to send, inf for never: -inf and the past mean now."""
        enough = 1 if self._is_ending else self._rules.least
        return self._not_before if len(self._queue) >= enough and not self._sent else math.inf

    def request(self, now: int) -> Request | None:
        """Return what it sends now; None when by now there is nothing to send.

        `answered` must follow before the next.
        """
        self._forget_old(now)
        if not self._queue or self._newest is None:
            return None
        fixes = [self._queue[at] for at in range(min(len(self._queue), self._rules.batch))]
        self._sent = len(fixes)
        sending = Sending(self.handset, fixes, now + self._clock_error, len(self._queue), self._newest)
        return self.app.encode(sending)

    def answered(self, now: float, reply: Reply | None) -> None:
        """Take an answer, None if there was none."""
        sent, self._sent = self._sent, 0
        rules = self._rules
        if reply is not None and rules.is_taken(reply):
            self._drop(sent)
            self.counts.delivered += sent
            self._failures = 0
            every = rules.interval(reply)
            self._every = self._every if every is None else every
            # a full batch is followed by the next at once
            self._not_before = now if len(self._queue) >= rules.batch > 1 else now + self._every * 1000
            return
        self._failures += 1
        is_over = rules.tries is not None and self._failures >= rules.tries
        if is_over or (reply is not None and rules.deletes(reply)):
            self._let_go(sent)
            self._failures = 0
            self._not_before = now
        else:
            self._not_before = now + self._pause()
        if self._is_ending and reply is not None and reply.status == _GONE:
            self._let_go(len(self._queue))  # the app would go on for ever; its person sees that it is over

    def missed(self, now: float, true_now: int) -> None:
        """Take it that there was no network to send by."""
        self._forget_old(true_now)
        self.counts.failed += 1
        self.answered(now + NO_NETWORK, None)

    def finish(self, now: float) -> None:
        """Send the rest: no fix will come any more."""
        self._is_ending = True
        if self._not_before == math.inf:
            self._not_before = now

    def tally(self) -> Counts:
        """Return the counts as they are now."""
        return replace(self.counts, waiting=len(self._queue))

    def _pause(self) -> float:
        rules = self._rules
        if rules.pause is None:
            return _NEXT_FIX if self._is_ending else math.inf
        return min(rules.pause * 2.0 ** min(self._failures - 1, 30), rules.longest) * 1000

    def _is_same_second(self, measured: Measured) -> bool:
        """Whether the last queued fix, unless it is being sent, is of the same second."""
        return len(self._queue) > self._sent and self._queue[-1].seconds == measured.seconds

    def _forget_old(self, now: int) -> None:
        if self._rules.oldest is None:
            return
        horizon = now + self._clock_error - self._rules.oldest * 1000
        while self._queue and self._queue[0].time < horizon:
            self._let_go(1)

    def _let_go(self, count: int) -> None:
        self._drop(count)
        self.counts.given_up += count

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()
