"""Spans of time as people write them."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from locshare_ext.errors import InvalidInput

__all__ = ["span_ms"]

_MS = timedelta(milliseconds=1)


def span_ms(value: Any, *, field: str = "last") -> int:
    """Return a span in integer ms: text such as `2h` or `90min`, or a timedelta.

    Raises InvalidInput for what is none, and for spans that are not above 0.
    """
    span: timedelta | None = None
    if isinstance(value, timedelta):  # pandas' Timedelta is one
        span = value
    elif isinstance(value, str):
        import pandas as pd

        try:
            span = pd.Timedelta(re.sub(r"(\d\s*)d\b", r"\1D", value))  # pandas 4 knows days as D only
        except ValueError:
            span = None
    if span is None or span != span:
        raise InvalidInput(
            f"{field} {str(value)[:40]!r} is no span of time; expected text such as '2h', '90min' or '1d', "
            "or a timedelta",
            field=field,
        )
    ms = math.floor(span / _MS)
    if ms <= 0:
        raise InvalidInput(f"{field} {str(value)[:40]!r} is not above 0", field=field)
    return ms
