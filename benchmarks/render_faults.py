"""The whole way from SEND to a pixel, and what of a trail is left after pauses of every kind."""

from __future__ import annotations

import json
import math
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.report import Report
from benchmarks.serving import Served
from benchmarks.websocket import send_frame, stomp_frame
from tests.e2e.conftest import write_notebook
from tests.support.hidden import HIDE
from tests.support.lab import Lab
from tests.support.page import Notebook

if TYPE_CHECKING:
    import psutil
    from playwright.sync_api import Browser

__all__ = ["Crowd", "gil_held", "hidden", "scrubbing", "send_to_pixel"]

GROUP = "crowd"
MEMBERS = 1_000
PERIOD = 1.0  # s between the fixes of a member
TICK = 0.01  # s between writes to the endpoint
LATE = 500.0  # ms: above it what is seen is of the burst after a pause

# Glides would move the time that is shown away from the fix's own.
MAP = f"""
from locshare_ext import Group, GroupMap
looks = {{"interpolate": False, "labels": False}}
GroupMap(Group({GROUP!r}), center=(0, 0), zoom=12, trail=3600, layer=looks)
"""

# A cell that keeps the interpreter to itself, as one long call into C does, and notes when it let go.
HOLD = """
import ctypes, json, pathlib, time
time.sleep(0.5)
_began = time.time()
ctypes.PyDLL(None).usleep(400_000)
pathlib.Path({path!r}).write_text(json.dumps([_began * 1000, time.time() * 1000]))
"""

LONG = """
import numpy as np, pandas as pd, ipyleaflet
from locshare_ext import TrailLayer
steps, members = 1_000, 1_000
turn = np.linspace(0, 12, steps)[:, None] + np.arange(members)[None, :]
spread = 0.05 * (1 + np.arange(members) / members)
times = np.repeat(np.datetime64("2026-01-01", "ms") + 1000 * np.arange(steps), members)
layer = TrailLayer(mode="recording", trail=600, panels=["timeline"], labels=False)
shown = ipyleaflet.Map(center=(0, 0), zoom=12, layers=(layer,), layout={"height": "560px"})
names = [f"m{n}" for n in range(members)] * steps
layer.push(names, times, (np.sin(turn) * spread).ravel(), (np.cos(turn) * spread * 2).ravel())
shown
"""

# A pointer that is moved on at each frame of the page, from end to end and back in 8 s.
SCRUB = """
({ x, y, width }) => {
  const slider = document.querySelector('.locshare-bar [role=slider]');
  const layer = window.locshareLayers[0];
  const noted = window.noted = { frames: 0, costs: [], run: true, drawn: layer.stats().frames };
  noted.began = performance.now();
  const tick = () => {
    noted.frames++;
    noted.costs.push(layer.cost());
    const part = (1 - Math.cos((performance.now() - noted.began) / 4000 * Math.PI)) / 2;
    const at = { pointerId: 1, pointerType: 'mouse', isPrimary: true, buttons: 1, bubbles: true };
    slider.dispatchEvent(new PointerEvent('pointermove', { ...at, clientX: x + part * width, clientY: y }));
    if (noted.run) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}
"""
# The fixes in the trails, once as many are counted as the page has, or for 5 s not.
WHOLE = """
async () => {
  const layer = window.locshareLayers[0];
  const end = performance.now() + 5000;
  while (layer.stats().trailPoints !== layer.stats().fixes && performance.now() < end) {
    await new Promise(done => setTimeout(done, 100));
  }
  return layer.stats().trailPoints;
}
"""


# Notes of each fix that the page gets: ms from SEND until the server took it, and from there to the page.
HOPS = """
() => {
  const post = Worker.prototype.postMessage;
  const hops = noted.hops = [];
  Worker.prototype.postMessage = function (message, ...rest) {
    if (!noted.run) Worker.prototype.postMessage = post;
    else if (message?.op === 'fixes') {
      const [now, found] = [Date.now(), {}];
      let at = 0;
      for (const { name, type, base = 0 } of message.columns) {
        const Kind = { u4: Uint32Array, f4: Float32Array, f8: Float64Array }[type];
        found[name] = Array.from(new Kind(message.buffer, at, message.count), value => value + base);
        at += message.count * Kind.BYTES_PER_ELEMENT;
      }
      found.received.forEach((received, k) => hops.push([received - found.time[k], now - received]));
    }
    return post.call(this, message, ...rest);
  };
}
"""


