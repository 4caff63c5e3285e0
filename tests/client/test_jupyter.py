"""A real notebook server, found as a kernel finds it, and found again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from locshare_ext import Group
from locshare_ext.errors import ServerNotFound
from tests.client.conftest import LIMIT, Collected

pytestmark = pytest.mark.process


@contextlib.contextmanager
def jupyter(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a notebook server with the extension; ready when its runtime file is there."""
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += ["--ServerApp.jpserver_extensions=locshare_ext=True", f"--ServerApp.root_dir={folder}"]
    command += [f"--LocShareApp.store={folder / 'log.sqlite3'}", *options]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        runtime = folder / "runtime" / f"locshare-{server.pid}.json"
        deadline = time.monotonic() + LIMIT
        while not runtime.exists():
            assert server.poll() is None, (folder / "server.log").read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)  # of another process there is no event to wait for
        yield server
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with Jupyter's own in it, and nothing that names another server."""
    for name in ("runtime", "data", "config"):
        monkeypatch.setenv(f"JUPYTER_{name.upper()}_DIR", str(tmp_path / name))
    for name in ("LOCSHARE_URL", "LOCSHARE_RUNTIME", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_kernel_finds_its_server_and_finds_it_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, collected: Collected
) -> None:
    with pytest.raises(ServerNotFound, match="three usual causes"):
        Group("hikers")
    states = Collected()
    with jupyter(folder) as server:
        monkeypatch.setenv("JPY_PARENT_PID", str(server.pid))
        group = Group("hikers")
        group.listen(lambda batch: None, states.add)
        group.on_fix(lambda fix: collected.add(fix.cursor))
        group.publish(
            [{"member": "ann", "time": 1_770_000_000_000 + n, "lat": 1, "lon": 2} for n in range(100)]
        )
        collected.wait_count(100)
    states.wait_for(lambda items: items[-1].state == "offline" and "no running server" in items[-1].text)
    with pytest.raises(ServerNotFound, match="has ended"):
        Group("hikers")
    with jupyter(folder):  # another process, port and secret; the same log
        states.wait_for(lambda items: items[-1].state == "live")
        Group("hikers").publish(lat=1, lon=2)
        cursors = collected.wait_count(101)
    assert [int(cursor.partition("-")[2]) for cursor in cursors] == list(range(1, 102))
    group.close()


def test_an_invite_needs_no_jupyter_login_and_outlives_the_server(folder: Path) -> None:
    base = "--ServerApp.base_url=/user/host/"
    with jupyter(folder, base):
        host = Group("hikers")
        invite = host.invite("ann")
        assert "/user/host/locshare/#t=lsi_" in invite.link
        ann = Group(invite.link)
        assert ann.publish(lat=1, lon=2).stored == 1
        assert ann.ready().state == "live"
        ann.close()
        host.close()
    with jupyter(folder, base):  # another port and kernel secret, the same key and store
        host = Group("hikers")
        again = Group("hikers", server=host.server, token=invite.token)
        assert (again.me, again.publish(lat=1, lon=3).stored) == ("ann", 1)
        assert host.trails()["member"].tolist() == ["ann", "ann"]
        assert host.invite("ann").token == invite.token


def test_what_an_invite_may_not_send_at_once_is_sent_in_time(folder: Path) -> None:
    with jupyter(folder, "--LocShareApp.invite_rate=1000", "--LocShareApp.invite_burst=1000"):
        ann = Group(Group("hikers").invite("ann").link)
        rows = [{"time": 1_770_000_000_000 + n, "lat": 1, "lon": 2} for n in range(2500)]
        with pytest.warns(UserWarning, match="publishing waits") as warned:
            assert ann.publish(rows).stored == 2500
        assert Path(warned[0].filename) == Path(__file__)
