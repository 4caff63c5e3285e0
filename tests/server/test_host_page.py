"""The host's page's files, who gets them with which headers, and the ways in that it shows."""

from __future__ import annotations

import json
import re

from locshare_ext.server.pages.files import host_files, page_files

NOBODY = {"Authorization": ""}


def test_it_is_of_this_server_alone_and_has_nothing_inline() -> None:
    files = host_files()
    page = files["host.html"].body.decode()
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert name == "data:," or name.removeprefix("host/") in files
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for name, file in files.items():
        if name.endswith(".js"):
            assert not re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write", file.body)
            for other in re.findall(rb"from '\./([^']+)'", file.body):
                assert other.decode() in files
    assert not set(files) & {"worker.js", "leaflet.js"}


def test_no_phone_keeps_it() -> None:
    assert "host.html" not in page_files()
    assert b"host.html" not in page_files()["worker.js"].body


async def test_anybody_gets_the_page_with_a_strict_policy(fetch, jp_base_url):
    answer = await fetch("", headers=NOBODY)
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    login = re.search(r'data-login="([^"]*)"', answer.body.decode())
    assert login is not None
    assert login[1].startswith(f"{jp_base_url}login?next=")  # where Jupyter's users log in
    assert (await fetch("host/page.js", headers=NOBODY)).body == host_files()["page.js"].body


async def test_without_its_slash_it_leads_on(http_server_client, jp_base_url):
    answer = await http_server_client.fetch(
        f"{jp_base_url}locshare", follow_redirects=False, raise_error=False
    )
    assert (answer.code, answer.headers["Location"]) == (302, f"{jp_base_url}locshare/")


async def test_there_is_nothing_else_below_it(fetch):
    for name in ("nothing.js", "..%2Ffiles.py", "host.html%00", "share.html"):
        assert (await fetch(f"host/{name}", headers=NOBODY)).code == 404


async def test_a_foreign_host_gets_nothing(fetch):
    assert (await fetch("", headers={**NOBODY, "Host": "evil.example"})).code == 403


async def ways(fetch, made):
    answer = await fetch(f"api/groups/hikers/invites/{made['id']}/ways")
    assert answer.code == 200
    return json.loads(answer.body)


async def test_no_code_leads_where_no_phone_can_come(fetch, invite):
    told = await ways(fetch, await invite("ann"))
    assert told["ways"] == []
    assert "open_to_phones" in told["todo"]


async def test_the_ways_lead_to_where_phones_come(fetch, invite, site, monkeypatch):
    made = await invite("ann")
    site.reach.public_url = "https://share.example.org/"

    async def as_if_it_answered():
        return site.reach.verdict()

    monkeypatch.setattr(site.reach, "look", as_if_it_answered)  # no name is asked for
    told = await ways(fetch, made)
    by_app = {one["app"]: one for one in told["ways"]}
    assert by_app["browser"]["link"] == f"https://share.example.org/locshare/share#t={made['token']}"
    assert by_app["browser"]["code"]["path"].startswith("M4 4h7v1h-7z")
    assert {"owntracks", "traccar", "overland", "gpslogger", "osmand"} < set(by_app)
    assert by_app["osmand"]["code"] is None  # pasted, not scanned
    await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    told = await ways(fetch, made)
    assert (told["ways"], told["reason"]) == ([], "this invite is revoked")


async def test_a_host_by_invite_sees_no_stronger_one(fetch, invite):
    mine = await invite("ann", roles="publish watch manage", expires_in=60)
    longer = await invite("bo", expires_in=3600)
    headers = {**NOBODY, "X-Locshare-Token": mine["token"]}
    answer = await fetch(f"api/groups/hikers/invites/{longer['id']}/ways", headers=headers)
    told = json.loads(answer.body)
    assert (told["ways"], told["reason"]) == ([], "this invite may more than who asks")
