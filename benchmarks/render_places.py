"""Whether heads are where Leaflet's own projection puts them, and what lonboard lacks without the net."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.report import Report
from tests.e2e.conftest import write_notebook
from tests.support.lab import Lab
from tests.support.page import Notebook
from tests.support.places import MOVING, REST, drags, look, wait_for_another_view, wait_until_shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

__all__ = ["lonboard", "places"]

HERE = {"127.0.0.1", "localhost", ""}

# The plainest map of lonboard: points, no ground.
POINTS = """
import geopandas as gpd, numpy as np
from lonboard import Map, ScatterplotLayer
places = gpd.points_from_xy(np.linspace(-0.1, 0.1, 1000), np.zeros(1000), crs="EPSG:4326")
layer = ScatterplotLayer.from_geopandas(gpd.GeoDataFrame(geometry=places), get_radius=200)
Map(layer, basemap=None)
"""


def places(report: Report, browser: Browser, lab: Lab) -> None:
    """Compare 96 heads' pixels with Leaflet's markers: as they circle, after a zoom, in a drag, at rest."""
    topic = "heads beside Leaflet's own places"
    path = f"places-{time.monotonic_ns()}.ipynb"
    write_notebook(lab.root / path, (MOVING,))
    notebook = Notebook(browser, lab, path, width=1400, height=900)
    try:
        wait_until_shown(notebook)
        _judge(report, topic, "moving", look(notebook))
        frames = notebook.page.evaluate("() => window.locshareLayers[0].stats().frames")
        notebook.page.locator(".leaflet-control-zoom-in").click()
        wait_for_another_view(notebook, frames)
        _judge(report, topic, "moving, after a zoom", look(notebook))
        for number, _ in enumerate(drags(notebook, 3)):
            _judge(report, topic, f"moving, step {number + 1} of a drag", look(notebook, 1))
        _rest(notebook)
        _judge(report, topic, "at rest", look(notebook, 2))
    finally:
        _end(notebook)


def _judge(report: Report, topic: str, what: str, found: dict[str, Any]) -> None:
    report.note(topic, "ours", f"{what}: {found['heads']} heads in {found['pictures']} pictures")
    is_there = found["heads"] > 0
    report.judge(topic, what, found["most"] if is_there else None, most=2, unit=" px")


def _rest(notebook: Notebook) -> None:
    """Let members rest, and wait until they have come to where they are."""
    notebook.page.evaluate(
        "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }).done.then(() => true)",
        REST,
    )
    notebook.page.wait_for_timeout(1500)  # a glide lasts half a second


def lonboard(report: Report, browser: Browser, lab: Lab) -> None:
    """Open lonboard's map with no net but this machine, and note what it asks of others to show points."""
    try:
        name = f"lonboard {version('lonboard')}"
    except PackageNotFoundError:
        report.note("lonboard", "lonboard", "left out: it is not installed")
        return
    path = f"lonboard-{time.monotonic_ns()}.ipynb"
    write_notebook(lab.root / path, (POINTS,))
    notebook = Notebook(browser, lab, path, width=1400, height=900)
    asked: list[str] = []

    def refuse(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.hostname in HERE or address.scheme not in ("http", "https"):
            route.fallback()
            return
        asked.append(f"{address.hostname}{address.path}")
        route.abort()

    try:
        notebook.context.route("**/*", refuse)
        notebook.run_all()
        notebook.wait_until_idle()
        notebook.page.wait_for_timeout(8000)
        errors = [error for error in notebook.errors if "wasm" in error.lower() or "fetch" in error.lower()]
    finally:
        _end(notebook)
    if not asked:
        report.note("lonboard", name, "asks for nothing beyond this machine: it could be measured")
        return
    wants = ", ".join(sorted(set(asked)))
    report.note(
        "lonboard", name, f"left out: without the net it has no {wants}", errors="; ".join(errors)[:300]
    )


def _end(notebook: Notebook) -> None:
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    notebook.close()
