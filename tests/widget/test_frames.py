from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from locshare_ext.widget.frames import encode_columns

TYPES = {"u4": "<u4", "f4": "<f4", "f8": "<f8"}


def decode(described: list[dict[str, Any]], data: bytes, count: int) -> dict[str, npt.NDArray[Any]]:
    """Read a frame as the page does."""
    columns, offset = {}, 0
    for column in described:
        dtype = np.dtype(TYPES[column["type"]])
        assert offset % dtype.itemsize == 0, "typed arrays need aligned bytes"
        values = np.frombuffer(data, dtype, count, offset)
        columns[column["name"]] = values.astype(float) + column["base"] if "base" in column else values
        offset += values.nbytes
    assert offset == len(data)
    return columns


def rows(**columns: list[Any]) -> dict[str, npt.NDArray[Any]]:
    count = len(columns["time"])
    whole = {
        "member": np.zeros(count, np.uint32),
        "x": np.arange(count, dtype=np.uint32),
        "y": np.arange(count, dtype=np.uint32),
        "received": np.zeros(count, np.int64),
    }
    kinds = {"time": np.int64, "received": np.int64}
    return whole | {name: np.array(values, kinds.get(name, np.float32)) for name, values in columns.items()}


def test_a_fix_with_both_clocks_takes_twenty_bytes() -> None:
    now = 1_795_353_845_034
    described, data = encode_columns(rows(time=[now, now + 7], received=[now + 400, now + 900]))
    assert len(data) == 2 * 20
    columns = decode(described, data, 2)
    assert columns["time"].tolist() == [now, now + 7]
    assert columns["received"].tolist() == [now + 400, now + 900]


def test_times_that_are_months_apart_come_through() -> None:
    times = [0, 1_795_353_845_034, 5]
    described, data = encode_columns(rows(time=times, received=[1_795_353_845_034, 0, 7]))
    columns = decode(described, data, 3)
    assert columns["time"].tolist() == times
    assert columns["received"].tolist() == [1_795_353_845_034, 0, 7]


def test_what_nobody_sent_does_not_travel() -> None:
    described, data = encode_columns(rows(time=[5], speed=[np.nan], battery=[0.5]))
    assert {column["name"] for column in described} == {"time", "member", "x", "y", "battery"}
    assert len(data) == 20


def test_unknown_numbers_are_not_a_number() -> None:
    described, data = encode_columns(rows(time=[5, 6], speed=[1.5, np.nan]))
    assert np.array_equal(decode(described, data, 2)["speed"], [1.5, np.nan], equal_nan=True)
