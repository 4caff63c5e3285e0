"""Looking back on a map's timeline: scrubbing, playing, stepping, ranges, both clocks, and code beside it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.support.page import PATIENCE, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

# Ten minutes of two members, a fix each five seconds, who go east by one thousandth of a degree with
# each. Ben has no network from 200 s to 400 s: what he measured comes at 400 s. Notes: at 60 s and 301 s.
RECORDING = """
import time
from locshare_ext import GroupMap
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.origin import TableOrigin
from locshare_ext.client.recording import Recording
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix

START = 1_700_000_000_000

def made(name, minutes=10):
    fixes = []
    for k in range(minutes * 12):
        at = START + 5000 * k
        for n, member in enumerate(("ann", "ben")):
            late = 200 <= 5 * k < 400 and member == "ben"
            fixes.append(dict(member=member, time=at, received=START + 400_000 if late else at + 1000,
                              lat=10.0 + n, lon=0.001 * k))
    fixes.sort(key=lambda fix: fix["received"])
    fixes = [Fix(**fix, cursor=f"aaaa-{k}", flags=()) for k, fix in enumerate(fixes, 1)]
    rec = Recording(TableOrigin(table_from_fixes(fixes), group="", recording=name), {"state": "closed"})
    rec._events = lambda: [
        Event(kind="note", time=START + 60_000, received=START + 90_000, member="ann", text="<b>lost</b> it"),
        Event(kind="join", time=START + 100_000, received=START + 100_000, member="ben"),
        Event(kind="note", time=START + 301_000, received=START + 301_000, text="lunch"),
    ]
    return rec
"""
START = 1_700_000_000_000
END = START + 595_000

ASK = """
code => new Promise((done, failed) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const request = kernel.requestExecute({ code });
  let text = '';
  request.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') text += content.text;
    if (header.msg_type === 'error') failed(new Error(content.evalue));
  };
  request.done.then(() => done(text));
})
"""


def ask(notebook: Notebook, code: str) -> str:
    """Run code in the kernel, and return what it prints."""
    said: str = notebook.page.evaluate(ASK, code)
    return said.strip()


def clock(notebook: Notebook, layer: int = 0) -> dict[str, Any]:
    state: dict[str, Any] = notebook.page.evaluate("n => window.locshareLayers[n].clock()", layer)
    return state


def wait_for_clock(notebook: Notebook, test: str, value: Any = None, layer: int = 0) -> None:
    """Wait until a test of the clock's `state`, `moment` and `speed`, and of `value`, is true."""
    notebook.wait_for(
        f"([n, value]) => {{ const clock = window.locshareLayers?.[n]?.clock(); return clock && ({test}); }}",
        [layer, value],
    )


def wait_until_told(notebook: Notebook, code: str, expected: str) -> None:
    """Wait until the kernel knows; the page tells it when a change is over."""
    limit = time.monotonic() + PATIENCE / 1000
    while (said := ask(notebook, code)) != expected:
        assert time.monotonic() < limit, f"{said} is not {expected}"


def lon_of(notebook: Notebook, member: str, layer: int = 0) -> float:
    place = notebook.page.evaluate("([n, m]) => window.locshareLayers[n].positionOf(m)", [layer, member])
    return float(place["lon"])


def strip(notebook: Notebook, n: int = 0) -> dict[str, float]:
    """Return where the strip of a timeline is."""
    found = notebook.page.locator(".locshare-track").nth(n)
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    return dict(box)


def drag(notebook: Notebook, start: float, end: float, *, steps: int = 8) -> None:
    """Drag over the strip, from one fraction of its width to another."""
    box, mouse = strip(notebook), notebook.page.mouse
    y = box["y"] + box["height"] * 0.6
    mouse.move(box["x"] + box["width"] * start, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * end, y, steps=steps)
    mouse.up()


# All of the bar lies on the map.
INSIDE = """() => {
  const map = document.querySelector('.leaflet-container').getBoundingClientRect();
  return [...document.querySelectorAll('.locshare-bar, .locshare-bar *')].every(element => {
    const box = element.getBoundingClientRect();
    const isUnseen = !box.width || element.closest('.locshare-unseen');
    return isUnseen || (box.left >= map.left - 1 && box.right <= map.right + 1);
  });
}"""


@pytest.fixture
def recorded(open_notebook: OpenNotebook) -> Notebook:
    """A notebook that shows a recording, as `m`."""
    notebook = open_notebook(RECORDING + "rec = made('walk')\nm = GroupMap(rec, trail=60)\nm")
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_until_idle()
    notebook.page.wait_for_selector(".locshare-tick.is-note")
    return notebook


