"""A recording as one web page: bytes a fix, how long writing takes, and what opening it takes a browser."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.frames import crowd
from benchmarks.report import Report

__all__ = ["run"]

MOST = 40.0  # bytes a fix
OPEN = 10.0  # s until all can be seen
STALL = 500.0  # ms that the page may not answer
MEMBERS = 50
WATCH = """
window.stalls = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.stalls.push(entry.duration);
}).observe({ type: 'longtask', buffered: true });
"""
IS_READ = "count => window.locshareLayers?.[0]?.stats().fixes === count"


def run(report: Report) -> None:
    is_quick = report.options.rounds < 2
    told = _apart(100_000 if is_quick else 1_000_000)
    fixes, size, fixed = told["fixes"], told["bytes"], told["fixed"]
    topic = f"a page of {fixes:,.0f} fixes"
    report.note(topic, "writing", f"{told['writing']:8.2f} s of CPU", seconds=told["writing"])
    report.note(topic, "size", f"{size / 2**20:8.1f} MiB, {fixed / 1000:.0f} kB of it for the page itself")
    report.judge(topic, "bytes a fix beside the page itself", (size - fixed) / fixes, most=MOST)
    if "opening" not in told:
        return
    report.note(topic, "scrubbing", f"{told['scrubbing']:8.0f} ms until another moment is seen")
    report.judge(topic, "opened whole", told["opening"], most=OPEN, unit=" s")
    report.judge(topic, "longest that the page does not answer", told["stall"], most=STALL, unit=" ms")


def _apart(fixes: int) -> dict[str, Any]:
    """Measure in a process of its own: the browser's driver keeps an event loop."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pages", str(fixes)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def _measure(fixes: int, path: Path) -> dict[str, float]:
    from locshare_ext.formats import save
    from locshare_ext.formats.pagecode import script_of, style
    from locshare_ext.formats.trail import trail_of_frame

    trail = trail_of_frame(crowd(MEMBERS, fixes // MEMBERS, 1))
    begun = time.process_time()
    save(path, trail)
    found = {
        "writing": time.process_time() - begun,
        "fixes": trail.table.num_rows,
        "bytes": path.stat().st_size,
        "fixed": len((script_of("page/main.js") + script_of("worker.js") + style()).encode()),
    }
    from tests.support.page import chromium, launch

    if chromium() is None:
        return found
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 820})
        page.set_default_timeout(120_000)
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_function(IS_READ, arg=trail.table.num_rows)
        found["opening"] = page.evaluate("() => performance.now()") / 1000
        found["stall"] = page.evaluate("() => Math.max(0, ...window.stalls)")
        found["scrubbing"] = _scrub(page)
    return found


def _scrub(page: Any) -> float:
    """Return the middle time, ms, from a click on the timeline to a frame of that moment."""
    box = page.locator(".locshare-track").bounding_box()
    took = []
    for part in (0.1, 0.5, 0.9, 0.3, 0.7):
        before = page.evaluate("() => window.locshareLayers[0].stats().frames")
        begun = time.perf_counter()
        page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_function("frames => window.locshareLayers[0].stats().frames > frames", arg=before)
        took.append(time.perf_counter() - begun)
    return sorted(took)[2] * 1000


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="locshare-") as folder:
        print(json.dumps(_measure(int(sys.argv[1]), Path(folder) / "page.html")))
