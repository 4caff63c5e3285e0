"""`simulate --as` and `replay --as`, as they are typed, against a real server."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from locshare_ext.cli.main import main
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.phones.apps import APPS
from locshare_ext.model.names import group_slug
from locshare_ext.transports.address import Server
from tests.cli.test_commands import Shell, group, served, shell
from tests.support.served import Served

__all__ = ["served", "shell"]  # fixtures
pytestmark = pytest.mark.process


def states(served: Served, name: str) -> set[str]:
    return set(group(served, name).invites()["state"])


def test_made_up_members_come_as_phones_of_every_app(shell: Shell, served: Served):
    done = shell(
        *("simulate", "town", "--members", "16", "--rate", "0.5", "--as", "all", "--drop", "20%"),
        *("--late", "20s", "--minutes", "2", "--speed", "200"),
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) of (\d+) fixes delivered in (\d+) requests; (\d+) requests lost", done.stderr)
    assert found, done.stderr
    delivered, measured, requests, lost = map(int, found.groups())
    assert 16 * 40 < measured <= 16 * 60
    assert 0 < lost < requests
    replaced, given_up = (
        sum(int(count) for count in re.findall(rf"(\d+) fixes {what}", done.stderr))
        for what in ("replaced", "given up")
    )
    assert delivered + replaced + given_up == measured
    trails = group(served, "town").trails()
    assert trails["member"].nunique() == 16
    assert set(trails["source"]) == {app.source for app in APPS.values()}
    # time goes so fast that two fixes of who stands are one by some clocks; of what was replaced or given
    # up the answer alone may be what was lost
    assert delivered * 0.98 <= len(trails) <= delivered + replaced + given_up
    assert states(served, "town") == {"revoked"}


def test_a_recording_comes_as_phones_once_each(shell: Shell, served: Served, data: Path):
    walk = str(data / "korita-zbevnica.gpx")
    done = shell(
        *("replay", walk, "--as", "traccar-v9", "--into", "walk", "--speed", "3000", "--drop", "10%"),
        *("--late", "5min"),
    )
    assert done.returncode == 0, done.stderr
    trails, was = group(served, "walk").trails(), open_walk(walk)
    assert trails["lat"].to_numpy() == pytest.approx(was["lat"].to_numpy())
    assert trails["lon"].to_numpy() == pytest.approx(was["lon"].to_numpy())
    assert set(trails["member"]) == set(was["member"])
    apart, was_apart = (frame["time"].diff().dropna() / pd.Timedelta(seconds=1) for frame in (trails, was))
    assert apart.to_numpy() == pytest.approx(was_apart.to_numpy() / 3000, abs=0.0021)
    assert states(served, "walk") == {"revoked"}

    kept = group(served, "walk").record("kept walk", since=trails["time"].iloc[0])
    kept.stop()
    done = shell("replay", "kept walk", "--as", "overland", "--into", "again", "--speed", "100")
    assert done.returncode == 0, done.stderr
    again = group(served, "again").trails()
    assert set(again["member"]) == set(was["member"])
    assert set(again["source"]) == {"overland"}


def open_walk(path: str) -> pd.DataFrame:
    from locshare_ext import open_recording

    return open_recording(path).trails()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_leaves_no_invite(shell: Shell, served: Served, number: int):
    name = f"stopped {number}"
    group(served, name).configure(title=name)
    api = Api(lambda: Server(served.url, served.token))
    running = subprocess.Popen(
        [
            *(sys.executable, "-m", "locshare_ext.cli.main", "simulate", name, "--members", "3"),
            *("--as", "osmand", "--rate", "1"),
        ],
        env=shell.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        api.get(path_of("groups", group_slug(name), "fixes"), {"after": "start", "wait": 30})
    finally:
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert "fixes delivered" in said
    assert "Traceback" not in said
    assert states(served, name) == {"revoked"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simulate", "x", "--drop", "5%"), "--drop goes with --as"),
        (("replay", "x.gpx", "--late", "2min", "--into", "x"), "--late goes with --as"),
        (("simulate", "x", "--as", "owntrack"), "did you mean owntracks"),
        (("simulate", "x", "--as", "osmand", "--late", "soon"), "late 'soon' is no span of time"),
        (("simulate", "x", "--rate", "2"), "once a second at most"),
        (("replay", "absent.gpx", "--as", "osmand", "--into", "x"), "there is no file absent.gpx"),
        (("replay", "absent.gpx", "--as", "osmand"), "--into GROUP says where"),
        (("replay", "w.gpx", "--as", "osmand", "--into", "x", "--clock", "time"), "--clock does not go with"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
):
    monkeypatch.setenv("LOCSHARE_URL", served.url)
    monkeypatch.setenv("LOCSHARE_TOKEN", served.token)
    assert main(words) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("share", ["120%", "100%", "-1", "many", "nan"])
def test_a_share_is_one(capsys: pytest.CaptureFixture[str], share: str):
    with pytest.raises(SystemExit):
        main(["simulate", "x", "--as", "osmand", f"--drop={share}"])
    assert "is no share from 0% to below 100%" in capsys.readouterr().err
