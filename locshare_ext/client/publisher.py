"""Publishing as a phone does, over STOMP or where that is blocked by POST, until it is stored."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from locshare_ext.client.discovery import Server
from locshare_ext.client.endings import judge, silence_of
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.ladder import AUTO, Ladder, Rules
from locshare_ext.client.lives import Life
from locshare_ext.client.lookout import Lookout, Proof, trial_of
from locshare_ext.client.senders import PostSender, Sender, StompSender
from locshare_ext.errors import LocShareError, ServerNotFound, ServerUnreachable, Unavailable
from locshare_ext.model.names import group_slug
from locshare_ext.model.wire import MAX_FIXES
from locshare_ext.transports import Published

__all__ = ["Publisher"]

BACK_OFF = (0.25, 10.0)  # s: the first pause between two attempts to connect, the longest
_PASSING = (ServerUnreachable, ServerNotFound, Unavailable)  # another attempt may succeed

log = logging.getLogger("locshare_ext.client")


class Publisher:
    """Publishes fixes to one group, again and again until they are stored.

    locate: finds the server. transport: `stomp`; any other that one may watch by means POST; `auto`
    begins with STOMP and goes by the rules of `ladder`. Use it from one thread; `close` may come
    from any.
    """

    def __init__(
        self, locate: Callable[[], Server], group: str, *, transport: str = AUTO, rules: Rules | None = None
    ) -> None:
        self._locate = locate
        self._group = group_slug(group)
        rungs = {AUTO: ("stomp", "post"), "stomp": ("stomp",)}.get(transport, ("post",))
        self._ladder = Ladder(rungs, rules)
        patience = self._ladder.rules.patience
        self._senders: dict[str, Sender] = {
            "stomp": StompSender(locate, self._group, patience),
            "post": PostSender(self._opened, self._group),
        }
        self._api: Api | None = None
        self._lookout: Lookout | None = None
        self._used = rungs[0]
        self._closed = threading.Event()

    @property
    def transport(self) -> str:
        """What it publishes by now, `stomp` or `post`."""
        return self._ladder.rung

    def publish(self, fixes: Sequence[Mapping[str, Any]]) -> Published:
        """Publish fixes; returns what became of them, once the server has stored them.

        What was sent when a connection was lost is sent again: the server keeps it once, and
        counts it as a duplicate then. Returns early when closed. Raises what the server says of
        a body without one good fix, and when it refuses the credential.
        """
        total = Published(0, 0, 0, None)
        for start in range(0, len(fixes), MAX_FIXES):
            body = msgspec.json.encode(fixes[start : start + MAX_FIXES])
            done = self._publish_body(body)
            if done is None:
                break
            total = _sum(total, done, start)
        return total

    def close(self) -> None:
        """End the connection; a `publish` that waits returns."""
        self._closed.set()
        lookout = self._lookout
        if lookout is not None:
            lookout.close()
        for sender in self._senders.values():
            sender.close()
        if self._api is not None:
            self._api.close()

    def _publish_body(self, body: bytes) -> Published | None:
        pause = BACK_OFF[0]
        ladder = self._ladder
        while not self._closed.is_set():
            self._climb()
            sender = self._senders[ladder.rung]
            try:
                if sender.connect():
                    ladder.lived(time.monotonic())
                done = sender.send(body)
            except LocShareError as error:
                self._end_lookout()
                if self._closed.is_set():
                    break
                if not self._falls(error, sender.ended_at):
                    self._closed.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
                    pause = min(2 * pause, BACK_OFF[1])
            else:
                self._note_success()
                return done
        return None

    def _falls(self, error: LocShareError, ended_at: float) -> bool:
        """Have the ladder judge an error; returns whether another way is to be tried at once.

        Raises what will not pass.
        """
        ending = judge(error, was_live=self._ladder.is_live, ask=self._ask)
        if self._ladder.ended(ending, ended_at - silence_of(error), error.message):
            return True
        if not isinstance(error, _PASSING):
            raise error
        return False

    def _note_success(self) -> None:
        """Log what is used when that has changed, and have STOMP tried beside POST."""
        ladder = self._ladder
        if not ladder.is_live:
            ladder.lived(time.monotonic())
        if ladder.rung != self._used:
            self._used = ladder.rung
            why = f"; {ladder.reason}: {ladder.detail}" if ladder.reason else ""
            log.info("%s is published to over %s%s", self._group, ladder.rung, why)
        if self._lookout is None and ladder.look_at is not None:
            self._lookout = Lookout(ladder, self._trial, lambda: None, f"publish-{self._group}")
            if self._closed.is_set():
                self._lookout.close()

    def _climb(self) -> None:
        """Go back to STOMP when it has been seen to get through."""
        if self._lookout is not None and self._lookout.passed is not None:
            self._end_lookout()
            self._ladder.passed("stomp", time.monotonic())

    def _trial(self, rung: str, proof: Proof) -> Life:
        return trial_of(rung, self._locate(), self._group, proof, self._ladder.rules.patience)

    def _end_lookout(self) -> None:
        lookout, self._lookout = self._lookout, None
        if lookout is not None:
            lookout.close()

    def _ask(self) -> None:
        self._opened().get(path_of("me"), timeout=self._ladder.rules.patience)

    def _opened(self) -> Api:
        if self._api is None:
            self._api = Api(self._locate)
        return self._api


def _sum(one: Published, more: Published, start: int) -> Published:
    """Return both together; start: the index of the first fix of `more`."""
    reasons = [replace(reason, index=start + reason.index) for reason in more.reasons]
    return Published(
        one.stored + more.stored,
        one.duplicates + more.duplicates,
        one.set_aside + more.set_aside,
        more.cursor or one.cursor,
        (*one.reasons, *reasons),
    )
