"""What people ask for on a map: notes on the group's timeline, and recordings that start and stop."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput, LocShareError, NotFound

if TYPE_CHECKING:
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["Errands", "errands_of"]

ASK, ANSWER, KEEPING = "ask", "answer", "keeping"  # what is said to and fro
PERIOD = 5.0  # s between looks at what is being recorded, while a page shows the map
WANTED = ("note", "remove_note", "record", "recordings", "roles")

log = logging.getLogger(__name__)


def errands_of(layer: TrailLayer, source: Any, changed: Callable[[], None]) -> Errands | None:
    """Return what runs a layer's errands; None for a source, such as a recording, that takes none.

    changed: called, on a thread, when notes were written or removed.
    """
    return Errands(layer, source, changed) if all(hasattr(source, name) for name in WANTED) else None


class Errands:
    """Do what a page asks for, one by one on a thread of its own, and tell the pages what is recorded.

    Each question has a name that its answer repeats, with the reason if nothing came of it.
    """

    def __init__(self, layer: TrailLayer, source: Any, changed: Callable[[], None]) -> None:
        self._layer = layer
        self._source = source
        self._changed = changed
        self._asked: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._told: dict[str, Any] | None = None
        layer.on_msg(self._receive)
        threading.Thread(target=self._run, name="locshare-errands", daemon=True).start()

    def close(self) -> None:
        """Run no more errands; the one under way comes to its end."""
        self._layer.on_msg(self._receive, remove=True)
        self._asked.put(None)

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("op") == ASK:
            self._asked.put(content)

    def _run(self) -> None:
        while True:
            self._look()
            try:
                asked = self._asked.get(timeout=PERIOD)
            except queue.Empty:
                continue
            if asked is None:
                return
            self._answer(asked)

    def _answer(self, asked: Mapping[str, Any]) -> None:
        error = None
        try:
            self._do(asked)
        except LocShareError as refused:
            error = refused.message
        except Exception as failed:  # the thread's top: the next one is to be run all the same
            log.exception("%r could not be done", asked.get("what"))
            error = f"{type(failed).__name__}: {failed}"
        self._layer.tell_pages(ANSWER, name=asked.get("name"), error=error)

    def _do(self, asked: Mapping[str, Any]) -> None:
        what = asked.get("what")
        if what == "note":
            self._source.note(str(asked.get("text") or ""), at=asked.get("at"))
            self._changed()
        elif what == "remove_note":
            self._source.remove_note(str(asked.get("id")))
            self._changed()
        elif what == "record":
            self._source.record(str(asked.get("called") or ""))
        elif what == "stop":
            self._stop(str(asked.get("id")))
        else:
            raise InvalidInput(f"{what!r} cannot be asked for on a map", field="what")

    def _stop(self, recording_id: str) -> None:
        for recording in self._source.recordings():
            if recording.id == recording_id:
                recording.stop()
                return
        raise NotFound(f"there is no recording {recording_id}; was it deleted?")

    def _look(self) -> None:
        """Tell the pages what is recorded, and what may be asked for, if that is news."""
        if self._told is not None and not self._layer.is_seen:
            return
        try:
            found = self._keeping()
        except LocShareError as error:  # the map says how the server is
            log.debug("what is recorded is not known: %s", error)
            return
        if found != self._told:
            self._told = found
            self._layer.tell_pages(KEEPING, **found)

    def _keeping(self) -> dict[str, Any]:
        roles = self._source.roles
        may_record = "manage" in roles
        running = [
            {"id": one.id, "name": one.name, "since": one.info.get("since") or one.info.get("created")}
            for one in self._source.recordings()
            if one.info.get("state") == "running"
        ]
        may_note = may_record or "publish" in roles
        return {"may_note": may_note, "may_record": may_record, "recordings": running}
