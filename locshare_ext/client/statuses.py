"""How a feed is, in words, and who is told of it and of its fixes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from locshare_ext.client.doubts import Doubts, Unrecorded
from locshare_ext.client.ladder import RUNGS, WORDS
from locshare_ext.client.source import FixBatch, SourceState, SourceStatus
from locshare_ext.client.times import now_ms
from locshare_ext.errors import LocShareError, NotFound, ServerNotFound

__all__ = ["Statuses"]

log = logging.getLogger("locshare_ext.client")


@dataclass(eq=False, slots=True)
class _Listener:
    """Someone who follows the feed; `is_on` ends it."""

    on_fixes: Callable[[FixBatch], None]
    on_status: Callable[[SourceStatus], None]
    on_event: Callable[[], None] | None
    is_on: bool = True


class Statuses:
    """The status of one group's feed, and its listeners; `listen` may be called by any thread."""

    def __init__(self, group: str, ask_health: Callable[[], Mapping[str, Any]]) -> None:
        self.now = SourceStatus("connecting", now_ms(), "Not connected yet.")
        self._group = group
        self._listeners: list[_Listener] = []
        self._lock = threading.Lock()
        self._unknown: NotFound | None = None  # the group does not exist, as far as we know
        self._doubts = Doubts(ask_health, self._tell_recording, group)
        self._unrecorded: Unrecorded | None = None
        self._live: tuple[str, str, str] | None = None  # as what it is live now

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(
        self,
        on_fixes: Callable[[FixBatch], None],
        on_status: Callable[[SourceStatus], None],
        on_event: Callable[[], None] | None = None,
    ) -> Callable[[], None]:
        """Tell somebody from now on; returns what stops it."""
        listener = _Listener(on_fixes, on_status, on_event)
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def stop() -> None:
            listener.is_on = False
            with self._lock:
                self._listeners = [other for other in self._listeners if other is not listener]

        return stop

    def let_go(self) -> None:
        """Tell nobody any more."""
        with self._lock:
            self._listeners = []

    def tell_fixes(self, batch: FixBatch) -> None:
        """Hand a batch to all who listen."""
        if len(batch) and bool((batch.seq < 0).any()):  # volatile: somebody was told to send it again
            self._doubts.arise()
        for listener in self._listeners:
            if listener.is_on:
                _guard(listener.on_fixes, batch)

    def tell_event(self) -> None:
        """Say that there may be an event which nobody here has seen."""
        for listener in self._listeners:
            if listener.is_on and listener.on_event is not None:
                _guard(listener.on_event)

    def is_known(self) -> None:
        """The group exists."""
        self._unknown = None

    def is_unknown(self, error: NotFound) -> None:
        """The server has no such group."""
        self._unknown = error

    def go_live(self, url: str, rung: str, reason: str) -> None:
        """Something comes, or would; reason: why it is not over the best transport."""
        self._live = url, rung, reason
        if self._unknown is not None:
            near = _texts(self._unknown.details.get("near"))
            names = f" Near names: {', '.join(near)}." if near else ""
            text = (
                f"Nobody has shared in {self._group!r} yet.{names} It begins with the first fix: "
                "publish one, simulate() some, or import a file."
            )
            values = {"group": self._group}
            self._set("unknown_group", text, near, transport=rung, code="group_unknown", values=values)
            return
        code, values = ("fallback", _fallback(rung)) if reason else ("", {})
        note = f"Live over {WORDS[rung]}: {reason}." if reason else ""
        over = f" over {WORDS[rung]}, as {reason}" if reason else ""
        text, lost = f"Live{over}: {self._group} on {url}", self._unrecorded
        if lost is not None:
            why = f": {lost.why.rstrip('.')}" if lost.why else ""
            note = (
                f"Nothing is recorded since {_clock(lost.since)}{why}. What comes is shown, and kept "
                "nowhere; the server goes on by itself when it can."
            )
            text = f"{text}. {note}"
            code, values = "unrecorded", {"why": lost.why.rstrip(".")}
        since = None if lost is None else lost.since
        self._set("live", text, transport=rung, note=note, unrecorded_since=since, code=code, values=values)

    def go_offline(self, error: LocShareError) -> None:
        """Nothing comes, for this reason."""
        self._live = None
        since = self.now.since if self.now.state == "offline" else now_ms()
        text = f"Offline since {_clock(since)}: {_short(error)}. Trying again."
        self._set("offline", text, since=since, code=error.code, values={"why": _short(error)})

    def close(self, text: str, code: str = "closed") -> None:
        """It has ended; code: of the error that ended it, if one did."""
        self._live = None
        self._doubts.close()
        self._set("closed", text, code=code)

    def _tell_recording(self, unrecorded: Unrecorded | None) -> None:
        if unrecorded == self._unrecorded:
            return
        self._unrecorded, live = unrecorded, self._live
        if live is not None:
            self.go_live(*live)

    def _set(
        self,
        state: SourceState,
        text: str,
        near: list[str] | None = None,
        *,
        since: int | None = None,
        transport: str | None = None,
        note: str = "",
        unrecorded_since: int | None = None,
        code: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        before = self.now
        if since is None:
            since = before.since if before.state == state else now_ms()
        told = (state, since, text, list(near or []), transport, note, unrecorded_since)
        status = SourceStatus(*told, code=code, values=dict(values or {}))
        if status == before:
            return
        self.now = status
        for listener in self._listeners:
            if listener.is_on:
                _guard(listener.on_status, status)


def _fallback(rung: str) -> dict[str, Any]:
    blocked = [WORDS[higher] for higher in RUNGS[: RUNGS.index(rung)]]
    return {"transport": WORDS[rung], "blocked": ", ".join(blocked)}


def _clock(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000).astimezone().strftime("%H:%M:%S")


def _guard(call: Callable[..., None], *arguments: Any) -> None:
    """Call a listener; its error is ours to log, and nobody else's to suffer."""
    try:
        call(*arguments)
    except Exception:
        log.exception("a listener of the feed failed")


def _texts(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _short(error: LocShareError) -> str:
    """Return one clause for a status; the long explanation of a missing server is for exceptions."""
    if isinstance(error, ServerNotFound):
        return "no running server with locshare_ext was found"
    return error.message.rstrip(".")
