"""The columns that helpers answer with: moments and spans as pandas has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["moments", "spans"]

_NAT = np.iinfo(np.int64).min


def moments(ns: NDArray[np.int64]) -> pd.Series[pd.Timestamp]:
    """Return ns since 1970 as datetime64[ns, UTC]."""
    return pd.Series(ns.astype(np.int64, copy=False).view("datetime64[ns]")).dt.tz_localize("UTC")


def spans(ns: NDArray[Any]) -> pd.Series[pd.Timedelta]:
    """Return ns as timedelta64[ns]; NaN becomes NaT."""
    if ns.dtype.kind == "f":
        is_known = ~np.isnan(ns)
        whole = np.full(len(ns), _NAT)
        whole[is_known] = np.rint(ns[is_known]).astype(np.int64)
        ns = whole
    return pd.Series(ns.astype(np.int64, copy=False).view("timedelta64[ns]"))
