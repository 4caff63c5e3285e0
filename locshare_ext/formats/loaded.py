"""What reading a file gives."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.errors import InvalidName
from locshare_ext.formats.rows import FixRows, SetAside
from locshare_ext.model.event import Event
from locshare_ext.model.names import BIDI_CONTROLS, member_name
from locshare_ext.model.trail import TRIP_GAP

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["FixRows", "Fixes", "Loaded", "Progress", "SetAside", "Table", "as_member", "name_of"]

Progress = Callable[[int, int], None]  # bytes done, bytes in all


class Fixes(Protocol):
    """A file's fixes, `trail.ARROW_FIELDS` ascending by seq, at once or piece by piece."""

    def __len__(self) -> int:
        """Return how many there are."""

    @property
    def members(self) -> list[str]:
        """The names of all members."""

    def table(self) -> pa.Table:
        """Return all of them."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield them; what is in memory at a time is little."""

    def close(self) -> None:
        """Let go of what they are kept in."""


@dataclass(frozen=True, slots=True)
class Table:
    """Fixes that are one table already."""

    content: pa.Table

    def __len__(self) -> int:
        return int(self.content.num_rows)

    @property
    def members(self) -> list[str]:
        """The names of all members."""
        column = self.content.column("member").unify_dictionaries()
        return list(column.chunk(0).dictionary.to_pylist()) if column.num_chunks else []

    def table(self) -> pa.Table:
        """Return it."""
        return self.content

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield it in pieces."""
        yield from self.content.unify_dictionaries().to_batches(max_chunksize=65_536)

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Loaded:
    """A file's fixes as a recording of their own.

    fixes: their order is that of `received` if the file has it (`received_known`), else of
    `time`. set_aside: the first of those that could not be used, `set_aside_count` how many
    there were. remarks: sentences on what was left out or changed, for people. info: what
    else the file says of itself.
    """

    path: Path
    format: str
    name: str
    fixes: Fixes
    group: str = ""
    received_known: bool = False
    set_aside: tuple[SetAside, ...] = ()
    set_aside_count: int = 0
    remarks: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    stored_frame: Callable[[], pd.DataFrame] | None = field(default=None, repr=False)

    @cached_property
    def table(self) -> pa.Table:
        """All fixes as one table, `trail.ARROW_FIELDS`."""
        return self.fixes.table()

    def close(self) -> None:
        """Let go of the temporary file that the fixes may be kept in."""
        self.fixes.close()

    def frame(
        self, *, trip_gap: int | timedelta | str | None = None, extra: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return the trail frame; as it was stored when the file keeps one and nothing is asked."""
        if self.stored_frame is not None and trip_gap is None and not extra:
            return self.stored_frame()
        from locshare_ext.formats.frame import frame_from_arrow

        gap = TRIP_GAP if trip_gap is None else trip_gap
        return frame_from_arrow(self.table, group=self.group, recording=self.name, trip_gap=gap, extra=extra)


def as_member(text: str, otherwise: str) -> str:
    """Return the name that a member can have and that is nearest to a title such as a track's."""
    kept = "".join(
        " " if char.isspace() else "-" if char == "/" else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace() or (char.isprintable() and char not in BIDI_CONTROLS)
    )
    for name in (" ".join(kept.split())[:64].strip(), otherwise):
        try:
            return member_name(name)
        except InvalidName:
            continue
    return "track"


def name_of(path: Path) -> str:
    """Return a recording's name for a file: its stem."""
    return path.stem or path.name
