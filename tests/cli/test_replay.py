"""`jupyter locshare replay NAME --recording`, as it is typed, against a real server."""

from __future__ import annotations

import json

import pytest

from locshare_ext.client.times import now_ms
from tests.cli.test_commands import Shell, group, served, shell
from tests.support.served import Served

__all__ = ["served", "shell"]  # fixtures
pytestmark = pytest.mark.process


def test_a_recording_is_replayed_on_a_topic_and_into_a_group(shell: Shell, served: Served):
    walkers = group(served, "walkers")
    begin = now_ms() - 3_600_000
    recording = walkers.record("walk", since=begin)
    walkers.publish([{"member": "ann", "time": begin + n * 1000, "lat": 1, "lon": n} for n in range(9)])
    recording.stop()
    group(served, "tomorrow").configure(title="tomorrow")
    into = ("--to", "tomorrow", "--speed", "1000", "--clock", "time", "--max-gap", "60")
    done = shell("replay", "walk", "--recording", *into)
    assert done.returncode == 0, done.stderr
    assert "9 fixes" in done.stderr
    (replay,) = walkers.replays()
    assert f"follow_replay('{replay.id}')" in done.stderr
    assert (replay.info["state"], replay.info["speed"]) == ("ended", 1000)
    assert json.loads(json.dumps(replay.info))["delivered"] == 9
    replay.stop()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("walk", "--recording", "--speed", "2000"), "outside [0.1, 1000]"),
        (("wolk", "--recording"), "does not exist; near names: walk"),
        (("walk.gpx",), "--to GROUP says where"),
        (("walk.gpx", "--to", "x", "--start", "2026-11-22T10:00Z"), "--start goes with --recording"),
    ],
)
def test_what_cannot_be_is_said(shell: Shell, served: Served, words: tuple[str, ...], said: str):
    walkers = group(served, "walkers")
    if not walkers.recordings():
        recording = walkers.record("walk")
        walkers.publish(lat=1, lon=2)
        recording.stop()
    done = shell("replay", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
