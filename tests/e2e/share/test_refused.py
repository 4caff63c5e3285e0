"""The share page where sharing cannot be: each case has a sentence of its own."""

from __future__ import annotations

import pytest

from tests.e2e.share.conftest import NewPhone
from tests.support.phone import Host, Phone, seen
from tests.support.sites import TOKEN, Sites

pytestmark = pytest.mark.browser


def test_no_invite_and_unknown_ones(phone: NewPhone, host: Host):
    ann = phone().open(host, None)
    ann.until("no_invite")
    assert ann.text("#headline") == "The invite is missing"
    for token in ("lsi_" + "A" * 12 + "_" + "B" * 22, "nonsense"):
        ann.page.goto("about:blank")
        ann.open(host, {"token": token}).until("unknown")


def test_revoked_while_sharing(phone: NewPhone, host: Host, group: str):
    card = host.invite(group)
    ann = phone().join(host, card)
    host.ask("DELETE", f"groups/{group}/invites/{card['id']}")
    ann.until("revoked")
    assert ann.page.is_hidden("#bar")
    assert card["token"] not in ann.page.content()
    ann.page.reload()
    ann.until("revoked")


def test_expired_without_a_network_what_was_measured_before_is_taken(phone: NewPhone, host: Host, group: str):
    card = host.invite(group, expires_in=5)
    ann = phone().join(host, card)
    ann.context.set_offline(True)
    ann.move(1)
    ann.until_waiting(1)
    ann.until("expired")
    assert "Ask the host" in ann.text("#detail")
    ann.context.set_offline(False)
    ann.until_waiting(0)
    assert len(seen(host, group, 2)) == 2
    phone().open(host, card).until("expired")  # another phone, to which it is new


def test_no_permission_and_then_given(phone: NewPhone, host: Host, group: str):
    ann = phone(has_permission=False).open(host, host.invite(group))
    ann.until("consent")
    ann.page.click("#agree")
    ann.until("off")
    ann.page.click("#share")
    ann.until("denied")
    ann.context.grant_permissions(["geolocation"])  # as the browser's own bar does: the page stays in view
    ann.until("sharing")


def test_no_https(phone: NewPhone, host: Host, group: str):
    ann = phone()
    inside = host.url.rstrip("/").removesuffix("/locshare")
    ann.page.route(
        "http://phones.example/**",
        lambda route: route.fulfill(
            response=route.fetch(url=route.request.url.replace("http://phones.example", inside))
        ),
    )
    ann.open(host, host.invite(group), address="http://phones.example/locshare/share")
    ann.until("insecure")
    assert "https" in ann.text("#detail")


def test_a_full_group(phone: NewPhone, sites: Sites):
    full = Host(sites.urls["full"], TOKEN)  # has room for one group of one member
    full.ask(
        "POST", "groups/hikers/fixes", {"member": "bob", "time": "2026-01-01T00:00:00Z", "lat": 1, "lon": 2}
    )
    ann: Phone = phone().open(full, full.invite("hikers"))
    ann.until("consent")
    ann.page.click("#agree")
    ann.until("full")
