"""The timeline, the member list and the words on the map, as a person uses them."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_settings import wait_in_kernel
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

# A group on a grid of streets: history of ten minutes, then a fix of each member five times a second.
SOURCE = """
import threading, time
import numpy as np
from locshare_ext import GroupMap
from locshare_ext.client.source import FixBatch, SourceStatus

NAMES = ["ann", "ben", "<img src=x onerror=alert(1)>", "\\u202eevil"]

class Walk:
    title = "walk"

    def __init__(self, is_live=True, status=None, names=NAMES, empty=False):
        self.is_live, self.names, self.empty = is_live, names, empty
        self.status = status or SourceStatus("live", 0, "")
        self.start = int(time.time() * 1000) - 600_000

    def batch(self, times):
        times = np.repeat(np.asarray(times, np.int64), len(self.names))
        members = np.tile(np.arange(len(self.names), dtype=np.int32), len(times) // len(self.names))
        turn = (times - self.start) / 60_000 + members
        nan, some = np.full(len(times), np.nan), np.full(len(times), 0.5)
        lat, lon = 53.4 + 0.01 * np.sin(turn), -2.9 + 0.02 * np.cos(turn)
        return FixBatch(self.names, members, times * 10 + members, times, times + 50, lat, lon,
                        nan, some * 10, some * 3, nan, some)

    def history(self):
        if self.empty:
            return FixBatch.empty()
        return self.batch(np.arange(self.start, self.start + 600_000, 5_000))

    def listen(self, on_fixes, on_status):
        ended = threading.Event()

        def run():
            while not ended.wait(0.2):
                if not self.empty:
                    on_fixes(self.batch([int(time.time() * 1000)]))

        threading.Thread(target=run, daemon=True).start()
        return ended.set
"""


def box_of(notebook: Notebook, selector: str) -> dict[str, float]:
    """Return where an element is, once it is in view."""
    found = notebook.page.locator(selector)
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    return dict(box)


def clock(notebook: Notebook) -> dict[str, Any]:
    state: dict[str, Any] = notebook.page.evaluate("() => window.locshareLayers[0].clock()")
    return state


def wait_for_state(notebook: Notebook, state: str) -> None:
    notebook.wait_for("state => window.locshareLayers?.[0]?.clock().state === state", state)


def wait_for_play(notebook: Notebook, beyond: float) -> None:
    notebook.wait_for("moment => window.locshareLayers[0].clock().moment > moment", beyond)


def test_looking_back_while_fixes_go_on_arriving(open_notebook: OpenNotebook) -> None:
    settings = "walk = Walk()\nwalk.settings = lambda: {'stale': 0.001, 'lost': 600, 'gap': 4}\n"
    notebook = open_notebook(SOURCE + settings + "GroupMap(walk)", "time.sleep(3600)")
    notebook.run_all()
    notebook.wait_for_members(4)
    page = notebook.page
    page.wait_for_selector(".locshare-row.is-stale")  # as the group has it
    page.wait_for_selector(".locshare-live.is-lit")
    box = box_of(notebook, ".locshare-track")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20, steps=5)
    page.mouse.up()
    wait_for_state(notebook, "paused")
    then = clock(notebook)["moment"]
    fixes = page.evaluate("() => window.locshareLayers[0].stats().fixes")
    notebook.wait_for("fixes => window.locshareLayers[0].stats().fixes > fixes", fixes)
    notebook.wait_for(
        "then => Math.abs((window.locshareLayers[0].positionOf('ann')?.time ?? 0) - then) < 6000",
        then,
    )
    assert clock(notebook)["moment"] == then
    page.locator(".locshare-live").click()
    page.wait_for_selector(".locshare-live.is-lit")
    wait_for_play(notebook, then + 200_000)
    assert notebook.errors == []


def test_a_recording_begins_at_its_start_and_plays_by_keyboard(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SOURCE + "walk = Walk(is_live=False)\nGroupMap(walk)")
    notebook.run_all()
    notebook.wait_for_members(4)
    page = notebook.page
    start = clock(notebook)
    assert start["state"] == "paused"
    assert page.locator(".locshare-live").is_hidden()
    notebook.wait_for("start => window.locshareLayers[0].positionOf('ann')?.time === start", start["moment"])
    page.locator(".locshare-track").focus()
    page.keyboard.press("Space")
    wait_for_state(notebook, "playing")
    wait_for_play(notebook, start["moment"] + 1000)
    page.keyboard.press("Space")
    wait_for_state(notebook, "paused")
    before = clock(notebook)["moment"]
    page.keyboard.press("ArrowRight")
    assert clock(notebook)["moment"] == pytest.approx(before + 5950, abs=10)
    page.keyboard.press("Shift+ArrowRight")
    notebook.wait_for(
        "start => (window.locshareLayers[0].clock().moment - start) % 5000 === 0", start["moment"]
    )
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert clock(notebook)["moment"] == start["moment"]
    page.locator(".locshare-speed").select_option("600")
    page.locator(".locshare-play").click()
    wait_for_state(notebook, "paused")
    assert clock(notebook)["moment"] == start["moment"] + 595_000
    assert page.locator(".jp-Cell.jp-mod-selected").count() == 1  # no key went to the notebook
    assert notebook.errors == []


def test_members_are_listed_hidden_followed_and_never_markup(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SOURCE + "shown = GroupMap(Walk())\nlayer = shown.trail_layer\nshown")
    notebook.run_all()
    notebook.wait_for_members(4)
    page = notebook.page
    rows = page.locator(".locshare-row")
    rows.nth(3).wait_for()
    names = page.locator(".locshare-name").all_inner_texts()
    assert "<img src=x onerror=alert(1)>" in names
    assert page.locator(".leaflet-container img").count() == 0
    ann = rows.filter(has_text="ann")
    assert "5.4 km/h" in ann.inner_text()
    assert "50%" in ann.inner_text()
    page.get_by_label("Show ann").uncheck()
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ann') === null")
    wait_in_kernel(notebook, "layer.hidden == ['ann']")
    page.get_by_label("Show ann").check()
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ann') !== null")
    wait_in_kernel(notebook, "layer.hidden == []")
    page.get_by_label("Follow ben").click()
    page.wait_for_selector(".locshare-follow[aria-pressed='true']")
    wait_in_kernel(notebook, "layer.followed == 'ben'")
    page.get_by_role("button", name="4 members").click()
    page.wait_for_selector(".locshare-members:not(.is-open)")
    assert notebook.errors == []


def test_the_pointer_is_told_who_is_there(open_notebook: OpenNotebook) -> None:
    one = SOURCE.replace("+ 0.01 * np.sin(turn), -2.9 + 0.02 * np.cos(turn)", "+ 0 * turn, -2.9 + 0 * turn")
    notebook = open_notebook(
        one + "GroupMap(Walk(names=['<b>ann</b>']), center=(53.4, -2.9), zoom=12, height='500px')"
    )
    notebook.run_all()
    notebook.wait_for_members(1)
    notebook.wait_for("() => window.locshareLayers[0].positionOf('<b>ann</b>')")
    box = box_of(notebook, ".leaflet-container")
    notebook.page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    tip = notebook.page.locator(".locshare-tip")
    tip.wait_for(state="visible")
    words = tip.inner_text()
    for expected in ("<b>ann</b>", "Position", "Last heard", "5.4 km/h", "50%", "±5 m"):
        assert expected in words
    notebook.page.mouse.move(box["x"] + 200, box["y"] + 100)
    tip.wait_for(state="hidden")


def test_a_dead_kernel_is_said(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SOURCE + "GroupMap(Walk())", "import os\nprint('process', os.getpid())")
    notebook.run_all()
    notebook.wait_for_members(4)
    text = notebook.page.locator(".jp-OutputArea-output", has_text="process").last.inner_text()
    os.kill(int(text.split()[1]), signal.SIGKILL)
    words = notebook.page.locator(
        ".locshare-status", has_text="The kernel has stopped: what you see is as of"
    )
    words.wait_for(state="visible")
    assert notebook.page.locator(".locshare-live.is-lit").count() == 0
    assert notebook.page.evaluate("() => window.locshareLayers[0].stats().connected") is False


def test_words_cover_neither_list_nor_tools(open_notebook: OpenNotebook) -> None:
    status = "SourceStatus('offline', 1, 'Offline since 14:03:21: the connection was closed. Trying again.')"
    notebook = open_notebook(SOURCE + f"GroupMap(Walk(names=list('abcdefghijklm'), status={status}))")
    notebook.run_all()
    notebook.wait_for_members(13)
    box = notebook.page.locator(".locshare-status")
    box.wait_for(state="visible")
    assert box.inner_text().count("since") == 1
    for width in (1400, 1000, 390):
        notebook.page.set_viewport_size({"width": width, "height": 900})
        head = notebook.page.locator(".locshare-members-head")
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        notebook.wait_for(CLEAR)
    assert notebook.errors == []


# The message is apart from everything else on the map.
CLEAR = """() => {
  const box = selector => document.querySelector(selector).getBoundingClientRect();
  const words = box('.locshare-status');
  const others = '.locshare-members .locshare-tools .leaflet-control-zoom .locshare-bar';
  return others.split(' ').map(box).every(other => words.right <= other.left || other.right <= words.left
    || words.bottom <= other.top || other.bottom <= words.top);
}"""


def test_an_empty_and_an_unknown_group_say_so(open_notebook: OpenNotebook) -> None:
    status = "SourceStatus('unknown_group', 1, 'There is no group `hikrs`.', ['hikers'])"
    notebook = open_notebook(
        SOURCE + "GroupMap(Walk(empty=True))",
        f"GroupMap(Walk(empty=True, status={status}))",
        width=390,
        height=800,
    )
    notebook.run_all()
    first, second = (notebook.page.locator(".locshare-status").nth(k) for k in range(2))
    first.filter(has_text="No positions yet").wait_for(state="visible")
    second.filter(has_text="There is no group hikrs.").wait_for(state="visible")
    assert "hikers" in second.inner_text()
    assert notebook.errors == []


def test_running_a_cell_again_ends_what_it_made(open_notebook: OpenNotebook) -> None:
    count = (
        "import ipywidgets.widgets.widget as registry\n"
        "print('widgets', len(registry._instances), threading.active_count())"
    )
    notebook = open_notebook(SOURCE + "walk = Walk()", "GroupMap(walk)", count)
    counts = set()
    for _ in range(6):
        notebook.run_all()
        notebook.wait_for_members(4)
        notebook.wait_until_idle()
        notebook.wait_for("() => window.locshareLayers.length === 1")
        counts.add(notebook.page.locator(".jp-OutputArea-output", has_text="widgets").last.inner_text())
    assert len(counts) <= 3, counts  # the map before is still seen when the cell runs
