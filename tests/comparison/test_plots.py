"""The plots of notebook 05, from the run that comes with the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

from locshare_ext import comparison
from locshare_ext.comparison import Comparison, plots
from locshare_ext.comparison.whole import SIZES
from locshare_ext.transports import TRANSPORTS

ALONE = {"plot_channels", "plot_costs", "plot_waiting"}


@pytest.fixture(autouse=True)
def _without_a_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


@pytest.fixture(scope="module")
def kept() -> Comparison:
    return comparison.kept()


def test_the_kept_run_is_a_full_one(kept: Comparison):
    full = SIZES["full"]
    assert kept.about["size"] == "full"
    rows = pd.MultiIndex.from_frame(kept.grid[["transport", "rate", "watchers"]])
    wanted = pd.MultiIndex.from_product([TRANSPORTS, full.rates, full.watchers])
    assert set(rows) == set(wanted)
    assert len(rows) == len(wanted)
    assert (kept.grid["faults"] == 0).all()
    assert tuple(kept.intervals["interval"]) == full.intervals
    assert {"date", "python", "processor", "cores", "commit", "tornado"} <= set(kept.about)


@pytest.mark.parametrize("name", plots.__all__)
def test_every_plot_says_what_it_shows_and_in_which_unit(name: str, kept: Comparison):
    draw: Callable[..., Any] = getattr(plots, name)
    figures = [draw(kept)] if name in ALONE else [draw(kept), draw(kept, kept)]
    for figure in figures:
        figure.canvas.draw()  # text that cannot be set would be found now
        assert figure.get_facecolor()[:3] == (1.0, 1.0, 1.0)  # else unreadable in a dark notebook
        for axes in figure.axes:
            assert axes.get_title()
            is_bar = bool(axes.patches)
            assert is_bar or axes.get_xlabel()
            assert axes.lines or is_bar
            assert all(len(line.get_xdata()) for line in axes.lines)
    if len(figures) == 2:
        words = [text.get_text() for text in figures[1].legends[0].get_texts()]
        assert "measured here, now" in words
        assert len(figures[1].axes[0].lines) > len(figures[0].axes[0].lines)
