"""A whole visit on each origin that phones come to, besides that of a server without notebooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.e2e.share.conftest import NewPhone
from tests.support.phone import PLACE, Host, seen
from tests.support.sites import TOKEN, Sites

pytestmark = pytest.mark.browser

LIMIT = 60  # s until a server must have begun


@pytest.fixture
def listener(sites: Sites) -> Iterator[tuple[Host, Host]]:
    """The owner's server, and its listener for phones."""
    owner = Host(sites.urls["plain"], TOKEN)
    told = owner.ask("POST", "phones", {"host": "127.0.0.1", "port": 0})
    yield owner, Host(told["reach"]["url"], TOKEN)
    owner.ask("DELETE", "phones")


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A notebook server, not at the root of its origin."""
    folder = tmp_path_factory.mktemp("jupyter")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCSHARE_", "JPY_"))}
    for name in ("runtime", "data", "config"):
        kept[f"JUPYTER_{name.upper()}_DIR"] = str(folder / name)
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += ["--ServerApp.jpserver_extensions=locshare_ext=True", f"--ServerApp.root_dir={folder}"]
    command += [f"--LocShareApp.store={folder / 'log.sqlite3'}", "--ServerApp.base_url=/user/host/"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**kept, "HOME": str(folder)})
    try:
        runtime = folder / "runtime" / f"locshare-{server.pid}.json"
        deadline = time.monotonic() + LIMIT
        while not runtime.exists():
            assert server.poll() is None, (folder / "server.log").read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)  # of another process there is no event to wait for
        told = json.loads(runtime.read_text())
        yield Host(told["url"], told["token"])
    finally:
        server.kill()
        server.wait()


def visit(phone: NewPhone, owner: Host, front: Host, group: str) -> None:
    """Come by an invite, share, go on without a network, hear and say something, and leave nothing."""
    ann = phone(works_offline=True).join(front, owner.invite(group))
    ann.wait_for("() => document.getElementById('facts').textContent.includes('STOMP')")
    ann.wait_for("() => navigator.serviceWorker.controller !== null")
    ann.context.set_offline(True)
    ann.move(1)
    ann.until_waiting(1)
    ann.page.reload()
    ann.until("offline")
    ann.context.set_offline(False)
    ann.until("sharing")
    ann.until_waiting(0)
    lats = [one["lat"] for one in seen(owner, group, 2)]
    assert lats[:2] == [PLACE[0], pytest.approx(PLACE[0] + 0.01)]
    owner.ask("POST", f"groups/{group}/notes", {"kind": "message", "text": "back to the bus"})
    ann.page.wait_for_selector("#messages >> text=back to the bus")
    ann.page.fill("#note", "coming")
    ann.page.press("#note", "Enter")
    ann.wait_for("() => document.getElementById('noted').textContent === 'Sent.'")
    link = ann.page.get_attribute("#ways a[href^='gpslogger:']", "href") or ""
    assert link.startswith(f"gpslogger://properties/{front.url}in/lsi_")
    ann.page.click("#delete")
    ann.page.click("#ask-yes")
    ann.until("deleted")
    assert owner.fixes(group) == []
    for request in ann.requests:
        assert request.url.startswith((front.url, "data:"))


def test_the_listener_for_phones(phone: NewPhone, listener: tuple[Host, Host], group: str):
    owner, front = listener
    visit(phone, owner, front, group)


def test_jupyters_own_origin(phone: NewPhone, notebooks: Host, group: str):
    assert "/user/host/locshare/" in notebooks.url
    visit(phone, notebooks, notebooks, group)
