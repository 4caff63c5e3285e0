"""What a Selection means for fixes in columns: which segments it takes whole, which rows of the others."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from locshare_ext.errors import NotFound
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.names import fold
from locshare_ext.model.store import LogInfo, RecordingInfo, Selection
from locshare_ext.store.schema import GONE
from locshare_ext.store.segment import Part, Segment, Summary, codes_of
from locshare_ext.store.selecting import find_log, find_recording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chosen", "choose", "share", "within"]

Share = Literal["none", "some", "all"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection of a log, looked up: its names as ids, its recording as it is now.

    sealed_to: offset up to which fixes are in segments. names: of the log's members by id,
    without those that are being forgotten. wanted: ids of `names` to be given; None: all.
    is_whole: no member of the log is left out.
    """

    log_id: int
    info: LogInfo
    sealed_to: int
    names: dict[int, str]
    wanted: frozenset[int] | None
    is_whole: bool
    since: int | None
    until: int | None
    clock: Clock
    after: int
    upto: int
    recording: RecordingInfo | None

    def share(self, segment: Segment | Part) -> Share:
        """How much of a segment, or of a part of one, is chosen, members left aside."""
        low, high = (
            (segment.low_received, segment.high_received)
            if self.clock == "received"
            else (segment.low_time, segment.high_time)
        )
        shares = [
            within(segment.first, segment.last, self.after + 1, self.upto),
            within(low, high, self.since, self.until),
        ]
        if self.recording is not None:
            shares.append(share(self.recording, segment))
        return _least(shares)

    def share_of_members(self, summary: Summary) -> Share:
        """How much of a segment is chosen by its members."""
        if self.is_whole:
            return "all"
        import numpy as np

        is_in = np.isin(summary.ids, list(self.names if self.wanted is None else self.wanted))
        return "all" if is_in.all() else "some" if is_in.any() else "none"

    def mask(self, batch: Any) -> NDArray[np.bool_]:
        """Return which fixes of a segment are chosen; its columns of seq, member, time, received are used."""
        import numpy as np

        seq, time, received = (batch.column(name).to_numpy() for name in ("seq", "time", "received"))
        at = received if self.clock == "received" else time
        mask: NDArray[np.bool_] = (seq > self.after) & (seq <= self.upto)
        if self.since is not None:
            mask &= at >= self.since
        if self.until is not None:
            mask &= at <= self.until
        if self.recording is not None:
            mask &= mask_of(self.recording, seq, time, received)
        if not self.is_whole:
            ids, codes = codes_of(batch)
            mask &= np.isin(ids, list(self.names if self.wanted is None else self.wanted))[codes]
        return mask


def choose(conn: sqlite3.Connection, log: str, selection: Selection) -> Chosen | None:
    """Look a selection up; None if there is no such log. Raises NotFound for an unknown recording."""
    found = find_log(conn, log)
    if found is None:
        return None
    log_id, info = found
    rows = conn.execute("SELECT id, name FROM members WHERE log = ?", (log_id,)).fetchall()
    names = {member: name for member, name in rows if not name.startswith(GONE)}
    wanted = None
    if selection.members is not None:
        folded = {fold(name) for name in selection.members}
        wanted = frozenset(member for member, name in names.items() if fold(name) in folded)
    recording = None
    if selection.recording is not None:
        recording = find_recording(conn, log, selection.recording)
        if recording is None:
            raise NotFound(f"{log!r} has no recording {selection.recording!r}", code="recording_not_found")
    sealed_to = conn.execute("SELECT sealed_to FROM logs WHERE id = ?", (log_id,)).fetchone()[0]
    return Chosen(
        log_id=log_id,
        info=info,
        sealed_to=sealed_to,
        names=names,
        wanted=wanted,
        is_whole=wanted is None and len(names) == len(rows),
        since=selection.since,
        until=selection.until,
        clock=check_clock(selection.clock),
        after=selection.after or 0,
        upto=info.head if selection.upto is None else min(selection.upto, info.head),
        recording=recording,
    )


def share(recording: RecordingInfo, segment: Segment | Part) -> Share:
    """How much of a segment, or of a part of one, belongs to a recording."""
    if segment.last <= recording.after:
        return "none"
    if recording.until is None or recording.upto is None or segment.last <= recording.upto:
        return "all" if segment.first > recording.after else "some"
    if segment.first <= recording.upto:
        return "some"
    late = within(segment.low_time, segment.high_time, recording.since, recording.until)
    if recording.closed is not None and segment.low_received >= recording.closed:
        return "none"
    return "some" if late == "all" else late


def mask_of(recording: RecordingInfo, seq: Any, time: Any, received: Any) -> NDArray[np.bool_]:
    """Return which fixes belong to a recording: `RecordingInfo.has` for columns."""
    mask: NDArray[np.bool_] = seq > recording.after
    if recording.until is None or recording.upto is None:
        return mask
    late = (time >= recording.since) & (time <= recording.until)
    if recording.closed is not None:
        late &= received < recording.closed
    mask &= (seq <= recording.upto) | late
    return mask


def within(low: int, high: int, since: int | None, until: int | None) -> Share:
    """How much of what lies in [low, high] lies in [since, until]; None: no bound."""
    if (since is not None and high < since) or (until is not None and low > until):
        return "none"
    if (since is None or low >= since) and (until is None or high <= until):
        return "all"
    return "some"


def _least(shares: list[Share]) -> Share:
    return "none" if "none" in shares else "some" if "some" in shares else "all"
