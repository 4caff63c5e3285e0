"""Which server to talk to: the one that a link names, or the one that is found from here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from locshare_ext.errors import ServerNotFound
from locshare_ext.transports.address import (
    CA_FILE,
    Server,
    holds_secret,
    is_link,
    parse_link,
    server_from_url,
)

__all__ = ["Server", "find_server", "holds_secret", "is_link", "parse_link", "server_from_url"]

_CAUSES = """\
No server with locshare_ext was found. The three usual causes:
  1. The extension is installed in another environment than the one Jupyter runs in, or Jupyter was not
     restarted since: run `jupyter server extension list` where Jupyter was started, then restart it.
  2. VS Code, Colab or a standalone Voila run no server extension: start `jupyter locshare serve` in a
     terminal and attach with the link it prints, Group("http://.../locshare/#t=...&g=hikers").
  3. The kernel runs on another machine than Jupyter: attach with a link in the same way.
What was looked for:
"""


def find_server(environ: Mapping[str, str] | None = None, *, runtime_dir: Path | None = None) -> Server:
    """Return the server that this kernel belongs to; reads files only, asks no network.

    In order: LOCSHARE_URL with LOCSHARE_TOKEN; the file that LOCSHARE_RUNTIME names; the
    file of the Jupyter server that started this kernel; the only one of a live server.
    Raises ServerNotFound with the usual causes and what was looked for.
    """
    environ = os.environ if environ is None else environ
    looked: list[str] = []
    if url := environ.get("LOCSHARE_URL"):
        server, _ = parse_link(url)
        token = environ.get("LOCSHARE_TOKEN") or server.token
        return replace(server, token=token, ca_file=environ.get(CA_FILE), origin="LOCSHARE_URL")
    looked.append("LOCSHARE_URL and LOCSHARE_TOKEN: not set")
    if named := environ.get("LOCSHARE_RUNTIME"):
        if server_named := _read_runtime(Path(named), looked, "LOCSHARE_RUNTIME"):
            return server_named
    else:
        looked.append("LOCSHARE_RUNTIME: not set")
    directory = runtime_dir or _runtime_dir()
    if parent := environ.get("JPY_PARENT_PID"):
        path = directory / f"locshare-{parent}.json"
        if server_parent := _read_runtime(path, looked, "the server that started this kernel"):
            return server_parent
    else:
        looked.append("JPY_PARENT_PID: not set, so no Jupyter server started this process")
    return _only_live(directory, looked)


def _only_live(directory: Path, looked: list[str]) -> Server:
    found: list[Server] = []
    for path in sorted(directory.glob("locshare-*.json")):
        server = _read_runtime(path, looked, "a running server")
        if server is not None:
            found.append(server)
    if len(found) == 1:
        return found[0]
    if not found:
        looked.append(f"{directory}/locshare-*.json: none of a live server")
        tried = "\n".join(f"  - {line}" for line in looked)
        raise ServerNotFound(_CAUSES + tried, details={"looked": tried})
    urls = ", ".join(server.url for server in found)
    raise ServerNotFound(
        f"{len(found)} servers with locshare_ext run here, and none of them started this process: {urls}. "
        "Say which: Group(name, server=url, token=...), or set LOCSHARE_URL and LOCSHARE_TOKEN.",
        code="server_ambiguous",
    )


def _read_runtime(path: Path, looked: list[str], why: str) -> Server | None:
    """Return the server of a runtime file; adds to `looked` why there is none."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        if content.get("version") != 1:
            looked.append(f"{path} ({why}): version {content.get('version')!r}, expected 1")
            return None
        server, pid = (
            Server(str(content["url"]), content["token"], content.get("ca_file"), origin=str(path)),
            int(content["pid"]),
        )
    except FileNotFoundError:
        looked.append(f"{path} ({why}): no such file")
    except OSError as error:
        looked.append(f"{path} ({why}): {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError):
        looked.append(f"{path} ({why}): not a runtime file")
    else:
        if _is_alive(pid):
            return server
        looked.append(f"{path} ({why}): left behind by process {pid}, which has ended")
    return None


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # pragma: no cover - os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return pid > 0


def _runtime_dir() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir())
