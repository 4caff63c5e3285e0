"""Watching, looking back and replaying the eight buses, as a person does it in JupyterLab."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.e2e.conftest import OpenNotebook, write_notebook
from tests.support.faults import full_disk
from tests.support.lab import Lab
from tests.support.page import Notebook
from tests.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.process]

MAP = "from locshare_ext import Group, GroupMap\ngroup = Group({name!r})\nGroupMap(group)"


def layer_script(what: str) -> str:
    """Return a script over the newest layer of the page."""
    return f"() => {{ const layer = window.locshareLayers?.at(-1); return layer && ({what}); }}"


def member_names(notebook: Notebook) -> list[str]:
    """Return the names in the member list, once all eight are there."""
    notebook.wait_for("() => document.querySelectorAll('.locshare-row .locshare-name').length >= 8")
    names: list[str] = notebook.page.locator(".locshare-row .locshare-name").all_inner_texts()
    return names


def places(notebook: Notebook, members: list[str]) -> dict[str, Any]:
    drawn: dict[str, Any] = notebook.page.evaluate(
        "members => Object.fromEntries(members.map(m => [m, window.locshareLayers.at(-1).positionOf(m)]))",
        members,
    )
    return drawn


def picture(notebook: Notebook) -> Image.Image:
    """Return what the map shows now."""
    return Image.open(io.BytesIO(notebook.page.locator(".leaflet-container").last.screenshot())).convert(
        "RGB"
    )


def wait_until_moved(notebook: Notebook, members: list[str], before: dict[str, Any], count: int = 1) -> None:
    notebook.wait_for(
        """([members, before, count]) => {
          const layer = window.locshareLayers.at(-1);
          const moved = members.filter(m => {
            const now = layer.positionOf(m);
            return now && before[m] && (now.lat !== before[m].lat || now.lon !== before[m].lon);
          });
          return moved.length >= count;
        }""",
        [members, before, count],
    )


def test_eight_buses_move(open_notebook: OpenNotebook, buses):
    notebook = open_notebook(MAP.format(name="moving buses"))
    notebook.run_all()
    buses("moving buses", 240)
    notebook.wait_for_members(8)
    members = member_names(notebook)
    before, first = places(notebook, members), picture(notebook)
    wait_until_moved(notebook, members, before, count=3)
    notebook.wait_for("frames => window.locshareLayers.at(-1).stats().frames > frames + 2", 0)
    assert ImageChops.difference(first, picture(notebook)).getbbox() is not None
    after = places(notebook, members)
    assert all(53 < after[name]["lat"] < 54 and -3.2 < after[name]["lon"] < -2.6 for name in members)
    assert notebook.errors == []
    notebook.screenshot("live-wide")


def test_the_map_lives_while_a_cell_sleeps(open_notebook: OpenNotebook, buses):
    buses("sleeping", 240)
    notebook = open_notebook(MAP.format(name="sleeping"), "import time\ntime.sleep(600)")
    notebook.run_all()
    notebook.wait_for_members(8)
    notebook.wait_for("() => document.querySelectorAll('.jp-Cell')[1].innerText.includes('[*]')")
    members = member_names(notebook)
    wait_until_moved(notebook, members, places(notebook, members), count=2)
    assert "[*]" in notebook.page.locator(".jp-Cell").nth(1).inner_text()


def test_looking_back_and_live_again(open_notebook: OpenNotebook, buses):
    buses("looking back", 240)
    notebook = open_notebook(MAP.format(name="looking back"))
    notebook.run_all()
    notebook.wait_for_members(8)
    members = member_names(notebook)
    wait_until_moved(notebook, members, places(notebook, members), count=4)
    newest = max(place["time"] for place in places(notebook, members).values() if place)
    page = notebook.page
    assert "is-lit" in page.locator(".locshare-live").get_attribute("class")
    box = page.locator(".locshare-track").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.wait_for_selector(".locshare-live:not(.is-lit)")
    notebook.wait_for(
        "([members, newest]) => members.map(m => window.locshareLayers.at(-1).positionOf(m))"
        ".every(p => !p || p.time < newest)",
        [members, newest],
    )
    notebook.screenshot("scrubbed-back")
    page.locator(".locshare-live").click()
    page.wait_for_selector(".locshare-live.is-lit")
    notebook.wait_for(
        "([members, newest]) => members.map(m => window.locshareLayers.at(-1).positionOf(m))"
        ".some(p => p && p.time >= newest)",
        [members, newest],
    )


def test_running_cells_again_leaves_one_connection(open_notebook: OpenNotebook, buses, lab: Lab):
    assert buses("again", 1000).wait() == 0
    notebook = open_notebook(MAP.format(name="again"))
    while connections(lab):  # those of earlier tests' kernels, which have ended
        time.sleep(0.1)
    for _ in range(5):
        notebook.run_all()
        notebook.wait_until_idle()
    notebook.wait_for_members(8)
    notebook.wait_for("() => window.locshareLayers.length === 1")
    assert connections(lab) == 1


def connections(lab: Lab) -> int:
    """Return how many STOMP connections the server has."""
    health: Any = lab.get("locshare/api/health")
    return int(health["connections"])


def test_a_recording_is_replayed_on_the_same_map(open_notebook: OpenNotebook, buses):
    assert buses("recorded", 1000).wait() == 0
    notebook = open_notebook(
        "from datetime import UTC, datetime, timedelta\nfrom locshare_ext import *\n"
        "from locshare_ext import open_recording\n"
        "recording = Group('recorded').record('ride', since=datetime.now(UTC) - timedelta(hours=1))\n"
        "recording.stop().to_file('ride.gpkg')",
        "GroupMap(open_recording('ride.gpkg'))",
    )
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.at(-1)?.stats().fixes === 1533")
    page = notebook.page
    page.wait_for_selector(".locshare-play")
    notebook.screenshot("replay-start")
    members = member_names(notebook)
    before = places(notebook, members)
    page.locator(".locshare-play").click()
    notebook.wait_for(
        "([members, before]) => members.some(m => {"
        "  const p = window.locshareLayers.at(-1).positionOf(m);"
        "  return p && (!before[m] || p.lat !== before[m].lat || p.lon !== before[m].lon); })",
        [members, before],
    )
    notebook.screenshot("replay-playing")
    assert notebook.errors == []


def test_another_server_killed_and_started_again(open_notebook: OpenNotebook, tmp_path):
    import requests

    served = Served(tmp_path)
    with served.running():
        notebook = open_notebook(
            MAP.format(name=f"{served.link}&g=elsewhere"), "sorted(group.trails()['seq'])"
        )

        def post(lat: float) -> None:
            fix = {"member": "ann", "time": _now(), "lat": lat, "lon": 126.978}
            url = f"{served.url}locshare/api/groups/elsewhere/fixes"
            answer = requests.post(url, json=fix, headers={"X-Locshare-Token": served.token}, timeout=30)
            assert answer.json()["stored"] == 1, answer.text

        post(37.5)
        notebook.run_all()
        notebook.wait_for_members(1)
        served.kill()
        notebook.page.wait_for_selector(".locshare-status-text:has-text('offline')", state="visible")
        notebook.screenshot("server-gone")
        served.start()
        for lat in (37.6, 37.7):
            post(lat)
        notebook.wait_for(
            "() => Math.abs((window.locshareLayers.at(-1).positionOf('ann')?.lat ?? 0) - 37.7) < 1e-6"
        )
        assert notebook.page.evaluate(layer_script("layer.stats().fixes")) == 3


def test_the_own_server_killed(browser, tmp_path):
    lab = Lab(tmp_path)
    try:
        write_notebook(lab.root / "own.ipynb", (MAP.format(name="mine"), "group.publish(lat=37.5, lon=127)"))
        lab.start()
        notebook = Notebook(browser, lab, "own.ipynb")
        notebook.run_all()
        notebook.wait_for_members(1)
        lab.kill()
        notebook.page.wait_for_selector(".locshare-status-text:has-text('server')", state="visible")
        notebook.screenshot("own-server-gone")
        notebook.close()
    finally:
        lab.stop()


def test_an_unknown_group_says_what_to_do(open_notebook: OpenNotebook, buses):
    assert buses("cyclists", 1000).wait() == 0
    notebook = open_notebook(MAP.format(name="cyclist"))
    notebook.run_all()
    status = notebook.page.locator(".locshare-status")
    status.wait_for(state="visible")
    text = status.inner_text()
    assert "cyclist" in text
    assert "cyclists" in text  # the near name
    assert "simulate" in text
    notebook.screenshot("empty")


def _now() -> int:
    return int(time.time() * 1000)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
def test_that_nothing_is_recorded_is_said_until_it_is(browser, tmp_path) -> None:
    lab = Lab(tmp_path)  # of its own: the limit counts from what its log holds
    try:
        cells = "from locshare_ext import Group, GroupMap\ngroup = Group('full'); walk = group.simulate()"
        write_notebook(lab.root / "full.ipynb", (cells, "GroupMap(group)"))
        lab.start()
        notebook = Notebook(browser, lab, "full.ipynb")
        notebook.run_all()
        notebook.wait_for_members(8)
        # other words, such as that the kernel is busy, may come and go
        box = notebook.page.locator('.locshare-status[data-kind="error"]')
        assert lab.process is not None
        with full_disk(lab.process.pid, lab.folder / "data" / "locshare" / "log.sqlite3"):
            box.wait_for(state="visible")
            assert "Nothing is recorded since" in box.inner_text()
            assert "full" in box.inner_text()
        box.wait_for(state="hidden")
        assert notebook.errors == []
        notebook.close()
    finally:
        lab.stop()
