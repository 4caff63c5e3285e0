"""Who may do what: every handler and STOMP command, each with every kind of credential."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, get_args

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.model.credentials import HOST
from locshare_ext.server.base import Handler
from locshare_ext.server.credentials import new_secret
from locshare_ext.server.routes import ROUTES
from locshare_ext.stomp import ClientEvent
from tests.support.sse import Sse

TIME = 1_763_806_275_123
DAY = 86_400_000  # ms
METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD")

# method and path -> what is needed: a role in the group, `all:role` in all groups, `any` credential, nothing
NEEDED = {
    "GET stomp": "any",  # whoever comes without an identity must CONNECT with one
    "GET api/groups": "all:watch",
    "POST api/groups": "all:manage",
    "GET api/groups/hikers": "watch",
    "POST api/groups/hikers": "all:manage",
    "PATCH api/groups/hikers": "manage",
    "DELETE api/groups/hikers": "manage",
    "GET api/groups/hikers/fixes": "watch",
    "POST api/groups/hikers/fixes": "publish",
    "GET api/groups/hikers/trails": "watch",
    "GET api/groups/hikers/events": "watch",
    "GET api/groups/hikers/ws": "any",  # see below; whoever comes without an identity sends a token first
    "GET api/groups/hikers/notes": "watch",
    "POST api/groups/hikers/notes": "publish",
    "DELETE api/groups/hikers/notes/NOTE": "publish",  # of one's own; others' by manage
    "GET api/groups/hikers/set-aside": "manage",
    "DELETE api/groups/hikers/members/ann": "manage",
    "PATCH api/groups/hikers/members/ann": "manage",
    "GET api/groups/hikers/invites": "manage",
    "POST api/groups/hikers/invites": "manage",  # or an open invite, to be exchanged
    "GET api/groups/hikers/invites/INVITE": "manage",
    "DELETE api/groups/hikers/invites/INVITE": "manage",
    "GET api/groups/hikers/invites/INVITE/ways": "manage",
    "GET api/recordings": "all:watch",
    "POST api/recordings": "manage",
    "GET api/recordings/RECORDING": "watch",
    "PATCH api/recordings/RECORDING": "manage",
    "DELETE api/recordings/RECORDING": "manage",
    "GET api/recordings/RECORDING/trails": "watch",
    "GET api/recordings/RECORDING/events": "watch",
    "GET api/recordings/RECORDING/set-aside": "manage",
    "GET api/recordings/RECORDING/file": "watch",
    "GET api/replays": "all:watch",
    "POST api/replays": "manage",
    "GET api/replays/REPLAY": "watch",
    "PATCH api/replays/REPLAY": "manage",
    "DELETE api/replays/REPLAY": "manage",
    "GET api/replays/REPLAY/events": "watch",
    "GET api/replays/REPLAY/ws": "any",
    "GET api/me": "any",
    "PATCH api/me": "any",  # of one's own: others are told that they are no single member
    "GET api/phones": "all:manage",
    "POST api/phones": "all:manage",
    "DELETE api/phones": "all:manage",
    "GET ": "nothing",  # the host's page has nothing in it either: its script asks, with what it has
    "GET host/page.js": "nothing",
    "GET share": "nothing",  # a page without anything in it: its script has the invite
    "GET share/page.js": "nothing",
    "GET in/TOKEN": "path",  # the invite in the path counts, and nothing else: see below
    "POST in/TOKEN": "path",
    "GET in/TOKEN/overland": "path",
    "POST in/TOKEN/overland": "path",
    "PUT in/TOKEN/overland": "path",
    "PATCH in/TOKEN/overland": "path",
    "GET in/TOKEN/gpslogger/profile.properties": "path",
    "POST in/TOKEN/api/v1/overland/batches": "path",
    "POST in/TOKEN/gpslogger/api/v1/overland/batches": "path",
    "GET api/health": "any",
    "GET api/openapi.json": "any",
    "GET nothing": "any",
    "POST nothing": "any",
    "PATCH nothing": "any",
    "DELETE nothing": "any",
    "PUT nothing": "any",
    "HEAD nothing": "any",
}
NEEDED |= {"HEAD ": "nothing"} | {
    f"HEAD{call[3:]}": needed
    for call, needed in NEEDED.items()
    if call.startswith(("GET api", "GET share", "GET in", "GET host")) and not call.endswith("/ws")
}

ALL = frozenset({"publish", "watch", "manage"})
# credential -> its roles in hikers, and whether it is for all groups
CREDENTIALS: dict[str, tuple[frozenset[str], bool]] = {
    "kernel": (ALL, True),
    "host": (ALL, True),
    "jupyter token": (ALL, True),
    "jupyter cookie": (ALL, True),
    "watch": (frozenset({"watch"}), False),
    "publish": (frozenset({"publish"}), False),
    "both": (frozenset({"publish", "watch"}), False),
    "manage": (ALL, False),
    "open": (frozenset({"publish", "watch"}), False),
    "other group": (frozenset(), False),
    "expired": (frozenset(), False),
    "revoked": (frozenset(), False),
    "wrong": (frozenset(), False),
    "unknown": (frozenset(), False),
    "none": (frozenset(), False),
}
REFUSED = {"expired": 410, "revoked": 410, "wrong": 403, "unknown": 403, "none": 401}
REASONS = {
    "expired": "invite_expired",
    "revoked": "invite_revoked",
    "wrong": "credential_invalid",
    "unknown": "credential_invalid",
}
GOOD = tuple(name for name in CREDENTIALS if name not in REFUSED)


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": TIME, "lat": 37.5665, "lon": 126.978, **fields}


def implemented() -> set[str]:
    """Every method of every route that is there, by the paths that the table uses."""
    found = set()
    names = {
        "groups": "hikers",
        "recordings": "RECORDING",
        "members": "ann",
        "notes": "NOTE",
        "replays": "REPLAY",
    }
    for pattern, handler in ROUTES:
        path = pattern.removeprefix("/locshare/").replace(r"\.", ".")
        for folder, name in {**names, "invites": "INVITE"}.items():
            path = path.replace(f"{folder}/([^/]+)", f"{folder}/{name}")
        path = path.removeprefix("?").replace("host/([^/]+)", "host/page.js")
        path = path.replace("share/([^/]+)", "share/page.js").replace("in/([^/]+)", "in/TOKEN")
        path = path.replace("gpslogger/([^/]+)", "gpslogger/profile").replace(
            "TOKEN/([^/]+)", "TOKEN/overland"
        )
        path = path.removesuffix("(?:/.*)?") if "/in/" in pattern else path
        path = "nothing" if path.endswith("(?:/.*)?") else path
        for method in METHODS:
            if "__wrapped__" in vars(getattr(handler, method.lower())):
                found.add(f"{method} {path}")
    return found


def test_the_table_is_complete() -> None:
    assert implemented() == set(NEEDED)


def test_every_method_is_known_to_ask_for_itself() -> None:
    for _, handler in ROUTES:
        assert issubclass(handler, Handler)
        for method in (*METHODS, "OPTIONS"):
            function = getattr(handler, method.lower())
            assert hasattr(function, "__allow_unauthenticated") or "unimplemented" in function.__name__


def allowed(credential: str, needed: str) -> bool:
    roles, is_everywhere = CREDENTIALS[credential]
    if needed.startswith("all:"):
        return is_everywhere
    return needed == "any" or needed in roles


@pytest.fixture
def jp_server_config(jp_server_config):
    jp_server_config["LocShareApp"]["max_token_failures"] = 1000  # each is tried on all calls
    return jp_server_config


@pytest.fixture
async def credential(request, fetch, invite, site, monkeypatch, cookie, jp_http_port):
    """What carries a credential: headers for HTTP, those for the upgrade, and CONNECT's."""
    name = request.param
    own = {"Authorization": ""}
    if name == "jupyter token":
        return {}, {}, {}
    if name == "jupyter cookie":
        headers, xsrf = cookie
        host = {"Host": f"127.0.0.1:{jp_http_port}"}  # the cookie's name has it
        return {**headers, "X-XSRFToken": xsrf}, {**headers, **host}, {}
    if name == "none":
        return own, own, {}
    if name == "kernel":
        token = next(secret.decode() for secret, who in site.credentials._principals if who.kind == "kernel")
    elif name == "host":
        token = new_secret(HOST)
        site.credentials.add(token, Principal("host", "host"))
    else:
        token = await a_token(name, fetch, invite, site, monkeypatch)
    return {**own, "X-Locshare-Token": token}, own, {"passcode": token, "login": "x"}


