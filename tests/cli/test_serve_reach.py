"""`jupyter locshare serve` as others reach it: TLS, a proxy, a path, its settings, systemd, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from locshare_ext.cli.main import main
from locshare_ext.server.reach import network_address
from tests.support.certificate import make_certificate
from tests.support.lab import free_port
from tests.support.served import Served
from tests.support.sse import Sse
from tests.support.stomp import StompClient

TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"
HOST = network_address() or "127.0.0.1"


def fix(number: int = 0) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann"}


def get(url: str, token: str, tls: ssl.SSLContext | None = None, **headers: str) -> tuple[int, Any]:
    """Ask for JSON; returns the status and the answer, also of an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers={"X-Locshare-Token": token, **named})
    try:
        with urllib.request.urlopen(request, context=tls, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def certificate_of(port: int) -> str:
    """Return the certificate that a server shows to a new connection."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


def hang_up(served: Served, done: Callable[[], bool]) -> None:
    """Tell a server to read its certificate again, and wait until it has."""
    assert served.process is not None
    served.process.send_signal(signal.SIGHUP)
    for _ in range(10_000):
        if done():
            return
    raise AssertionError("nothing has changed")


@pytest.mark.process
def test_with_a_certificate_it_speaks_https_and_takes_a_new_one(tmp_path: Path) -> None:
    certfile, keyfile = make_certificate(tmp_path, "IP:127.0.0.1")
    newer = make_certificate(tmp_path, "IP:127.0.0.1")
    with Served(tmp_path, "--certfile", str(certfile), "--keyfile", str(keyfile)).running() as served:
        assert served.link.startswith(f"https://127.0.0.1:{served.port}/locshare/#t=")
        url = f"https://127.0.0.1:{served.port}/locshare/api/health"
        assert get(url, served.token, ssl.create_default_context(cafile=certfile))[0] == 200
        with pytest.raises(OSError):  # noqa: PT011 -- there is no http on that port
            get(url.replace("https", "http"), served.token)
        before = certificate_of(served.port)
        assert before == certfile.read_text()
        shutil.copy(newer[0], certfile)  # without its key: what was good stays
        log = tmp_path / "serve.log"
        hang_up(served, lambda: "the certificate stays as it was" in log.read_text())
        assert certificate_of(served.port) == before
        shutil.copy(newer[1], keyfile)
        hang_up(served, lambda: certificate_of(served.port) == newer[0].read_text())


@pytest.mark.process
def test_below_a_path_with_settings_of_a_file_and_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "serve.py"
    config.write_text(
        "c.LocShareServe.base_url = 'share'\nc.LocShareApp.retention = 2\nc.LocShareApp.max_body = 2048\n"
        "c.ServerApp.port = 1\n"
    )
    options = ("--config", str(config), "--set", "max_body=4096", "--no-invites")
    with Served(tmp_path, *options).running() as served:
        assert f":{served.port}/share/locshare/#t=" in served.link
        status, told = get(f"{served.url}share/locshare/api/health", served.token)
        assert (status, told["retention"]["age"]) == (200, 2 * 86_400)
        assert get(f"{served.url}locshare/api/health", served.token)[0] == 404
        body = json.dumps([fix()] * 100).encode()
        request = urllib.request.Request(
            f"{served.url}share/locshare/api/groups/hikers/fixes",
            body,
            {"X-Locshare-Token": served.token, "Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert "limit of 4096 bytes" in json.load(refused.value)["error"]["message"]
        request.full_url = f"{served.url}share/locshare/api/groups/hikers/invites"
        request.data = b"{}"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert json.load(refused.value)["error"]["code"] == "invites_off"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "prot=1"], "did you mean port?"),
        (["--set", "LocShareApp.port=1"], "'LocShareApp.port' is unknown"),
        (["--set", "Other.port=1"], "neither LocShareApp nor LocShareServe"),
        (["--set", "retention"], "expected NAME=VALUE"),
        (["--set", "retention=many"], "retention"),
        (["--set", "invite_hours=0"], "invite_hours"),
        (["--config", "nowhere.py"], "nowhere.py is not there"),
        (["--config", "broken.py"], "broken.py cannot be read"),
        (["--config", "wrong.json"], "did you mean retention?"),
        (["--certfile", "nowhere.pem"], "nowhere.pem"),
        (["--public-url", "share.example.org"], "is no address"),
        (["--trusted-proxy", "proxy"], "expected one such as 127.0.0.1"),
        (["--example", "nginx"], "--public-url"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_starts(
    options: list[str], words: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "broken.py").write_text("c.LocShareApp.retention =")
    (tmp_path / "wrong.json").write_text('{"LocShareApp": {"retentoin": 3}}')
    assert main(["serve", "--port", "0", *options]) == 1
    assert words in capsys.readouterr().err


def test_all_settings_can_be_listed(capsys: Any) -> None:
    assert main(["serve", "--settings"]) == 0
    told = capsys.readouterr().out
    assert "LocShareServe.trusted_proxies\n    Addresses" in told
    assert "LocShareApp.retention = 7.0\n" in told


async def comes_in(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.process
async def test_what_is_under_way_is_answered_before_it_ends(tmp_path: Path) -> None:
    with Served(tmp_path).running() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        body = json.dumps(fix()).encode()
        head = (
            "POST /locshare/api/groups/hikers/fixes HTTP/1.1\r\nHost: localhost\r\n"
            f"X-Locshare-Token: {served.token}\r\nContent-Type: application/json\r\n"
            f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode())
        assert b"100" in await reader.readuntil(b"\r\n\r\n")  # it is under way
        assert served.process is not None
        served.process.terminate()
        async with asyncio.timeout(20):
            while await comes_in(served.port):  # until nobody new does
                pass
        writer.write(body)
        async with asyncio.timeout(20):
            answer = (await reader.read()).decode()
        assert answer.startswith("HTTP/1.1 200")
        assert '"stored":1' in answer
        writer.close()
        out, _ = await asyncio.to_thread(served.process.communicate, timeout=20)
        assert (served.process.returncode, out) == (0, "stopped; all that was acknowledged is kept\n")


# -- systemd


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path, capsys: Any) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing")
    options = ["--public-url", "https://share.example.org/", "--trusted-proxy", "127.0.0.1"]
    assert main(["serve", *options, "--set", "invite_hours=3", "--example", "systemd"]) == 0
    unit = tmp_path / "locshare-example.service"
    unit.write_text(capsys.readouterr().out)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    told = [line for line in checked.stderr.splitlines() if unit.name in line]
    assert (checked.returncode, told) == (0, [])
    assert "--trusted-proxy 127.0.0.1 --set invite_hours=3 --store ${STATE_DIRECTORY}/" in unit.read_text()


@pytest.mark.process
def test_systemd_is_told_when_it_is_ready_and_the_journal_no_token(tmp_path: Path, monkeypatch: Any) -> None:
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(60)
    journal = tmp_path / "journal"
    with journal.open("w") as out:
        there = os.fstat(out.fileno())
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}",
            "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        }
        options = ["--port", "0", "--store", str(tmp_path / "log.sqlite3")]
        command = [shutil.which("jupyter-locshare", path=_bin()) or "jupyter-locshare", "serve", *options]
        with subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
            try:
                assert re.match(rb"READY=1\nSTATUS=serving http://127\.0\.0\.1:\d+/", told.recv(1000))
                process.terminate()
                assert told.recv(1000) == b"STOPPING=1"
                assert process.wait(20) == 0
            finally:
                process.kill()
                told.close()
    text = journal.read_text()
    assert f"the token in {tmp_path / 'data' / 'locshare' / 'host-token'}" in text
    assert "lsh_" not in text


def _bin() -> str:
    import sys

    return str(Path(sys.executable).parent)


# -- behind nginx


@contextlib.contextmanager
def nginx(folder: Path, served: Served, port: int, capsys: Any) -> Iterator[None]:
    """Run nginx with the configuration that the program gives, on another port, with a certificate."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is missing")
    certfile, keyfile = make_certificate(folder, f"IP:{HOST}")
    options = ["--port", str(served.port), "--public-url", f"https://{HOST}:{port}/"]
    assert main(["serve", *options, "--example", "nginx"]) == 0
    text = capsys.readouterr().out.replace("listen 443 ssl", f"listen {HOST}:{port} ssl")
    text = re.sub(r"ssl_certificate .*;", f"ssl_certificate {certfile};", text)
    text = re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {keyfile};", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    whole = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(
        f"{whole}http {{\naccess_log {folder}/access.log;\n{temporary}{text}\n}}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 5):
                    break
                assert process.poll() is None, (folder / "error.log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.process
async def test_behind_nginx(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    port = free_port()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "0-server.pem"))  # what the server itself trusts
    origin = f"https://{HOST}:{port}"
    options = ("--public-url", f"{origin}/", "--trusted-proxy", HOST, "--trusted-proxy", "127.0.0.1")
    with Served(tmp_path, *options).running() as served, nginx(tmp_path, served, port, capsys):
        url, token = f"{origin}/locshare/", served.token
        assert served.link.startswith(f"{url}#t=")
        trusted = ssl.create_default_context(cafile=tmp_path / "0-server.pem")
        status, told = await asyncio.to_thread(get, f"{url}api/phones", token, trusted)
        if HOST != "127.0.0.1":
            assert (status, told["reach"]["tried"], told["reach"]["page"]) == (200, True, True)
        for whose, expected in ((origin, 200), ("https://evil.example", 403)):  # by the name that people see
            answer = await asyncio.to_thread(get, f"{url}api/me", token, trusted, Origin=whose)
            assert answer[0] == expected
        address = f"wss://{HOST}:{port}/locshare/stomp"
        request = HTTPRequest(address, ssl_options=trusted, headers={"X-Locshare-Token": token})
        client = StompClient(await websocket_connect(request))
        client.write("CONNECT", {"accept-version": "1.2", "host": "x"})
        assert (await client.frame()).command == "CONNECTED"
        path = "/locshare/api/groups/hikers/events?after=start"
        await client.ask("SEND", {"destination": GROUP}, fix(0))
        stream = await Sse.open(port, path, {"X-Locshare-Token": token}, tls=trusted, host=HOST)
        assert (await stream.event()).type == "hello"
        for number in range(3):  # each comes before the next is sent: nothing is held back
            if number:
                await client.ask("SEND", {"destination": GROUP}, fix(number))
            assert [one["time"] for one in await stream.fixes(1)] == [fix(number)["time"]]
        stream.writer.transport.abort()  # nginx answers no goodbye while a stream is open
        await client.close()
        assert (tmp_path / "access.log").read_text() == ""
