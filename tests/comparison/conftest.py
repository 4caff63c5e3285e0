"""One small measurement, which several tests look at."""

from __future__ import annotations

import pandas as pd
import psutil
import pytest

from locshare_ext import comparison
from locshare_ext.comparison import Pace

RATE, WATCHERS, SECONDS = 4.0, 5, 1.5


@pytest.fixture(scope="session")
def measured() -> pd.DataFrame:
    """All transports, as `compare` returns them; by transport."""
    mine = psutil.Process()
    before = {child.pid for child in mine.children(recursive=True)}
    frame = comparison.compare((RATE,), (WATCHERS,), pace=Pace(SECONDS, idle=0.05), interval=0.25)
    frame.attrs["left"] = [
        child for child in mine.children(recursive=True) if child.pid not in before and child.is_running()
    ]
    return frame.set_index("transport")
