"""Import and export as they are typed: every ending, broken off half-way, under other names."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from locshare_ext import Group, open_recording
from locshare_ext.client.discovery import server_from_url
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.recording import Recording
from locshare_ext.formats.registry import writable
from tests.cli.test_commands import Shell, group
from tests.support.served import Served

pytestmark = pytest.mark.process

MAP = "member=who,time=when,lat=lat,lon=lon"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("transfer")).running() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, served: Served) -> Shell:
    return Shell(tmp_path, served)


@pytest.fixture(scope="module")
def hikers(served: Served) -> Group:
    found = group(served, "hikers")
    for number in range(4):
        found.publish(lat=37.5 + number / 1000, lon=127.0, member="Ann" if number % 2 else "bo", speed=1.5)
    return found


def test_notes_go_along_as_far_as_they_lie_in_the_span(shell: Shell, served: Served) -> None:
    walkers = group(served, "walkers")
    walkers.publish(lat=37.5, lon=127.0, member="Ann")
    recording = walkers.record("walk", since="2026-01-01T00:00Z", description="over the hill")
    walkers.note("before", at="2026-01-26T12:00Z")
    walkers.note("lost the trail here")
    for words, texts in (
        (("walkers", "a.gpkg"), {"before", "lost the trail here"}),
        (("walkers", "b.gpkg", "--last", "1h"), {"lost the trail here"}),
        (("walk", "c.gpkg", "--recording"), {"before", "lost the trail here"}),
        (
            ("walk", "d.gpkg", "--recording", "--until", "2030-01-01T00:00Z"),
            {"before", "lost the trail here"},
        ),
        (("walk", "e.gpkg", "--recording", "--since", "2026-02-01T00:00Z"), {"lost the trail here"}),
    ):
        done = shell("export", *words)
        assert done.returncode == 0, done.stderr
        kept = open_recording(shell.folder / words[1])
        assert set(kept.events().query("kind == 'note'")["text"]) == texts, words
        assert kept.description == ("over the hill" if "--recording" in words else "")
    recording.close()


def test_a_recording_goes_to_a_server_with_its_notes_and_what_was_refused(
    shell: Shell, served: Served
) -> None:
    runners = group(served, "runners")
    recording = runners.record("run")
    runners.publish(lat=37.5, lon=127.0, member="Ann")
    now = int(time.time() * 1000)
    body = [{"member": "bo", "time": now, "lat": lat, "lon": 1.0} for lat in (1.0, 91.0)]
    runners._api.send("POST", path_of("groups", "runners", "fixes"), body)
    runners.note("lost the trail here")
    recording.to_file(shell.folder / "run.gpkg")
    assert shell("import", "run.gpkg", "--name", "run again").returncode == 0
    kept = runners._api.get(path_of("recordings"))["recordings"]
    (again,) = (Recording.of_server(runners._api, info) for info in kept if info["name"] == "run again")
    assert list(again.events()["text"]) == ["lost the trail here"]
    assert list(again.set_aside()["field"]) == ["lat"]
    assert dict(again.quality().set_index("member")["set_aside"]) == {"Ann": 0, "bo": 1}


@pytest.mark.parametrize("suffix", [one.suffixes[0] for one in writable() if one.name != "gpkg"])
def test_every_ending_can_be_exported_and_what_can_be_read_comes_back(
    shell: Shell, hikers: Group, served: Served, suffix: str
) -> None:
    done = shell("export", "hikers", f"out{suffix}")
    assert done.returncode == 0, done.stderr
    if suffix in (".kml", ".html"):
        return
    assert len(open_recording(shell.folder / f"out{suffix}").trails()) == 4
    done = shell("import", f"out{suffix}", "--name", f"again{suffix}")
    assert done.returncode == 0, done.stderr
    assert "4 fixes of 2 members" in done.stderr
    kept = next(one for one in _all(served) if one["name"] == f"again{suffix}")
    assert kept["kind"] == "import"


def test_an_export_under_other_names(shell: Shell, hikers: Group) -> None:
    words = ("export", "hikers", "open.gpkg", "--precision", "500", "--pseudonyms", "key.json")
    done = shell(*words)
    assert done.returncode == 0, done.stderr
    members = json.loads((shell.folder / "key.json").read_text())["members"]
    assert set(members) == {"Ann", "bo"}
    assert stat.S_IMODE((shell.folder / "key.json").stat().st_mode) == 0o600
    frame = open_recording(shell.folder / "open.gpkg").trails()
    assert set(frame["member"]) == set(members.values())
    assert (frame["accuracy"] >= 500).all()
    assert shell("verify", "open.gpkg").returncode == 0
    assert shell(*words, "--force").returncode == 0
    assert json.loads((shell.folder / "key.json").read_text())["members"] == members


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["reading", "sending"])
def test_an_import_broken_off_leaves_nothing(
    shell: Shell, served: Served, hikers: Group, tmp_path: Path, number: signal.Signals, when: str
) -> None:
    """Stopped while it reads, or while the server keeps what it was sent."""
    before = [one["id"] for one in _all(served)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**shell.environment, "TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "locshare_ext.cli.main", "import", "big.csv", "--columns", MAP]
    with (tmp_path / "big.csv").open("w") as file:
        file.write("who,when,lat,lon\n")
        # what is no time makes quick reading of whole blocks give way to rows one by one
        whens = (f"2026-01-26T15:57:02.{n % 1000:03d}Z" if n % 1000 else "yesterday" for n in range(300_000))
        file.writelines(f"ann,{when},1,2\n" for when in whens)
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    if when == "reading":  # it holds the file open as long as it reads
        _wait_for(lambda: "big.csv" in _open_files(process.pid), process)
    else:  # a log of an import is there as soon as the server keeps the first fixes
        _wait_for(lambda: _imports_under_way(served) > 0, process)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], told
    assert "Traceback" not in told
    _wait_for(lambda: _imports_under_way(served) == 0)
    assert [one["id"] for one in _all(served)] == before
    assert list(scratch.iterdir()) == []


def _all(served: Served) -> list[dict[str, object]]:
    server = server_from_url(served.url, served.token)
    api = Api(lambda: server)
    try:
        found: list[dict[str, object]] = api.get("api/recordings")["recordings"]
    finally:
        api.close()
    return found


def _imports_under_way(served: Served) -> int:
    """Return how many logs of imports there are that are no recording, by a look into the store."""
    path = served.folder / "log.sqlite3"
    query = "SELECT count(*) FROM logs WHERE kind = 'import' AND id NOT IN (SELECT log FROM recordings)"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return int(database.execute(query).fetchone()[0])


def _open_files(pid: int) -> set[str]:
    folder = f"/proc/{pid}/fd"
    found = set()
    for name in os.listdir(folder):
        try:
            found.add(os.path.basename(os.readlink(f"{folder}/{name}")))
        except OSError:  # it was closed meanwhile
            continue
    return found


def _wait_for(is_so: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    while not is_so():  # the test's own time-out ends this
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.005)