async def a_token(name, fetch, invite, site, monkeypatch):
    if name == "other group":
        return (await invite("ann", "runners", roles="publish watch manage"))["token"]
    if name == "expired":
        with monkeypatch.context() as patch:
            patch.setattr(site.invites, "_clock", lambda: site.clock() - 2 * DAY)
            return (await invite("ann", expires_in=60))["token"]
    roles = {"both": "publish watch", "watch": "watch", "publish": "publish", "manage": "manage"}
    made = await invite(None if name == "open" else "ann", roles=roles.get(name, "publish watch"))
    if name == "revoked":
        await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    swapped = "z" if made["token"][-1] != "z" else "y"
    if name == "wrong":
        return made["token"][:-1] + swapped
    if name == "unknown":
        other = "z" if made["id"][-1] != "z" else "y"
        return made["token"].replace(made["id"], made["id"][:-1] + other)
    return made["token"]


async def prepared(fetch, invite, call: str) -> tuple[str, str, Any]:
    """Make what a call is about; returns method, path and body."""
    method, path = call.split(" ")
    walk, note = {"group": "hikers", "name": "walk"}, {"text": "lunch", "member": "ann"}
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    if "RECORDING" in path:
        path = path.replace("RECORDING", json.loads((await fetch("api/recordings", "POST", walk)).body)["id"])
    bodies: dict[str, Any] = {}
    if "replays" in path:
        whole = {**walk, "since": TIME}
        made = json.loads((await fetch("api/recordings", "POST", whole)).body)
        bodies["replays"] = {"recording": made["id"], "paused": True}
    if "REPLAY" in path:
        replay = json.loads((await fetch("api/replays", "POST", bodies["replays"])).body)
        path = path.replace("REPLAY", replay["id"])
    if "NOTE" in path:
        made = await fetch("api/groups/hikers/notes", "POST", note)
        path = path.replace("NOTE", json.loads(made.body)["id"])
    if "INVITE" in path:
        path = path.replace("INVITE", (await invite("zoe"))["id"])
    bodies |= {
        "phones": {"host": "127.0.0.1", "port": 0},
        "recordings": walk,
        "fixes": fix(member="bob"),
        "notes": note,
        "invites": {"member": "new"},
    }
    body = bodies.get(path.rpartition("/")[2], {})
    return method, path, body if method in ("POST", "PATCH", "PUT") else None


