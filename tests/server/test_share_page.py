"""The share page's files: who gets them, with which headers, and how heavy they are."""

from __future__ import annotations

import gzip
import re

import pytest

from locshare_ext.server.pages.files import WORKER, page_files

MOST = 120_000  # bytes of all that a phone loads, compressed
APP_SCHEMES = {b"owntracks", b"org.traccar.client", b"overland", b"gpslogger"}  # links to tap
NOBODY = {"Authorization": ""}
pytestmark = pytest.mark.usefixtures("_vendored")


@pytest.fixture(scope="module")
def _vendored() -> None:
    if "leaflet.js" not in page_files():
        pytest.skip("npm is missing: the share page has no Leaflet and no stompjs here")


def test_all_that_a_phone_loads_is_light() -> None:
    loaded = [file for name, file in page_files().items() if not name.endswith(".LICENSE")]
    assert {"share.html", "share.css", "page.js", "leaflet.js", "stomp.js"} <= {file.name for file in loaded}
    assert sum(len(file.packed) for file in loaded) < MOST
    for file in loaded:
        assert gzip.decompress(file.packed) == file.body


def test_it_is_of_this_server_alone_and_has_nothing_inline() -> None:
    files = page_files()
    page = files["share.html"].body.decode()
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert name == "data:," or name.removeprefix("share/") in files
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    ours = [
        file
        for name, file in files.items()
        if name.endswith(".js") and not name.startswith(("leaflet", "stomp"))
    ]
    for file in ours:
        code = re.sub(rb"(?m)(^|\s)//.*$", b"", file.body)
        assert b"innerHTML" not in code
        assert set(re.findall(rb"([\w.+-]+)://", code)) <= APP_SCHEMES
        for name in re.findall(rb"from '\./([^']+)'", code):
            assert name.decode() in files


def test_licences_of_what_is_vendored_are_there() -> None:
    assert b"BSD 2-Clause" in page_files()["leaflet.LICENSE"].body
    assert b"Apache License" in page_files()["stomp.LICENSE"].body


async def test_anybody_gets_the_page_with_a_strict_policy(fetch):
    answer = await fetch("share", headers=NOBODY)
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "geolocation=(self)" in answer.headers["Permissions-Policy"]
    assert "Set-Cookie" not in answer.headers


async def test_files_are_compressed_and_asked_for_again(fetch, jp_base_url):
    whole = await fetch("share/page.js", headers=NOBODY, decompress_response=False)
    assert (whole.code, whole.body) == (200, page_files()["page.js"].body)
    packed = await fetch(
        "share/page.js", headers={**NOBODY, "Accept-Encoding": "gzip"}, decompress_response=False
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == whole.body
    assert whole.headers["Cache-Control"] == "no-cache"
    again = await fetch("share/page.js", headers={**NOBODY, "If-None-Match": whole.headers["Etag"]})
    assert again.code == 304
    worker = await fetch(f"share/{WORKER}", headers=NOBODY)
    assert worker.headers["Service-Worker-Allowed"] == f"{jp_base_url}locshare/share"
    assert "Service-Worker-Allowed" not in whole.headers


async def test_there_is_nothing_else_below_it(fetch):
    for name in ("nothing.js", "..%2Ffiles.py", "vendor", "versions.sha256", "share.html%00"):
        assert (await fetch(f"share/{name}", headers=NOBODY)).code == 404


async def test_a_foreign_host_gets_nothing(fetch):
    answer = await fetch("share", headers={**NOBODY, "Host": "evil.example"})
    assert answer.code == 403


async def test_the_public_name_is_ours_too(fetch, site):
    site.reach.public_url = "https://share.example.org/"
    assert (await fetch("share", headers={**NOBODY, "Host": "share.example.org"})).code == 200


async def test_the_websocket_of_the_same_host_is_named(fetch):
    answer = await fetch("share", headers={**NOBODY, "Host": "localhost:8080"})
    assert "ws://localhost:8080 wss://localhost:8080" in answer.headers["Content-Security-Policy"]
