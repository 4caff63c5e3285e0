"""The commands, as they are typed, against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from locshare_ext import Group, open_recording
from tests.support.served import Served

BUSES = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("commands")).running() as server:
        yield server


class Shell:
    """Runs `jupyter locshare ...` in a folder, with a server in the environment."""

    def __init__(self, folder: Path, served: Served) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LOCSHARE_")},
            "LOCSHARE_URL": served.url,
            "LOCSHARE_TOKEN": served.token,
        }

    def __call__(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "locshare_ext.cli.main", *words],
            cwd=self.folder,
            env={**self.environment, **more},
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )


@pytest.fixture
def shell(tmp_path: Path, served: Served) -> Shell:
    return Shell(tmp_path, served)


def group(served: Served, name: str) -> Group:
    return Group(f"{served.link}&g={name}")


def test_a_csv_becomes_a_recording_and_a_geopackage(shell: Shell, data: Path):
    done = shell(
        "import", str(data / "liverpool_bus_route14.csv"), "--columns", BUSES, "--tz", "UTC", "--name", "r14"
    )
    assert done.returncode == 0, done.stderr
    assert "1533 fixes of 8 members" in done.stderr
    done = shell("export", "r14", "r14.gpkg", "--recording")
    assert done.returncode == 0, done.stderr
    frame = open_recording(shell.folder / "r14.gpkg").trails()
    assert (len(frame), frame["member"].nunique(), frame["trip"].nunique()) == (1533, 8, 16)


def test_a_csv_without_a_map_is_never_guessed(shell: Shell, served: Served, data: Path):
    for command in (("import",), ("replay", "--to", "guessed")):
        done = shell(command[0], str(data / "liverpool_bus_route14.csv"), *command[1:])
        assert done.returncode == 1
        assert f'columns="{BUSES}"' in done.stderr
        assert "tz=" in done.stderr
        assert "Traceback" not in done.stderr
    assert group(served, "guessed").trails().empty


def test_what_is_replayed_can_be_exported(shell: Shell, served: Served, data: Path):
    done = shell("replay", str(data / "korita-zbevnica.gpx"), "--to", "walk", "--speed", "1000")
    assert done.returncode == 0, done.stderr
    trails = group(served, "walk").trails()
    assert len(trails) > 100
    for ending in ("gpx", "csv", "gpkg", "parquet"):
        file = shell.folder / f"out.{ending}"
        done = shell("export", "walk", file.name, "--last", "1d")
        assert done.returncode == 0, done.stderr
        again = pd.read_parquet(file) if ending == "parquet" else open_recording(file).trails()
        assert len(again) == len(trails)
        assert again["lat"].to_numpy() == pytest.approx(trails["lat"].to_numpy())
        assert list(again["time"]) == list(trails["time"])
        done = shell("export", "walk", file.name)
        assert done.returncode == 1
        assert "--force" in done.stderr


def test_a_group_that_begins_with_a_fast_replay_ages_fast(shell: Shell, served: Served, data: Path):
    replay = ("replay", str(data / "korita-zbevnica.gpx"), "--speed", "20000", "--to")
    assert shell(*replay, "fast walk").returncode == 0
    settings = group(served, "fast walk").settings()
    assert [settings[name] for name in ("title", "stale", "lost", "gap")] == ["fast walk", 1, 1, 1]
    group(served, "slow walk").publish(lat=45.5, lon=14.1)
    assert shell(*replay, "slow walk").returncode == 0
    assert group(served, "slow walk").settings()["stale"] == 60


def test_a_simulated_group_has_trails_at_once(shell: Shell, served: Served):
    done = shell("simulate", "town", "--members", "5", "--minutes", "0.02")
    assert done.returncode == 0, done.stderr
    trails = group(served, "town").trails()
    assert trails["member"].nunique() == 5
    assert set(trails["source"]) == {"simulator"}
    assert trails["time"].max() - trails["time"].min() > pd.Timedelta(minutes=4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "absent.gpx"), "absent.gpx does not exist"),
        (("export", "nobody", "out.csv"), "nobody"),
        (("export", "nobody", "out.xlsx"), "expected .gpkg, .csv, .parquet"),
        (("export", "a/b", "out.csv"), "contains '/'"),
        (("simulate", "x", "--center", "here"), "LAT,LON"),
        (("simulate", "x", "--members", "0"), "not a whole number above 0"),
        (("replay", "absent.csv", "--to", "x", "--token", "t"), "absent.csv"),
    ],
)
def test_mistakes_are_told_in_a_sentence(shell: Shell, words: tuple[str, ...], said: str):
    done = shell(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_server_the_usual_causes_are_named(shell: Shell, tmp_path: Path):
    shell.environment.pop("LOCSHARE_URL")
    done = shell("export", "hikers", "out.csv", JUPYTER_RUNTIME_DIR=str(tmp_path), JPY_PARENT_PID="")
    assert done.returncode == 1
    assert "jupyter server extension list" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_explains_itself():
    for command in (
        *("demo", "simulate", "serve", "invite", "record", "recordings"),
        *("import", "replay", "export", "verify"),
    ):
        shown = subprocess.run(
            [sys.executable, "-m", "locshare_ext.cli.main", command, "--help"],
            text=True,
            capture_output=True,
            check=True,
        )
        assert f"example:  jupyter locshare {command}" in shown.stdout
