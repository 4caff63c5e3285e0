"""A run of everything is kept, read again and judged."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from locshare_ext import comparison
from locshare_ext.cli.main import main
from locshare_ext.comparison import AppetitePlan, Comparison, Pace, whole
from locshare_ext.comparison.claims import HOLDS, IN_PART, NOT
from locshare_ext.comparison.keepers import BOUNDED_LOG, COILMQ
from locshare_ext.comparison.whole import Size, about_here
from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.transports import TRANSPORTS

pytestmark = pytest.mark.process

TINY = Size(
    rates=(5.0, 20.0),
    watchers=(3,),
    pace=Pace(0.4, fixes=1, idle=0.01),
    interval=0.2,
    intervals=(0.1, 0.4),
    interval_rate=5.0,
    interval_watchers=3,
    interval_pace=Pace(0.8, idle=0.01),
    fixes=10,
    groups=(1, 3),
    group_watchers=2,
    appetite=AppetitePlan(fixes=(200, 1500), watchers=(1, 3), each=50),
)


@pytest.fixture(scope="module")
def kept_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command has written of a run that is small enough for a test."""
    folder = tmp_path_factory.mktemp("bench") / "kept"
    sizes, whole.SIZES["small"] = whole.SIZES["small"], TINY
    try:
        assert (
            main(["bench", "transports", "--keep", str(folder), "--json", str(folder.parent / "all.json")])
            == 0
        )
    finally:
        whole.SIZES["small"] = sizes
    return folder


@pytest.fixture(scope="module")
def loaded(kept_folder: Path) -> Comparison:
    return comparison.load(kept_folder)


def test_what_was_kept_is_what_was_measured(kept_folder: Path, loaded: Comparison):
    told = json.loads((kept_folder.parent / "all.json").read_text())
    grid = pd.DataFrame(told["transports"])
    assert list(grid.columns) == list(loaded.grid.columns)
    for column in ("requests", "sent", "latency_p99", "cpu_per_fix", "memory_per_watcher"):
        # six digits are kept
        pd.testing.assert_series_equal(
            grid[column].astype(float), loaded.grid[column].astype(float), rtol=1e-4
        )
    assert {len(told[name]) for name in ("publishing", "groups", "appetite")} == {5, 6, 10}
    assert told["about"] == loaded.about


def test_it_is_told_where_it_was_measured_but_not_by_name(loaded: Comparison):
    about = loaded.about
    assert set(about) == {*about_here(), "size", "seconds"}
    assert (about["python"], about["size"]) == (platform.python_version(), "small")
    assert about["cores"] >= 1
    assert platform.node() not in about.values()


def test_everything_came(loaded: Comparison):
    assert len(loaded.grid) == len(TRANSPORTS) * 2
    assert (loaded.grid["faults"] == 0).all()
    assert (loaded.groups["deliveries"] == loaded.groups["groups"] * loaded.groups["watchers"]).all()


def test_a_poll_every_fourth_time_asks_a_fourth(loaded: Comparison):
    polls = loaded.intervals.set_index("interval")["requests"]
    assert polls[0.1] > 1.5 * polls[0.4]
    assert polls[0.4] <= 3 * (0.8 / 0.4 + 1)


def test_only_http_needs_requests_and_a_second_connection_to_publish(loaded: Comparison):
    speaking = loaded.speaking.set_index("transport")
    assert dict(speaking["requests"]) == {
        "polling": 1,
        "long polling": 1,
        "sse": 1,
        "websocket": 0,
        "stomp": 0,
    }
    assert (speaking.loc[["long polling", "sse"], "connections"] == 2).all()
    assert (speaking.loc[["websocket", "stomp"], "connections"] == 1).all()
    assert (speaking["sent"] > 150).all()
    assert (speaking["cpu"] > 0).all()


def test_a_connection_for_each_group_or_one_for_all(loaded: Comparison):
    connections = loaded.groups.set_index(["transport", "groups"])["connections"]
    assert connections["websocket", 3] == connections["sse", 3] == 3
    assert connections["stomp", 3] == 1


