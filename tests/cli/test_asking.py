"""A CSV whose columns were not told: the terminal is asked, with a guess to confirm."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.served import Served

pytestmark = pytest.mark.process


def answered(served: Served, file: Path, answers: str) -> subprocess.CompletedProcess[str]:
    """Import a file with a person's answers typed on a terminal."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answers.encode())
        return subprocess.run(
            [
                *(sys.executable, "-m", "locshare_ext.cli.main", "import", str(file)),
                *("--server", served.url, "--token", served.token),
            ],
            stdin=theirs,
            text=True,
            capture_output=True,
            timeout=120,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_guess_is_confirmed(tmp_path: Path, data: Path):
    with Served(tmp_path).running() as served:
        done = answered(served, data / "liverpool_bus_route14.csv", "\nUTC\n")
        assert "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing" in done.stderr
        assert "1533 fixes of 8 members" in done.stderr
        assert done.returncode == 0
        done = answered(
            served, data / "liverpool_bus_route14.csv", "member=trip_id,time=timestamp,lat=lat\n\n"
        )
        assert done.returncode == 1
        assert "lon" in done.stderr
        assert "Traceback" not in done.stderr
