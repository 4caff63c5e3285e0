"""`jupyter locshare serve` with its options."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from locshare_ext.cli.main import parser
from tests.support.served import Served


def status(served: Served, host: str) -> int:
    """Ask for the server's health by another name; return the status."""
    headers = {"X-Locshare-Token": served.token, "Host": host}
    request = urllib.request.Request(f"{served.url}locshare/api/health", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            assert json.load(error)["error"]["code"] == "host_not_allowed"
            return error.code


@pytest.mark.process
def test_it_answers_to_the_names_it_is_given(tmp_path: Path) -> None:
    names = ("--allowed-host", "Share.Example.org", "--allowed-host", "other.example")
    with Served(tmp_path, *names).running() as served:
        asked = ("share.example.org", "SHARE.example.org:443", "other.example", "evil.example", "localhost")
        assert [status(served, host) for host in asked] == [200, 200, 200, 403, 200]


@pytest.mark.process
def test_without_names_only_the_local_ones(tmp_path: Path) -> None:
    with Served(tmp_path).running() as served:
        hosts = ("share.example.org", f"127.0.0.1:{served.port}")
        assert [status(served, host) for host in hosts] == [403, 200]


@pytest.mark.parametrize("name", ["https://share.example.org", "share.example.org:443", "a b", "", ".x"])
def test_what_is_no_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["serve", "--allowed-host", name])
    assert ended.value.code == 2
    assert "is no host name" in capsys.readouterr().err
