"""The panel with a group's numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from locshare_ext import GroupMap, GroupPanel, Recording, open_recording
from locshare_ext.analysis import GroupNumbers
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix
from locshare_ext.widget import panel as panels
from locshare_ext.widget.numbers_page import EN, KO, page_of
from locshare_ext.widget.panel_page import metres, span
from tests.analysis.helpers import BASE, frame

LIMIT = 30.0


def fix(member: str, at: float = 0, lat: float = 0.0) -> Fix:
    return Fix(member=member, time=BASE + round(1000 * at), lat=lat, lon=0.0, flags=())


def page(numbers: GroupNumbers, title: str = "hikers", language: str = "en") -> str:
    return page_of(title, numbers.group(), numbers.members(), near=numbers.near, language=language)


def test_what_people_named_is_escaped() -> None:
    numbers = GroupNumbers()
    numbers.add([fix("<img src=x onerror=alert(1)>"), fix("<b>bo", lat=1.0), fix('"cy"&', lat=1.0)])
    told = page(numbers, title="<script>")
    for tag in ("<img", "<b>", "<script"):
        assert tag not in told
    assert told.count("&lt;img src=x onerror=alert(1)&gt;") >= 3  # its row, alone, farthest


def test_numbers_and_states_are_told() -> None:
    numbers = GroupNumbers(max_gap="1min", lasting="30s")
    numbers.add([fix("ann", 0), fix("ann", 40), fix("bo", 40, 0.5), fix("cy", 40, 0.5), fix("old", -900)])
    told = page(numbers)
    assert "3 of 4 here" in told
    assert "Alone: ann" in told
    assert "stands 0:40" in told
    assert "silent 15:40" in told
    assert "0 m cy" in told
    korean = page(numbers, language="ko")
    assert "혼자: ann" in korean
    assert 'lang="ko"' in korean
    assert "Alone" not in korean


def test_every_word_is_there_in_both_languages() -> None:
    assert EN.keys() == KO.keys()
    for key, words in EN.items():
        assert sorted(part.split("}")[0] for part in words.split("{")[1:]) == sorted(
            part.split("}")[0] for part in KO[key].split("{")[1:]
        )


def test_no_fixes_and_many_members() -> None:
    numbers = GroupNumbers()
    assert EN["none"] in page(numbers)
    numbers.add([fix(f"m{n:03}") for n in range(130)])
    assert page(numbers).count("<tr") == 101
    assert "and 30 more members" in page(numbers)


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0 m"), (999.4, "999 m"), (999.6, "1.0 km"), (123456, "123 km")]
)
def test_distances(value: float, said: str) -> None:
    assert metres(value) == said


def test_spans() -> None:
    assert [span(one) for one in (-1, 59, 61, 3600)] == ["0:00", "0:59", "1:01", "1:00:00"]


class Values:
    """What a panel has shown, and how to wait for it."""

    def __init__(self, panel: GroupPanel) -> None:
        self._changed = threading.Condition()
        self.all: list[str] = []
        panel.observe(self._add, "value")

    def _add(self, change: Any) -> None:
        with self._changed:
            self.all.append(change["new"])
            self._changed.notify_all()

    def wait(self, has: Callable[[str], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(has, self.all)), LIMIT), self.all[-1:]


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    rows = [{"member": ("ann", "bo")[n % 2], "at": n, "lat": n / 1e5} for n in range(20)]
    path = tmp_path / "walk.parquet"
    frame(*rows).to_parquet(path)
    return open_recording(path)


@pytest.fixture
def panel(recording: Recording) -> Iterator[GroupPanel]:
    made = GroupPanel(recording)
    yield made
    made.close()
    for thread in threading.enumerate():
        if thread.name == "locshare-panel":
            thread.join(LIMIT)
            assert not thread.is_alive()


def test_it_draws_only_while_a_page_shows_it(panel: GroupPanel, recording: Recording) -> None:
    values = Values(panel)
    done = threading.Event()
    recording.on_fixes(lambda fixes: done.set())
    recording.play(float("inf"))
    assert done.is_set()
    assert values.all == []
    panel._view_count = 1  # as the page says it
    values.wait(lambda value: "2 of 2 here" in value)
    assert panel.numbers.members()["fixes"].tolist() == [10, 10]


def test_it_moves_with_what_is_played(panel: GroupPanel, recording: Recording) -> None:
    values = Values(panel)
    panel._view_count = 1
    values.wait(lambda value: "2 of 2 here" in value)
    before = recording.trails()["time"].iloc[5] - pd.Timedelta("500ms")
    player = recording.play(0.01, wait=False, start=before)  # the next is due in a minute
    player.pause()
    player.step(3)
    shown = recording.trails()["time"].iloc[7].strftime("%H:%M:%S")
    values.wait(lambda value: f" {shown} UTC" in value)
    player.stop()


def test_it_shows_what_a_bare_drag_shows(recording: Recording) -> None:
    times = recording.trails()["time"]
    shown = GroupMap(recording)
    panel = GroupPanel(shown)
    values = Values(panel)
    panel._view_count = 1
    values.wait(lambda value: "<td>10</td>" in value or "2 of 2 here" in value)
    try:
        for row in (12, 5, 16):  # on, back, and on again
            values.all.clear()
            shown.playhead = times.iloc[row]
            values.wait(lambda value, at=times.iloc[row]: f" {at:%H:%M:%S} UTC" in value)  # type: ignore[misc]
            assert panel._looked_at is not None
            counted = panel._looked_at.numbers()
            assert counted is not None
            assert counted[0].members()["fixes"].sum() == row + 1
        assert panel.numbers.members()["fixes"].sum() == 20  # of all of it, as without a map
        values.all.clear()
        shown.clock = "received"
        shown.playhead = times.iloc[3]
        values.wait(lambda value: f" {times.iloc[3]:%H:%M:%S} UTC" in value)
        values.all.clear()
        shown.playhead = times.iloc[0]
        values.wait(lambda value: f" {times.iloc[19]:%H:%M:%S} UTC" in value)  # all of it again
    finally:
        panel.close()
        shown.close()


def test_a_closed_panel_is_fed_no_more(recording: Recording) -> None:
    made = GroupPanel(recording)
    values = Values(made)
    made.close()
    made.close()
    for thread in threading.enumerate():
        if thread.name == "locshare-panel":
            thread.join(LIMIT)
    assert len(recording._callbacks()) == 0
    assert values.all == []


def test_a_saved_notebook_holds_no_name(panel: GroupPanel) -> None:
    assert repr(panel).startswith("GroupPanel(")
    assert "ann" not in repr(panel)


def test_a_cell_that_is_run_again_ends_its_panel(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels, "running_cell", lambda: ("cell", "first"))
    first = GroupPanel(recording)
    monkeypatch.setattr(panels, "running_cell", lambda: ("cell", "second"))
    second = GroupPanel(recording)
    assert (first._is_closed, second._is_closed) == (True, False)
    second.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda one: GroupPanel(42), "GroupPanel wants"),
        (lambda one: GroupPanel(one, language="xx"), "language"),
        (lambda one: GroupPanel(one, near=-1), "near"),
    ],
)
def test_what_is_refused(recording: Recording, make: Callable[[Recording], GroupPanel], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make(recording)
