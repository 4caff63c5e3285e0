"""What a map's timeline can do with a chosen range: record it, or save it as a file."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.errors import LocShareError
from locshare_ext.model.clock import datetime_from_ms

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.widget.layer import TrailLayer

__all__ = ["Keeping", "keeping_of"]

OP = "keep"
log = logging.getLogger(__name__)


class HasTrails(Protocol):
    """What a range can be saved of: a group, which may be recorded too, or a recording."""

    @property
    def title(self) -> str:
        """What people call it."""

    def trails(self, *, since: Any, until: Any, clock: str) -> pd.DataFrame:
        """Return the trail frame of a range."""


def keeping_of(layer: TrailLayer, source: Any) -> Keeping | None:
    """Return what keeps ranges of a source for a layer's pages; None for a source without trails."""
    return Keeping(layer, source) if hasattr(source, "trails") else None


class Keeping:
    """Do what pages ask for a range, one after the other, on a thread of its own; tell what came of it.

    Files go into the folder that the kernel works in, under a name that is free.
    """

    def __init__(self, layer: TrailLayer, source: HasTrails) -> None:
        self._layer = layer
        self._source = source
        self._lock = threading.Lock()
        layer.on_msg(self._receive)
        layer.tell_pages("abilities", record=hasattr(source, "record"), export=True)

    def close(self) -> None:
        """Do nothing more."""
        self._layer.on_msg(self._receive, remove=True)

    def record(self, start: int, end: int) -> str:
        """Keep a range (ms) of the group as a recording; returns its name."""
        name = f"{self._source.title} {datetime_from_ms(start):%Y-%m-%d %H:%M}"[-64:].strip()
        record = self._source.record  # type: ignore[attr-defined]  # a group has it
        return str(record(name, since=start, until=end).name)

    def export(self, start: int, end: int, clock: str) -> str:
        """Save the fixes of a range (ms, both ends included) as a GeoPackage; returns the file's name."""
        from locshare_ext.client.files import write_file

        frame = self._source.trails(since=start, until=end, clock=clock)
        path = _free(f"{_plain(self._source.title)}-{datetime_from_ms(start):%Y%m%dT%H%M%S}", ".gpkg")
        is_known = bool(getattr(self._source, "received_known", True))
        write_file(path, frame, format="gpkg", name=path.stem, received_known=is_known)
        return path.name

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("op") == OP:
            threading.Thread(
                target=self._do, args=(dict(content),), name="locshare-keep", daemon=True
            ).start()

    def _do(self, asked: Mapping[str, Any]) -> None:
        with self._lock:
            said: dict[str, Any] = {"what": asked["what"], "name": "", "error": None}
            start, end = int(asked["from"]), int(asked["to"])
            try:
                if asked["what"] == "record":
                    said["name"] = self.record(start, end)
                else:
                    said["name"] = self.export(start, end, str(asked["clock"]))
            except LocShareError as error:
                said["error"] = error.message
            except OSError as error:
                said["error"] = f"The file could not be written: {error.strerror}."
            except Exception:
                log.exception("a range could not be kept")
                said["error"] = "This did not work; the kernel's log says why."
            self._layer.tell_pages("kept", **said)


def _plain(title: str) -> str:
    """Return a title as the name of a file on any system."""
    return re.sub(r"[^\w-]+", "-", title).strip("-") or "range"


def _free(stem: str, suffix: str) -> Path:
    """Return a path that does not exist yet."""
    path, number = Path(stem + suffix), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{suffix}")
    return path
