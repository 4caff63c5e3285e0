"""What is measured agrees with what can be worked out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from locshare_ext import comparison
from locshare_ext.comparison import cell
from locshare_ext.comparison.cell import Pace
from locshare_ext.comparison.keys import keys_in, make_fix
from locshare_ext.comparison.served import Served
from locshare_ext.comparison.table import MEASURED
from locshare_ext.errors import InvalidInput, ServerUnreachable
from locshare_ext.model.wire import decode_fixes
from locshare_ext.transports import TRANSPORTS
from tests.comparison.conftest import RATE, SECONDS, WATCHERS

pytestmark = pytest.mark.process

FIXES = round(RATE * SECONDS)


def test_every_fix_comes_once_to_every_watcher(measured: pd.DataFrame):
    assert tuple(measured.index) == TRANSPORTS
    assert (measured["fixes"] == FIXES).all()
    assert (measured["deliveries"] == FIXES * WATCHERS).all()
    assert (measured["faults"] == 0).all()


def test_polls_go_by_the_clock_and_long_polls_by_the_fixes(measured: pd.DataFrame):
    requests = measured["requests"]
    by_the_clock = SECONDS / 0.25 * WATCHERS
    # a busy machine makes fewer of them, never more than the interval allows
    assert 0.3 * by_the_clock <= requests["polling"] <= by_the_clock + 2 * WATCHERS
    # one answer for each fix, or for two that came together; one request is open at the beginning
    assert 0.5 * FIXES * WATCHERS <= requests["long polling"] <= (FIXES + 1) * WATCHERS
    assert (requests[["sse", "websocket", "stomp"]] == 0).all()


def test_a_poll_finds_fixes_half_an_interval_old_and_the_others_at_once(measured: pd.DataFrame):
    late = measured["latency_p50"]
    assert late["polling"] > 50
    assert late["polling"] > late[["sse", "websocket", "stomp"]].min()
    assert (measured["latency_p50"] <= measured["latency_p99"]).all()
    assert (measured["latency_p99"] <= measured["latency_max"]).all()
    assert (measured["latency_first"] <= measured["latency_last"]).all()


def test_bytes_and_connections_are_those_on_the_wire(measured: pd.DataFrame):
    assert (measured["connections"] == WATCHERS).all()
    body = len(make_fix(1, 0))
    assert (measured["received"] >= body * FIXES * WATCHERS * 0.9).all()
    assert (measured.loc[["sse", "websocket"], "sent"] == 0).all()
    # a request has a line, a host and a credential at least
    assert (measured.loc[["polling", "long polling"], "sent"] > measured["requests"][:2] * 100).all()
    per_delivery = measured["bytes_per_delivery"]
    assert per_delivery["websocket"] <= per_delivery["sse"] <= per_delivery["long polling"]


def test_the_server_has_computed_and_is_larger_with_watchers(measured: pd.DataFrame):
    assert (measured["server_cpu"] > 0).all()
    assert (measured["server_busy"] <= 1.5).all()
    assert (measured["memory_open"] >= measured["memory_before"] * 0.9).all()
    assert (measured["memory_before"] > 10 << 20).all()


def test_the_table_is_tidy_and_every_column_is_explained(measured: pd.DataFrame):
    columns = {"transport", *measured.columns}
    assert columns == set(comparison.columns_help().index)
    assert set(MEASURED) < columns


def test_nothing_is_left_running(measured: pd.DataFrame):
    assert measured.attrs["left"] == []


def test_a_key_is_found_in_what_the_server_gives():
    body = make_fix(3, 17)
    assert len(decode_fixes(body).fixes) == 1
    [(number, sent)] = keys_in(b"[" + body + b"," + make_fix(2, 9) + b"]", 3)
    assert (number, sent > 0) == (17, True)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"rates": (0,)}, "rates"),
        ({"rates": (5000,)}, "rates"),
        ({"watchers": (0,)}, "watchers"),
        ({"watchers": (501,)}, "watchers"),
        ({"transports": ("telepathy",)}, "transports"),
        ({"interval": 0}, "interval"),
        ({"rates": ()}, None),
    ],
)
def test_what_cannot_be_measured_is_refused_by_its_name(arguments: dict[str, Any], field: str | None):
    with pytest.raises(InvalidInput) as caught:
        comparison.compare(**arguments)
    assert caught.value.field == field


def test_a_server_that_dies_is_told_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch):
    def kill(served: Served, seconds: float) -> float:
        os.kill(served.child.pid, 9)
        return 0.0

    monkeypatch.setattr(cell, "_idle_cpu", kill)
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(ServerUnreachable, match="the measured server ended with status -9"):
        comparison.compare((1.0,), (1,), transports=("sse",), pace=Pace(0.5))
    assert not set(psutil.Process().children(recursive=True)) - before


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("locshare_ext.comparison.served._COMMAND", ("serve", "--port", "none"))
    with pytest.raises(ServerUnreachable, match="argument --port: invalid int value: 'none'"):
        comparison.compare((1.0,), (1,), transports=("sse",), pace=Pace(0.5))


def test_a_killed_measurement_takes_its_server_along(tmp_path: Path):
    """Whoever is killed cannot end its children; they notice by themselves."""
    program = (
        "from locshare_ext.comparison.served import serving\n"
        "with serving() as served:\n    print(served.child.pid, flush=True)\n    input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # its folder stays
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout is not None
        server = psutil.Process(int(driver.stdout.readline()))
        driver.kill()
    server.wait(30)
