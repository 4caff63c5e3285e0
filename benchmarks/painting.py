"""What the renderer of maps takes in Chromium's worker, beside that of another commit in the same run.

python -m benchmarks.painting [--beside COMMIT] [--rounds N]
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.page import launch

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).parent
RENDERER = Path("locshare_ext/widget/labextension/static")
OURS, OTHER = "ours", "other"
JOBS: dict[str, list[Any]] = {
    "1,000 members, 1,000 fixes of each": ["steps", 1_000, 1_000],
    "10,000 members, 1,000 fixes of each": ["steps", 10_000, 1_000],
    "100,000 members, 20 fixes of each": ["steps", 100_000, 20],
    "1,000 members, 1,000,000 fixes": ["scrub", 1_000, 1_000],
}
# A worker of its own for each, so that one does not have the other's memory and compiled code.
RUN = """
([renderer, job]) => new Promise((done, fail) => {
  const worker = new Worker('/painting_worker.mjs', { type: 'module' });
  worker.onmessage = ({ data }) => { worker.terminate(); done(data); };
  worker.onerror = event => fail(new Error(event.message));
  worker.postMessage([renderer, ...job]);
})
"""


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _lay_out(folder: Path, commit: str | None) -> list[str]:
    """Put the worker and the renderers into a folder; returns the renderers' names."""
    for name in ("town.mjs", "painting_worker.mjs"):
        (folder / name).symlink_to(HERE / name)
    (folder / "index.html").write_text("<!doctype html><title>Painting</title>")
    (folder / OURS).symlink_to(HERE.parent / RENDERER)
    if commit is None:
        return [OURS]
    command = ["git", "archive", commit, str(RENDERER)]
    packed = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder / "commit", filter="data")
    (folder / OTHER).symlink_to(folder / "commit" / RENDERER)
    return [OTHER, OURS]


def _measure(page: Page, renderers: list[str], rounds: int, only: str) -> None:
    for case, job in JOBS.items():
        if not case.startswith(only):
            continue
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):  # in turns, so that what else goes on meets both
            for renderer in renderers:
                for what, times in page.evaluate(RUN, [renderer, job]).items():
                    found.setdefault((what, renderer), []).extend(times)
        for what in dict.fromkeys(what for what, _ in found):
            figures = "  ".join(f"{name} {_quick(found[what, name]):7.1f}" for name in renderers)
            print(f"{case + ': ' + what:75} {figures} ms", flush=True)


def _quick(times: list[float]) -> float:
    """Return the end of the quickest quarter: what other programs delay least."""
    return sorted(times)[len(times) // 4]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.painting", description=__doc__)
    parser.add_argument("--beside", metavar="COMMIT", help="measure its renderer too")
    parser.add_argument("--rounds", type=int, default=2, help="workers of each (default 2)")
    parser.add_argument("--only", metavar="TEXT", default="", help="cases whose names begin so")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, launch() as browser:
        renderers = _lay_out(Path(name), options.beside)
        with _served(Path(name)) as url:
            page = browser.new_page()
            page.goto(url)
            _measure(page, renderers, options.rounds, options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
