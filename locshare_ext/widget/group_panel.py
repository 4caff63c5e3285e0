"""A panel with the numbers of a group, live or of what is played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.looked_at import LookedAt
from locshare_ext.widget.looks_back import LooksBack
from locshare_ext.widget.numbers_page import page_of
from locshare_ext.widget.panel import PERIOD, Panel
from locshare_ext.widget.panel_page import check_language

if TYPE_CHECKING:
    from locshare_ext.client.counting import Counted

__all__ = ["GroupPanel"]

TICK = 5.0  # s, while it is shown: who has fallen silent is told though nothing comes


class GroupPanel(Panel):
    """Show a group's numbers: who is here, spread, who is alone, and of each member how far and how fast.

    group: the name of a group, a Group, Recording or Replay, or a GroupMap of one. Of a live
    group they begin with what its feed keeps; of a recording they are those of all of it, and
    once it is played (`recording.play`, or on a map whose `drives_on_fix` is set) those up to
    the playhead. Of a GroupMap that looks back they are those up to its playhead, played or only
    dragged, once it has left the beginning. language: `en` or `ko`. Other arguments are those of
    `analysis.GroupNumbers`, such as `near`; the numbers of what comes and is played are in `numbers`.

    While no page shows it nothing is drawn or sent, only counted. It tells no coordinates.
    Running a cell again ends the panel that it made before. Raises InvalidInput, ServerNotFound.
    """

    def __init__(self, group: Any, *, language: str = "en", **settings: Any) -> None:
        from locshare_ext.analysis.running import GroupNumbers

        self._language = check_language(language)
        self._source = _source_of(group)
        self.numbers = GroupNumbers(**settings)
        self._following: Any = None
        self._looked_at = self._look_at(group, settings)
        super().__init__()

    def __repr__(self) -> str:  # what a saved notebook keeps of it: no names, no numbers
        return f"GroupPanel({self._source.title!r})"

    @property
    def _tick(self) -> float | None:
        if self._looked_at is not None and self._looked_at.is_moving:
            return PERIOD
        return TICK if self._source.is_live else None

    def _look_at(self, group: Any, settings: dict[str, Any]) -> LookedAt | None:
        """Return what follows a map's playhead; a replay's is followed as it is."""
        from locshare_ext.analysis.running import GroupNumbers
        from locshare_ext.client.replay import Replay

        if not isinstance(group, LooksBack) or isinstance(self._source, Replay):
            return None
        return LookedAt(group, self._source, GroupNumbers(**settings), lambda: self._wake.set())

    def _begin(self) -> None:
        from locshare_ext.client.counting import Following

        self._following = Following(self._source, self.numbers, on_change=self._wake.set)

    def _page(self) -> str:
        looked_at = None if self._looked_at is None else self._looked_at.numbers()
        # of a recording the newest fix that was played is as good as the playhead
        now = self._source.clock if self._source.is_live else None
        numbers, at = looked_at or (self.numbers, now)
        group, members = numbers.group(at), numbers.members(at)
        return page_of(self._source.title, group, members, near=self.numbers.near, language=self._language)

    def _end(self) -> None:
        if self._looked_at is not None:
            self._looked_at.close()
        if self._following is not None:
            self._following.close()


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