class Crowd:
    """Members who share `PERIOD` apart through one STOMP connection, evenly over the time."""

    def __init__(self, lab: Lab) -> None:
        assert lab.process is not None
        told = json.loads(lab.runtime_file().read_text())
        self._served = Served(lab.process.pid, lab.port, told["token"])
        self._served.make_group(GROUP)
        self._sock = self._served.connect()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def start(self) -> None:
        """Begin to send, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and close the connection."""
        self._stop.set()
        self._thread.join()
        self._sock.close()

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - begin) * MEMBERS / PERIOD)
            frames = [self._frame(number) for number in range(self.sent, due)]
            self._sock.sendall(b"".join(frames))
            self.sent = due
            self._stop.wait(TICK)

    def _frame(self, number: int) -> bytes:
        member, round_ = number % MEMBERS, number // MEMBERS
        turn = member + round_ / 20
        body = json.dumps(
            {
                "member": f"m{member}",
                "time": round(time.time() * 1000),
                "lat": 0.05 * math.sin(turn) * (1 + member / MEMBERS),
                "lon": 0.1 * math.cos(turn) * (1 + member / MEMBERS),
            }
        ).encode()
        headers = [("destination", f"/topic/group.{GROUP}"), ("content-type", "application/json")]
        headers.append(("content-length", str(len(body))))
        return send_frame(stomp_frame("SEND", headers, body))


@contextmanager
def _shown(browser: Browser, lab: Lab, *cells: str) -> Iterator[Notebook]:
    path = f"map-{time.monotonic_ns()}.ipynb"
    write_notebook(lab.root / path, cells)
    notebook = Notebook(browser, lab, path, width=1400, height=900)
    try:
        notebook.run_all()
        yield notebook
    finally:
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        notebook.close()


def send_to_pixel(
    report: Report, browser: Browser, lab: Lab, watch: str, kernel_of: Any, seconds: float, *, quick: bool
) -> None:
    """Measure from SEND to the page; then stop the kernel, and hide the tab, while sending goes on."""
    topic = f"{MEMBERS:,} x 1 Hz through the endpoint"
    crowd = Crowd(lab)
    with _shown(browser, lab, MAP) as notebook:
        crowd.start()
        try:
            notebook.wait_for_members(MEMBERS)
            names = [f"m{number}" for number in range(0, MEMBERS, 20)]
            notebook.page.wait_for_timeout(2000)
            delays, hops = _seen(notebook, watch, names, seconds)
            p95 = statistics.quantiles(delays, n=20)[-1]
            report.note(topic, "ours", f"{len(delays)} seen, {_spread(delays)}")
            for what, hop in zip(("SEND to server", "server to page"), zip(*hops, strict=True), strict=False):
                report.note(topic, "ours", f"{what}: {_spread(hop)}")
            report.judge(topic, "SEND to pixel, p95", p95, most=200, unit=" ms")
            pause = 3.0 if quick else 10.0
            _stopped(report, notebook, watch, names, "kernel", kernel_of(lab), pause)
            _stopped(report, notebook, watch, names, "page", _renderer(), pause)
            hidden(report, notebook, watch, names, 6.0 if quick else 60.0)
        finally:
            crowd.stop()
        _judge_whole(report, "after both pauses", notebook, crowd.sent)


def _seen(
    notebook: Notebook, watch: str, names: list[str], seconds: float
) -> tuple[list[float], list[tuple[float, float]]]:
    """Return how late what came on screen was, ms, over some seconds; and the hops of all fixes (`HOPS`)."""
    notebook.page.evaluate(watch, [names, "#ff00fe"])
    notebook.page.evaluate(HOPS)
    notebook.page.wait_for_timeout(seconds * 1000)
    seen, hops = notebook.page.evaluate("() => { noted.run = false; return [noted.seen, noted.hops]; }")
    return [at - value for _, value, at in seen] or [math.inf] * 2, hops


def _spread(delays: Sequence[float]) -> str:
    return f"p50 {statistics.median(delays):.0f} p95 {statistics.quantiles(delays, n=20)[-1]:.0f} ms"


def _renderer() -> psutil.Process:
    """Return the process of the browser that has the page: the largest of those that have one."""
    import psutil

    children = psutil.Process().children(recursive=True)
    pages = [child for child in children if "--type=renderer" in " ".join(child.cmdline())]
    return max(pages, key=lambda child: child.memory_info().rss)


def _stopped(
    report: Report,
    notebook: Notebook,
    watch: str,
    names: list[str],
    what: str,
    process: psutil.Process,
    seconds: float,
) -> None:
    """Stop the kernel as a machine that sleeps does, or the page as a browser freezes it."""
    topic = f"{what} stopped for {seconds:g} s"
    page = notebook.page
    page.evaluate(watch, [names, "#ff00fe"])
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        resumed = time.time() * 1000
        process.send_signal(signal.SIGCONT)
    page.wait_for_timeout(4000)
    seen = page.evaluate("() => { noted.run = false; return noted.seen; }")
    report.judge(topic, "burst", _burst(seen, resumed), most=1.0, unit=" s")


