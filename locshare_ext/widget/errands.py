"""What people ask for on a map: notes, recordings that start and stop, ranges that are kept."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput, LocShareError, NotFound
from locshare_ext.widget.inviting import Inviting
from locshare_ext.widget.keeping import export_range, record_range
from locshare_ext.widget.saying import said_of

if TYPE_CHECKING:
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["Errands", "errands_of"]

ASK, ANSWER, KEEPING = "ask", "answer", "keeping"  # what is said to and fro
PERIOD = 5.0  # s between looks at what is being recorded, while a page shows the map
OF_GROUPS = ("invite", "note", "remove_note", "record", "recordings", "roles", "settings")

log = logging.getLogger(__name__)

Made = str | dict[str, Any] | None  # what came of an errand: no secret, as pages that come later are told
Deed = Callable[[Mapping[str, Any]], Made]


def errands_of(layer: TrailLayer, source: Any, changed: Callable[[], None]) -> Errands | None:
    """Return what runs a layer's errands; None for a source of which nothing can be asked.

    changed: called, on a thread, when notes were written or removed.
    """
    is_group = all(hasattr(source, name) for name in OF_GROUPS)
    return Errands(layer, source, changed) if is_group or hasattr(source, "trails") else None


class Errands:
    """Do what a page asks for, one by one on a thread of its own, and tell the pages what may be asked for.

    Each question has a name that its answer repeats, with what came of it: `done`, or the `error`.
    """

    def __init__(self, layer: TrailLayer, source: Any, changed: Callable[[], None]) -> None:
        self._layer = layer
        self._source = source
        self._changed = changed
        self._is_group = all(hasattr(source, name) for name in OF_GROUPS)
        self._is_ephemeral = False
        self._asked: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._told: dict[str, Any] | None = None
        self._deeds = self._deeds_of(source)
        layer.on_msg(self._receive)
        threading.Thread(target=self._run, name="locshare-errands", daemon=True).start()

    def close(self) -> None:
        """Run no more errands; the one under way comes to its end."""
        self._layer.on_msg(self._receive, remove=True)
        self._asked.put(None)

    def _deeds_of(self, source: Any) -> dict[str, Deed]:
        """Return what can be asked for, by name: each takes the question, and returns what it made."""
        deeds: dict[str, Deed] = {}
        if hasattr(source, "trails"):
            deeds["export"] = lambda asked: export_range(source, *_range(asked), str(asked.get("clock")))
        if self._is_group:
            deeds |= {"note": self._note, "remove_note": self._remove_note, "stop": self._stop}
            deeds["record"] = lambda asked: str(source.record(str(asked.get("called") or "")).name)
            inviting = Inviting(self._layer, source)
            deeds |= {"invite": inviting.invite, "arrival": inviting.status}
            deeds["record_range"] = lambda asked: record_range(source, *_range(asked))
        return deeds

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("op") == ASK:
            self._asked.put(content)

    def _run(self) -> None:
        while True:
            self._look()
            try:
                asked = self._asked.get(timeout=PERIOD if self._is_group else None)
            except queue.Empty:
                continue
            if asked is None:
                return
            self._answer(asked)

    def _answer(self, asked: Mapping[str, Any]) -> None:
        done, error = None, None
        try:
            done = self._do(asked)
        except LocShareError as refused:
            error = said_of(refused)
        except Exception as failed:  # the thread's top: the next one is to be run all the same
            log.exception("%r could not be done", asked.get("what"))
            error = said_of(LocShareError(f"{type(failed).__name__}: {failed}"))
        self._layer.tell_pages(ANSWER, name=asked.get("name"), done=done, error=error)

    def _do(self, asked: Mapping[str, Any]) -> Made:
        what = str(asked.get("what"))
        deed = self._deeds.get(what)
        if deed is None:
            raise InvalidInput(f"{what!r} cannot be asked for on this map", field="what")
        return deed(asked)

    def _note(self, asked: Mapping[str, Any]) -> str:
        member = asked.get("member")
        text = str(asked.get("text") or "")
        made = self._source.note(text, at=asked.get("at"), member=None if member is None else str(member))
        self._changed()
        return str(made)

    def _remove_note(self, asked: Mapping[str, Any]) -> None:
        self._source.remove_note(str(asked.get("id")))
        self._changed()

    def _stop(self, asked: Mapping[str, Any]) -> str:
        wanted = str(asked.get("id"))
        for recording in self._source.recordings():
            if recording.id == wanted:
                recording.stop()
                return str(recording.name)
        raise NotFound(f"there is no recording {wanted}; was it deleted?", code="recording_not_found")

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
        may_export = "export" in self._deeds
        if not self._is_group:
            return {
                "may_note": False,
                "may_record": False,
                "may_invite": False,
                "may_export": may_export,
                "recordings": [],
            }
        roles = self._source.roles
        # a group can become ephemeral before its first fix, and stays so
        self._is_ephemeral = self._is_ephemeral or bool(self._source.settings().get("ephemeral"))
        running = [
            {"id": one.id, "name": one.name, "since": one.info.get("since") or one.info.get("created")}
            for one in self._source.recordings()
            if one.info.get("state") == "running"
        ]
        return {
            "may_note": "manage" in roles or "publish" in roles,
            "may_record": "manage" in roles and not self._is_ephemeral,
            "may_invite": "manage" in roles,
            "may_export": may_export,
            "is_ephemeral": self._is_ephemeral,
            "phones": self._phones() if "manage" in roles else None,
            "recordings": running,
        }

    def _phones(self) -> dict[str, Any] | None:
        """Return the server's verdict whether phones reach it, None of a source that does not know."""
        known = self._source.known_reach() if hasattr(self._source, "known_reach") else None
        return None if known is None else dict(known.as_json())


def _range(asked: Mapping[str, Any]) -> tuple[int, int]:
    return int(asked["from"]), int(asked["to"])
