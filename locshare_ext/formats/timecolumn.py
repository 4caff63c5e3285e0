"""A column of times, read at once by the rules of `times.TimeReader`."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from locshare_ext.formats.times import EARLIEST, LATEST, PER_MS, TimeReader

__all__ = ["read_times"]


def read_times(texts: pa.Array, reader: TimeReader) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return ms since 1970 UTC, and which texts have to be read (and refused) one by one."""
    for how in (_of_whole_numbers, _of_decimals, _of_dates):
        ms = how(texts, reader)
        if ms is not None:
            return ms, (ms < EARLIEST) | (ms >= LATEST)
    return np.zeros(len(texts), np.int64), np.ones(len(texts), bool)


def _of_whole_numbers(texts: pa.Array, reader: TimeReader) -> NDArray[np.int64] | None:
    if reader.unit is None:
        return None
    try:
        numbers: NDArray[np.int64] = texts.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return _seconds(numbers) if reader.unit == "s" else numbers // PER_MS[reader.unit]


def _seconds(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ms; what would not fit is out of range as well."""
    return np.clip(numbers, -(10**15), 10**15) * 1000


def _of_decimals(texts: pa.Array, reader: TimeReader) -> NDArray[np.int64] | None:
    """Read seconds with digits behind the point, as digits: a float would round them."""
    if reader.unit != "s":
        return None
    parts = pc.extract_regex(texts, r"^(?P<s>[0-9]{1,14})\.(?P<f>[0-9]+)$")
    if parts.null_count:
        return None
    whole = parts.field("s").cast(pa.int64()).to_numpy()
    rest = pc.utf8_slice_codeunits(pc.utf8_rpad(parts.field("f"), 3, "0"), 0, 3)
    found: NDArray[np.int64] = _seconds(whole) + rest.cast(pa.int64()).to_numpy()
    return found


def _of_dates(texts: pa.Array, reader: TimeReader) -> NDArray[np.int64] | None:
    if reader.unit is not None or not len(texts) or pc.min(pc.binary_length(texts)).as_py() < 16:
        return None
    for plain in (texts, None):
        if plain is None:  # written otherwise than Arrow reads it: a comma, a zone's name, a space
            plain = pc.replace_substring_regex(texts, r" ?(UTC|GMT|Z)$", "Z")
            plain = pc.replace_substring_regex(plain, r" ([+-][0-9:]+)$", r"\1")
            plain = pc.replace_substring(plain, ",", ".")
        try:
            return _ms(plain.cast(pa.timestamp("ns", "UTC")))
        except pa.ArrowInvalid:
            pass
        if reader.zone is not None:
            try:
                return _ms(_local(plain.cast(pa.timestamp("ns")), reader))
            except (pa.ArrowInvalid, pa.ArrowKeyError):
                pass
    return None


def _local(times: Any, reader: TimeReader) -> Any:
    if reader.zone is UTC:
        return times
    key = getattr(reader.zone, "key", None)
    if key is None:
        raise pa.ArrowInvalid("a zone without a name")
    return pc.assume_timezone(times, key)  # of an hour that is twice or never: ArrowInvalid


def _ms(times: Any) -> NDArray[np.int64]:
    ms: NDArray[np.int64] = times.cast(pa.int64()).to_numpy() // 1_000_000
    return ms
