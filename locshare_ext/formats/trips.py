"""Members, the order of a trail's rows, and the trips that they part into; without pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dictionary_of", "sort_order", "trip_codes"]


def trip_codes(
    time: NDArray[np.int64], member: NDArray[Any], members: Sequence[str], gap: int
) -> tuple[list[str], NDArray[np.int32]]:
    """Return the names of all trips and the number of each row's trip.

    time (ms) ascends within each member; member indexes `members`. `ann-1` is ann's first
    trip; a name is unique, as the last hyphen parts member and number.
    """
    if not len(time):
        return [], np.zeros(0, dtype=np.int32)
    by_member = np.argsort(member, kind="stable")
    members_in_turn, times = member[by_member], time[by_member]
    is_first = np.concatenate(([True], members_in_turn[1:] != members_in_turn[:-1]))
    is_new = is_first.copy()
    is_new[1:] |= times[1:] - times[:-1] > gap
    trip = np.empty(len(time), dtype=np.int32)
    trip[by_member] = np.cumsum(is_new, dtype=np.int32) - 1
    names = []
    number = 0
    for code, first in zip(members_in_turn[is_new].tolist(), is_first[is_new].tolist(), strict=True):
        number = 1 if first else number + 1
        names.append(f"{members[code]}-{number}")
    return names, trip


def dictionary_of(column: pa.ChunkedArray) -> tuple[list[str], NDArray[Any]]:
    """Return the texts in use, sorted, and each row's place among them (-1: missing)."""
    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # as older versions of pyarrow answer
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    texts = column.dictionary.to_pylist()
    codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(texts))).tolist()
    names = sorted({texts[code] for code in used})
    place = {name: number for number, name in enumerate(names)}
    turned = np.full(len(texts) + 1, -1, dtype=np.int16 if len(names) < 2**15 else np.int32)
    for code in used:
        turned[code] = place[texts[code]]
    return names, turned[codes]  # -1 picks the last of `turned`, which is -1


def sort_order(
    time: NDArray[np.int64], member: NDArray[Any], seq: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the rows' order by (time, member, seq), None if they are in it already."""
    later, same = time[1:] > time[:-1], time[1:] == time[:-1]
    after = (member[1:] > member[:-1]) | ((member[1:] == member[:-1]) & (seq[1:] >= seq[:-1]))
    if bool(np.all(later | (same & after))):
        return None
    if (packed := _packed_order(time, member, seq)) is not None:
        return packed
    return np.lexsort((seq, member, time))


def _packed_order(
    time: NDArray[np.int64], member: NDArray[Any], seq: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the same by sorting one number per row, in a third of the time; None if 63 bits do not do."""
    if not bool(np.all(seq[1:] >= seq[:-1])) or int(member.min()) < 0:
        return None
    first = int(time.min())
    members, rows = int(member.max()).bit_length(), (len(time) - 1).bit_length()
    if (int(time.max()) - first).bit_length() + members + rows > 63:
        return None
    packed = time - first
    packed <<= members
    packed |= member
    packed <<= rows
    packed += np.arange(len(time))
    packed.sort()
    packed &= (1 << rows) - 1
    return packed
