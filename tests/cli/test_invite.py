"""`jupyter locshare invite`, as it is typed, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from locshare_ext import Group
from locshare_ext.errors import Gone
from tests.cli.test_commands import Shell
from tests.support.served import Served

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("invites")).running() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, served: Served) -> Shell:
    return Shell(tmp_path, served)


def test_links_alone_go_to_the_output(shell: Shell):
    done = shell("invite", "hikers", "ann", "bo", "--roles", "publish watch", "--expires", "3h")
    assert done.returncode == 0, done.stderr
    links = done.stdout.splitlines()
    assert len(links) == 2
    assert "lsi_" not in done.stderr
    assert "'ann'" in done.stderr
    assert "--address" in done.stderr
    ann, bo = (Group(link) for link in links)
    assert (ann.me, bo.me, ann.name) == ("ann", "bo", "hikers")
    assert ann.publish(lat=1, lon=2).stored == 1
    again = shell("invite", "hikers", "ann", "--address", "https://share.example.org/")
    assert again.stdout.startswith("https://share.example.org/locshare/#t=lsi_")
    assert "this machine" not in again.stderr


def test_an_open_link_and_another_server(shell: Shell, served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(shell.folder))
    shell.environment.pop("LOCSHARE_URL")
    done = shell("invite", "town", "--uses", "3", "--server", served.link, LOCSHARE_TOKEN="")
    assert done.returncode == 0, done.stderr
    assert Group(done.stdout.strip(), me="cy").publish(lat=1, lon=2).stored == 1
    listed = shell("invite", "town", "--list", "--server", served.link)
    assert listed.returncode == 0, listed.stderr
    assert "lsi_" not in listed.stdout
    assert "(open, 1 joined)" in listed.stdout
    assert "cy" in listed.stdout


def test_what_is_revoked_ends(shell: Shell):
    link = shell("invite", "walk", "ann").stdout.strip()
    number = shell("invite", "walk", "bo").stderr.split()[1]
    done = shell("invite", "walk", "--revoke", "ann", "--revoke", number)
    assert done.returncode == 0, done.stderr
    assert "ann: 1 invite revoked" in done.stderr
    with pytest.raises(Gone, match="revoked"):
        Group(link).trails()
    states = [line.split()[1] for line in shell("invite", "walk", "--list").stdout.splitlines()]
    assert states == ["revoked", "revoked"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hikers", "a/b"), "'/'"),
        (("hikers", "--expires", "soon"), "no span"),
        (("hikers", "--roles", "wach"), "wach"),
        (("hikers", "--revoke", "zoe"), "zoe"),
        (("hikers", "ann", "--list"), "--list"),
        (("hikers", "ann", "--revoke", "bo"), "--revoke"),
    ],
)
def test_mistakes_are_told_in_a_sentence(shell: Shell, words: tuple[str, ...], said: str):
    done = shell("invite", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "lsi_" not in done.stdout + done.stderr
