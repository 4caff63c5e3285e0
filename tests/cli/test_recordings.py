"""Recordings as they are typed, over the death of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from locshare_ext import Group, open_recording
from tests.cli.test_commands import Shell
from tests.support.served import Served

pytestmark = pytest.mark.process


def test_a_recording_survives_the_server_and_says_so(tmp_path: Path) -> None:
    with Served(tmp_path / "server").running() as served:
        shell = Shell(tmp_path, served)
        share(served, 1)
        made = shell("record", "hikers", "morning walk", "--description", "over the hill")
        assert made.returncode == 0, made.stderr
        number = made.stdout.strip()
        beside = shell("record", "hikers", "all day", "--since", "2026-01-01T00:00Z").stdout.strip()
        share(served, 2)
        served.kill()
        served.start()
        shell = Shell(tmp_path, served)
        share(served, 3)
        listed = shell("recordings", "hikers")
        assert listed.returncode == 0, listed.stderr
        assert [line.split()[:2] for line in listed.stdout.splitlines()] == [
            [number, "running"],
            [beside, "running"],
        ]
        assert listed.stdout.count("interrupted 1 x") == 2
        changed = shell(
            *("recordings", "--rename", number, "the hill", "--describe", number, "up and down"),
            *("--stop", number, "--stop", "all day"),
        )
        assert changed.returncode == 0, changed.stderr
        share(served, 4)
        (recording, _) = group(served).recordings()
        assert (recording.name, recording.state) == ("the hill", "stopped")
        assert recording.trails()["lat"].tolist() == [2, 3]
        assert recording.description == "up and down"
        assert recording.events()["kind"].tolist() == ["gap"]
        (away,) = recording.info["interruptions"]
        assert away["since"] < away["until"]
        kept = open_recording(recording.to_file(tmp_path / "hill.gpkg"))
        assert (kept.description, kept.events()["kind"].tolist()) == ("up and down", ["gap"])
        assert shell("recordings", "--close", "the hill").returncode == 0
        assert recording.state == "closed"
        assert shell("recordings", "--delete", "the hill", "--delete", beside).returncode == 0
        assert "no recordings" in shell("recordings").stderr


def share(served: Served, lat: int) -> None:
    group(served).publish(lat=lat, lon=0, member="ann")


def group(served: Served) -> Group:
    return Group(f"{served.link}&g=hikers")
