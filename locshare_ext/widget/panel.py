"""What panels of text have in common: drawn on a thread of their own, only while a page shows them."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import Any

from ipywidgets import HTML, Layout

from locshare_ext.errors import LocShareError
from locshare_ext.widget.cells import running_cell

__all__ = ["Panel"]

log = logging.getLogger(__name__)

PERIOD = 0.4  # s between two pictures of it

_made: weakref.WeakSet[Panel] = weakref.WeakSet()


class Panel(HTML):  # type: ignore[misc]  # ipywidgets is untyped
    """Show what `_page` returns, anew when `_wake` is set, or `_tick` seconds after the last.

    While no page shows it nothing is drawn or sent. Running a cell again ends the panels that
    it made before. A subclass sets up its own before it calls `__init__`, which starts the thread.
    """

    _is_closed = True  # until it is whole

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._shown = ""
        # views are counted by the page once this is a number
        super().__init__(value="", layout=Layout(width="100%", min_width="0"), _view_count=0)
        self._is_closed = False
        self.observe(self._viewed, "_view_count")
        self._replace_earlier()
        threading.Thread(target=self._run, name="locshare-panel", daemon=True).start()

    @property
    def is_seen(self) -> bool:
        """Whether a page shows it."""
        return bool(self._view_count)

    def close(self) -> None:
        """End it, here and on the pages."""
        if self._is_closed:
            return
        self._is_closed = True
        _made.discard(self)
        self._end()
        self._wake.set()
        self.layout.close()
        super().close()

    # what a subclass says; on the panel's thread, but for `_end`

    @property
    def _tick(self) -> float | None:
        """Seconds after which it is drawn anew though nothing has come; None: never."""
        return None

    def _begin(self) -> None:
        """Begin before the first picture; LocShareError: there is nothing to show."""

    def _page(self) -> str:
        """Return what is to be shown now; LocShareError: it stays as it is."""
        raise NotImplementedError

    def _end(self) -> None:
        """End what was begun."""

    # inside

    def _viewed(self, change: Any) -> None:
        self._wake.set()

    def _run(self) -> None:
        try:
            self._begin()
        except LocShareError as error:
            log.debug("%r has nothing to show: %s", self, error)
            return
        if self._is_closed:
            self._end()
        while not self._is_closed:
            if self.is_seen:
                self._wake.clear()
                self._draw()
                time.sleep(PERIOD)
            self._wake.wait(self._tick if self.is_seen else None)
            if not self.is_seen:
                self._wake.clear()

    def _draw(self) -> None:
        """Send it as it is now, if that is another than before."""
        try:
            value = self._page()
            if value != self._shown and not self._is_closed:
                self.value = self._shown = value
        except LocShareError as error:  # such as of a replay that has ended
            log.debug("%r cannot be drawn: %s", self, error)
        except Exception:
            log.exception("%r could not be drawn", self)

    def _replace_earlier(self) -> None:
        """End the panels of this cell's earlier runs."""
        self._cell = running_cell()
        if self._cell is None:
            return
        for other in list(_made):
            if other._cell is not None and other._cell[0] == self._cell[0] and other._cell != self._cell:
                other.close()
        _made.add(self)
