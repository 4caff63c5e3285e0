"""`jupyter locshare demo`: one command, a live group, and nothing left behind."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from locshare_ext.cli.demo import of_today

pytestmark = pytest.mark.process
BUSES = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"


class Demo:
    """The demo as a process, in a home of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        names = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LOCSHARE_", "JPY_"))
        }
        command = [sys.executable, "-m", "locshare_ext.cli.main", "demo", "--no-browser"]
        self.process = subprocess.Popen(
            [*command, "--folder", str(home / "demo"), *options],
            env={**kept, **{name: str(home / name.lower()) for name in names}},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:\d+/)lab/tree/(\S+)\?token=(\w+)", self.line)
        assert found, self.line
        self.url, self.notebook, self.token = found.groups()

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, headers=headers), timeout=60
        ) as answer:
            return json.load(answer)

    def wait_for_members(self, group: str, count: int) -> list[dict[str, Any]]:
        """Follow the group's log until so many members have sent fixes."""
        members: set[str] = set()
        cursor, fixes = "start", []
        while len(members) < count:
            try:
                page = self.get(f"locshare/api/groups/{group}/fixes?after={cursor}&limit=1000")
            except urllib.error.HTTPError as error:
                assert error.code == 404  # nobody has sent anything yet
                continue
            cursor = page["cursor"]
            fixes += page["fixes"]
            members |= {fix["member"] for fix in page["fixes"]}
        return fixes

    def stop(self, number: signal.Signals) -> list[psutil.Process]:
        """Send a signal; returns the processes of the demo that outlive it."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return list(psutil.wait_procs(family, timeout=30)[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_simulated_group_until_it_is_stopped(tmp_path: Path, number: signal.Signals):
    demo = Demo(tmp_path)
    try:
        fixes = demo.wait_for_members("hikers", 8)
        assert {fix["source"] for fix in fixes} == {"simulator"}
        assert "simulated" in demo.line
        assert demo.get(f"api/contents/{demo.notebook}?content=0")["type"] == "notebook"
        assert (tmp_path / "demo" / "log.sqlite3").exists()  # its own, not the user's
    finally:
        left = demo.stop(number)
    assert demo.process.returncode == 0
    assert left == []


def test_a_recording_of_yours_as_if_it_were_now(tmp_path: Path, data: Path):
    file = data / "liverpool_bus_route14.csv"
    demo = Demo(tmp_path, "--from", str(file), "--columns", BUSES, "--tz", "UTC", "--speed", "900")
    try:
        fixes = demo.wait_for_members("liverpool_bus_route14", 8)
        assert all(abs(fix["received"] - fix["time"]) < 3_600_000 for fix in fixes)
        cells = demo.get(f"api/contents/{demo.notebook}")["content"]["cells"]
        assert any('Group("liverpool_bus_route14")' in cell["source"] for cell in cells)
    finally:
        left = demo.stop(signal.SIGINT)
    assert left == []


def test_a_port_that_is_taken_is_said(tmp_path: Path):
    demo = Demo(tmp_path)
    port = re.search(r":(\d+)/", demo.url)
    assert port
    try:
        command = [sys.executable, "-m", "locshare_ext.cli.main", "demo", "--no-browser"]
        again = subprocess.run(
            [*command, "--port", port[1], "--folder", str(tmp_path / "second")],
            text=True,
            capture_output=True,
            timeout=120,
        )
    finally:
        demo.stop(signal.SIGINT)
    assert again.returncode == 1
    assert port[1] in again.stderr
    assert "Traceback" not in again.stderr


def test_a_demo_started_again_goes_on_where_the_one_before_would_be_by_now() -> None:
    noon = 1_700_049_600_000
    first = itertools.takewhile(lambda timed: timed[0] < noon + 120_000, of_today(noon))
    again = itertools.takewhile(lambda timed: timed[0] < noon + 120_000, of_today(noon + 60_000))
    later = [timed for timed in first if timed[0] >= noon + 60_000]
    assert later
    assert list(again) == later
