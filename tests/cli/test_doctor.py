"""`jupyter locshare doctor`, and how a notebook opens its server to phones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locshare_ext import Group
from locshare_ext.cli.main import main
from locshare_ext.errors import Conflict
from locshare_ext.server.reach import network_address
from tests.support.certificate import make_certificate
from tests.support.served import Served

pytestmark = pytest.mark.process
HOST = network_address() or "127.0.0.1"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as made:
        yield made


def test_it_says_what_to_do_where_phones_do_not_come(served: Served, capsys: Any) -> None:
    assert main(["doctor", "--server", served.url, "--token", served.token]) == 1
    told = capsys.readouterr().out
    assert f"server: {served.url} answers" in told
    assert "log.sqlite3" in told
    assert "NO    phones: http://127.0.0.1" in told
    assert "to do: let phones reach this server: listen on a network (host)" in told
    assert served.token not in told


def test_it_says_by_which_address_they_come(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    if HOST == "127.0.0.1":
        pytest.skip("no network")
    certfile, keyfile = make_certificate(tmp_path, f"IP:{HOST}", "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certfile))
    monkeypatch.setenv("LOCSHARE_CA_FILE", str(certfile))
    options = ("--host", "0.0.0.0", "--certfile", str(certfile), "--keyfile", str(keyfile))
    with Served(tmp_path, *options).running() as served:
        assert main(["doctor", "--server", served.link]) == 0
        told = capsys.readouterr().out
        assert f"ok    phones: https://{HOST}:{served.port}/" in told
        assert "tried by the server itself: it answers" in told
        group = Group(f"{served.link}&g=hikers")
        assert group.phones().url == f"https://{HOST}:{served.port}/"
        assert "only phones in the same network" in repr(group.phones())


def test_an_invite_is_not_told(served: Served, capsys: Any) -> None:
    token = Group("hikers", server=served.url, token=served.token).invite("ann").token
    assert main(["doctor", "--server", served.url, "--token", token]) == 1
    assert "only the host may ask" in capsys.readouterr().out


def test_a_server_without_notebooks_needs_no_listener(served: Served) -> None:
    group = Group("hikers", server=served.url, token=served.token)
    with pytest.raises(Conflict, match="phones come to it itself"):
        group.open_to_phones(port=0)
    phones = group.close_to_phones()  # no error
    assert (phones.is_open, phones.url, phones.verdict.kind) == (False, None, "loopback")
    assert "do not reach" in repr(phones)


def test_without_a_server_it_says_what_was_looked_for(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    for name in ("LOCSHARE_URL", "LOCSHARE_RUNTIME", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert main(["doctor"]) == 1
    assert "The three usual causes" in capsys.readouterr().err
