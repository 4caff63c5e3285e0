"""Whether a phone can use a URL: every kind of address, tried or not."""

from __future__ import annotations

import pytest

from locshare_ext.model.reach import Trial, Verdict, is_local_host, is_private_host, judge_url

GOOD, BAD = Trial(True), Trial(False, "connection refused")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "",
     "::ffff:127.0.0.1"],
)  # fmt: skip
def test_what_leads_a_phone_to_itself(host: str) -> None:
    assert is_local_host(host)
    name = f"[{host}]" if ":" in host else host
    for scheme in ("http", "https"):
        verdict = judge_url(f"{scheme}://{name}:8888/", is_meant=True, trial=GOOD)
        assert (verdict.kind, verdict.page, verdict.apps) == ("loopback", False, False)
        assert verdict.usable() is verdict.usable(app=True) is None
        assert "open_to_phones" in verdict.sentence


@pytest.mark.parametrize(
    ("host", "is_private"),
    [
        ("10.0.0.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.5", True),
        ("169.254.1.1", True),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("8.8.8.8", False),
        ("fd00::2", True),
        ("fe80::1%eth0", True),
        ("2606:4700::1111", False),
        ("::ffff:192.168.1.5", True),
        ("annas-mac.local", True),
        ("fritz.box", False),  # a name like any other
        ("laptop", True),
        ("share.example.org", False),
    ],
)
def test_what_has_a_meaning_in_one_network_only(host: str, is_private: bool) -> None:
    assert not is_local_host(host)
    assert is_private_host(host) is is_private


def test_https_for_everybody_works_and_says_nothing() -> None:
    verdict = judge_url("https://share.example.org/", is_meant=True, trial=GOOD)
    assert verdict.usable() == verdict.usable(app=True) == "https://share.example.org/"
    assert (verdict.kind, verdict.sentence, verdict.tried) == ("public", "", True)


def test_a_private_listener_with_https_works_in_its_network() -> None:
    verdict = judge_url("https://192.168.1.5:8899/", is_meant=True, trial=GOOD)
    assert verdict.usable() == "https://192.168.1.5:8899/"
    assert verdict.sentence == "only phones in the same network reach 192.168.1.5."


def test_http_is_for_apps_in_ones_own_network_at_most() -> None:
    near = judge_url("http://192.168.1.5:8899/", is_meant=True, trial=GOOD)
    assert (near.usable(), near.usable(app=True)) == (None, "http://192.168.1.5:8899/")
    assert "certfile" in near.sentence
    far = judge_url("http://share.example.org/", is_meant=True, trial=GOOD)
    assert (far.usable(), far.usable(app=True)) == (None, None)
    assert "no https" in far.sentence


def test_a_notebook_server_on_a_network_is_not_for_phones() -> None:
    for url in ("http://192.168.1.5:8888/", "https://lab.example.org/"):
        verdict = judge_url(url, is_meant=False, trial=GOOD)
        assert verdict.usable() is verdict.usable(app=True) is None
        assert verdict.sentence.endswith("run group.open_to_phones() in a notebook.")


def test_what_does_not_answer_does_not_work() -> None:
    verdict = judge_url("https://share.example.org/", is_meant=True, trial=BAD)
    assert verdict.usable() is verdict.usable(app=True) is None
    assert "connection refused" in verdict.sentence
    assert "public_url" in verdict.todo
    listener = judge_url("https://192.168.1.5:8899/", is_meant=True, trial=BAD, is_listening=True)
    assert "port 8899" in listener.todo


def test_without_an_address_it_says_what_to_do() -> None:
    verdict = judge_url(None, is_meant=False, todo="do this")
    assert (verdict.url, verdict.kind, verdict.todo) == (None, "none", "do this")
    assert verdict.as_json()["page"] is False
    assert Verdict.from_json(verdict.as_json()) == verdict
