"""Trails piece by piece: as Arrow messages, from segments and from rows.

A piece is read for itself: who asks for the next says how far it came. No snapshot is held
between them, however slow the reader is, and what is sealed or forgotten meanwhile is so
for the next piece.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from locshare_ext.errors import NotFound
from locshare_ext.model.store import Selection
from locshare_ext.model.trail import stream_piece
from locshare_ext.store.chosen import Chosen, choose
from locshare_ext.store.columns import batch_of, dictionaries, read_columns
from locshare_ext.store.sealed import Sealed, list_segments, read_batch, read_body
from locshare_ext.store.segment import Segment, messages_of, named
from locshare_ext.store.selecting import where

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ROWS", "Heavy", "Piece", "read_piece", "read_stored"]

ROWS = 16_384  # of a piece that is made of rows: about 30 ms
_COMPRESSION = "lz4"  # of what is packed for one reader only


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stream, and after which offset to go on; None: that was all.

    data: whole messages; empty where nothing was chosen.
    """

    data: bytes
    after: int | None


@dataclass(frozen=True, slots=True)
class Heavy:
    """What comes next has to be looked at fix by fix.

    rows: how many there are, about. after: the offset after which only rows come; None: it
    is a segment of which a part is chosen.
    """

    rows: int
    after: int | None


def read_piece(
    conn: sqlite3.Connection, sealed: Sealed, log: str, selection: Selection, epoch: str | None
) -> Piece:
    """Return the first piece of a selection. epoch: of the log that earlier pieces were of.

    NotFound: that log was deleted, or there is no such recording.
    """
    chosen = _chosen(conn, log, selection, epoch)
    if chosen is None:
        return Piece(b"", None)
    for segment, share in _segments(conn, sealed, chosen):
        if share == "all":
            return Piece(_whole(chosen, segment, read_body(conn, segment)), segment.last)
        batch = read_batch(conn, segment)
        mask = chosen.mask(batch)
        if mask.any():
            return Piece(_packed(batch.filter(mask), chosen.names), segment.last)
    if chosen.upto <= chosen.sealed_to:
        return Piece(b"", None)
    return _of_rows(conn, chosen, log, selection)


def read_stored(
    conn: sqlite3.Connection, sealed: Sealed, log: str, selection: Selection, epoch: str | None
) -> Piece | Heavy:
    """Return the first piece if it is as it stands in the file, in about a ms; see `read_piece`."""
    chosen = _chosen(conn, log, selection, epoch)
    if chosen is None:
        return Piece(b"", None)
    for segment, share in _segments(conn, sealed, chosen):
        if share == "all":
            return Piece(_whole(chosen, segment, read_body(conn, segment)), segment.last)
        return Heavy(segment.rows, None)
    begin = max(chosen.after, chosen.sealed_to)
    return Heavy(chosen.upto - begin, begin) if chosen.upto > begin else Piece(b"", None)


def _chosen(conn: sqlite3.Connection, log: str, selection: Selection, epoch: str | None) -> Chosen | None:
    chosen = choose(conn, log, selection)
    if epoch is not None and (chosen is None or epoch != chosen.info.epoch):
        raise NotFound(f"log {log!r} was deleted meanwhile", code="log_deleted")
    return chosen


def _segments(
    conn: sqlite3.Connection, sealed: Sealed, chosen: Chosen
) -> Iterator[tuple[Segment, Literal["some", "all"]]]:
    """Give the segments of which something may be chosen."""
    for segment in list_segments(conn, chosen.log_id, chosen.after):
        if segment.first > chosen.upto:
            return
        share = chosen.share(segment)
        if share != "none" and not chosen.is_whole:
            of_members = chosen.share_of_members(sealed.summary(conn, segment))
            share = of_members if share == "all" or of_members == "none" else share
        if share != "none":
            yield segment, share


def _whole(chosen: Chosen, segment: Segment, body: bytes) -> bytes:
    ids, sources = segment.dictionaries(body)
    # the codes stay as they are, so no fix need be unpacked
    return dictionaries([chosen.names[one] for one in ids], sources) + messages_of(segment, body)


def _of_rows(conn: sqlite3.Connection, chosen: Chosen, log: str, selection: Selection) -> Piece:
    condition, values = where(conn, "fixes", chosen.log_id, log, selection)
    if (
        len(chosen.names)
        < conn.execute("SELECT count(*) FROM members WHERE log = ?", (chosen.log_id,)).fetchone()[0]
    ):
        condition += " AND member NOT IN (SELECT id FROM members WHERE name GLOB '/gone/*')"
    found = read_columns(conn, condition, values, ROWS)
    if found is None:
        return Piece(b"", None)
    data = found.messages(chosen.names.__getitem__)
    if "pyarrow" in sys.modules:  # to load it only for this takes longer than all there is to send
        data = stream_piece(batch_of(data), compression=_COMPRESSION)
    return Piece(data, found.last if found.rows == ROWS else None)


def _packed(batch: pa.RecordBatch, names: Mapping[int, str]) -> bytes:
    return stream_piece(named(batch, names), compression=_COMPRESSION)