def test_both_brokers_have_everything_and_one_of_them_on_disk(loaded: Comparison):
    table = loaded.appetite
    came_back = table.dropna(subset=["returned"])
    assert set(came_back["broker"]) == {BOUNDED_LOG, COILMQ}
    assert (came_back["returned"] == came_back["fixes"]).all()
    largest = table[table["grows"] == "fixes"].groupby("broker").last()
    assert largest.loc[BOUNDED_LOG, "file"] > 1500 * 50
    assert largest.loc[COILMQ, "file"] == 0
    assert largest.loc[COILMQ, "grown"] > 1500 * 150  # it holds the bodies at least


def test_each_claim_is_judged_by_the_numbers(loaded: Comparison):
    judged = comparison.judge(loaded)
    assert set(judged["verdict"]) <= {HOLDS, IN_PART, NOT}
    assert judged["claim"].is_unique
    by_claim = judged.set_index("claim")["verdict"]
    [second] = [claim for claim in by_claim.index if "second channel" in claim]
    assert by_claim[second] == HOLDS
    without = loaded.speaking.assign(connections=1)
    assert (
        comparison.judge(dataclasses.replace(loaded, speaking=without)).set_index("claim")["verdict"][second]
        == NOT
    )


def test_a_claim_about_a_broker_that_was_not_measured_is_left_out(loaded: Comparison):
    alone = loaded.appetite[loaded.appetite["broker"] == BOUNDED_LOG]
    judged = comparison.judge(dataclasses.replace(loaded, appetite=alone))
    assert len(judged) == len(comparison.judge(loaded)) - 1


def test_what_is_no_comparison_is_told(tmp_path: Path):
    with pytest.raises(InvalidFile, match="holds no comparison"):
        comparison.load(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rates", "x"], "--rates 'x' is not numbers"),
        (["--watchers", "1.5"], "not whole numbers"),
        (["--watchers", "501"], "not within 1-500"),
        (["--transports", "pigeon"], "transport 'pigeon' is unknown"),
        (["--full", "--rates", "1"], "leave out --rates"),
        (["--full", "--keep", "/dev/null/kept"], "cannot write /dev/null/kept"),
        (["--quick", "--json", "/nowhere/all.json"], "cannot write /nowhere/all.json"),
    ],
)
def test_the_command_refuses_what_it_cannot_measure(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["bench", "transports", *words]) == 1
    assert said in capsys.readouterr().err


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]):
    words = ["--rates", "5", "--watchers", "2", "--seconds", "0.5", "--transports", "sse,stomp"]
    assert main(["bench", "transports", *words]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert "p99, ms" in lines[1]
    assert [line.split()[:3] for line in lines[2:4]] == [["sse", "5", "2"], ["stomp", "5", "2"]]
    assert said.err == ""


def test_as_json_it_prints_nothing_else(capsys: pytest.CaptureFixture[str]):
    words = ["--rates", "5", "--watchers", "1", "--seconds", "0.4", "--transports", "polling", "--json", "-"]
    assert main(["bench", "transports", *words, "--interval", "0.2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["transports"][0]["transport"] == "polling"
    assert told["transports"][0]["interval"] == 0.2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_that_is_ended_leaves_nothing(number: signal.Signals, tmp_path: Path):
    command = [*(sys.executable, "-m", "locshare_ext.cli.main", "bench", "transports"), "--seconds", "60"]
    with subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE
    ) as bench:
        mine = psutil.Process(bench.pid)
        while len(children := mine.children(recursive=True)) < 3 and bench.poll() is None:
            time.sleep(0.02)  # the start of another process's children has no event to wait for
        bench.send_signal(number)
        assert bench.wait(60) in (128 + number, 130)
    psutil.wait_procs(children, 30)
    assert not [child for child in children if child.is_running()]
    assert not list(tmp_path.iterdir())


def test_an_unknown_size_is_refused():
    with pytest.raises(InvalidInput, match="small, full"):
        comparison.run("huge")
