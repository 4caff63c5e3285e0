"""A panel that says who of those who were invited is here, and what keeps the others away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import LocShareError
from locshare_ext.widget.given import group_of
from locshare_ext.widget.panel import Panel
from locshare_ext.widget.panel_page import check_language
from locshare_ext.widget.roster_page import roster_page

if TYPE_CHECKING:
    from locshare_ext.client.roster import Person

__all__ = ["Roster"]

TICK = 2.0  # s between looks, while a page shows it


class Roster(Panel):
    """Show `group.roster()` live: who has joined, is silent, has no GPS, no network, a low battery.

    group: a group's name, a Group, or a GroupMap of one, for whoever may manage it. Those who
    want the host's eye come first. language: `en` or `ko`.

    The server is asked every two seconds while a page shows it, else not at all; when it does
    not answer the panel says so. Running a cell again ends the panel that it made before.
    Raises InvalidInput, ServerNotFound.
    """

    def __init__(self, group: Any, *, language: str = "en") -> None:
        self._language = check_language(language)
        self._group = group_of(group, "Roster")
        self._people: Sequence[Person] = ()
        super().__init__()

    def __repr__(self) -> str:  # what a saved notebook keeps of it: no names
        return f"Roster({self._group.title!r})"

    @property
    def _tick(self) -> float | None:
        return TICK

    def _page(self) -> str:
        problem = None
        try:
            self._people = self._group._people()
        except LocShareError as error:
            problem = error.message
        return roster_page(
            self._group.title,
            self._people,
            time.time_ns() // 1_000_000,
            language=self._language,
            problem=problem,
        )
