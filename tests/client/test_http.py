"""What is said when a server is not there, or is not ours."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyarrow as pa
import pytest

from locshare_ext import Group
from locshare_ext.client.discovery import Server
from locshare_ext.client.http import Api
from locshare_ext.errors import (
    AccessDenied,
    Conflict,
    InvalidFix,
    LocShareError,
    NotFound,
    ServerUnreachable,
    TooFast,
    TooLarge,
)
from tests.support.lab import free_port

TABLE = pa.table({"number": range(1000)})


def arrow_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "html": (200, {"Content-Type": "text/html"}, b"<html>"),
    "login": (302, {"Location": "/login?next=x"}, b""),
    "plain404": (404, {}, b"<html>not here"),
    "plain403": (403, {}, b"no"),
    "group404": (
        404,
        {},
        b'{"error": {"code": "group_not_found", "message": "no hikes", "field": "group", "near": ["hike"]}}',
    ),
    "fix400": (400, {}, b'{"error": {"code": "lat_out_of_range", "message": "lat 91", "field": "lat"}}'),
    "conflict": (409, {}, b'{"error": {"code": "taken", "message": "taken"}}'),
    "fast": (429, {}, b'{"error": {"code": "too_fast", "message": "slower"}}'),
    "broken": (502, {}, b"bad gateway"),
    "plain413": (413, {}, b"<html>too large"),
    "table": (200, {}, arrow_of(TABLE)),
    "gzipped": (200, {"Content-Encoding": "gzip"}, gzip.compress(arrow_of(TABLE))),
}


class Foreign(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = ANSWERS[self.path.rpartition("/")[2].partition("?")[0]]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ("html", ServerUnreachable, "no JSON"),
        ("login", ServerUnreachable, "does not accept the token"),
        ("plain404", NotFound, "has no locshare_ext"),
        ("plain403", AccessDenied, "wants a token"),
        ("group404", NotFound, "hikes"),
        ("fix400", InvalidFix, "lat 91"),
        ("conflict", Conflict, "taken"),
        ("fast", TooFast, "slower"),
        ("broken", ServerUnreachable, "502"),
        ("plain413", TooLarge, "takes no body of this size"),
    ],
)
def test_each_answer_is_a_sentence(foreign: str, answer: str, kind: type[LocShareError], said: str) -> None:
    api = Api(lambda: Server(foreign))
    with pytest.raises(kind, match=said) as caught:
        api.get(answer)
    assert caught.value.message
    if answer == "group404":
        assert caught.value.details == {"near": ["hike"]}
        assert caught.value.field == "group"
    api.close()


@pytest.mark.parametrize("answer", ["table", "gzipped"])
def test_a_table_may_be_compressed_on_its_way(foreign: str, answer: str) -> None:
    table, _ = Api(lambda: Server(foreign)).table(answer)
    assert table.equals(TABLE)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")  # loopback is not asked of a proxy
    group = Group("hikers", server=f"http://127.0.0.1:{free_port()}/", token="lsh_secret")
    with pytest.raises(ServerUnreachable, match="does not answer") as caught:
        group.trails()
    assert "lsh_secret" not in str(caught.value)
    status = group.ready()
    assert status.state == "offline"
    assert "Offline since" in status.text


def test_a_server_that_comes_back_elsewhere_is_found_again(foreign: str) -> None:
    places = [Server(f"http://127.0.0.1:{free_port()}/"), Server(foreign)]
    api = Api(lambda: places.pop(0) if len(places) > 1 else places[0])
    with pytest.raises(Conflict):
        api.get("conflict")
    assert api.server.url == foreign
    api.close()


def test_the_credential_is_not_replaced_by_netrc(
    foreign: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    sent: list[str | None] = []
    monkeypatch.setattr(Foreign, "log_message", lambda self, *_: sent.append(self.headers["Authorization"]))
    api = Api(lambda: Server(foreign, "abc"))
    with pytest.raises(Conflict):
        api.get("conflict")
    assert sent == ["token abc"]
    api.close()
