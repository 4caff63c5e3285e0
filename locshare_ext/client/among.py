"""A recording as far as some of its members go: what a map of a replay of only these draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.model.names import fold

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.client.recording import Recording
    from locshare_ext.model.event import Event

__all__ = ["Among"]


class Among:
    """A `TrailSource` of a recording's fixes and events; those of other members are left out."""

    is_live = False

    def __init__(self, recording: Recording, members: Sequence[str]) -> None:
        self._recording = recording
        self._members = {fold(name) for name in members}
        self.title = recording.title
        self.received_known = recording.received_known

    @property
    def status(self) -> SourceStatus:
        """How the recording is."""
        return self._recording.status

    def settings(self) -> dict[str, Any]:
        """Return those of the recording's group."""
        return self._recording.settings()

    def history(self) -> FixBatch:
        """Return all their fixes, in order of arrival; nobody else is named."""
        whole = self._recording.history()
        kept = [number for number, name in enumerate(whole.names) if fold(name) in self._members]
        batch = whole.take(np.isin(whole.member, kept))
        places = np.full(max(len(whole.names), 1), -1, np.int32)
        places[kept] = np.arange(len(kept), dtype=np.int32)
        columns = {name: getattr(batch, name) for name in FixBatch.__slots__ if name not in _ANEW}
        return FixBatch([whole.names[number] for number in kept], places[batch.member], **columns)

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Do nothing, as nothing comes; see `TrailSource.listen`."""
        return self._recording.listen(on_fixes, on_status)

    def events_after(self, cursor: str | None) -> tuple[list[Event], str]:
        """Return the events of them and of nobody, as the replay gives them out."""
        events, place = self._recording.events_after(cursor)
        return [one for one in events if one.member is None or fold(one.member) in self._members], place

    def trails(self, **selection: Any) -> pd.DataFrame:
        """Return their trails; see `Recording.trails`."""
        names = [name for name in self._recording.history().names if fold(name) in self._members]
        return self._recording.trails(**selection, members=names)


_ANEW = ("names", "member")