def hidden(report: Report, notebook: Notebook, watch: str, names: list[str], seconds: float) -> None:
    """Have the page be as one that nobody sees, and show it again."""
    topic = f"tab hidden for {seconds:g} s"
    page = notebook.page
    page.evaluate(HIDE)
    page.wait_for_timeout(500)  # what was asked for before is drawn
    frames = page.evaluate("() => window.locshareLayers[0].stats().frames")
    time.sleep(seconds)
    drawn = page.evaluate("() => window.locshareLayers[0].stats().frames") - frames
    page.evaluate(watch, [names, "#ff00fe"])
    page.evaluate("() => window.showAgain()")
    resumed = time.time() * 1000
    page.wait_for_timeout(4000)
    seen = page.evaluate("() => { noted.run = false; return noted.seen; }")
    report.note(topic, "ours", f"{drawn} pictures drawn while hidden")
    report.judge(topic, "burst", _burst(seen, resumed), most=1.0, unit=" s")


def _burst(seen: list[Any], resumed: float) -> float:
    """Return for how long after a pause what came on screen was still late, s; infinite if nothing came.

    It is over when half a second has brought nothing late: what other programs delay after that is
    none of it.
    """
    after = sorted((at, at - value) for _, value, at in seen if at >= resumed)
    if not any(late <= LATE for _, late in after):
        return math.inf
    end = resumed
    for at, late in after:
        if late > LATE and at - end <= 500:
            end = at
    return (end - resumed) / 1000


def _judge_whole(report: Report, what: str, notebook: Notebook, sent: int) -> None:
    """Say whether the page has all that was sent."""
    limit = time.monotonic() + 20
    held = -1
    while held != sent and time.monotonic() < limit:
        held = notebook.page.evaluate("() => window.locshareLayers[0].stats().fixes")
        time.sleep(0.2)
    points = notebook.page.evaluate(WHOLE)
    report.note(f"trails {what}", "ours", f"{sent:,} sent, {held:,} on the page, {points:,} in trails")
    report.judge(f"trails {what}", "fixes missing or too many", float(abs(sent - held)), most=0)
    report.judge(f"trails {what}", "points missing in trails", float(abs(sent - points)), most=0)


def gil_held(report: Report, notebook: Notebook, lab: Lab, watch: str, members: int, hz: float) -> None:
    """Hold the interpreter for 0.4 s while members move; `running` is the kernel's Run."""
    topic = f"{members:,} x {hz:g} Hz, a call that holds the GIL for 0.4 s"
    page = notebook.page
    path = lab.folder / "held.json"
    path.unlink(missing_ok=True)
    shown = lab.folder / "shown.json"
    shown.unlink(missing_ok=True)
    before = page.evaluate("() => window.locshareLayers[0].stats().fixes")
    code = f"running.go(4)\n{HOLD.format(path=str(path))}"
    page.evaluate(watch, [["m0", "m1", "m2"], "#ff00fe"])
    page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }); }",
        code,
    )
    page.wait_for_timeout(6000)
    seen = page.evaluate("() => { noted.run = false; return noted.seen; }")
    released = json.loads(path.read_text())[1]
    again = min((at - released for _, _, at in seen if at > released), default=math.inf)
    steps = len(json.loads(shown.read_text()))
    held = page.evaluate("() => window.locshareLayers[0].stats().fixes") - before
    report.judge(topic, "on screen again", again, most=100, unit=" ms")
    report.judge(topic, "fixes missing or too many", float(abs(steps * members - held)), most=0)


def scrubbing(report: Report, browser: Browser, lab: Lab, seconds: float) -> None:
    """Drag the timeline's playhead over a million fixes."""
    topic = "scrubbing 1,000,000 fixes"
    with _shown(browser, lab, LONG) as notebook:
        page = notebook.page
        notebook.wait_for("() => window.locshareLayers?.[0]?.stats().fixes >= 1e6")
        notebook.wait_until_idle()
        slider = page.locator(".locshare-bar [role=slider]").first
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 5, middle)
        page.mouse.down()
        page.evaluate(SCRUB, {"x": box["x"] + 5, "y": middle, "width": box["width"] - 10})
        page.wait_for_timeout(seconds * 1000)
        fps, drawn, costs = page.evaluate(
            "() => { const s = (performance.now() - noted.began) / 1000; noted.run = false; return"
            " [noted.frames / s, (window.locshareLayers[0].stats().frames - noted.drawn) / s, noted.costs]; }"
        )
        page.mouse.up()
    cost = statistics.median(costs)
    report.note(
        topic, "ours", f"page {fps:.1f} fps, pictures {drawn:.1f} a second, each drawn in {cost:.1f} ms"
    )
    report.judge(topic, "page", fps, least=50, unit=" fps")
    report.judge(topic, "layer", drawn, least=50, unit=" fps")