def test_a_recording_is_looked_through(recorded: Notebook) -> None:
    page = recorded.page
    assert clock(recorded)["moment"] == START
    drag(recorded, 0.1, 0.5)
    moment = clock(recorded)["moment"]
    assert abs(moment - (START + END) / 2) < 3000
    wait_until_told(recorded, "print(m.playhead.value // 10**6)", str(int(moment)))
    frame = "print([round(lon, 3) for lon in rec.at(m.playhead, clock=m.clock)['lon']])"
    k = int(moment - START) // 5000
    assert ask(recorded, frame) == str([round(0.001 * k, 3)] * 2)
    assert 0.001 * k <= lon_of(recorded, "ben") <= 0.001 * (k + 1)

    # as it was known then: ben's newest was that of 195 s, and it is not moved on
    page.locator(".locshare-clock").select_option("received")
    recorded.wait_for("() => Math.abs(window.locshareLayers[0].positionOf('ben').lon - 0.039) < 1e-6")
    wait_until_told(recorded, "print(m.clock)", "received")
    assert "0.039" in ask(recorded, frame)
    drag(recorded, 0.5, 0.9)
    recorded.wait_for("() => window.locshareLayers[0].positionOf('ben').lon > 0.1")  # the backlog has come
    drag(recorded, 0.9, 0.5)
    recorded.wait_for("() => Math.abs(window.locshareLayers[0].positionOf('ben').lon - 0.039) < 1e-6")
    recorded.screenshot("timeline-as-known")
    page.locator(".locshare-clock").select_option("time")

    # notes say what they are, and are stepped to
    page.locator(".locshare-tick.is-note").first.hover()
    assert "<b>lost</b> it" in page.locator(".locshare-tick-tip").inner_text()
    slider = page.get_by_role("slider", name="Moment that is shown")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("n")
    wait_for_clock(recorded, "clock.moment === value", START + 60_000)
    page.keyboard.press("n")
    wait_for_clock(recorded, "clock.moment === value", START + 301_000)
    assert "lunch" in page.locator(".locshare-bar .locshare-unseen").inner_text()
    page.get_by_label("What is stepped to").select_option("event")
    page.get_by_label("Back to the event before").click()
    wait_for_clock(recorded, "clock.moment === value", START + 100_000)
    page.get_by_label("What is stepped to").select_option("fix")
    page.get_by_label("On to the next fix").click()
    wait_for_clock(recorded, "clock.moment === value", START + 105_000)
    first = page.locator(".locshare-tick").first
    first.focus()
    assert "lost" in page.locator(".locshare-tick-tip").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_for_clock(recorded, "clock.moment === value", START + 100_000)
    assert slider.get_attribute("aria-valuenow") == str(START + 100_000)
    assert recorded.errors == []


def test_a_range_is_chosen_looped_read_and_saved(recorded: Notebook) -> None:
    page = recorded.page
    page.get_by_label("Choose a range (or drag with Shift)").click()
    drag(recorded, 0.2, 0.4)
    page.wait_for_selector(".locshare-range:visible")
    assert clock(recorded)["moment"] == START  # the playhead stays
    ends = "print(*[round((t.value // 10**6 - START) / 59500) for t in m.selection or ()])"
    wait_until_told(recorded, ends, "2 4")
    page.keyboard.down("Shift")
    drag(recorded, 0.5, 0.6)
    page.keyboard.up("Shift")
    wait_until_told(recorded, ends, "5 6")
    page.get_by_label("Begin again at the end").click()
    page.locator(".locshare-speed").select_option("600")
    drag(recorded, 0.55, 0.55)
    page.locator(".locshare-play").click()
    turns = (
        "() => { const { moment } = window.locshareLayers[0].clock(); (window.moments ??= []).push(moment);"
    )
    recorded.wait_for(f"{turns} return moments.filter((m, k) => k && m < moments[k - 1]).length >= 2; }}")
    moments = page.evaluate("() => window.moments")
    assert all(START + 290_000 < moment < START + 365_000 for moment in moments)
    page.locator(".locshare-play").click()
    page.get_by_role("button", name="Export").click()
    saved = page.locator(".locshare-range-result", has_text=".gpkg")
    saved.wait_for()
    found = re.search(r"walk-\w+\.gpkg", saved.inner_text())
    assert found
    count = ask(
        recorded,
        f"from locshare_ext import open_recording; print(len(open_recording({found[0]!r}).trails()))",
    )
    assert 20 <= int(count) <= 28
    recorded.screenshot("timeline-range")
    page.locator(".locshare-track").focus()
    page.keyboard.press("Escape")
    page.wait_for_selector(".locshare-range", state="hidden")
    wait_until_told(recorded, "print(m.selection)", "None")
    page.keyboard.press("Home")
    page.keyboard.press("[")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("]")
    wait_until_told(recorded, ends, "0 10")
    assert recorded.errors == []