@pytest.mark.parametrize(
    ("name", "credential"), [(name, name) for name in CREDENTIALS], indirect=["credential"]
)
async def test_all_handlers_and_all_credentials(fetch, invite, credential, name):
    headers = credential[0]
    for call, needed in NEEDED.items():
        # deleting the group or the member ends its invites: refused is tried, done is not
        if call in ("DELETE api/groups/hikers", "DELETE api/groups/hikers/members/ann") and allowed(
            name, needed
        ):
            continue
        method, path, body = await prepared(fetch, invite, call)
        # a stream is asked for what comes before its head: it would not end
        if path.endswith("/events"):
            path += "?format=json" if "groups" in path else "?after=nonsense"
        answer = await fetch(path, method, body, headers=dict(headers))
        assert answer.code in expected(name, call, needed), (call, answer.body)
        if answer.code >= 400 and method != "HEAD" and needed != "path":
            code = json.loads(answer.body)["error"]["code"]
            assert code == REASONS.get(name, code), call


def expected(name: str, call: str, needed: str) -> tuple[int, ...]:
    """The statuses that one of the two may be answered with."""
    method, path = call.split(" ")
    if needed == "nothing":
        return (200,)
    if needed == "path":
        return (403,)  # whatever else came with it
    if path.rpartition("/")[2] in ("stomp", "ws") and name == "none":
        return (400,)  # no WebSocket; its first message shows the credential then
    if path == "nothing" and name in ("none", *GOOD):
        return (404,)
    if (name, call) == ("expired", "POST api/groups/hikers/fixes"):
        return (200,)  # measured before
    if name in REFUSED:
        return (REFUSED[name],)
    if path == "api/groups" and method != "POST":  # a list of what the credential may see
        return (403,) if name == "publish" else (200,)
    if name == "open" and method in ("POST", "DELETE") and path.split("/")[-1] in ("fixes", "notes", "NOTE"):
        return (403,)  # it has no name to share under
    if name == "open" and call == "POST api/groups/hikers/invites":
        return (201,)  # exchanged
    return (200, 201, 400, 404, 409) if allowed(name, needed) else (403,)


