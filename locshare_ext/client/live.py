"""A group's live feed: its status, its batches, its callbacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from locshare_ext.client import registry, simulating
from locshare_ext.client.attached import Attached
from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.counting import Counted
from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import datetime_from_ms

__all__ = ["Live"]

SETTLE_LIMIT = 5.0  # s that `on_fix` waits for the feed to be where "from now on" begins


class Live(Attached, Counted):
    """What comes of a group from now on, on the one feed that groups of its name share."""

    _is_closed = False

    @property
    def is_live(self) -> bool:
        """Always true: fixes may come."""
        return True

    @property
    def clock(self) -> datetime:
        """The moment of what is seen: in a callback when its fix was received, else now."""
        feed = registry.existing(self._key)
        return datetime_from_ms(now_ms() if feed is None else feed.clock)

    @property
    def status(self) -> SourceStatus:
        """How the live feed is; asking starts it, `ready` waits for it."""
        if self._is_closed:
            return SourceStatus("closed", now_ms(), "Closed; Group(...) opens it again.")
        feed = self._feed()
        feed.start()
        return feed.status

    def ready(self, timeout: float = SETTLE_LIMIT) -> SourceStatus:
        """Wait up to `timeout` seconds until the feed is live or cannot be; return its status."""
        feed = self._feed()
        feed.start()
        feed.wait(timeout)
        return feed.status

    def history(self) -> FixBatch:
        """Return the fixes that the feed keeps: the newest 100,000 to 200,000, in order of arrival."""
        return self._feed().columns.history()

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Have batches of new fixes called back on the feed's thread, see `TrailSource.listen`."""
        return self._feed().listen(on_fixes, on_status)

    def listen_events(self, on_event: Callable[[], None]) -> Callable[[], None]:
        """Have it called back that `events_after` may give more now; returns what stops that.

        That is so after each event but a sign of life, and whenever the feed has connected. The
        call is made on the feed's thread, and must be quick.
        """
        return self._feed().listen(_ignore, _ignore, on_event)

    def close(self) -> None:
        """End the live feed, its thread and its callbacks, for all `Group`s of this name."""
        self._is_closed = True
        simulating.stop(self._key)
        registry.close(self._key)

    def _callbacks(self, *, from_now: bool = False) -> Callbacks:
        feed = self._feed()
        if from_now:
            feed.start()
            feed.wait(SETTLE_LIMIT)  # what is published after this line is called back
        return feed.callbacks

    def _feed(self) -> registry.Feed:
        if self._is_closed:
            raise InvalidInput(f"this Group({self._title!r}) is closed; make a new one", code="group_closed")
        return registry.feed(self._key, self._name, self._api)


def _ignore(_: object) -> None:
    """Take what nobody asked for."""
