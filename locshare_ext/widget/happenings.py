"""What happened besides fixes, for the ticks of a map's timeline."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.errors import LocShareError

if TYPE_CHECKING:
    from locshare_ext.model.event import Event
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["Happenings", "happenings_of"]

OP = "events"
PERIOD = 3.0  # s between questions, while a page shows a live group that does not say when to ask
PAUSE = 0.25  # s between questions at least, however much happens
WHOLE = 60.0  # s between questions for all: what was removed leaves no entry
MOST = 2000  # events that travel to a page, the newest
URGENT = "sos"  # a kind that is kept though many others came after it
HIDDEN = frozenset({"alive", "forget"})  # kinds that are no ticks

log = logging.getLogger(__name__)


class HasEvents(Protocol):
    """What can tell of events: a group, or a recording."""

    @property
    def is_live(self) -> bool:
        """Whether more may come."""

    def events_after(self, cursor: str | None) -> tuple[list[Event], str]:
        """Return the events after a cursor (None: all), and the cursor behind them."""


def happenings_of(layer: TrailLayer, source: Any) -> Happenings | None:
    """Return what tells a layer's pages of a source's events; None for a source that has none."""
    return Happenings(layer, source) if hasattr(source, "events_after") else None


class Happenings:
    """Tell a layer's pages of a source's events, on a thread of its own.

    It asks once, and again when the source says that something has happened; one that cannot say
    so is asked from time to time, while it is live and somebody looks.
    """

    def __init__(self, layer: TrailLayer, source: HasEvents) -> None:
        self._layer = layer
        self._source = source
        self._wake = threading.Event()
        self._resting = threading.Event()  # set when it is to rest no more
        self._is_closed = False
        self._told: list[list[Any]] = []
        self._all_due = 0.0  # when to ask for all again, s of the monotonic clock
        self._unlisten = _listen(source, self._wake.set)
        self._period = PERIOD if self._unlisten is None else WHOLE
        threading.Thread(target=self._run, name="locshare-events", daemon=True).start()

    def refresh(self) -> None:
        """Ask again now, for all: somebody has written or removed a note. Any thread may call it."""
        self._all_due = 0.0
        self._wake.set()

    def close(self) -> None:
        """Ask no more."""
        self._is_closed = True
        if self._unlisten is not None:
            self._unlisten()
        self._resting.set()
        self._wake.set()

    def _run(self) -> None:
        events: list[Event] = []
        cursor: str | None = None
        while not self._is_closed:
            if time.monotonic() >= self._all_due:
                events, cursor = [], None
                self._all_due = time.monotonic() + WHOLE
            try:
                new, cursor = self._source.events_after(cursor)
            except LocShareError as error:  # the map says how the server is
                log.debug("no events: %s", error)
                new = []
            events = _kept([*events, *new])
            self._tell(events)
            self._resting.wait(PAUSE)
            self._wait()

    def _wait(self) -> None:
        """Wait until it is time to ask again; a closed recording has told all."""
        while not self._is_closed:
            is_woken = self._wake.wait(self._period if self._source.is_live else None)
            self._wake.clear()
            if is_woken or self._layer.is_seen:
                return

    def _tell(self, events: list[Event]) -> None:
        rows = [_row(event) for event in events if event.kind not in HIDDEN]
        if rows != self._told and not self._is_closed:
            self._told = rows
            self._layer.tell_pages(OP, events=rows)


def _kept(events: list[Event]) -> list[Event]:
    """Return the newest, and calls for help from before them: no flood of alerts carries those away."""
    urgent = [event for event in events[:-MOST] if event.kind == URGENT]
    return [*urgent[-MOST:], *events[-MOST:]]


def _row(event: Event) -> list[Any]:
    """Return [time, received, kind, member, text, id, place]; place: [lat, lon], or None."""
    data = event.data or {}
    place = [data["lat"], data["lon"]] if data.keys() >= {"lat", "lon"} else None
    known = event.received or event.time
    return [event.time, known, event.kind, event.member, event.text, event.cursor, place]


def _listen(source: Any, wake: Callable[[], None]) -> Callable[[], None] | None:
    """Have a source say when to ask; returns what ends that, None if it cannot."""
    try:
        stop: Callable[[], None] | None = (
            source.listen_events(wake) if hasattr(source, "listen_events") else None
        )
    except LocShareError as error:  # it is closed, which the map says
        log.debug("no events: %s", error)
        return None
    return stop
