"""Every status that the document has for a method and path comes from a server, and no other does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.server.openapi.asking import HANDSHAKE, Asker, stream
from tests.support.sites import BODY, TOKEN

GROUPS = "/locshare/api/groups"
GROUP = f"{GROUPS}/{{group}}"
MEMBER = f"{GROUP}/members/{{member}}"
FIXES, TRAILS, EVENTS, WS = (f"{GROUP}/{name}" for name in ("fixes", "trails", "events", "ws"))
NOTES, NOTE = f"{GROUP}/notes", f"{GROUP}/notes/{{note}}"
INVITES, INVITE = f"{GROUP}/invites", f"{GROUP}/invites/{{invite}}"
RECORDINGS = "/locshare/api/recordings"
RECORDING = f"{RECORDINGS}/{{recording}}"
REPLAYS = "/locshare/api/replays"
REPLAY = f"{REPLAYS}/{{replay}}"
REPLAY_WS = f"{REPLAY}/ws"
STOMP = "/locshare/stomp"
SOCKETS = (WS, REPLAY_WS, STOMP)
IN = "/locshare/in/{token}"
PHONES = (
    IN,
    f"{IN}/{{app}}",
    f"{IN}/gpslogger/{{profile}}.properties",
    f"{IN}/api/v1/overland/batches",
    f"{IN}/gpslogger/api/v1/overland/batches",
)

FIX = {"member": "ann", "time": 1_763_806_275_123, "lat": 37.5665, "lon": 126.978}
UNKNOWN = "lsi_" + "A" * 12 + "_" + "B" * 22
_numbers = itertools.count()


@pytest.fixture(scope="module")
def ask(sites: Any, described: dict[str, Any]) -> Iterator[Asker]:
    asker = Asker(sites, described)
    yield asker
    asker.close()


@pytest.fixture(scope="module")
def there(ask: Asker) -> dict[str, str]:
    """What the group `hikers` has, and the token of an invite that was revoked."""
    for site in ("plain", "full"):
        assert ask("post", FIXES, "hikers", site=site, body=FIX).ok
    note = ask("post", NOTES, "hikers", body={"text": "here"}).json()
    recording = ask("post", RECORDINGS, body={"group": "hikers", "name": "walk", "since": FIX["time"]}).json()
    replay = ask("post", REPLAYS, body={"recording": recording["id"], "paused": True}).json()
    invite = ask("post", INVITES, "hikers", body={"member": "ann"}).json()
    revoked = ask("post", INVITES, "hikers", body={"member": "bo"}).json()
    ask("delete", INVITE, "hikers", revoked["id"])
    return {
        "group": "hikers",
        "member": "ann",
        "note": note["id"],
        "recording": recording["id"],
        "replay": replay["id"],
        "invite": invite["id"],
        "revoked": revoked["token"],
        "token": invite["token"],
        "app": "owntracks",
        "profile": "profile",
    }


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, item in described["paths"].items():
        yield from ((method, path) for method in item if method != "parameters")


def names_in(path: str, there: dict[str, str]) -> list[str]:
    return [there[name] for name in re.findall(r"\{(\w+)\}", path)]


def new_group(ask: Asker) -> str:
    name = f"g{next(_numbers)}"
    assert ask("post", FIXES, name, body=FIX).status_code == 200
    return name


def test_what_any_operation_may_refuse(ask: Asker, there: dict[str, str], described: dict[str, Any]) -> None:
    for method, path in operations(described):
        names = names_in(path, there)
        if method == "options":
            continue
        if path in SOCKETS:
            ask(method, path, *names)  # no handshake
            ask(method, path, *names, token=None, headers={"Authorization": f"token {UNKNOWN}", **HANDSHAKE})
        else:
            ask(method, path, *names, query="nonsense=1")
            ask(method, path, *names, token=None)
            ask(method, path, *names, body=b"x" * (BODY + 1), headers={"Content-Type": "application/json"})
            ask(method, path, *names, headers={"Content-Encoding": "gzip"})
        ask(method, path, *names, token="wrong", headers=HANDSHAKE if path in SOCKETS else None)
        ask(method, path, *names, token=there["revoked"], headers=HANDSHAKE if path in SOCKETS else None)
        ask(method, path, *names, token="guessed", site="strict")
        ask(method, path, *names, token=UNKNOWN, site="strict")


def test_options(ask: Asker, there: dict[str, str], described: dict[str, Any]) -> None:
    for method, path in operations(described):
        if method != "options":
            continue
        names = names_in(path, there)
        allowed = ask(method, path, *names, token=None).headers["Allow"]
        assert {name.lower() for name in allowed.split(", ")} == set(described["paths"][path]) - {
            "parameters"
        }
        ask(method, path, *names, headers={"Origin": "http://elsewhere.example"})
        ask(method, path, *names, body=b"x" * (BODY + 1))
        if path not in SOCKETS:
            ask(method, path, *names, headers={"Content-Encoding": "gzip"})
            if names:
                ask(method, path, *["%ff"] * len(names))


def test_what_can_be_read(ask: Asker, there: dict[str, str], described: dict[str, Any]) -> None:
    for method, path in operations(described):
        if method not in ("get", "head") or path in SOCKETS:
            continue
        names = names_in(path, there)
        is_page = method in ("get", "head") and path in PHONES[:2]
        assert ask(method, path, *names).status_code == (302 if is_page else 200)
        responses = described["paths"][path][method]["responses"]
        if "304" in responses:
            query = "format=json" if path == EVENTS else ""
            tag = ask("get", path, *names, query=query).headers["ETag"]
            assert tag.startswith('"')
            ask(method, path, *names, query=query, headers={"If-None-Match": "*"})
        if "404" in responses and names:
            ask(method, path, *names[:-1], "nobody")
    ask("get", RECORDINGS, query="group=nobody")
    ask("head", RECORDINGS, query="group=nobody")
    assert ask("get", TRAILS, "hikers", query="format=csv").text.startswith('"seq","member"')
    assert ask("get", EVENTS, "hikers").headers["Content-Type"] == "text/event-stream"


def test_groups(ask: Asker, there: dict[str, str]) -> None:
    assert ask("post", GROUPS, body={"title": "A Group"}).status_code == 201
    assert ask("post", GROUPS, body={"title": "a group"}).status_code == 409
    assert ask("post", GROUPS, body={"title": "other"}, site="full").status_code == 409
    assert ask("post", GROUP, "named", body={"tz": "Asia/Seoul"}).status_code == 201
    assert ask("post", GROUP, "named").status_code == 409
    assert ask("patch", GROUP, "named", body={"stale": 5}).json()["settings"]["stale"] == 5
    assert ask("patch", GROUP, "nobody", body={}).status_code == 404
    assert ask("delete", GROUP, "named").status_code == 200
    assert ask("delete", GROUP, "named").status_code == 404
    assert ask("get", GROUP, "other", site="full").status_code == 404


def test_members(ask: Asker) -> None:
    group = new_group(ask)
    assert ask("post", FIXES, group, body={**FIX, "member": "bo"}).ok
    assert ask("patch", MEMBER, group, "ann", body={"name": "bo"}).status_code == 409
    assert ask("patch", MEMBER, group, "ann", body={"name": "anna"}).json() == {"member": "anna"}
    assert ask("patch", MEMBER, group, "nobody", body={"name": "cy"}).status_code == 404
    assert ask("delete", MEMBER, group, "anna").json() == {"forgotten": 1}
    assert ask("delete", MEMBER, group, "anna").status_code == 404


def test_fixes(ask: Asker, there: dict[str, str]) -> None:
    group = new_group(ask)
    bad = {**FIX, "lat": 91.2}
    assert ask("post", FIXES, group, body=[FIX, bad]).json()["set_aside"][0]["index"] == 1
    refused = ask("post", FIXES, group, body=[bad, bad]).json()["error"]
    assert [one["index"] for one in refused["set_aside"]] == [0, 1]
    assert ask("post", FIXES, "other", site="full", body=FIX).status_code == 409
    assert ask("post", FIXES, "hikers", site="full", body={**FIX, "member": "bo"}).status_code == 409


def test_notes(ask: Asker, there: dict[str, str]) -> None:
    assert ask("post", NOTES, "other", site="full", body={"text": "here"}).status_code == 409
    note = ask(
        "post", NOTES, "hikers", body={"text": "gone soon", "member": "ann", "time": FIX["time"]}
    ).json()
    assert ask("delete", NOTE, "hikers", note["id"]).status_code == 200
    assert ask("delete", NOTE, "hikers", note["id"]).status_code == 404


def test_invites(ask: Asker, there: dict[str, str]) -> None:
    opened = ask("post", INVITES, "hikers", body={"uses": 3}).json()
    assert ask("post", INVITES, "hikers", token=opened["token"], body={"member": "cy"}).status_code == 201
    assert ask("post", INVITES, "hikers", token=opened["token"], body={"member": "cy"}).status_code == 409
    assert ask("post", INVITES, "other", site="full", body={"member": "cy"}).status_code == 409
    assert ask("post", INVITES, "hikers", body={"member": "ann"}).status_code == 200
    assert ask("get", INVITE, "hikers", there["invite"]).json()["token"]
    ended = ask("post", INVITES, "hikers", body={"member": "dee"}).json()["id"]
    assert ask("delete", INVITE, "hikers", ended).status_code == 200
    assert "token" not in ask("get", INVITE, "hikers", ended).json()
    assert ask("delete", INVITE, "hikers", "nobody").status_code == 404


def test_who_an_invite_is(ask: Asker, there: dict[str, str]) -> None:
    card = ask("post", INVITES, "hikers", body={"member": "ann"}).json()
    me = ask("get", "/locshare/api/me", token=card["token"]).json()
    assert (me["kind"], me["member"]) == ("invite", "ann")
    chosen = {"precision": 100, "consent": me["consent_version"]}
    assert (
        ask("patch", "/locshare/api/me", token=card["token"], body=chosen).json()["sharing"]["precision"]
        == 100
    )
    assert ask("patch", "/locshare/api/me", token=card["token"], body={"consent": "0"}).status_code == 409
    assert ask("get", "/locshare/api/health", token=card["token"]).json()["groups"] is None


def test_phone_apps(ask: Asker, there: dict[str, str], described: dict[str, Any]) -> None:
    for path in PHONES:
        for method in ("get", "head", "post", "put", "patch"):
            if method not in described["paths"][path]:
                continue
            names = names_in(path, there)
            unknown = UNKNOWN.replace("A" * 5, method.ljust(5, "0"))  # ten a minute of each
            assert ask(method, path, unknown, *names[1:], token=None).status_code == 403
            assert ask(method, path, there["revoked"], *names[1:], token=None).status_code == 410
            assert ask(method, path, *names, query="lat=1&lon=2", token=None).ok
    for method in ("post", "put", "patch"):
        assert ask(method, PHONES[1], there["token"], "nobody").status_code == 404
    assert ask("post", PHONES[3], there["token"], body={"locations": []}).status_code == 201
    answer = ask("post", PHONES[1], there["token"], "overland", body={"locations": []})
    assert answer.json() == {"result": "ok"}


def test_a_listener_for_phones(ask: Asker) -> None:
    path = "/locshare/api/phones"
    wish = {"host": "127.0.0.1", "port": 0}
    assert [ask("post", path, body=wish).status_code for _ in range(2)] == [201, 200]
    assert ask("delete", path).status_code == 200
    assert ask("post", path, site="full", body=wish).status_code == 409


def test_recordings(ask: Asker, there: dict[str, str]) -> None:
    made = ask("post", RECORDINGS, body={"group": "hikers", "name": "walk", "since": FIX["time"]}).json()
    assert ask("patch", RECORDING, made["id"], body={"stop": True}).json()["state"] == "stopped"
    assert ask("delete", RECORDING, made["id"]).status_code == 200
    assert ask("delete", RECORDING, made["id"]).status_code == 404
    assert ask("patch", RECORDING, made["id"], body={}).status_code == 404
    assert ask("post", RECORDINGS, body={"group": "nobody", "name": "walk"}).status_code == 404


def test_what_ephemeral_groups_refuse(ask: Asker, there: dict[str, str]) -> None:
    made = ask("post", GROUPS, body={"title": "passing", "ephemeral": True}).json()["group"]
    assert ask("post", RECORDINGS, body={"group": made, "name": "walk"}).status_code == 409
    assert ask("patch", GROUP, made, body={"ephemeral": False}).status_code == 409


def test_recordings_of_no_time_at_all(ask: Asker, there: dict[str, str]) -> None:
    span = {"since": FIX["time"], "until": FIX["time"]}
    refused = ask("post", RECORDINGS, body={"group": "hikers", "name": "walk", **span})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "until")


def test_replays(ask: Asker, there: dict[str, str]) -> None:
    made = ask("post", REPLAYS, body={"recording": there["recording"], "speed": 10, "loop": True}).json()
    steered = ask("patch", REPLAY, made["id"], body={"paused": True, "at": FIX["time"]}).json()
    assert (steered["state"], steered["playhead"]) == ("paused", FIX["time"])
    assert ask("delete", REPLAY, made["id"]).status_code == 200
    assert ask("delete", REPLAY, made["id"]).status_code == 404
    assert ask("patch", REPLAY, made["id"], body={}).status_code == 404
    assert ask("post", REPLAYS, body={"recording": "nobody"}).status_code == 404
    empty = ask("post", RECORDINGS, body={"group": "hikers", "name": "empty"}).json()
    assert ask("post", REPLAYS, body={"recording": empty["id"]}).status_code == 409
    assert ask("get", REPLAY_WS, there["replay"], headers=HANDSHAKE).status_code == 101
    assert ask("get", REPLAY_WS, "nobody", headers=HANDSHAKE).status_code == 404
    other = {**HANDSHAKE, "Sec-WebSocket-Version": "8"}
    assert ask("get", REPLAY_WS, there["replay"], headers=other).status_code == 426


def test_imports(ask: Asker) -> None:
    kind = {"Content-Type": "application/vnd.apache.arrow.stream"}
    made = ask("post", RECORDINGS, query="name=old+walk", headers=kind, body=stream(37.5), site="open")
    assert made.json()["kind"] == "import"
    refused = ask("post", RECORDINGS, query="name=old+walk", headers=kind, body=stream(91.2), site="open")
    assert refused.json()["error"]["row"] == 0


@pytest.mark.parametrize(("path", "names"), [(WS, ["hikers"]), (STOMP, [])])
def test_sockets(ask: Asker, there: dict[str, str], path: str, names: list[str]) -> None:
    assert ask("get", path, *names, headers=HANDSHAKE).status_code == 101
    assert ask("get", path, *names, headers={**HANDSHAKE, "Sec-WebSocket-Version": "8"}).status_code == 426
    assert ask("get", path, *names, headers=HANDSHAKE, body=b"x").status_code == 400


def test_groups_of_sockets(ask: Asker, there: dict[str, str]) -> None:
    watcher = ask("post", INVITES, "hikers", body={"member": "wim", "roles": "watch"}).json()
    assert ask("get", WS, "other", headers=HANDSHAKE, token=watcher["token"]).status_code == 403
    assert ask("get", WS, "other", headers=HANDSHAKE, site="full").status_code == 409


def test_methods_that_there_are_not(ask: Asker, there: dict[str, str], described: dict[str, Any]) -> None:
    for path, item in described["paths"].items():
        for method in ("put", "post", "patch", "delete", "trace"):
            if method in item:
                continue
            url = ask.sites.urls["plain"] + path.format(**there)
            answer = ask.session.request(method, url, headers={"X-Locshare-Token": TOKEN}, timeout=30)
            assert answer.status_code == 405, (method, path)
            assert {name.lower() for name in answer.headers["Allow"].split(", ")} == set(item) - {
                "parameters"
            }
            assert answer.json()["error"]["code"] == "method_not_allowed"


def test_a_refused_path_leaves_the_connection_to_the_next_request(ask: Asker) -> None:
    connection = HTTPConnection(ask.sites.urls["plain"].removeprefix("http://"), timeout=30)
    for path, status in (("/locshare/api/groups/%ff/fixes", 400), ("/locshare/api/me", 200)):
        connection.request("GET", path, headers={"X-Locshare-Token": TOKEN})
        kept = connection.sock
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (status, None)
        answer.read()
        assert connection.sock is kept
    connection.request("TRACE", "/locshare/api/me")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (405, "close")  # else a proxy would reuse it
    connection.close()


def test_parameters_are_those_that_a_server_names(
    ask: Asker, there: dict[str, str], described: dict[str, Any]
) -> None:
    for method, path in operations(described):
        if method in ("options", "head") or path in PHONES:  # apps send what they like
            continue
        one = described["paths"][path][method]
        kinds = ("application/vnd.apache.arrow.stream", "text/csv")  # imports take each its own
        heads = [HANDSHAKE] if path in SOCKETS else [{"Content-Type": kind} for kind in kinds]
        forms = ("format=sse", "format=json") if path == EVENTS else ("",)
        found: set[str] = set()
        for form, headers in itertools.product(forms, heads):
            asked = ask(method, path, *names_in(path, there), query=f"{form}&%F0%9F%98%80=1", headers=headers)
            found |= set(asked.json()["error"]["message"].partition("; expected ")[2].split(", "))
        known = {part["name"] for part in one.get("parameters", ()) if part["in"] == "query"}
        assert found == (known or {"none"}), (method, path)


def test_nothing_is_documented_that_never_comes(ask: Asker) -> None:
    assert ask.missing() == []
