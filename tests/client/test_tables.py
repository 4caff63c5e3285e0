"""Large answers are unpacked as they come; one that is cut off is no table."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from locshare_ext.client.discovery import Server
from locshare_ext.client.http import Api
from locshare_ext.errors import ServerUnreachable
from locshare_ext.model.fix import Fix
from locshare_ext.model.trail import STREAM_END, stream_head, stream_piece, table_from_fixes

ROWS = 5_000
FIXES = [(n + 1, Fix(member="ann", time=n, lat=1.0, lon=2.0, received=n, flags=())) for n in range(ROWS)]
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunks(*parts: bytes) -> bytes:
    return HEAD + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], Api]]:
    """Answer one request with these bytes, and close."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def answer(data: bytes) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(data)

    def api(data: bytes) -> Api:
        threads.append(threading.Thread(target=answer, args=(data,)))
        threads[-1].start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        return Api(lambda: Server(url, None, "test"))

    yield api
    for thread in threads:
        thread.join()
    listener.close()


def test_a_table_in_pieces(serve: Callable[[bytes], Api]) -> None:
    table = table_from_fixes(FIXES)
    pieces = [stream_piece(table.slice(start, 1000)) for start in range(0, ROWS, 1000)]
    whole = chunks(stream_head({"locshare": '{"head": 5}'}), *pieces, STREAM_END) + b"0\r\n\r\n"
    api = serve(whole)
    found, said = api.table("api/groups/hikers/trails")
    api.close()
    assert found.to_pylist() == table.to_pylist()
    assert said == {"head": 5}


@pytest.mark.parametrize("has_end", [False, True])
def test_an_answer_that_is_cut_is_no_table(serve: Callable[[bytes], Api], has_end: bool) -> None:
    piece = stream_piece(table_from_fixes(FIXES))
    # between two pieces, where Arrow would take it for the end; and after the end, without HTTP's own
    api = serve(chunks(stream_head(), piece, *([STREAM_END] if has_end else [])))
    with pytest.raises(ServerUnreachable, match="broke off"):
        api.table("api/groups/hikers/trails")
    api.close()


def test_something_else_is_no_table(serve: Callable[[bytes], Api]) -> None:
    api = serve(chunks(b"<html>") + b"0\r\n\r\n")
    with pytest.raises(ServerUnreachable, match="no Arrow table"):
        api.table("api/groups/hikers/trails")
    api.close()
