"""By which URL phones come, and whether it was really tried."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tornado.web import Application, RequestHandler

from locshare_ext.broker.access import ROLES
from locshare_ext.errors import InvalidInput
from locshare_ext.server.front import Tls, bound, make_application, make_front, shown_host
from locshare_ext.server.reach import Reach, checked_url, network_address
from locshare_ext.server.serve import make_site
from locshare_ext.server.site import Site
from tests.support.certificate import make_certificate

TOKEN = "lsh_" + "x" * 43
HOST = network_address()
needs_network = pytest.mark.skipif(HOST is None, reason="no network")


class Serve:
    """Serves applications at this machine's own network address."""

    def __init__(self) -> None:
        self._fronts: list[Any] = []
        self.sites: list[Site] = []

    def site(self) -> Site:
        site = make_site("memory", TOKEN)
        self.sites.append(site)
        return site

    def start(self, application: Application, **options: Any) -> str:
        front = make_front(application, make_site("memory", TOKEN).limits, **options)
        sockets = bound(HOST or "", 0)
        front.add_sockets(sockets)
        self._fronts.append(front)
        scheme = "https" if options.get("tls") else "http"
        return f"{scheme}://{shown_host(HOST or '')}:{sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        for front in self._fronts:
            front.stop()
            await front.close_all_connections()
        for site in self.sites:
            await site.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    made = Serve()
    yield made
    await made.stop()


@needs_network
async def test_its_own_answer_is_known_from_others(serve: Serve) -> None:
    mine, other = serve.site(), serve.site()
    ours = serve.start(make_application(mine, is_public=True))
    theirs = serve.start(make_application(other, is_public=True))
    page = serve.start(Application([(".*", RequestHandler)]))
    strict = serve.start(make_application(mine))
    for url, tried, words in (
        (ours, True, "no https"),
        (theirs, False, "another server of the same kind"),
        (page, False, "something else answers there (status 405)"),
        (strict, False, "add it to allowed_hosts"),
        (f"http://{shown_host(HOST or '')}:1/", False, "refused"),
        ("https://nowhere.invalid/", False, "its name is not known"),
    ):
        mine.reach.listener = url
        verdict = await mine.reach.look()
        assert (verdict.tried, verdict.page) == (tried, False), url
        assert words in verdict.sentence
        assert mine.reach.verdict() == verdict
    assert mine.credentials._probes == []


@needs_network
async def test_a_certificate_must_be_trusted(serve: Serve, tmp_path: Any, monkeypatch: Any) -> None:
    certfile, keyfile = make_certificate(tmp_path, f"IP:{HOST}")
    site = serve.site()
    site.reach.listener = serve.start(
        make_application(site, is_public=True), tls=Tls(str(certfile), str(keyfile))
    )
    refused = await site.reach.look()
    assert (refused.page, refused.apps, refused.tried) == (False, False, False)
    assert "not one that phones trust" in refused.sentence
    monkeypatch.setenv("SSL_CERT_FILE", str(certfile))
    works = await site.reach.look()
    assert (works.usable(), works.tried, works.todo) == (site.reach.listener, True, "")


async def test_what_may_be_tried_may_do_nothing(serve: Serve) -> None:
    site = serve.site()
    with site.credentials.probe() as token:
        principal = await site.credentials.check(token, "::1")
        for group in (None, "", "hikers"):
            assert not any(principal.may(group, role) for role in ROLES), group
        assert site.credentials.invites_only()._probes
    with pytest.raises(Exception, match="not valid"):
        await site.credentials.check(token, "::1")


def test_which_url_phones_come_by() -> None:
    reach = Reach(own=lambda: "http://192.168.1.5:8888/")
    assert reach.url == ("http://192.168.1.5:8888/", False)
    reach.note("http://localhost:8888/")  # a browser on this machine
    reach.note("http://192.168.1.5:8888/")
    assert reach.url == ("http://192.168.1.5:8888/", False)
    reach.note("https://lab.example.org/user/ann/")
    assert reach.url == ("https://lab.example.org/user/ann/", True)
    assert Reach(is_hub=True, own=lambda: None).verdict().kind == "none"
    hub = Reach(is_hub=True)
    hub.note("http://10.0.0.7/user/ann/")  # a Hub in an intranet
    assert hub.url == ("http://10.0.0.7/user/ann/", True)
    named = Reach(public_url="https://share.example.org/x")
    named.note("https://lab.example.org/")
    assert named.url == ("https://share.example.org/x/", True)
    named.listener = "https://192.168.1.5:8899/"
    assert named.url == ("https://192.168.1.5:8899/", True)


@pytest.mark.parametrize(
    "url", ["share.example.org", "ftp://x/", "https://", "https://x:99999/", "https://a:b@x/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="public_url"):
        checked_url(url)


async def test_health_and_phones_tell_the_host(fetch: Callable[..., Any]) -> None:
    told = json.loads((await fetch("api/phones")).body)
    assert (told["listener"], told["reach"]["page"], told["reach"]["kind"]) == (False, False, "loopback")
    assert told["reach"]["todo"] == "run group.open_to_phones() in a notebook"
    assert json.loads((await fetch("api/health")).body)["phones"] == told["reach"]
    opened = json.loads((await fetch("api/phones", "POST", {"port": 0})).body)
    assert opened["listener"] is True
    if HOST is not None:
        assert (opened["reach"]["tried"], opened["reach"]["page"], opened["reach"]["apps"]) == (
            True,
            False,
            opened["reach"]["kind"] == "private",
        )
    assert json.loads((await fetch("api/health")).body)["phones"] == opened["reach"]
