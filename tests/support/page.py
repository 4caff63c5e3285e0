"""Notebooks in JupyterLab, as a person uses them, in headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

__all__ = ["ARTIFACTS", "Notebook", "chromium", "launch"]

ARTIFACTS = Path(__file__).parent.parent / "artifacts"  # screenshots; not in the repository
PATIENCE = int(os.environ.get("LOCSHARE_TEST_PATIENCE", "120000"))  # ms that a page may take for anything

# A kernel that is only being reached would have the page ask which one to start.
CONNECTED = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.isReady && session.session?.kernel?.connectionStatus === 'connected';
}"""


def chromium() -> str | None:
    """Return the path of a Chromium that is installed here, None without one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            return path
    return None


@contextmanager
def launch() -> Iterator[Browser]:
    """Run headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """One notebook, open in a page of its own; `errors` collects what its console shows as errors.

    front: where the server shows notebooks, `lab/tree` or Notebook 7's `notebooks`. ours: whether an
    error, with the addresses it tells, counts; a front end may have some of its own.
    context: of the browser's, such as `locale`.
    """

    def __init__(
        self,
        browser: Browser,
        lab: Lab,
        path: str,
        *,
        front: str = "lab/tree",
        ours: Callable[[str], bool] = bool,
        width: int = 1400,
        height: int = 900,
        **context: Any,
    ) -> None:
        self.lab = lab
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self._ours = ours
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(f"{error} {error.stack}"))
        self.page.goto(f"{lab.url}{front}/{path}?reset&token={lab.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.wait_for(CONNECTED)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} {message.location['url']}")

    def _note(self, text: str) -> None:
        if self._ours(text):
            self.errors.append(text)

    def run_all(self) -> None:
        """Run all cells, and return when the kernel has begun."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def wait_until_idle(self) -> None:
        """Wait until the kernel has run all that it was given."""
        self.page.wait_for_function(
            "() => { const session = window.jupyterapp.shell.currentWidget.sessionContext;"
            " return session.session?.kernel?.status === 'idle' && !document.querySelector('.jp-Notebook')"
            ".innerText.includes('[*]'); }"
        )

    def wait_for(self, script: str, argument: Any = None) -> Any:
        """Wait until a piece of JavaScript is true in the page; returns its value."""
        return self.page.wait_for_function(script, arg=argument, timeout=PATIENCE).json_value()

    def wait_for_members(self, count: int) -> None:
        """Wait until a layer on the page shows at least so many members."""
        self.wait_for("n => window.locshareLayers?.some(layer => layer.stats().members >= n)", count)

    def position_of(self, member: str) -> dict[str, float]:
        """Return where the page drew a member last."""
        position: dict[str, float] = self.page.evaluate("m => window.locshareLayers[0].positionOf(m)", member)
        return position

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the page in the artifacts."""
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        self.context.close()
