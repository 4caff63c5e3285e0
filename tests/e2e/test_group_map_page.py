"""The panels of a map: by keyboard, in Korean, with ten thousand members, and what people write down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_controls import SOURCE
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
REAL = """
from locshare_ext import Group, GroupMap
group = Group({name!r})
for place, member in enumerate(("ann", "ben", "cy")):
    group.publish(member=member, lat=37.56 + place / 100, lon=126.97, speed=3.0, battery=0.7, accuracy=8)
GroupMap(group, basemap=None)
"""

# What axe finds wrong with the map. JupyterLab's body has no height, which axe takes for hidden.
JUDGE = """async () => {
  document.body.style.height = '100vh';
  const { violations, passes } = await axe.run('.locshare-map', { resultTypes: ['violations', 'passes'] });
  const judged = passes.find(({ id }) => id === 'color-contrast')?.nodes.length ?? 0;
  return [violations.map(({ id, nodes }) => [id, nodes[0].html]), judged];
}"""

# The focused control's name and place, and whether one can see that it has the focus.
FOCUSED = """() => {
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  const isSeen = style.outlineStyle !== 'none' || focused.type === 'checkbox';
  return [focused.className, focused.closest('.locshare-map') !== null, isSeen];
}"""

# All words on the map but names, times and what Leaflet says of itself.
WORDS = """() => {
  const words = [];
  const skip = '.locshare-name, .locshare-note-text';
  const said = ['aria-label', 'title', 'placeholder', 'aria-valuetext'];
  const walk = node => {
    if (node.nodeType === 3) words.push(node.data);
    if (node.nodeType !== 1 || node.hidden || node.matches(skip)) return;
    words.push(...said.map(name => node.getAttribute(name) ?? ''));
    node.childNodes.forEach(walk);
  };
  for (const panel of document.querySelectorAll('.locshare-map [lang]')) walk(panel);
  return words;
}"""


def set_theme(notebook: Notebook, name: str) -> None:
    notebook.page.evaluate(
        "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${name}`})",
        name,
    )
    notebook.wait_for("light => document.body.dataset.jpThemeLight === light", str(name == "Light").lower())
    notebook.page.locator("#jupyterlab-splash").wait_for(state="detached")  # covers all while a theme loads


def judge(notebook: Notebook) -> None:
    notebook.page.locator(".leaflet-container").scroll_into_view_if_needed()
    found, judged = notebook.page.evaluate(JUDGE)
    assert found == []
    assert judged > 10  # it has seen the text at all


def test_keys_reach_all_and_nothing_is_hard_to_perceive(open_notebook: OpenNotebook) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is missing: npm ci in tests/e2e")
    names = [f"member {k}" for k in range(10_000)]
    source = SOURCE.replace("some * 3, nan, some", "members % 7.0, nan, (members % 50) / 50")
    notebook = open_notebook(
        source + f"GroupMap(Walk(names=[f'member {{k}}' for k in range({len(names)})]), basemap=None)"
    )
    notebook.run_all()
    notebook.wait_for_members(10_000)
    page = notebook.page
    page.locator(".leaflet-container").scroll_into_view_if_needed()
    page.locator(".locshare-row").first.wait_for()
    assert page.locator(".locshare-row").count() < 60
    page.evaluate(AXE.read_text())
    for theme in ("Dark", "Light"):
        set_theme(notebook, theme)
        judge(notebook)
        page.locator(".locshare-link").click()
        judge(notebook)
        page.keyboard.press("Escape")
        assert "locshare-link" in page.evaluate(FOCUSED)[0]
    # one stop of the tab key, then arrows: to the last of ten thousand
    page.locator(".locshare-members-search").focus()
    for _ in range(6):
        page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == ["locshare-centre", True, True]
    page.keyboard.press("End")
    notebook.wait_for(
        "() => document.activeElement.querySelector('.locshare-name')?.textContent === 'member 9999'"
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    notebook.wait_for("() => window.locshareLayers.at(-1).positionOf('member 9999') === null")
    notebook.wait_for(
        "() => document.activeElement.closest('.locshare-row')?.classList.contains('is-hidden')"
    )
    page.locator(".locshare-members-search").fill("MEMBER 99")
    page.get_by_label("Sort by").select_option("battery")
    page.get_by_text("111 of 10,000 members").wait_for()
    notebook.wait_for(
        "() => document.querySelector('.locshare-row[aria-rowindex=\"1\"] .locshare-more')"
        "?.textContent.includes(' 0%')"
    )
    page.get_by_label("Hide all").click()
    notebook.wait_for("() => window.locshareLayers.at(-1).positionOf('member 99') === null")
    assert notebook.errors == []


def test_every_control_is_reached_by_the_tab_key(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SOURCE + "GroupMap(Walk(), basemap=None)")
    notebook.run_all()
    notebook.wait_for_members(4)
    page = notebook.page
    page.locator(".locshare-row").nth(3).wait_for()
    wanted = page.evaluate(
        "() => [...document.querySelectorAll('.locshare-map :is(button, select, input, a, [tabindex])')]"
        ".filter(one => one.checkVisibility() && !one.disabled && one.tabIndex >= 0).length"
    )
    page.locator(".leaflet-container").focus()
    reached = 0
    while (state := page.evaluate(FOCUSED))[1]:
        assert state[2], state  # one sees where one is
        page.keyboard.press("Tab")
        reached += 1
        assert reached <= wanted + 5
    assert reached >= wanted


def test_in_korean_no_word_is_english(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(REAL.format(name="in korean"), width=360, height=800, locale="ko-KR")
    notebook.run_all()
    notebook.wait_for_members(3)
    page = notebook.page
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.locator(".leaflet-container").scroll_into_view_if_needed()
    page.locator(".locshare-members-head").click()
    page.locator(".locshare-row").nth(2).wait_for()
    page.locator(".locshare-light:not([hidden])").wait_for()
    page.locator(".locshare-live.is-lit").wait_for()  # what the kernel says before is in English
    words = [word for word in page.evaluate(WORDS) if word.strip()]
    assert any("멤버 3명" in word for word in words)
    names = {"ann", "ben", "cy", "stomp", "km", "Shift"}
    import re

    assert [word for word in words if set(re.findall(r"[A-Za-z]{2,}", word)) - names] == []
    box: Any = page.locator(".leaflet-container").bounding_box()
    for part in (".locshare-members", ".locshare-tools", ".locshare-bar"):
        inner: Any = page.locator(part).bounding_box()
        assert inner["x"] >= box["x"] - 1
        assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1


def test_a_note_and_a_recording_from_the_page(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        REAL.format(name="written down"), "print(list(group.events()['text'].dropna()), group.recordings())"
    )
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    notebook.wait_for_members(3)
    page.locator(".locshare-note-tool:not([hidden])").click()
    note = "<img src=x onerror=alert(1)> lost"
    page.locator(".locshare-pop textarea:visible").fill(note)
    page.keyboard.press("Enter")
    page.locator(".locshare-note-text").filter(has_text=note).wait_for()
    assert page.locator(".leaflet-container img").count() == 0
    page.locator(".locshare-light").click()
    page.locator(".locshare-pop input:visible").fill("morning walk")
    page.keyboard.press("Enter")
    page.locator(".locshare-light[data-light='on']").wait_for()
    assert "morning walk" in (page.locator(".locshare-light").get_attribute("aria-label") or "")
    page.get_by_label("Stop the recording morning walk").click()
    page.locator(".locshare-light[data-light='off']").wait_for()
    page.keyboard.press("Escape")
    page.locator(".locshare-note-tool").click()
    page.get_by_label("Remove this note").click()
    page.get_by_text("There are no notes yet.").wait_for()
    assert notebook.errors == []
