"""A panel with the numbers of a group, live or of what is played."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Layout

from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.widget.cells import running_cell
from locshare_ext.widget.numbers_page import check_language, page_of

if TYPE_CHECKING:
    from locshare_ext.client.counting import Counted

__all__ = ["GroupPanel"]

log = logging.getLogger(__name__)

PERIOD = 0.4  # s between two pictures of it
TICK = 5.0  # s, while it is shown: who has fallen silent is told though nothing comes

_made: weakref.WeakSet[GroupPanel] = weakref.WeakSet()


class GroupPanel(HTML):  # type: ignore[misc]  # ipywidgets is untyped
    """Show a group's numbers: who is here, spread, who is alone, and of each member how far and how fast.

    group: the name of a group, a Group, Recording or Replay, or a GroupMap of one. Of a live
    group they begin with what its feed keeps; of a recording they are those of all of it, and
    once it is played (`recording.play`, or on a map whose `drives_on_fix` is set) those up to
    the playhead. language: `en` or `ko`. Other arguments are those of `analysis.GroupNumbers`,
    such as `near`; the numbers themselves are in `numbers`.

    While no page shows it nothing is drawn or sent, only counted. It tells no coordinates.
    Running a cell again ends the panel that it made before. Raises InvalidInput, ServerNotFound.
    """

    _is_closed = True  # until it is whole

    def __init__(self, group: Any, *, language: str = "en", **settings: Any) -> None:
        from locshare_ext.analysis.running import GroupNumbers

        self._language = check_language(language)
        self._source = _source_of(group)
        self.numbers = GroupNumbers(**settings)
        self._wake = threading.Event()
        self._following: Any = None
        self._shown = ""
        # views are counted by the page once this is a number
        super().__init__(value="", layout=Layout(width="100%", min_width="0"), _view_count=0)
        self._is_closed = False
        self.observe(self._viewed, "_view_count")
        self._replace_earlier()
        threading.Thread(target=self._run, name="locshare-panel", daemon=True).start()

    def __repr__(self) -> str:  # what a saved notebook keeps of it: no names, no numbers
        return f"GroupPanel({self._source.title!r})"

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
        if self._following is not None:
            self._following.close()
        self._wake.set()
        self.layout.close()
        super().close()

    def _viewed(self, change: Any) -> None:
        self._wake.set()

    def _run(self) -> None:
        from locshare_ext.client.counting import Following

        try:
            self._following = Following(self._source, self.numbers, on_change=self._wake.set)
        except LocShareError as error:
            log.debug("no numbers of %s: %s", self._source.title, error)
            return
        if self._is_closed:
            self._following.close()
        while not self._is_closed:
            if self.is_seen:
                self._wake.clear()
                self._draw()
                time.sleep(PERIOD)
            self._wake.wait(TICK if self.is_seen and self._source.is_live else None)
            if not self.is_seen:
                self._wake.clear()

    def _draw(self) -> None:
        """Send the numbers as they are now, if they are others than before."""
        try:
            # of a recording the newest fix that was played is as good as the playhead
            at = self._source.clock if self._source.is_live else None
            group, members = self.numbers.group(at), self.numbers.members(at)
            value = page_of(
                self._source.title, group, members, near=self.numbers.near, language=self._language
            )
            if value != self._shown and not self._is_closed:
                self.value = self._shown = value
        except LocShareError as error:  # such as of a replay that has ended
            log.debug("no numbers of %s: %s", self._source.title, error)
        except Exception:
            log.exception("the numbers could not be shown")

    def _replace_earlier(self) -> None:
        """End the panels of this cell's earlier runs."""
        self._cell = running_cell()
        if self._cell is None:
            return
        for other in list(_made):
            if other._cell is not None and other._cell[0] == self._cell[0] and other._cell != self._cell:
                other.close()
        _made.add(self)


def _source_of(group: Any) -> Counted:
    """Return what is counted; raises InvalidInput."""
    from locshare_ext.client.counting import Counted

    if isinstance(group, str):
        from locshare_ext.client.group import Group

        return Group(group)
    source = group if isinstance(group, Counted) else getattr(group, "group", None)
    if not isinstance(source, Counted):
        raise InvalidInput(
            "GroupPanel wants a group's name, a Group, Recording, Replay or GroupMap, "
            f"got {type(group).__name__}",
            field="group",
        )
    return source
