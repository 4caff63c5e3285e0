"""A page that is frozen, or that nobody sees, has all that came meanwhile when it goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.e2e.conftest import OpenNotebook
from tests.support.hidden import HIDE
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

MEMBERS = 20

# Members walk by as many steps as a cell asks for, one each 20 ms.
WALK = f"""
import ipyleaflet, threading, time
from locshare_ext import TrailLayer

layer = TrailLayer(labels=False, trail=3600, interpolate=False)
names = [f"m{{n}}" for n in range({MEMBERS})]
walked = 0

def walk(steps):
    global walked
    for _ in range(steps):
        walked += 1
        north = [53.4 + 0.001 * n for n in range({MEMBERS})]
        layer.push(names, round(time.time() * 1000), north, [-2.9 + 0.0001 * walked] * {MEMBERS})
        time.sleep(0.02)

ipyleaflet.Map(center=(53.4, -2.9), zoom=13, layers=(layer,), layout={{"height": "500px"}})
"""

STATS = "() => window.locshareLayers[0].stats()"
HAS = "fixes => window.locshareLayers?.[0]?.stats().fixes >= fixes"
HAS_IN_TRAILS = "fixes => window.locshareLayers[0].stats().trailPoints >= fixes"


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def walk(notebook: Notebook, steps: int) -> None:
    """Have the kernel walk beside what the page does; returns at once."""
    notebook.page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }); }",
        f"threading.Thread(target=walk, args=({steps},), daemon=True).start()",
    )


def renderer() -> psutil.Process:
    """Return the browser's process that has the page: the largest of its kind."""
    children = psutil.Process().children(recursive=True)
    found = [child for child in children if "--type=renderer" in " ".join(child.cmdline())]
    return max(found, key=lambda child: int(child.memory_info().rss))


def test_a_page_that_is_stopped_or_hidden_lacks_nothing_afterwards(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(WALK)
    notebook.run_all()
    notebook.wait_until_idle()
    walk(notebook, 10)
    notebook.wait_for(HAS, 10 * MEMBERS)
    page = notebook.page

    walk(notebook, 100)
    notebook.wait_for(HAS, 11 * MEMBERS)
    with stopped(renderer()):
        time.sleep(3)  # while the kernel goes on
    notebook.wait_for(HAS_IN_TRAILS, 110 * MEMBERS)

    page.evaluate(HIDE)
    before = page.evaluate(STATS)
    walk(notebook, 100)
    notebook.wait_for(HAS, 210 * MEMBERS)
    drawn = page.evaluate(STATS)["frames"] - before["frames"]
    assert drawn <= 3  # what was asked for before: nobody sees the other steps
    page.evaluate("() => window.showAgain()")
    notebook.wait_for(HAS_IN_TRAILS, 210 * MEMBERS)
    after = page.evaluate(STATS)
    assert (after["fixes"], after["trailPoints"]) == (210 * MEMBERS, 210 * MEMBERS)
    assert notebook.errors == []
