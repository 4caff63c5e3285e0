"""The extension in real processes of Jupyter Server: found, started, ended."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import locshare_ext
from locshare_ext.server.app import LocShareApp
from locshare_ext.server.runtime import ENV, kernel_host
from locshare_ext.server.settings import Settings

CONFIG = Path(locshare_ext.__file__).parent / "server"  # has jupyter_server_config.d
OPENED = 60  # s until a server must answer


def environment(folder: Path, *, enabled: bool = True) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOCSHARE_", "JUPYTER_"))
    }
    names = {
        "HOME": folder,
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTER_PREFER_ENV_PATH": 0,
    }
    if enabled:
        names["JUPYTER_CONFIG_PATH"] = CONFIG
    return {**kept, **{name: str(value) for name, value in names.items()}}


class Jupyter:
    """Jupyter Server alone, on a port that it chooses itself."""

    def __init__(self, folder: Path, *options: str, enabled: bool = True) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--port=0"]
        if not enabled:
            command.append("--ServerApp.jpserver_extensions=locshare_ext=False")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment(folder, enabled=enabled),
            )

    async def ready(self) -> None:
        async with asyncio.timeout(OPENED):
            while "is running at" not in self.log.read_text() or not list(
                self.folder.glob("runtime/jpserver-*.json")
            ):
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def runtime(self) -> dict[str, Any]:
        async with asyncio.timeout(OPENED):
            while not (found := list(self.folder.glob("runtime/locshare-*.json"))):
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)
        self.path = found[0]
        return json.loads(self.path.read_text())

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def jupyter(tmp_path: Path) -> Iterator[Any]:
    started: list[Jupyter] = []

    def start(*options: str, **more: Any) -> Jupyter:
        folder = tmp_path / f"jupyter{len(started)}"
        folder.mkdir()
        started.append(Jupyter(folder, *options, **more))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.mark.process
def test_jupyter_lists_it_as_enabled_and_ok(tmp_path):
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter_server.extension.serverextension", "list"],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    text = listed.stdout + listed.stderr
    lines = [line for line in text.splitlines() if "locshare_ext" in line]
    assert any("enabled" in line for line in lines), text
    assert any("OK" in line for line in lines), text


@pytest.mark.process
async def test_kernels_find_the_server_by_its_file(jupyter):
    server = jupyter("--ServerApp.base_url=/some%20where/")
    runtime = await server.runtime()
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    assert server.path.name == f"locshare-{server.process.pid}.json" == f"locshare-{runtime['pid']}.json"
    assert runtime["version"] == 1
    assert runtime["url"].startswith("http://127.0.0.1:")
    assert runtime["url"].endswith("/some%20where/")
    assert runtime["token"].startswith("lsk_")
    request = urllib.request.Request(
        runtime["url"] + "locshare/api/health", headers={"X-Locshare-Token": runtime["token"]}
    )
    answer = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(request)))
    assert answer["store"]["path"] == str(server.folder / "data" / "locshare" / "log.sqlite3")
    log = server.log.read_text()
    assert "endpoints without" not in log
    assert "locshare_ext | extension was successfully loaded" in log
    assert not (server.folder / "data" / "locshare").exists()  # nothing but the runtime file
    server.stop()
    assert not server.path.exists()
    assert runtime["token"] not in server.log.read_text()


@pytest.mark.process
async def test_an_idle_server_has_no_thread_more(jupyter):
    plain, ours = jupyter(enabled=False), jupyter()
    await plain.ready()
    await ours.ready()
    await ours.runtime()
    processes = [psutil.Process(one.process.pid) for one in (plain, ours)]
    async with asyncio.timeout(OPENED):  # other extensions have short-lived ones at the start
        while [process.num_threads() for process in processes] != [1, 1]:
            await asyncio.sleep(0.1)
    rss = [process.memory_info().rss for process in processes]
    assert rss[1] - rss[0] < 8 * 2**20  # 5 MB are promised; the measure itself wanders by some


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, locshare_ext; locshare_ext._jupyter_server_extension_points; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('pandas','numpy','pyarrow','tornado','jupyter_server','stomp','requests','ipyleaflet','sqlite3')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_extension_loads_nothing_heavy():
    code = (
        "import sys, jupyter_server.serverapp; before = set(sys.modules); import locshare_ext; "
        "locshare_ext._jupyter_server_extension_points(); new = set(sys.modules) - before; "
        "heavy = ('pandas', 'numpy', 'pyarrow', 'stomp', 'sqlite3', 'msgspec', 'requests'); "
        "late = tuple('locshare_ext.' + name for name in "
        "('broker.log', 'broker.memory', 'store', 'stomp', 'services', 'model.', 'server.base', 'client')); "
        "print([name for name in new if name.split('.')[0] in heavy or name.startswith(late)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['locshare_ext.model.credentials']"  # four words


# -- in one process with the test


async def test_the_start_hook_writes_and_stop_removes(jp_serverapp, monkeypatch, store_path):
    monkeypatch.delenv(ENV, raising=False)
    app = jp_serverapp.web_app.settings["locshare_ext"]
    await app._start_jupyter_server_extension(jp_serverapp)
    path = Path(os.environ[ENV])
    assert json.loads(path.read_text())["url"].endswith("/a%40b/")
    await app.stop_extension()
    assert not path.exists()
    assert ENV not in os.environ
    await app.stop_extension()  # twice is no error
    assert not store_path.exists()


async def test_nothing_is_made_before_the_first_request(jp_serverapp, fetch, store_path):
    app = jp_serverapp.web_app.settings["locshare_ext"]
    await app._start_jupyter_server_extension(jp_serverapp)
    assert (app._site, app._upkeep) == (None, None)
    assert json.loads((await fetch("api/health")).body)["store"]["path"] == str(store_path)
    assert app._site is app.site
    assert app.site.retention._task is None


async def test_what_was_stored_before_is_kept_up_without_a_request(jp_serverapp, store_path, monkeypatch):
    monkeypatch.setattr("locshare_ext.server.app.UPKEEP", 0.0)
    store_path.parent.mkdir()
    store_path.touch()
    app = jp_serverapp.web_app.settings["locshare_ext"]
    await app._start_jupyter_server_extension(jp_serverapp)
    async with asyncio.timeout(OPENED):
        while app._site is None:
            await asyncio.sleep(0)
    assert app.site.retention._task is not None


def test_no_warning_of_handlers_when_it_is_loaded(jp_configurable_serverapp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        app = jp_configurable_serverapp(allow_unauthenticated_access=False)
    assert "locshare_ext" in app.extension_manager.extensions


def test_every_trait_has_help():
    own = {**Settings.class_own_traits(config=True), **LocShareApp.class_own_traits(config=True)}
    for name, trait in own.items():
        assert len(trait.help) > 20, name


@pytest.mark.parametrize(
    ("ip", "host"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("192.168.1.5", "192.168.1.5"),
    ],
)
def test_the_host_that_reaches_the_server_from_here(ip, host):
    assert kernel_host(ip, "") == (host, None)


def test_a_self_signed_certificate_is_its_own_authority(tmp_path):
    certificate = tmp_path / "server.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=here",
         "-addext", "subjectAltName=DNS:*.example,DNS:not-here.invalid,DNS:localhost",
         "-keyout", str(tmp_path / "key.pem"), "-out", str(certificate)],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    assert kernel_host("0.0.0.0", str(certificate)) == ("localhost", str(certificate))


@pytest.mark.parametrize(("setting", "persistent"), [({"store": "memory"}, False), ({"retention": 0}, False)])
def test_memory_only(jp_configurable_serverapp, jp_server_config, setting, persistent):
    jp_server_config["LocShareApp"] = setting
    app = jp_configurable_serverapp(config=jp_server_config)
    assert app.web_app.settings["locshare_ext"].site.store.persistent is persistent
