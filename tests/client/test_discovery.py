"""The kernel's search for its server, by real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.client.discovery import find_server, is_link, parse_link, server_from_url
from locshare_ext.errors import InvalidInput, ServerNotFound


def write_runtime(path: Path, *, pid: int | None = None, port: int = 1, **changes: Any) -> Path:
    content = {
        "version": 1,
        "pid": os.getpid() if pid is None else pid,
        "url": f"http://127.0.0.1:{port}/base/",
        "token": "lsk_secret",
        "ca_file": None,
        **changes,
    }
    path.write_text(json.dumps(content))
    return path


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_order_of_the_search(tmp_path: Path) -> None:
    write_runtime(tmp_path / f"locshare-{os.getpid()}.json", port=1)
    only = {"JPY_PARENT_PID": "1"}
    assert find_server(only, runtime_dir=tmp_path).url == "http://127.0.0.1:1/base/"

    write_runtime(tmp_path / "locshare-77.json", port=2)
    parent = {"JPY_PARENT_PID": "77"}
    assert find_server(parent, runtime_dir=tmp_path).url == "http://127.0.0.1:2/base/"

    named = {**parent, "LOCSHARE_RUNTIME": str(write_runtime(tmp_path / "named.json", port=3))}
    assert find_server(named, runtime_dir=tmp_path).url == "http://127.0.0.1:3/base/"

    said = {**named, "LOCSHARE_URL": "https://host/user/ann", "LOCSHARE_TOKEN": "abc"}
    server = find_server(said, runtime_dir=tmp_path)
    assert (server.url, server.token) == ("https://host/user/ann/", "abc")


def test_a_file_of_an_ended_server_is_passed_over(tmp_path: Path) -> None:
    write_runtime(tmp_path / "locshare-5.json", pid=ended_pid(), port=1)
    write_runtime(tmp_path / "locshare-6.json", port=2)
    assert find_server({}, runtime_dir=tmp_path).url == "http://127.0.0.1:2/base/"


def test_two_live_servers_are_not_guessed_between(tmp_path: Path) -> None:
    write_runtime(tmp_path / "locshare-5.json", port=1)
    write_runtime(tmp_path / "locshare-6.json", port=2)
    with pytest.raises(ServerNotFound, match=r"2 servers .*127\.0\.0\.1:1.*127\.0\.0\.1:2.*Say which"):
        find_server({}, runtime_dir=tmp_path)


def test_no_server_names_the_causes_first_then_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "locshare-9.json").write_text("not json")
    write_runtime(tmp_path / "locshare-10.json", pid=ended_pid())
    write_runtime(tmp_path / "locshare-11.json", version=2)
    with pytest.raises(ServerNotFound) as caught:
        find_server({"JPY_PARENT_PID": "12"}, runtime_dir=tmp_path)
    text = caught.value.message
    places = [
        text.index(word)
        for word in ("another environment", "VS Code", "another machine", "LOCSHARE_URL", "LOCSHARE_RUNTIME")
    ]
    assert places == sorted(places)
    for said in ("locshare-12.json", "no such file", "not a runtime file", "has ended", "version 2"):
        assert said in text
    assert "lsk_secret" not in text


@pytest.mark.parametrize(
    ("link", "url", "token", "group"),
    [
        ("http://h:9/base/locshare/#t=lsh_x&g=hikers", "http://h:9/base/", "lsh_x", "hikers"),
        ("https://h/locshare/share#t=lsi_a_b", "https://h/", "lsi_a_b", None),
        ("https://h/#t=lsi_a", "https://h/", "lsi_a", None),
        ("https://h/services/locshare/", "https://h/services/locshare/", None, None),
        ("https://h/services/locshare/locshare/#t=lsi_a", "https://h/services/locshare/", "lsi_a", None),
        ("https://h", "https://h/", None, None),
        ("http://h:8888/user/ann/lab/tree/a.ipynb?token=abc", "http://h:8888/user/ann/", "abc", None),
        ("http://[::1]:7/locshare/#t=lsh_1&g=3%ED%95%99%EB%85%84", "http://[::1]:7/", "lsh_1", "3학년"),
        ("http://ann:secret@h/", "http://h/", None, None),
    ],
)
def test_links(link: str, url: str, token: str | None, group: str | None) -> None:
    server, found = parse_link(link)
    assert (server.url, server.token, found) == (url, token, group)
    assert "secret" not in repr(server)


@pytest.mark.parametrize("text", ["hikers", "ftp://h/", "http://", "http://h:notaport/"])
def test_what_is_no_link(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_link(text)


def test_tokens_travel_in_the_header_of_their_kind() -> None:
    assert server_from_url("http://h/", "lsk_1").headers() == {"X-Locshare-Token": "lsk_1"}
    assert server_from_url("http://h/", "0a1b").headers() == {"Authorization": "token 0a1b"}
    assert server_from_url("http://h/").headers() == {}
    assert server_from_url("https://h/x/").ws_url("stomp") == "wss://h/x/locshare/stomp"
    assert is_link("https://h")
    assert not is_link("hikers")
