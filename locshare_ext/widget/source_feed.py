"""What comes from a group or recording, kept once per kernel however many maps show it."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from locshare_ext.errors import LocShareError
from locshare_ext.widget.saying import said_of
from locshare_ext.widget.trail_log import NUMBERS, TrailLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from locshare_ext.client.source import FixBatch, SourceStatus, TrailSource
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["SourceFeed", "feed_of"]

log = logging.getLogger(__name__)

# settings of a group (s) -> traits of a layer
AGES = {"stale": "stale_after", "lost": "lost_after", "gap": "gap_after"}

_feeds: dict[Any, SourceFeed] = {}
_feeds_lock = threading.Lock()


def feed_of(source: TrailSource) -> SourceFeed:
    """Return the feed of a source, begun now unless there is one; `attach` a layer to it."""
    key = _key_of(source)
    with _feeds_lock:
        found = _feeds.get(key)
        if found is None or found.is_stopped:
            found = _feeds[key] = SourceFeed(source, key)
        return found


def _key_of(source: Any) -> Any:
    """Groups are made anew in every cell; those of one name and server are the same."""
    if source.is_live and isinstance(name := getattr(source, "name", None), str):
        return type(source), getattr(source, "server", None), name
    return id(source)  # the feed holds it, so that the number is not given again


class SourceFeed:
    """Copy a source's fixes into a log, and wake the layers that show it.

    It listens before it asks for the history, so that nothing falls between; what comes
    meanwhile waits. The history is read in a thread: the cell does not wait for it.
    """

    def __init__(self, source: TrailSource, key: Any) -> None:
        self.source = source
        self.log = TrailLog()
        self.is_stopped = False
        self._key = key
        self._layers: weakref.WeakSet[TrailLayer] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._waiting: list[FixBatch] | None = []  # what comes before the history is there
        self._is_void = False  # whether the history that is being read may be
        self._ids = np.empty(0, np.uint32)  # of the batches' names, in the log
        self._status: dict[str, Any] | None = None  # arguments of `show_status`
        self._ages: dict[str, float] = {}
        self._stop: Callable[[], None] | None = None
        self._whole: list[Callable[[], None]] = []  # to be called when the history is there
        threading.Thread(target=self._begin, name="locshare-history", daemon=True).start()

    def attach(self, layer: TrailLayer) -> None:
        """Keep a layer, which draws from `log`, up to date from now on."""
        self._layers.add(layer)
        if self._ages:
            layer.suggest_ages(self._ages)
        if self._status is not None:
            layer.show_status(**self._status)
        layer.refresh()

    def when_whole(self, call: Callable[[], None]) -> None:
        """Call once, on any thread, when the history is in the log."""
        with self._lock:
            if self._waiting is not None:
                self._whole.append(call)
                return
        call()

    def detach(self, layer: TrailLayer) -> None:
        """Forget a layer; with the last one the feed ends."""
        self._layers.discard(layer)
        if not self._layers:
            self.stop()

    def stop(self) -> None:
        """Listen no more."""
        with _feeds_lock:
            self.is_stopped = True
            if _feeds.get(self._key) is self:
                del _feeds[self._key]
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _begin(self) -> None:
        try:
            if self.source.is_live:
                self._stop = self.source.listen(self._take, self._show)
                if self.is_stopped:
                    self.stop()
                    return
                self._show(self.source.status)
            self._ask_ages_soon()
            while not self._join(self.source.history()):
                pass
        except LocShareError as error:
            self._tell("offline", _now(), error.message, **_words(said_of(error)))
            self._join(None)
        except Exception as error:
            log.exception("the history of %s could not be read", self.source.title)
            text = f"The history could not be read: {error}"
            self._tell("offline", _now(), text, code="history_unread", values={"why": str(error)})
            self._join(None)

    def _join(self, history: FixBatch | None) -> bool:
        """Take the history, then what came while it was read and is not in it.

        Returns False when the log began anew meanwhile: the history may be of its earlier life.
        """
        with self._lock:
            if self._is_void and history is not None:
                self._is_void = False
                return False
            newest = -1
            if history is not None and len(history):
                self._append(history)
                newest = int(history.seq.max())
            for batch in self._waiting or ():
                self._append(batch.take((batch.seq > newest) | (batch.seq < 0)))
            self._waiting = None
            calls, self._whole = self._whole, []
        self._refresh()
        for call in calls:
            call()
        return True

    def _take(self, batch: FixBatch) -> None:
        with self._lock:
            if self._waiting is not None:
                if batch.restarted:
                    self._is_void = True
                    self._waiting.clear()
                self._waiting.append(batch)
                return
            self._append(batch)
        self._refresh()

    def _append(self, batch: FixBatch) -> None:
        if batch.restarted:
            self.log.clear()
            self._ids = np.empty(0, np.uint32)
        if not len(batch):
            return
        if len(batch.names) > len(self._ids):  # names only grow: earlier ids stay
            new = self.log.ids_of(batch.names[len(self._ids) :])
            self._ids = np.concatenate([self._ids, new])
        numbers = {name: getattr(batch, name) for name in NUMBERS}
        known = {name: values for name, values in numbers.items() if not np.isnan(values).all()}
        self.log.append(self._ids[batch.member], batch.time, batch.received, batch.lat, batch.lon, known)

    def _ask_ages_soon(self) -> None:
        threading.Thread(target=self._ask_ages, name="locshare-settings", daemon=True).start()

    def _ask_ages(self) -> None:
        """Learn when the group's members count as stale or lost, and what is a gap; layers have defaults."""
        ask = getattr(self.source, "settings", None)
        if ask is None:
            return
        try:
            settings = ask()
        except LocShareError as error:
            log.debug("no settings of %s: %s", self.source.title, error)
            return
        found = {AGES[name]: float(settings[name]) for name in AGES if settings.get(name)}
        if found == self._ages:
            return
        self._ages = found
        for layer in list(self._layers):
            layer.suggest_ages(found)

    def _show(self, status: SourceStatus) -> None:
        before = self._status
        self._tell(
            status.state,
            status.since,
            status.text,
            near=status.near,
            note=status.note,
            unrecorded_since=status.unrecorded_since,
            transport=status.transport,
            code=status.code,
            values=status.values,
        )
        if before is not None and status.state == "live" != before["state"]:
            self._ask_ages_soon()  # it may be another server's life, or a group that has only begun

    def _tell(self, state: str, since: int, text: str, **more: Any) -> None:
        self._status = {"state": state, "since": since, "text": text, **more}
        for layer in list(self._layers):
            layer.show_status(**self._status)

    def _refresh(self) -> None:
        for layer in list(self._layers):
            layer.refresh()


def _words(said: dict[str, Any]) -> dict[str, Any]:
    """Return by what code, with which values, a status is worded."""
    return {"code": said["code"], "values": {"why": said["text"], **said["values"]}}


def _now() -> int:
    return int(time.time() * 1000)
