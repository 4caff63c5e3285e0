"""JupyterLab as a process of its own, with a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from locshare_ext.cli import develop

__all__ = ["Lab", "free_port"]

NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}  # else a question covers part of the page
START_LIMIT = 180  # s; a slow machine may take long, a broken server is noticed at once


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Lab:
    """JupyterLab with the extension, on a free port, with fresh Jupyter folders.

    folder: holds all that it writes; `notebooks` below it is the root that it shows.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.token = "lab-test-token"
        self.url = f"http://127.0.0.1:{self.port}/"
        self.options = options
        self.log = folder / "lab.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which this server, and clients that look for it, run."""
        mine = {
            "HOME": str(self.folder / "home"),
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "IPYTHONDIR": str(self.folder / "ipython"),
        }
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LOCSHARE_", "JPY_"))
        }
        return {**kept, **mine, "JUPYTER_PLATFORM_DIRS": "1"}

    def start(self) -> Lab:
        """Start it, and return when it answers."""
        for name in ("home", "config", "data", "runtime", "ipython"):
            (self.folder / name).mkdir(exist_ok=True)
        develop.main()  # the page's code is that of the working copy
        self._settle()
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
            *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"),
            *(
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                f"--LabApp.user_settings_dir={self.folder / 'settings'}",
            ),
            *self.options,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, cwd=self.root, start_new_session=True
            )
        self._wait_until_it_answers()
        return self

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended: {self.log.read_text()[-4000:]}")
            try:
                self.get("api/status")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)  # the start of another process has no event to wait for
            else:
                return
        raise RuntimeError(f"JupyterLab does not answer: {self.log.read_text()[-4000:]}")

    def _settle(self) -> None:
        """Have the settings of somebody who has never been here."""
        shutil.rmtree(self.folder / "settings", ignore_errors=True)
        settings = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(NO_NEWS))

    def tidy(self) -> None:
        """End all kernels and forget what was set and laid out; what groups and notebooks hold stays.

        Nobody waits for those kernels: they go while the next ones begin.
        """
        going = [
            f"api/{kind}/{one['id']}" for kind in ("sessions", "kernels") for one in self._ask(f"api/{kind}")
        ]
        threading.Thread(target=self._end, args=(going,), daemon=True).start()
        self._settle()

    def _end(self, going: list[str]) -> None:
        for path in going:
            with contextlib.suppress(
                urllib.error.URLError, OSError
            ):  # it has ended by itself, or with the server
                self._ask(path, "DELETE", START_LIMIT)

    def get(self, path: str) -> object:
        """Return the JSON of an endpoint below the base URL."""
        return self._ask(path)

    def _ask(self, path: str, method: str = "GET", limit: float = 10) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=limit) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def runtime_file(self) -> Path:
        """The file that tells clients where this server is and how to enter."""
        assert self.process is not None
        return self.folder / "runtime" / f"locshare-{self.process.pid}.json"

    def kill(self) -> None:
        """End the server alone, at once; its kernels are left to notice."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server and everything that it started."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._end_kernels()

    def _end_kernels(self) -> None:
        """Kernels lead sessions of their own; a killed server leaves them behind."""
        import psutil

        mine = str(self.folder / "runtime")
        for process in psutil.process_iter(["cmdline"]):
            if any(mine in word for word in process.info["cmdline"] or ()):
                process.kill()
