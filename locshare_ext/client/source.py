"""What a map, or anything that draws a group, reads: a history and what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["NUMBER_COLUMNS", "FixBatch", "SourceState", "SourceStatus", "TrailSource"]

NUMBER_COLUMNS = ("altitude", "accuracy", "speed", "heading", "battery")

SourceState = Literal["live", "connecting", "offline", "unknown_group", "closed"]


@dataclass(frozen=True, slots=True)
class FixBatch:
    """Fixes as columns of one length, in order of arrival (`seq` ascending, but see below).

    names: every member known so far; `member` (int32) holds indices into it. It only
    grows: a later batch's names begin with an earlier batch's names.
    seq: int64, the offset in the group's log; negative for a volatile fix that has none.
    time, received: int64, ms since 1970 UTC by the device's and the server's clock.
    lat, lon: float64, degrees. altitude, accuracy: m. speed: m/s. heading: degrees from
    true north. battery: 0-1. NaN in the last five means unknown. The arrays are read-only.
    restarted: what is known begins anew, and everything before this batch is void, the names
    too: clear first (an offset or a number may stand for another fix or member now).
    """

    names: list[str]
    member: npt.NDArray[np.int32]
    seq: Ints
    time: Ints
    received: Ints
    lat: Floats
    lon: Floats
    altitude: Floats
    accuracy: Floats
    speed: Floats
    heading: Floats
    battery: Floats
    restarted: bool = False

    def __len__(self) -> int:
        return len(self.seq)

    def take(self, rows: Any) -> FixBatch:
        """Return the fixes that `rows` (a slice, a mask or indices) selects."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        return FixBatch(self.names, **columns)

    @classmethod
    def empty(cls, names: list[str] | None = None, *, restarted: bool = False) -> FixBatch:
        """Return a batch without fixes."""
        import numpy as np

        columns: dict[str, Any] = {
            name: np.empty(0, dtype=dtype) for name, dtype in zip(COLUMNS, DTYPES, strict=True)
        }
        return cls(list(names or ()), **columns, restarted=restarted)


COLUMNS = ("member", "seq", "time", "received", "lat", "lon", *NUMBER_COLUMNS)
DTYPES = ("int32", "int64", "int64", "int64", *("float64",) * 7)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is; `text` says it to a person, with what to do.

    since: ms since 1970 UTC, when this state began. near: names that resemble an unknown group's.
    transport: what brings the fixes, `stomp`, `sse` or `long polling`; None when nothing does.
    note: what is worth knowing while it is live, such as why it is not over the best transport.
    unrecorded_since: ms, from when on the server could store nothing of what is seen; else None.
    code, values: what `text` or `note` says, for who words it otherwise: the code of an error, or
    `group_unknown`, `fallback`, `unrecorded`, `closed`; empty when there are no other words.
    """

    state: SourceState
    since: int
    text: str
    near: list[str] = field(default_factory=list)
    transport: str | None = None
    note: str = ""
    unrecorded_since: int | None = None
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


class TrailSource(Protocol):
    """A group that is live, or a recording of one.

    Every fix is either in the `history()` taken after `listen()`, or comes to `on_fixes`
    later: duplicates (by `seq`) are allowed, holes are not.
    """

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def is_live(self) -> bool:
        """Whether fixes may still come."""

    @property
    def status(self) -> SourceStatus:
        """How it is now; any thread may read it."""

    def history(self) -> FixBatch:
        """Return what is known now; any thread may call it. The newest part, for a live group."""

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Have new fixes and changes of status called back, on the feed's thread; returns what stops it.

        The callbacks must be quick and must not wait for the feed. A call that had begun
        when it was stopped may still be under way.
        """
