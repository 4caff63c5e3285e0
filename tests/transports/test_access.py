"""Who may do what, and what is said to who may not, over each transport."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from locshare_ext.errors import (
    AccessDenied,
    Gone,
    InvalidCursor,
    InvalidInput,
    InvalidName,
    LocShareError,
    NotAuthenticated,
)
from locshare_ext.transports import TRANSPORTS, open_transport
from tests.transports.bench import Bench, Watch, fix, refused


def wrong() -> str:
    """Return an invite that nobody made; each of its own, as a server stops listening to one tried often."""
    return f"lsi_{secrets.token_hex(8)}_0123456789abcdefghijkl"


@pytest.mark.parametrize(
    ("options", "kind", "code", "field"),
    [
        ({"after": "nonsense"}, InvalidCursor, "invalid_cursor", "after"),
        ({"after": "4k7q-01"}, InvalidCursor, "invalid_cursor", "after"),
        ({"after": ""}, InvalidCursor, "invalid_cursor", "after"),
        ({"members": ""}, InvalidInput, "invalid_input", "members"),
        ({"batch": 0}, InvalidInput, "invalid_input", "batch"),
        ({"batch": 60_001}, InvalidInput, "invalid_input", "batch"),
    ],
)
async def test_bad_wishes_are_refused_alike(
    bench: Bench, name: str, options: dict[str, str], kind: type[LocShareError], code: str, field: str
):
    error = await refused(bench.open(name).follow(**options))  # type: ignore[arg-type]
    assert (type(error), error.code, error.field) == (kind, code, field)


async def test_an_invite_watches_and_publishes_as_its_member(bench: Bench, name: str):
    token = (await bench.invite("하나"))["token"]
    for as_browser in (False, True):
        transport = bench.open(name, token=token, as_browser=as_browser)
        watch = Watch(transport.follow())
        await watch.hello()
        await transport.publish(fix(int(as_browser), "bo"))
        await watch.take(1)
        assert watch.fixes[0].member == "하나"


async def test_a_wrong_credential_is_refused_alike(bench: Bench, name: str):
    for as_browser in (False, True):
        transport = bench.open(name, token=wrong(), as_browser=as_browser)
        error = await refused(transport.follow())
        assert (type(error), error.code) == (AccessDenied, "credential_invalid")
        with pytest.raises(AccessDenied) as caught:
            await transport.publish(fix())
        assert caught.value.code == "credential_invalid"


@pytest.mark.parametrize("name", [name for name in TRANSPORTS if name != "websocket"])
async def test_no_credential_is_refused_alike(bench: Bench, name: str):
    """A plain WebSocket gives its client some seconds to show one as its first message."""
    transport = open_transport(
        name, f"http://127.0.0.1:{bench.server.port}/locshare/", group=bench.group, reconnect=False
    )
    async with transport:
        error = await refused(transport.follow())
        assert type(error) is NotAuthenticated
        with pytest.raises(NotAuthenticated):
            await transport.publish(fix())


async def test_roles_hold_both_ways(bench: Bench, name: str):
    watcher = bench.open(name, token=(await bench.invite("ann", roles="watch"))["token"])
    with pytest.raises(AccessDenied) as caught:
        await watcher.publish(fix())
    assert caught.value.code == "role_missing"
    publisher = bench.open(name, token=(await bench.invite("bo", roles="publish"))["token"])
    assert (await publisher.publish(fix())).stored == 1
    error = await refused(publisher.follow("start"))
    assert (type(error), error.code) == (AccessDenied, "role_missing")


async def test_an_invite_is_for_one_group(bench: Bench, name: str):
    token = (await bench.invite())["token"]
    other = f"{bench.group} not mine"
    await bench.ask("POST", "groups", {"title": other})
    transport = bench.open(name, token=token, group=other)
    assert type(await refused(transport.follow())) is AccessDenied
    with pytest.raises(AccessDenied):
        await transport.publish(fix())


async def test_what_is_revoked_ends_in_mid_stream(bench: Bench, name: str):
    invite = await bench.invite()
    transport = bench.open(name, token=invite["token"])
    watch = Watch(transport.follow())
    await watch.hello()
    await transport.publish(fix(1))
    await watch.take(1)
    await bench.ask("DELETE", bench.path("invites", invite["id"]))
    error = await refused(watch.following)
    assert (type(error), error.code) == (Gone, "invite_revoked")
    with pytest.raises(Gone) as caught:
        await transport.publish(fix(2))
    assert caught.value.code == "invite_revoked"
    assert type(await refused(transport.follow())) is Gone


async def test_what_expires_ends_in_mid_stream(bench: Bench):
    """All at once, as it takes its time."""
    watches = []
    for name in TRANSPORTS:
        invite = await bench.invite(f"of {name}", expires_in=1)
        watches.append(Watch(bench.open(name, token=invite["token"]).follow()))
    errors = await asyncio.gather(*[refused(watch.following) for watch in watches])
    assert {(type(error), error.code) for error in errors} == {(Gone, "invite_expired")}


def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(name: str):
    with pytest.raises(InvalidName):
        open_transport(name, "http://127.0.0.1:1/locshare/#g=a%2Fb")