@pytest.mark.parametrize(
    ("name", "credential"), [(name, name) for name in CREDENTIALS], indirect=["credential"]
)
async def test_phone_apps_and_all_credentials(fetch, credential, name):
    """What is in the path of a phone's app opens that, if it is an invite: no other credential does."""
    token = credential[2].get("passcode", "none")
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    body = json.dumps({"_type": "location", "lat": 1, "lon": 2, "tst": TIME // 1000}).encode()
    answer = await fetch(f"in/{token}/owntracks", "POST", body, headers={"Authorization": ""})
    is_invite = name not in ("kernel", "host", "jupyter token", "jupyter cookie", "none")
    may = is_invite and ("publish" in CREDENTIALS[name][0] or name in ("expired", "other group"))
    assert answer.code == (200 if may else REFUSED.get(name, 403) if is_invite else 403)
    stored = json.loads((await fetch("api/groups/hikers/fixes")).body)["fixes"]
    assert len(stored) == (2 if may and name != "other group" else 1)


@pytest.mark.parametrize(
    ("name", "credential"), [(name, name) for name in CREDENTIALS], indirect=["credential"]
)
async def test_streams_and_all_credentials(
    fetch, credential, name, http_server_client, jp_base_url, jp_http_port, jp_auth_header
):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    headers = {**jp_auth_header, **credential[0]}
    stream = await Sse.open(jp_http_port, f"{jp_base_url}locshare/api/groups/hikers/events", headers)
    if name in REFUSED:
        assert stream.status == REFUSED[name]
    else:
        assert stream.status == (200 if allowed(name, "watch") else 403)
    if stream.status == 200:
        first = await stream.event()
        assert first is not None
        assert first.type == "hello"
    await stream.close()


@pytest.mark.parametrize(
    ("name", "credential"), [(name, name) for name in CREDENTIALS], indirect=["credential"]
)
async def test_plain_websockets_and_all_credentials(jp_ws_fetch, fetch, credential, name):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    _, upgrade, connect = credential
    socket = await jp_ws_fetch("locshare", "api", "groups", "hikers", "ws", headers=dict(upgrade))
    stream = socket.protocol.stream
    if connect:
        await socket.write_message(json.dumps({"token": connect["passcode"]}))
    elif name == "none":
        await socket.write_message(json.dumps(fix()))
    first = json.loads(await socket.read_message())
    if name in REFUSED or name == "other group":
        assert first["type"] == "error"
        assert first["error"]["code"] == REASONS.get(name, first["error"]["code"])
        assert await socket.read_message() is None
        assert socket.close_code == 1008
        socket.close()
        await closed(stream)
        return
    assert first["type"] == "hello"
    await socket.write_message(json.dumps(fix(lat=1)))
    may = allowed(name, "publish") and name != "open"
    # who may watch sees its own fix too, before or after it is answered
    answers = [
        json.loads(await socket.read_message()) for _ in range(2 if may and allowed(name, "watch") else 1)
    ]
    kinds = {"fixes" if isinstance(answer, list) else answer["type"] for answer in answers}
    assert kinds == {"stored" if may else "error"} | ({"fixes"} if len(answers) == 2 else set())
    socket.close()
    await closed(stream)


async def closed(stream: Any) -> None:
    """Wait until TCP is closed, a moment after the handshake."""
    async with asyncio.timeout(10):
        while not stream.closed():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("credential", ["kernel", "host", "jupyter token", "manage"], indirect=True)
async def test_who_manages_deletes(fetch, invite, credential):
    headers = credential[0]
    await prepared(fetch, invite, "GET api/groups/hikers")
    assert (await fetch("api/groups/hikers/members/zoe", "DELETE", headers=dict(headers))).code == 404
    assert (await fetch("api/groups/hikers", "DELETE", headers=dict(headers))).code == 200


# -- STOMP

# command and destination -> the role in the group that it needs, `all` for all groups, None: nothing more
COMMANDS = {
    "SEND /topic/group.hikers": "publish",
    "SEND /topic/group.hikers.events": "nobody",
    "SEND /topic/free": "all",
    "SEND /queue/jobs": "all",
    "SUBSCRIBE /topic/group.hikers": "watch",
    "SUBSCRIBE /topic/group.hikers.events": "watch",
    "SEND /topic/replay.REPLAY": "nobody",
    "SUBSCRIBE /topic/replay.REPLAY": "watch",
    "SUBSCRIBE /topic/free": "all",
    "SUBSCRIBE /topic/#": "all",
    "SUBSCRIBE /queue/jobs": "all",
    "UNSUBSCRIBE": "nobody",  # there is no such subscription, and no such message
    "ACK": "nobody",
    "NACK": "nobody",
    "BEGIN": None,
    "COMMIT": None,
    "ABORT": None,
    "DISCONNECT": None,
}
# the group by other spellings: they are the same, or are nothing
SPELLINGS = (
    "/topic/group.HIKERS",
    "/topic/GROUP.hikers",
    "/topic/Group.\uff28ikers",  # full width
    "/topic/group. hikers ",
    "/topic/group.hi\u212aers",  # the Kelvin sign
    "/topic/group.hikers.EVENTS",
    "/topic/group.%68ikers",
    "/topic/group%2Ehikers",
    "/topic/group..hikers",
    "/topic//group.hikers",
    "/topic/./group.hikers",
    "/topic/../topic/group.hikers",
    "/topic/group.hikers.",
    "/topic/group.*",
    "/topic/group.#",
    "/topic/#",
    "/topic/*.hikers",
    "/topic/*.*",
    "/topic/group",
    "/TOPIC/group.hikers",
    "topic/group.hikers",
    "/exchange/amq.topic/group.hikers",
    "/topic/group.hikers\x00",
    "/topic/group.hikers/",
)


def test_every_command_is_in_the_table() -> None:
    there = {kind.__name__.upper() for kind in get_args(ClientEvent)} - {"CONNECTREQUEST"}
    assert there == {command.split(" ")[0] for command in COMMANDS}


@pytest.mark.parametrize(
    ("name", "credential"), [(name, name) for name in CREDENTIALS], indirect=["credential"]
)
async def test_all_stomp_commands_and_all_credentials(stomp, fetch, credential, name):
    _, path, _ = await prepared(fetch, None, "GET api/replays/REPLAY")
    _, upgrade, connect = credential
    for command, needed in COMMANDS.items():
        command = command.replace("REPLAY", path.rpartition("/")[2])
        client = await stomp(headers=dict(upgrade), connect=connect)
        if name in REFUSED:
            assert client.connected.command == "ERROR"
            assert client.connected.get("code") == REASONS.get(name, "not_authenticated")
            assert await client.closed() == 1008
            return
        assert client.connected.command == "CONNECTED"
        verb, _, destination = command.partition(" ")
        answer = await asked(client, verb, destination)
        may = needed is None or allowed(name, "all:" if needed == "all" else needed)
        if name == "open" and verb == "SEND" and needed == "publish":
            assert (answer.command, answer.get("code")) == ("ERROR", "member_needed")
        else:
            assert answer.command == ("RECEIPT" if may else "ERROR"), command
        if answer.command == "ERROR":
            assert await client.closed() == (1002 if verb in ("UNSUBSCRIBE", "ACK", "NACK") else 1008)
        await client.close()


async def asked(client: Any, verb: str, destination: str) -> Any:
    """Give a command; for what needs something before it, that is of one's own: a transaction."""
    if verb in ("COMMIT", "ABORT"):
        assert (await client.ask("BEGIN", {"transaction": "t"})).command == "RECEIPT"
    if verb in ("BEGIN", "COMMIT", "ABORT"):
        return await client.ask(verb, {"transaction": "t"})
    headers = {"destination": destination, "id": "0"} if destination else {}
    return await client.ask(verb, headers, fix() if verb == "SEND" else b"")


@pytest.mark.parametrize(("name", "credential"), [(name, name) for name in GOOD], indirect=["credential"])
async def test_a_transaction_is_no_way_around(stomp, fetch, credential, site, name):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="zed"))
    _, upgrade, connect = credential
    for destination, needed in (
        ("/topic/group.hikers", "publish"),
        ("/topic/x", "all:"),
        ("/queue/x", "all:"),
    ):
        client = await stomp(headers=dict(upgrade), connect=connect)
        await client.ask("BEGIN", {"transaction": "t"})
        answer = await client.ask("SEND", {"destination": destination, "transaction": "t"}, fix(lat=1))
        if answer.command == "RECEIPT":
            answer = await client.ask("COMMIT", {"transaction": "t"})
        may = allowed(name, needed) and (name, needed) != ("open", "publish")
        assert answer.command == ("RECEIPT" if may else "ERROR"), destination
    stored = 2 if name != "open" and allowed(name, "publish") else 1
    assert (await site.groups.find("hikers")).log.head == stored


