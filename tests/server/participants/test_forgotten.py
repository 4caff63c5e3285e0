"""Phones that go on sending after their members were forgotten, or their invites revoked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.services.invites import Invites
from tests.server.participants.test_apps import NOW, form, send, stored

__all__ = ["send", "stored"]

DAY = 86_400_000


def anew(site: Any, clock: Any) -> Invites:
    """Return the invites as another run of the server reads them."""
    made = Invites(site.groups, clock=clock, key=site.invites._key)
    site.groups.companions.remove(made)
    return made


async def test_a_forgotten_phone_stays_out_however_long_it_goes_on(send, stored, invite, fetch, site):
    card = await invite(expires_in=20 * 86_400)
    for device in ("pixel", "nokia"):
        await send(card, "/traccar", "POST", form(id=device).encode())
    assert (await fetch("api/groups/hikers/members/pixel", "DELETE")).code == 200
    assert (await send(card, "/traccar", "POST", form(NOW + 1000, id="pixel").encode())).code == 410
    assert (await send(card, f"/osmand?{form(NOW + 1000, id='pixel')}", "GET")).code == 200  # another app
    assert (await send(card, "/traccar", "POST", form(NOW + 1000, id="nokia").encode())).code == 200
    assert {fix["member"] for fix in await stored()} == {"nokia", "pixel"}

    later = anew(site, lambda: NOW + 10 * DAY)  # of a run long after the grace
    site.apps._devices._invites = later
    assert (await send(card, "/traccar", "POST", form(NOW + 2000, id="pixel").encode())).code == 410
    site.apps._devices._invites = site.invites
    other = await invite(uses=5)  # by which the host lets it in again
    assert (await send(other, "/traccar", "POST", form(NOW + 3000, id="pixel").encode())).code == 200


async def test_what_keeps_it_out_tells_nothing_and_is_no_invite(send, invite, fetch, site, store_path: Path):
    card = await invite()
    await send(card, "/traccar", "POST", form(id="Zebedee").encode())
    listed = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    own = next(one["id"] for one in listed if one["member"] == "Zebedee")
    assert (await fetch("api/groups/hikers/members/Zebedee", "DELETE")).code == 200
    listed = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    assert [one["id"] for one in listed] == [card["id"]]
    assert (await fetch(f"api/groups/hikers/invites/{own}")).code == 404
    assert (await send(card, "/traccar", "POST", form(NOW + 1, id="Zebedee").encode())).code == 410
    await site.groups.asides.settle()
    for path in store_path.parent.glob(f"{store_path.name}*"):
        assert b"zebedee" not in path.read_bytes().lower(), path.name


async def test_a_revoked_phone_stays_out_as_long_as_the_open_invite_lives(send, invite, fetch, site):
    card = await invite(expires_in=20 * 86_400)
    await send(card, "/traccar", "POST", form(id="pixel").encode())
    listed = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    own = next(one["id"] for one in listed if one["member"] == "pixel")
    await fetch(f"api/groups/hikers/invites/{own}", "DELETE")
    site.apps._devices._invites = anew(site, lambda: NOW + 10 * DAY)
    assert (await send(card, "/traccar", "POST", form(NOW + 1000, id="pixel").encode())).code == 410


async def test_who_is_forgotten_while_a_request_waits_does_not_come_back(
    send, stored, invite, fetch, site, monkeypatch: pytest.MonkeyPatch
):
    card = await invite()
    await send(card, "/gpslogger", "POST", form(id="pixel").encode())
    find = site.apps._is_known

    async def slow(*args: Any) -> bool:
        await fetch("api/groups/hikers/members/pixel", "DELETE")
        return await find(*args)

    monkeypatch.setattr(site.apps, "_is_known", slow)
    body = form(NOW + 1000, id="pixel", desc="lunch").encode()
    assert (await send(card, "/gpslogger", "POST", body)).code == 410
    assert await stored() == []
