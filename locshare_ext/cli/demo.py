"""`jupyter locshare demo`: JupyterLab on the demo notebook, and a group that moves."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterable, Iterator
from pathlib import Path

from locshare_ext.cli.files import read_file
from locshare_ext.cli.publishing import Sender, server_of_process, timed_from_loaded
from locshare_ext.client.simulating import PAST, simulated
from locshare_ext.client.simulator import TimedFix
from locshare_ext.client.times import now_ms
from locshare_ext.errors import ServerNotFound, ServerUnreachable
from locshare_ext.model.names import group_slug

__all__ = ["of_today", "run"]

FIRST_NOTEBOOK = "01_watch_a_group.ipynb"
DEMO_MEMBERS = 8
DEMO_GROUP = "hikers"  # the name that the notebooks use
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
DAY = 86_400_000  # ms
START_LIMIT = 120  # s
STOP_LIMIT = 10  # s


def run(options: argparse.Namespace) -> int:
    """Start JupyterLab and a live group; end both at Ctrl-C or when JupyterLab ends."""
    group = options.group or _group_of(options.file)
    group_slug(group)
    fixes = _chosen_fixes(options)
    folder = Path(options.folder).resolve() if options.folder else _default_folder()
    port, token = options.port or _free_port(), secrets.token_hex(16)
    _lay_out(folder, group)
    with contextlib.suppress(KeyboardInterrupt), _stopped_by_signals(), _lab(folder, port, token) as lab:
        url = f"http://127.0.0.1:{port}/lab/tree/{FIRST_NOTEBOOK}?token={token}"
        print(f"{_what(options)} moves in {group!r}: {url}   (Ctrl-C stops everything)", flush=True)
        if not options.no_browser:
            webbrowser.open(url)
        with _playing(Sender(server_of_process(lab.pid), group), fixes, options):
            lab.wait()
    return 0


def _group_of(file: str | None) -> str:
    """Return a group's name for a file, so that two recordings never mix on one map."""
    if file is None:
        return DEMO_GROUP
    return re.sub(r"[^\w-]+", "-", Path(file).stem).strip("-_")[:40] or DEMO_GROUP


def _chosen_fixes(options: argparse.Namespace) -> Iterator[TimedFix]:
    if not options.file:
        return of_today(now_ms() - PAST)
    return timed_from_loaded(read_file(options))


def of_today(since: int) -> Iterator[TimedFix]:
    """Yield a made-up group's day from `since` on, ms.

    All of a day is one walk: a demo that is stopped and started again goes on where it would be by now.
    """
    day = simulated(since - since % DAY, members=DEMO_MEMBERS, seed=1, centre=None)
    return itertools.dropwhile(lambda timed: timed[0] < since, day)


@contextlib.contextmanager
def _playing(sender: Sender, fixes: Iterable[TimedFix], options: argparse.Namespace) -> Iterator[None]:
    """Publish on a thread of its own; it has ended when this ends."""
    stop = threading.Event()
    how = {"speed": options.speed, "shift": bool(options.file), "stop": stop}
    player = threading.Thread(
        target=sender.play, args=(fixes,), kwargs=how, name="locshare-demo", daemon=True
    )
    player.start()
    try:
        yield
    finally:
        stop.set()
        sender.close()
        player.join(STOP_LIMIT)


def _what(options: argparse.Namespace) -> str:
    if options.file:
        return f"{Path(options.file).name}, at {options.speed:g}x as if it were now,"
    return "A simulated group"


def _default_folder() -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "locshare" / "demo"


def _lay_out(folder: Path, group: str) -> None:
    """Copy the notebooks to where they may be changed and saved; those there are replaced."""
    root = folder / "notebooks"
    root.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(_notebooks().glob("*.ipynb")):
        text = notebook.read_text(encoding="utf-8")
        if group != DEMO_GROUP:
            text = text.replace(f'Group(\\"{DEMO_GROUP}\\")', f"Group({json.dumps(json.dumps(group))[1:-1]})")
            text = text.replace(f"`{DEMO_GROUP}`", json.dumps(f"`{group}`")[1:-1])
        (root / notebook.name).write_text(text, encoding="utf-8")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    # the demo needs no network, so JupyterLab need not ask whether it may fetch news
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(NO_NEWS), encoding="utf-8")


def _notebooks() -> Path:
    """Return the folder of the notebooks: in the package, or beside it in a working copy."""
    package = Path(__file__).parent.parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first Ctrl-C or SIGTERM; further ones do not disturb the ending.

    Set explicitly: a process that a script starts in the background ignores Ctrl-C otherwise.
    """
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop(*_: object) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _lab(folder: Path, port: int, token: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run JupyterLab, its log in a file; it has ended when this ends."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(
            f"--ServerApp.root_dir={folder / 'notebooks'}",
            f"--LocShareApp.store={folder / 'log.sqlite3'}",
            f"--LabApp.user_settings_dir={folder / 'settings'}",
        ),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = folder / "jupyterlab.log"
    with log.open("wb") as output:
        # the token travels in the environment: a command line can be read by everybody here
        lab = subprocess.Popen(  # noqa: S603 - Jupyter of this environment, with our arguments
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, "JUPYTER_TOKEN": token},
            start_new_session=True,
        )
        try:
            _wait_until_it_serves(lab, log)
            yield lab
        finally:
            _end(lab)


def _wait_until_it_serves(lab: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the file by which the server can be found; the port may be somebody else's."""
    find = server_of_process(lab.pid)
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        if lab.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise ServerUnreachable(f"JupyterLab did not start ({log}): {' '.join(last)}")
        with contextlib.suppress(ServerNotFound):
            find()
            return
        time.sleep(0.1)
    raise ServerUnreachable(f"JupyterLab has not started after {START_LIMIT} s; see {log}")


def _end(lab: subprocess.Popen[bytes]) -> None:
    if lab.poll() is not None:
        return
    lab.terminate()  # lets it end its kernels
    try:
        lab.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        lab.kill()
        lab.wait()