def test_code_and_page_move_the_same_playhead(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        RECORDING + "rec, other = made('walk'), made('other', 5)\nm = GroupMap(rec, height='300px')\nm",
        "n = GroupMap(other, height='300px')\nn",
    )
    notebook.run_all()
    notebook.wait_for(
        "() => window.locshareLayers?.length === 2 && locshareLayers.every(one => one.stats().members)"
    )
    notebook.wait_until_idle()
    ask(notebook, "m.playhead = START + 123_000")
    wait_for_clock(notebook, "clock.moment === value && clock.state === 'paused'", START + 123_000)
    assert clock(notebook, 1)["moment"] == START

    # a replay in a cell moves its map, while the cell runs, and no other
    ask(
        notebook,
        "seen = []\nrec.on_fix(lambda fix: seen.append(fix.time))\nplayer = rec.play(speed=5, wait=False)",
    )
    wait_for_clock(notebook, "clock.state === 'playing' && clock.speed === 5 && clock.moment > value", START)
    ask(notebook, "player.pause()")
    wait_for_clock(notebook, "clock.state === 'paused'")
    assert ask(notebook, "print(abs(m.playhead.value // 10**6 - player.clock_ms) < 2)") == "True"
    assert abs(clock(notebook)["moment"] - int(ask(notebook, "print(player.clock_ms)"))) < 2
    assert clock(notebook, 1)["moment"] == START
    ask(notebook, "player.stop(); player.wait(); seen.clear()")

    # playing on the page calls on_fix when that is switched on
    page = notebook.page
    ask(notebook, f"m.playhead = {END - 30_000}")
    wait_for_clock(notebook, "clock.moment === value", END - 30_000)
    page.locator(".locshare-speed").first.select_option("120")
    page.locator(".locshare-play").first.click()
    wait_for_clock(notebook, "clock.state === 'paused' && clock.moment === value", END)
    assert ask(notebook, "print(seen)") == "[]"
    ask(notebook, f"m.drives_on_fix = True\nm.playhead = {END - 20_000}")
    wait_for_clock(notebook, "clock.moment === value", END - 20_000)
    page.locator(".locshare-play").first.click()
    wait_until_told(notebook, "print(len(seen), seen[0] - START if seen else None)", "10 575000")
    assert clock(notebook, 1)["moment"] == START

    # a page that is loaded again goes on where it was
    ask(notebook, "m.drives_on_fix = False\nm.playhead = START + 77_000\nm.selection = START, START + 9000")
    wait_for_clock(notebook, "clock.moment === value", START + 77_000)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    notebook.wait_for_members(2)
    notebook.wait_for("at => window.locshareLayers.some(one => one.clock().moment === at)", START + 77_000)
    assert notebook.errors == []


def test_a_live_map_is_moved_by_code(open_notebook: OpenNotebook) -> None:
    from tests.e2e.test_layer_controls import SOURCE

    notebook = open_notebook(SOURCE + "walk = Walk()\nm = GroupMap(walk)\nm")
    notebook.run_all()
    notebook.wait_for_members(4)
    notebook.wait_until_idle()
    assert ask(notebook, "print(m.is_live)") == "True"
    ask(notebook, "m.playhead = walk.start + 300_000")
    wait_for_clock(notebook, "clock.state === 'paused'")
    start = int(ask(notebook, "print(walk.start)"))
    assert clock(notebook)["moment"] == start + 300_000
    notebook.page.locator(".locshare-live").click()
    wait_until_told(notebook, "print(m.is_live)", "True")
    ask(notebook, "m.play(speed=7)")  # from now: there is nothing before the end to play
    ask(notebook, "m.playhead = walk.start + 1000; m.play(speed=7)")
    wait_for_clock(notebook, "clock.state === 'playing' && clock.speed === 7")
    assert notebook.page.locator(".locshare-speed").input_value() == "7"
    ask(notebook, "m.playhead = 'live'")
    wait_for_clock(notebook, "clock.state === 'live'")
    notebook.page.wait_for_selector(".locshare-live.is-lit")
    assert notebook.errors == []


@pytest.mark.parametrize("width", [360])
def test_all_is_reached_on_a_narrow_screen(open_notebook: OpenNotebook, width: int) -> None:
    notebook = open_notebook(RECORDING + "m = GroupMap(made('walk'))\nm", width=width, height=800)
    notebook.run_all()
    notebook.wait_for_members(2)
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.locator(".locshare-bar").scroll_into_view_if_needed()
    assert page.locator(".locshare-clock").is_hidden()
    page.get_by_label("More of the timeline").click()
    page.locator(".locshare-clock").select_option("received")
    notebook.wait_for("() => document.querySelector('.locshare-bar').dataset.clock === 'received'")
    page.locator(".locshare-choose").click()
    drag(notebook, 0.2, 0.7)
    page.wait_for_selector(".locshare-range:visible")
    notebook.wait_for(INSIDE)
    notebook.screenshot("timeline-narrow")
    assert notebook.errors == []
