"""Moments and spans as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext.client.times import check_zone, ms_from
from locshare_ext.errors import InvalidInput
from locshare_ext.model.spans import span_ms

MOMENT = 1_795_311_120_000  # 2026-11-22T10:32+09:00


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T10:32+09:00",
        "2026-11-22T10:32:00.000+09:00",
        "2026-11-22 01:32:00Z",
        datetime(2026, 11, 22, 1, 32, tzinfo=UTC),
        datetime(2026, 11, 22, 10, 32, tzinfo=timezone(timedelta(hours=9))),
        pd.Timestamp("2026-11-22T10:32", tz="Asia/Seoul"),
        MOMENT,
        np.int64(MOMENT),
    ],
)
def test_a_moment_with_a_zone(value: Any) -> None:
    assert ms_from(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T10:32",
        datetime(2026, 11, 22, 10, 32),
        pd.Timestamp("2026-11-22T10:32"),
        np.datetime64("2026-11-22T10:32"),
    ],
)
def test_a_naive_moment_is_refused_unless_a_zone_is_set(value: Any) -> None:
    with pytest.raises(InvalidInput, match="no time zone") as caught:
        ms_from(value, field="since")
    assert (caught.value.code, caught.value.field) == ("time_naive", "since")
    assert ms_from(value, tz=check_zone("Asia/Seoul")) == MOMENT


@pytest.mark.parametrize("value", [None, True, 1.5, "yesterday", pd.NaT, [], 10**17])
def test_what_is_no_moment(value: Any) -> None:
    with pytest.raises(InvalidInput):
        ms_from(value)


def test_spans() -> None:
    assert span_ms("2h") == span_ms(timedelta(hours=2)) == span_ms(pd.Timedelta("2h")) == 7_200_000
    for bad in ("-2h", "0s", "soon", 5, None, pd.NaT):
        with pytest.raises(InvalidInput):
            span_ms(bad)


def test_an_unknown_zone() -> None:
    with pytest.raises(InvalidInput, match="Mars/Base"):
        check_zone("Mars/Base")
