"""A JupyterHub with its proxy, our service, and users' servers with our extension."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.server.front import shown_host
from locshare_ext.server.reach import network_address
from tests.support.lab import free_port

__all__ = ["Hub"]

TESTER = "tester-token-of-the-hub-0123456789"
PROXY = Path(__file__).parents[1] / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"
START_LIMIT = 180  # s; a slow machine may take long, a broken Hub is noticed at once

CONFIG = """
c.JupyterHub.bind_url = "{origin}/"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "{password}"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"boss"}}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.LocalProcessSpawner.interrupt_timeout = 1
c.Spawner.environment = {environment}
c.JupyterHub.load_groups = {{"hikers": {{"users": ["ann", "eve"]}}, "staff": {{"users": ["tom"]}}}}
c.JupyterHub.load_roles = [
    {{"name": "user", "scopes": ["self", "access:services!service=locshare"]}},
    {{"name": "tester", "scopes": ["admin:users", "admin:servers", "tokens"], "services": ["tester"]}},
]
c.JupyterHub.services = [
    {{"name": "tester", "api_token": "{tester}"}},
    {{
        "name": "locshare",
        "url": "http://127.0.0.1:{service_port}",
        "command": ["{python}", "-m", "locshare_ext.cli.main", "serve", "--set", "hub_managers=@staff"],
        "environment": {{"JUPYTER_DATA_DIR": "{folder}/service", **{environment}}},
        "oauth_no_confirm": True,
    }},
]
"""


class Hub:
    """The Hub with its proxy at this machine's network address; all that it writes is in `folder`."""

    def __init__(self, folder: Path) -> None:
        if not PROXY.exists() or shutil.which("node") is None:
            pytest.skip("npm is missing")
        pytest.importorskip("jupyterhub")
        self.folder = folder
        host = shown_host(network_address() or "127.0.0.1")
        self.port = free_port()
        self.netloc = f"{host}:{self.port}"
        self.origin = f"http://{self.netloc}"
        self.password = "one-for-all"
        self.log = folder / "hub.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Hub:
        """Start it, and return when its service answers."""
        environment = {
            "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        config = self.folder / "jupyterhub_config.py"
        values = {
            "origin": self.origin,
            "hub_port": free_port(),
            "proxy_port": free_port(),
            "service_port": free_port(),
            "folder": self.folder,
            "proxy": PROXY,
            "python": sys.executable,
            "password": self.password,
            "tester": TESTER,
            "environment": environment,
        }
        config.write_text(CONFIG.format(**values))
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LOCSHARE_", "JPY_", "JUPYTER"))
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**kept, "CONFIGPROXY_AUTH_TOKEN": "x" * 32, "HOME": str(self.folder)},
                start_new_session=True,
            )
        self._until(lambda: self.ask("/services/locshare/locshare/api/health")[0] == 401)
        return self

    def _until(self, is_so: Any) -> None:
        assert self._process is not None
        end = time.monotonic() + START_LIMIT
        while not is_so():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the Hub did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask through the proxy; returns the status and the JSON of the answer, None if it is none."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.origin}{path}", data, named, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with _STRAIGHT.open(request, timeout=60) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())
        except OSError:
            return 0, None

    def manage(self, path: str, method: str = "POST", body: Any = None) -> tuple[int, Any]:
        """Ask the Hub's own API as its admin."""
        return self.ask(f"/hub/api{path}", method, body or {}, Authorization=f"token {TESTER}")

    def token(self, user: str) -> str:
        """Return a token of a user, who is made if there is none."""
        self.manage(f"/users/{user}")
        status, told = self.manage(f"/users/{user}/tokens")
        assert status == 201, told
        return str(told["token"])

    def spawn(self, user: str) -> str:
        """Start a user's server; returns its path when it answers."""
        (self.folder / user).mkdir(exist_ok=True)
        self.manage(f"/users/{user}")
        status, told = self.manage(f"/users/{user}/server")
        assert status in (201, 202), told
        self._until(lambda: self.ask(f"/user/{user}/locshare/api/health")[0] == 401)
        return f"/user/{user}"

    def stop(self) -> None:
        """End it with its proxy, service and users' servers; twice is no error."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_STRAIGHT = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
