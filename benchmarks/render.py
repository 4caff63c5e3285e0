"""Maps in a real JupyterLab and headless Chromium: how late, how smooth and at what cost members move."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.render_faults import gil_held, scrubbing, send_to_pixel
from benchmarks.render_moves import Moves, move, time_to_whole
from benchmarks.render_places import lonboard, places
from benchmarks.render_table import tables
from benchmarks.report import Report
from tests.e2e.conftest import write_notebook
from tests.support.lab import Lab
from tests.support.page import Notebook, chromium, launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["run"]

WAYS = Path(__file__).with_name("render_ways.py")
OTHERS = ("Marker + Polyline", "GeoJSON replaced", "append-only chunks")
SETTLE = 1.0  # s of showing that do not count
WATCHED = 24  # members whose delay is looked at, the first included

# Notes at each frame of the page how far what is drawn has come: the time of a fix where the layer
# tells it, else the x of the probe's last point.
WATCH = """
([names, color]) => {
  const layer = window.locshareLayers?.[0];
  const noted = window.noted = { frames: 0, seen: [], run: true };
  const last = new Map();
  const look = (name, value) => {
    if (value === null || value === last.get(name)) return;
    const isFirst = !last.has(name); // nobody knows since when it is there
    last.set(name, value);
    if (!isFirst) noted.seen.push([name, value, Date.now()]);
  };
  const probe = () => {
    const lines = document.querySelectorAll(`.leaflet-overlay-pane path[stroke="${color}"]`);
    const numbers = lines[lines.length - 1]?.getAttribute('d')?.match(/-?[\\d.]+/g);
    return numbers ? Number(numbers[numbers.length - 2]) : null;
  };
  const tick = () => {
    noted.frames++;
    if (layer) for (const name of names) look(name, layer.positionOf(name)?.time ?? null);
    else look('probe', probe());
    if (noted.run) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  noted.began = performance.now();
  noted.drawn = layer?.stats().frames ?? 0;
}
"""
# Waits until no more is drawn than a live map's one picture a second.
STILL = """
() => new Promise(done => {
  let [before, quiet] = [-1, 0];
  const look = () => {
    const drawn = window.locshareLayers?.[0]?.stats().frames ?? 0;
    quiet = drawn - before <= 2 ? quiet + 1 : 0;
    before = drawn;
    if (quiet === 2) done(true); else setTimeout(look, 1000);
  };
  look();
})
"""
RATES = """
() => {
  const seconds = (performance.now() - noted.began) / 1000;
  const drawn = (window.locshareLayers?.[0]?.stats().frames ?? 0) - noted.drawn;
  return { fps: noted.frames / seconds, drawn: drawn / seconds };
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Members who move `hz` times a second, each with a trail of `history` fixes behind it."""

    members: int
    hz: float
    history: int

    @property
    def name(self) -> str:
        return f"{self.members:,} x {self.hz:g} Hz, trails {self.history:,}"


@dataclass(frozen=True, slots=True)
class Figures:
    """delays in ms; updates: of each member seen per second; kernel, page: share of a core."""

    p50: float
    p95: float
    updates: float
    fps: float
    drawn: float
    kernel: float
    page: float

    def text(self) -> str:
        return (
            f"{self.updates:5.1f} updates/s  p50 {self.p50:6.0f} p95 {self.p95:6.0f} ms"
            f"  page {self.fps:4.1f} fps  layer {self.drawn:4.1f} fps"
            f"  main thread {self.page:4.0%}  kernel {self.kernel:4.0%}"
        )


def run(report: Report) -> None:
    if chromium() is None:
        print("  left out: there is no Chromium (tests/install-browser.sh)")
        return
    seconds = max(4.0, report.options.seconds)
    before = len(report.verdicts), len(report.runs)
    with tempfile.TemporaryDirectory() as folder, launch() as browser:
        lab = Lab(Path(folder) / "lab").start()
        try:
            _many_at_once(report, browser, lab, seconds)
            _ten_million(report, browser, lab, seconds)
            _whole(report, browser, lab)
            _hundred_thousand(report, browser, lab, seconds)
            _traffic(report, browser, lab)
            places(report, browser, lab)
            lonboard(report, browser, lab)
            quick = report.options.rounds == 1
            send_to_pixel(report, browser, lab, WATCH, _kernel, seconds, quick=quick)
            scrubbing(report, browser, lab, seconds)
        finally:
            lab.stop()
    print(tables(report.told(before)))


def _many_at_once(report: Report, browser: Browser, lab: Lab, seconds: float) -> None:
    case = Case(1_000, 10, 3_600)
    with _opened(browser, lab, case, "ours") as notebook:
        found = [_watch(notebook, lab, case, seconds, "") for _ in range(report.options.rounds)]
        for figures in found:
            _note(report, case, "ours", figures)
        figures = sorted(found, key=lambda one: one.p95)[len(found) // 2]
        gil_held(report, notebook, lab, WATCH, case.members, case.hz)
    report.judge(case.name, "updates/s of each on screen", figures.updates, least=9.5)
    report.judge(case.name, "p95", figures.p95, most=40, unit=" ms")
    report.judge(case.name, "page", figures.fps, least=58, unit=" fps")
    report.judge(case.name, "main thread", figures.page, most=0.15)
    report.judge(case.name, "kernel", figures.kernel, most=0.05)
    smaller = Case(100, 10, 60)  # what they are held against: the whole would take minutes to begin
    for way in ("ours", *OTHERS):
        _measure(report, browser, lab, smaller, way, seconds)
    _measure(report, browser, lab, Case(1_000, 10, 60), OTHERS[2], seconds)


def _ten_million(report: Report, browser: Browser, lab: Lab, seconds: float) -> None:
    case = Case(10_000, 10, 1_000)
    with _opened(browser, lab, case, "ours") as notebook:
        for kind in ("time.sleep", "a Python loop", "a pandas groupby"):
            figures = _watch(notebook, lab, case, seconds, f"busy({kind!r}, {seconds + 1})")
            _note(report, case, f"ours, during {kind}", figures)
            report.judge(case.name, f"p95 during {kind}", figures.p95, most=50, unit=" ms")
            report.judge(case.name, f"page during {kind}", figures.fps, least=58, unit=" fps")
        moved: list[Moves] = []
        figures = _watch(notebook, lab, case, seconds, "", during=lambda s: moved.append(move(notebook, s)))
        _note(report, case, "ours, through zoom and pan", figures)
        report.judge(case.name, "page through zoom and pan", figures.fps, least=58, unit=" fps")
        report.judge(case.name, "layer while it zooms", moved[0].zoom, least=30, unit=" fps")
        report.judge(case.name, "layer while it is dragged", moved[0].drag, least=30, unit=" fps")


def _whole(report: Report, browser: Browser, lab: Lab) -> None:
    """Zoom out, to where a million points are in view, and back."""
    case = Case(1_000, 10, 1_000)
    with _opened(browser, lab, case, "ours") as notebook:
        found = []
        for _ in range(3):
            found.append(time_to_whole(notebook, "out"))
            time_to_whole(notebook, "in")
    report.note(case.name, "ours", f"trails whole after {', '.join(f'{ms:.0f}' for ms in found)} ms")
    report.judge(case.name, "trails whole after a zoom", statistics.median(found), most=500, unit=" ms")


def _hundred_thousand(report: Report, browser: Browser, lab: Lab, seconds: float) -> None:
    case = Case(100_000, 1, 0)
    figures = _measure(report, browser, lab, case, "ours", seconds)
    report.judge(case.name, "page", figures.fps, least=58, unit=" fps")
    report.judge(case.name, "updates/s of each on screen", figures.updates, least=0.8)


def _traffic(report: Report, browser: Browser, lab: Lab) -> None:
    found = []
    for history in (60, 3_600):
        case = Case(100, 10, history)
        with _opened(browser, lab, case, "ours") as notebook:
            received = [0]
            devtools = notebook.context.new_cdp_session(notebook.page)
            devtools.on(
                "Network.webSocketFrameReceived",
                lambda event, received=received: received.__setitem__(
                    0, received[0] + len(event["response"]["payloadData"])
                ),
            )
            devtools.send("Network.enable")
            _watch(notebook, lab, case, 5.0, "")
            found.append(received[0])
    report.note("traffic", "ours", f"{found[0]:,} and {found[1]:,} B for trails of 60 and 3,600")
    report.judge("traffic", "trails of 3,600 beside 60", found[1] / found[0], most=1.05)


def _measure(report: Report, browser: Browser, lab: Lab, case: Case, way: str, seconds: float) -> Figures:
    with _opened(browser, lab, case, way) as notebook:
        figures = _watch(notebook, lab, case, seconds, "")
    _note(report, case, way, figures)
    return figures


def _note(report: Report, case: Case, way: str, figures: Figures) -> None:
    report.note(case.name, way, figures.text(), **asdict(figures))


@contextmanager
def _opened(browser: Browser, lab: Lab, case: Case, way: str) -> Iterator[Notebook]:
    """Open a notebook whose map shows what was before, and close it with its kernel."""
    path = f"map-{time.monotonic_ns()}.ipynb"
    made = f"running = start({way!r}, {case.members}, {case.hz}, {case.history}, {str(lab.folder)!r})"
    write_notebook(lab.root / path, (WAYS.read_text(), f"{made}\nrunning.map"))
    notebook = Notebook(browser, lab, path, width=1400, height=900)
    try:
        notebook.run_all()
        if way == "ours":
            fixes = case.members * case.history
            notebook.wait_for("n => window.locshareLayers?.[0]?.stats().fixes >= n", fixes)
        notebook.wait_until_idle()
        notebook.page.locator(".leaflet-container").scroll_into_view_if_needed()
        notebook.page.evaluate(STILL)
        yield notebook
    finally:
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        notebook.close()


def _watch(
    notebook: Notebook,
    lab: Lab,
    case: Case,
    seconds: float,
    work: str,
    *,
    during: Callable[[float], None] | None = None,
) -> Figures:
    """Let members move for some seconds, while the kernel does its work or `during` takes as long."""
    shown = lab.folder / "shown.json"
    shown.unlink(missing_ok=True)
    page = notebook.page
    devtools = notebook.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    _execute(notebook, f"running.go({seconds + SETTLE})\n{work}")
    page.wait_for_timeout(SETTLE * 1000)
    names = [f"m{number}" for number in range(0, case.members, max(1, case.members // WATCHED))]
    page.evaluate(WATCH, [names, "#ff00fe"])
    kernel = _kernel(lab)
    begin = time.monotonic(), _cpu(kernel), _main_thread(devtools)
    if during is not None:
        during(seconds - 0.5)
    else:
        page.wait_for_timeout((seconds - 0.5) * 1000)
    wall = time.monotonic() - begin[0]
    rates = page.evaluate(RATES)
    shares = (_cpu(kernel) - begin[1]) / wall, (_main_thread(devtools) - begin[2]) / wall
    moments = _moments(shown, 4 * seconds + 30)
    page.wait_for_timeout(
        3000 if moments and "probe" in page.evaluate("() => noted.seen.map(s => s[0])") else 500
    )
    seen = page.evaluate("() => { noted.run = false; return noted.seen; }")
    delays, updates = _delays(seen, moments, wall, len(names))
    return Figures(
        statistics.median(delays),
        statistics.quantiles(delays, n=20)[-1],
        updates,
        rates["fps"],
        rates["drawn"],
        *shares,
    )


def _delays(seen: list[Any], moments: list[int], wall: float, members: int) -> tuple[list[float], float]:
    """Return how late each sighting was, ms, and how many there were of each member a second."""
    if not seen:
        return [float("inf")] * 2, 0.0
    if seen[0][0] != "probe":
        begun = seen[0][2]
        known = set(moments)
        inside = [at - value for _, value, at in seen if value in known and at - begun <= wall * 1000]
        return inside or [float("inf")] * 2, len(inside) / wall / members
    last = seen[-1][1]  # of the last step, when all has come
    steps = [(len(moments) - 1 - round(last - x), at) for _, x, at in seen]
    late = [at - moments[step] for step, at in steps if 0 <= step < len(moments)]
    span = (seen[-1][2] - seen[0][2]) / 1000
    return (late if len(late) > 1 else [float("inf")] * 2), len(late) / max(span, 1e-3)


def _execute(notebook: Notebook, code: str) -> None:
    notebook.page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }); }",
        code,
    )


def _kernel(lab: Lab) -> psutil.Process:
    assert lab.process is not None
    children = psutil.Process(lab.process.pid).children(recursive=True)
    kernels = [child for child in children if "ipykernel_launcher" in " ".join(child.cmdline())]
    return max(kernels, key=lambda child: child.create_time())


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _main_thread(devtools: Any) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _moments(path: Path, patience: float) -> list[int]:
    """Return when each step was shown, once the kernel is done; empty if it is not in time."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if path.exists() and (text := path.read_text()):
            return [int(moment) for moment in json.loads(text)]
        time.sleep(0.1)
    return []
