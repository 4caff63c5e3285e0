"""`jupyter locshare serve` as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.lab import free_port

__all__ = ["Served"]


class Served:
    """A server without notebooks, its store in `folder`; it can be killed and started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.options = options
        self.preexec: Callable[[], None] | None = None  # run in the process before it begins
        self.process: subprocess.Popen[str] | None = None
        self.line = ""

    def start(self) -> Served:
        """Start it, and return when it has said how to attach."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [*(sys.executable, "-m", "locshare_ext.cli.main", "serve", "--port", str(self.port))]
        command += ["--store", str(self.folder / "log.sqlite3"), *self.options]
        environment = {**os.environ, "HOME": str(self.folder), "JUPYTER_PLATFORM_DIRS": "0"}
        for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            environment[name] = str(self.folder / name.lower())
        with (self.folder / "serve.log").open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                preexec_fn=self.preexec,
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "#t=" in line:
                self.line = line
                return self
        raise RuntimeError(f"the server ended: {(self.folder / 'serve.log').read_text()[-2000:]}")

    @property
    def link(self) -> str:
        """The link that it printed, without a group."""
        found = re.search(r"https?://[^\s\"']+#t=\w+", self.line)
        assert found, self.line
        return found[0]

    @property
    def token(self) -> str:
        """The host's token."""
        return self.link.partition("#t=")[2]

    @property
    def url(self) -> str:
        """The base URL, ending with `/`."""
        return f"http://127.0.0.1:{self.port}/"

    def kill(self) -> None:
        """End it as a power cut would end a process: at once."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """End it in order; twice is no error."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=20)
            return
        self.kill()

    @contextlib.contextmanager
    def running(self) -> Iterator[Served]:
        """Start it, and end it at the end."""
        try:
            yield self.start()
        finally:
            self.stop()
