"""What was refused, as the memory store keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.names import fold
from locshare_ext.model.store import Selection

__all__ = ["MemoryAsides"]


class MemoryAsides:
    """Of all logs of one store, by the log's name."""

    def __init__(self) -> None:
        self._of: dict[str, list[AsideInfo]] = {}
        self._last = 0

    def put(self, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
        """Add some; the oldest over `keep` go."""
        for one in asides:
            self._last += 1
            self._of.setdefault(log, []).append(replace(one, id=self._last))
        kept = self._of.get(log, [])
        del kept[: max(len(kept) - keep, 0)]

    def select(self, log: str, selection: Selection, limit: int | None) -> list[AsideInfo]:
        """Return what is selected, in order of arrival."""
        wanted = None if selection.members is None else {fold(name) for name in selection.members}
        chosen = [
            one
            for one in self._of.get(log, ())
            if one.id > (selection.after or 0)
            and (selection.since is None or one.received >= selection.since)
            and (selection.until is None or one.received <= selection.until)
            and (wanted is None or (one.member is not None and fold(one.member) in wanted))
        ]
        return chosen if limit is None else chosen[: max(limit, 0)]

    def forget(self, log: str, member: str) -> None:
        """Remove what may have a trace of a member."""
        self._keep(log, lambda one: not one.concerns(member))

    def rename(self, log: str, member: str, name: str) -> None:
        """Give a member another name."""
        self._of[log] = [
            replace(one, member=name) if one.member is not None and fold(one.member) == fold(member) else one
            for one in self._of.get(log, ())
        ]

    def trim(self, log: str, before: int, is_kept: Callable[[int], bool]) -> None:
        """Remove what came before a moment (ms), unless that is kept."""
        self._keep(log, lambda one: one.received >= before or is_kept(one.received))

    def drop(self, log: str) -> None:
        """Remove all of a log."""
        self._of.pop(log, None)

    def _keep(self, log: str, is_kept: Callable[[AsideInfo], bool]) -> None:
        self._of[log] = [one for one in self._of.get(log, ()) if is_kept(one)]
