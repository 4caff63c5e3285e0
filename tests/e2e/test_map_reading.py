"""What people see of a map who read another language, want little motion, or have little room."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_group_map_page import REAL, WORDS
from tests.e2e.test_layer_controls import SOURCE
from tests.e2e.test_timeline import RECORDING, START, clock, strip
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

APART = """([one, other]) => {
  const [a, b] = [one, other].map(name => document.querySelector(name).getBoundingClientRect());
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}"""
WITHIN = """name => {
  const [box, map] = [name, '.leaflet-container']
    .map(one => document.querySelector(one).getBoundingClientRect());
  return box.left >= map.left && box.right <= map.right && box.top >= map.top;
}"""
# Where the map is right after a click, and two frames later.
CENTRED = """() => new Promise(done => {
  const pane = document.querySelector('.leaflet-map-pane');
  const before = pane.style.transform;
  document.querySelector('.locshare-row:last-child .locshare-centre').click();
  const after = pane.style.transform;
  requestAnimationFrame(() => requestAnimationFrame(() => done([before, after, pane.style.transform])));
})"""
MOVING = """() => document.getAnimations()
  .filter(one => one.effect.target.closest('.locshare-map') && one.playState === 'running').length"""


def english(notebook: Notebook, *names: str) -> list[str]:
    """Return what on the map is in Latin letters and no name."""
    known = {*names, "stomp", "km", "Shift", "ann", "ben", "cy"}
    words = [word for word in notebook.page.evaluate(WORDS) if word.strip()]
    return [word for word in words if set(re.findall(r"[A-Za-z]{2,}", word)) - known]


def test_what_the_kernel_says_is_in_korean_too(open_notebook: OpenNotebook) -> None:
    status = "SourceStatus('offline', 1, 'Offline since 1', code='cut', values={'why': 'it was closed'})"
    cells = (
        "from locshare_ext import GroupMap\nGroupMap('qxzqx', basemap=None, height='380px')",
        SOURCE + f"GroupMap(Walk(status={status}, names=['ann']), basemap=None, height='380px')",
    )
    notebook = open_notebook(*cells, locale="ko-KR", height=1100)
    notebook.run_all()
    notebook.page.locator(".locshare-status", has_text="qxzqx 그룹에서").wait_for()
    notebook.page.locator(".locshare-status", has_text="연결이 닫혔습니다").wait_for()
    notebook.wait_until_idle()
    assert english(notebook, "qxzqx", "simulate") == []
    notebook.screenshot("korean")
    assert notebook.errors == []


def test_nothing_moves_for_who_wants_little_motion(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        REAL.format(name="calm") + "\ngroup.record('walk')\nGroupMap(group, basemap=None)",
        reduced_motion="reduce",
    )
    notebook.run_all()
    notebook.wait_for_members(3)
    page = notebook.page
    page.wait_for_selector(".locshare-live.is-lit")
    page.locator(".locshare-light[data-light='on']").wait_for()
    page.locator(".locshare-row").nth(2).wait_for()
    assert page.evaluate(MOVING) == 0
    before, after, later = page.evaluate(CENTRED)
    assert before != after
    assert after == later
    page.emulate_media(reduced_motion="no-preference")  # what would move else
    notebook.wait_for(MOVING)
    assert notebook.errors == []


def test_legend_and_tools_are_apart_on_a_low_map(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        SOURCE + "GroupMap(Walk(), basemap=None, height='420px', layer={'color_by': 'speed'})"
    )
    notebook.run_all()
    notebook.wait_for_members(4)
    page = notebook.page
    page.wait_for_selector(".locshare-legend")
    for width in (1400, 360):
        page.set_viewport_size({"width": width, "height": 800})
        if width == 360:
            page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
            page.locator(".locshare-members-head").click()  # a list that is open may lie over it
        page.locator(".leaflet-container").scroll_into_view_if_needed()
        for other in (".locshare-tools", ".leaflet-control-zoom", ".locshare-members", ".locshare-bar"):
            notebook.wait_for(APART, [".locshare-legend", other])
        notebook.wait_for(WITHIN, ".locshare-legend")
        notebook.screenshot(f"low-{width}")
    assert notebook.errors == []


def test_a_part_of_a_recording_fills_the_strip(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(RECORDING + "m = GroupMap(made('walk', 90), basemap=None)\nm")
    notebook.run_all()
    notebook.wait_for_members(2)
    page = notebook.page
    span = page.get_by_label("Part of the past that the bar shows")
    assert span.locator("option:not([hidden])").all_inner_texts() == ["all", "15 min", "1 hr"]
    span.select_option("900000")
    slider = page.locator(".locshare-track")

    def wait_for_window(begin: int) -> None:
        notebook.wait_for(
            "([from, to]) => { const of = name => Number(document.querySelector('.locshare-track')"
            ".getAttribute(`aria-value${name}`)); return of('min') === from && of('max') === to; }",
            [begin, begin + 900_000],
        )

    wait_for_window(START)
    box = strip(notebook)
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    assert clock(notebook)["moment"] == pytest.approx(START + 300_000, abs=3000)
    slider.focus()
    page.keyboard.press("End")  # of the recording, not of what is seen
    end = START + (90 * 12 - 1) * 5000
    assert clock(notebook)["moment"] == end
    wait_for_window(end - 900_000)
    notebook.screenshot("strip-part")
    page.keyboard.press("Home")
    assert clock(notebook)["moment"] == START
    wait_for_window(START)
    span.select_option("0")
    notebook.wait_for(
        "at => Number(document.querySelector('.locshare-track').getAttribute('aria-valuemax')) === at", end
    )
    assert notebook.errors == []


def test_a_scale_is_in_the_picture(open_notebook: OpenNotebook) -> None:
    from tests.e2e.test_layer_settings import ROW, execute

    notebook = open_notebook(ROW, width=1200)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.positionOf('fay')")
    notebook.wait_until_idle()
    taken = """
from io import BytesIO
from PIL import Image
import numpy as np
common = dict(width=900, height=300, dpi=96, background=False, legend=False)
images = [layer.to_image(scale_bar=bar, **common) for bar in (True, False)]
having, lacking = (np.asarray(Image.open(BytesIO(bytes(one))))[:, :, 3] for one in images)
rows, columns = np.nonzero(having != lacking)
assert rows.min() >= 270 and rows.max() <= 292, (rows.min(), rows.max())
assert columns.min() >= 8, columns.min()
# 13 px of zoom 13 at 10 degrees are about 245 m: the longest round length below 110 px is 2 km
wide = 2000 / (156543.03392 * np.cos(np.radians(10)) / 2**13)
assert abs(columns.max() - 10 - wide) < 3, (columns.max(), wide)
"""
    execute(notebook, taken)
    assert notebook.errors == []
