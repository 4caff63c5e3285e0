"""What comes live of one group: a thread that connects, resumes, and never gives up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from locshare_ext.alerts import Silence
from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import FixColumns, batch_from_table
from locshare_ext.client.endings import judge, silence_of
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.incoming import seq_of
from locshare_ext.client.intake import LAG, Intake
from locshare_ext.client.ladder import AUTO, RUNGS, Ending, Ladder, Rules
from locshare_ext.client.lives import WAIT, Life, open_life
from locshare_ext.client.lookout import Lookout, Proof, trial_of
from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.client.statuses import Statuses
from locshare_ext.client.ticking import Ticker
from locshare_ext.client.times import now_ms
from locshare_ext.errors import LocShareError, NotFound
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix
from locshare_ext.transports.refusals import is_final

__all__ = ["Feed"]

HISTORY = 100_000  # fixes fetched when it starts
SHORTEST_WAIT = 1.0  # s of a long poll, when longer ones are cut
FIRST_DELAY, LONGEST_DELAY = 0.25, 15.0  # s between two attempts to connect

log = logging.getLogger("locshare_ext.client")


class Feed:
    """One group's fixes, live, on one connection and one daemon thread.

    Starts with the newest part of the group's history and goes on at the cursor where
    that ended; after a loss, and from one transport to another, it goes on at the cursor of what
    was read last, so there is neither hole nor duplicate. Methods may be called from any thread.

    transport: one of `RUNGS` to keep to, else what the rules of `ladder` choose.
    """

    _rungs: Sequence[str] = RUNGS

    def __init__(self, group: str, api: Api, *, transport: str = AUTO, rules: Rules | None = None) -> None:
        self.group = group
        self.api = api
        self._statuses = Statuses(group, partial(api.get, path_of("health")))
        self._intake = Intake(self._statuses.tell_fixes)
        self._ticker = Ticker(f"locshare-alerts-{group}", self._tick, self._is_ticking)
        self._intake.callbacks.watching.on_rules = self._ticker.look
        self._rules = rules
        self._transport = transport
        self._ladder = self._new_ladder()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._settled = threading.Event()
        self._thread: threading.Thread | None = None
        self._life: Life | None = None
        self._lookout: Lookout | None = None
        self._was_live = False  # whether the life that is, or was last, has had its hello
        self._last_rung = RUNGS[0]  # that was live
        self._wait = WAIT  # s of a long poll
        self._live_since = 0.0
        self._has_history = False
        self._is_refused = False

    # what others call

    @property
    def columns(self) -> FixColumns:
        """The fixes that are kept."""
        return self._intake.columns

    @property
    def callbacks(self) -> Callbacks:
        """What is called with each fix."""
        return self._intake.callbacks

    @property
    def status(self) -> SourceStatus:
        """How the feed is now."""
        return self._statuses.now

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, for good."""
        return self._closing.is_set()

    @property
    def is_refused(self) -> bool:
        """Whether it ended because the server refuses its credential; `status` says why."""
        return self._is_refused

    @property
    def is_idle(self) -> bool:
        """Whether nobody is called when something comes."""
        return not self.callbacks and not self._statuses.has_listeners

    @property
    def clock(self) -> int:
        """The moment, in ms, of what is seen: in a callback that of its fix, else now."""
        seen = self._intake.seen
        return seen if seen is not None and self._is_own_turn() else now_ms()

    def start(self) -> None:
        """Begin to connect, once; returns at once."""
        with self._lock:
            if self._thread is not None or self._closing.is_set():
                return
            self._thread = threading.Thread(target=self._run, name=f"locshare-feed-{self.group}", daemon=True)
            self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until the first attempt to connect has ended, well or not; seconds."""
        return threading.current_thread() is self._thread or self._settled.wait(timeout)

    def keep_to(self, transport: str) -> None:
        """Use this transport from now on, one of `RUNGS`, or `auto`: what is live goes over to it."""
        with self._lock:
            if transport == self._transport:
                return
            self._transport = transport
            self._ladder = self._new_ladder()
            life = self._life
        if life is not None:
            life.abort()

    def listen(
        self,
        on_fixes: Callable[[FixBatch], None],
        on_status: Callable[[SourceStatus], None],
        on_event: Callable[[], None] | None = None,
    ) -> Callable[[], None]:
        """Follow the feed, see `TrailSource.listen`; on_event: see `Live.listen_events`."""
        stop = self._statuses.listen(on_fixes, on_status, on_event)
        self.start()
        return stop

    def forget(self, member: str) -> None:
        """Let a member's fixes go from what is kept here, and from what listeners have."""
        self._intake.forget(member)

    def rename(self, member: str, name: str) -> None:
        """Let a member's fixes be under another name in what is kept here, and in what listeners have."""
        self._intake.rename(member, name)

    def close(self, timeout: float = 5.0) -> None:
        """End the connection and the thread; waits for it up to `timeout` seconds."""
        with self._lock:
            self._closing.set()
            life, thread = self._life, self._thread
        if life is not None:
            life.abort()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        self._ticker.close(timeout)
        self._settled.set()
        if not self._is_refused:
            self._statuses.close("Closed; Group(...) opens it again.")
        self.callbacks.clear()
        self._statuses.let_go()

    # the thread

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            ladder, self._was_live = self._ladder, False
            try:
                error: LocShareError | None = None
                self._live(ladder)
            except LocShareError as caught:
                error = caught
            except Exception as caught:  # the thread's top: a bug of ours must not end the feed
                log.exception("the feed of %s failed", self.group)
                error = LocShareError(f"{type(caught).__name__}: {caught}")
            if self._closing.is_set():
                break
            if self._was_live:
                attempt = 0
            if error is None or self._takes_it(error, ladder):
                continue  # on another rung
            if self._is_refused:
                break
            self._statuses.go_offline(error)
            self._settled.set()
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
            attempt += 1
            self._closing.wait(delay)

    def _takes_it(self, error: LocShareError, ladder: Ladder) -> bool:
        """Have the ladder judge an error; returns whether to go on at once. Ends the feed if it is final."""
        ending = Ending.UNREACHED  # until there is a history no rung was tried
        if self._has_history:
            try:
                ending = judge(error, was_live=ladder.is_live, ask=self._ask)
            except LocShareError as refusal:
                error, ending = refusal, Ending.SAID
        if is_final(error) and not self.api.server.is_of_kernel:  # a kernel's is looked up anew
            self._is_refused = True
            self._statuses.close(error.message, error.code)
            self._settled.set()
            return False
        if ending is Ending.CUT and ladder.rung == "long polling":
            # something between does not wait as long as we do
            self._wait = max(SHORTEST_WAIT, min(self._wait, time.monotonic() - self._live_since) / 2)
        return ladder.ended(ending, time.monotonic() - silence_of(error), error.message)

    def _ask(self) -> None:
        self.api.get(path_of("me"), timeout=self._ladder.rules.patience)

    def _live(self, ladder: Ladder) -> None:
        """Follow the group until the connection ends; raises what ended it, nothing for another rung."""
        server = self.api.relocate()
        if not self._has_history:
            self._load_history()
        patience = ladder.rules.patience
        life = open_life(ladder.rung, server, self.group, self, patience, self._wait)
        with self._lock:
            if self._closing.is_set() or ladder is not self._ladder:
                return
            self._life = life
        try:
            life.run()
        finally:
            with self._lock:
                lookout, self._life, self._lookout = self._lookout, None, None
            if lookout is not None:
                lookout.close()
        if lookout is not None and lookout.passed is not None:
            ladder.passed(lookout.passed, time.monotonic())

    def _look_up(self, ladder: Ladder) -> None:
        """Have higher rungs tried beside the life that is, if there are any."""
        if ladder.look_at is None:
            return
        server, patience = self.api.server, ladder.rules.patience

        def trial(rung: str, proof: Proof) -> Life:
            return trial_of(rung, server, self.group, proof, patience)

        with self._lock:
            if self._lookout is None and self._life is not None and not self._closing.is_set():
                self._lookout = Lookout(ladder, trial, self._life.abort, self.group)

    def _load_history(self) -> None:
        """Take the newest part of what is stored, and the place where it ends."""
        try:
            about = self.api.get(path_of("groups", self.group))
        except NotFound as error:
            if error.code != "group_not_found":
                raise
            self._statuses.is_unknown(error)
            self._has_history = True
            return  # from the start then: who comes first is not missed
        end = Cursor.parse(about["cursor"])
        after = max(0, end.offset - HISTORY)
        params = {"after": str(Cursor(end.epoch, after)), "upto": str(end)}
        table, _ = self.api.table(path_of("groups", self.group, "trails"), params)
        older = [msgspec.convert(one["fix"], Fix) for one in about["members"]] if after else []
        # whoever has been silent for long is still somewhere
        older = sorted((fix for fix in older if seq_of(fix) <= after), key=seq_of)
        self._intake.load(older, batch_from_table(table), end)
        self._statuses.is_known()
        self._has_history = True

    def _is_own_turn(self) -> bool:
        """Whether callbacks run on this thread: the one that reads, or the one of time alone."""
        return threading.current_thread() is self._thread or self.callbacks.watching.is_own_turn

    # rules

    def _is_ticking(self) -> bool:
        """Whether there are rules that time alone may set off."""
        rules = self.callbacks.watching.rules
        return not self._is_refused and any(isinstance(rule, Silence) for rule in rules)

    def _tick(self) -> None:
        """Tell of who is silent; not while what comes may still be on its way."""
        if self._is_followed():
            self._intake.advance(self._intake.moment)

    def _is_followed(self) -> bool:
        is_new = time.monotonic() - self._live_since < 2 * LAG / 1000
        return self._was_live and not is_new and self._life is not None

    def _new_ladder(self) -> Ladder:
        return Ladder(self._rungs if self._transport == AUTO else (self._transport,), self._rules)

    # what a life calls, on the thread

    def place(self) -> str:
        """Return where to go on."""
        return self._intake.place()

    def on_hello(self, cursor: str | None) -> None:
        """Take the place where a life begins; after a gap, what was known may be void."""
        self._intake.begin(cursor)
        self._was_live = True
        self._live_since = time.monotonic()
        self._ladder.lived(self._live_since)
        self._go_live()
        self._statuses.tell_event()  # there may have been one meanwhile

    def on_fixes(self, body: bytes, read: str | None) -> None:
        """Take new fixes: into the columns, to the listeners, to the callbacks."""
        if self._statuses.now.state != "live" and not self._closing.is_set():
            self._statuses.is_known()
            self._go_live()
        self._intake.take(body, read)

    def on_event(self) -> None:
        """Tell those who look for events that there is one."""
        self._statuses.tell_event()

    def on_mark(self, said: Mapping[str, Any], read: str | None) -> None:
        """Do nothing: only a replay says such things."""

    def on_unknown(self, error: NotFound) -> None:
        """Say so until the group begins, and keep nothing of one that was deleted."""
        self._intake.void()
        self._statuses.is_unknown(error)
        self._go_live()

    def _go_live(self) -> None:
        ladder = self._ladder
        if self._was_live and ladder.rung != self._last_rung:
            self._last_rung = ladder.rung
            why = f"; {ladder.reason}: {ladder.detail}" if ladder.reason else ""
            log.info("%s is watched over %s%s", self.group, ladder.rung, why)
        self._statuses.go_live(self.api.server.url, ladder.rung, ladder.reason)
        self._settled.set()
        self._look_up(ladder)