async def test_nobody_acknowledges_what_another_was_given(stomp, fetch, invite):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="zed"))
    headers = {"destination": "/topic/group.hikers", "id": "0", "ack": "client", "after": "start"}
    for verb in ("ACK", "NACK"):
        host = await stomp()
        await host.ask("SUBSCRIBE", dict(headers))
        message = await host.frame()
        token = (await invite("ann"))["token"]
        client = await stomp(headers={"Authorization": ""}, connect={"passcode": token})
        assert (await client.ask(verb, {"id": message.get("ack")})).command == "ERROR"
        assert (await host.ask(verb, {"id": message.get("ack")})).command == "RECEIPT"


@pytest.mark.parametrize("destination", SPELLINGS)
@pytest.mark.parametrize("verb", ["SEND", "SUBSCRIBE"])
async def test_no_spelling_opens_another_group(stomp, fetch, invite, site, destination, verb):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    token = (await invite("eve", "runners", roles="publish watch manage"))["token"]
    client = await stomp(headers={"Authorization": ""}, connect={"passcode": token})
    body = fix(lat=1) if verb == "SEND" else b""
    answer = await client.ask(verb, {"destination": destination, "id": "0", "after": "start"}, body)
    assert answer.command == "ERROR"
    assert (await site.groups.find("hikers")).log.head == 1


@pytest.mark.parametrize(
    "path", ["HIKERS", "%68ikers", "\uff28ikers", "hikers%20", "hikers%2F", "..%2fhikers"]
)
async def test_no_spelling_of_a_path_opens_another_group(http, jp_base_url, invite, path):
    token = (await invite("eve", "runners", roles="publish watch manage"))["token"]
    await invite("ann")
    for folder in ("", "/fixes", "/trails", "/notes", "/invites"):
        url = f"{jp_base_url}locshare/api/groups/{path}{folder}"
        answer = await http(url, {"X-Locshare-Token": token})
        assert answer.code in (400, 403, 404), url


@pytest.fixture
def http(http_server_client):
    async def ask(path: str, headers: dict[str, str]):
        quoted = re.sub(r"[^\x00-\x7f]", lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), path)
        return await http_server_client.fetch(quoted, headers=headers, raise_error=False)

    return ask
