"""What an invite card leads to: each app's way in, and codes that a camera reads."""

from __future__ import annotations

import base64
import json
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import zxingcpp

from locshare_ext.client.invites import Invite
from locshare_ext.client.sheet import sheet, write_sheet
from locshare_ext.errors import InvalidInput
from locshare_ext.model.setups import qr_path, setups

ADDRESS = "https://maps.example/base/locshare/"
TOKEN = "lsi_abc_def"
INGEST = f"{ADDRESS}in/{TOKEN}"
ANN = Invite("abc", "hikers", "ann", ("publish",), datetime(2026, 3, 1, tzinfo=UTC))


def links(member: str | None) -> dict[str, str]:
    return {one.app: one.link for one in setups(ADDRESS, TOKEN, member)}


def query(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query, strict_parsing=True).items()}


def test_owntracks_is_configured_by_one_tap() -> None:
    inline = query(links("민지 Kim")["owntracks"])["inline"]
    assert json.loads(base64.b64decode(inline, validate=True)) == {
        "_type": "configuration",
        "mode": 3,
        "url": f"{INGEST}/owntracks",
        "auth": False,
        "monitoring": 2,
        "locatorInterval": 10,
        "locatorDisplacement": 0,
        "extendedData": True,
        "deviceId": "민지 Kim",
        "tid": "민지",
    }


def test_traccar_scans_its_server_and_settings() -> None:
    link = links("ann & bo")["traccar"]
    assert link.partition("?")[0] == INGEST
    assert query(link) == {
        "id": "ann & bo",
        "accuracy": "high",
        "interval": "10",
        "distance": "0",
        "stop_detection": "false",
        "buffer": "true",
    }


def test_overland_gpslogger_osmand_and_the_browser() -> None:
    found = links("ann")
    assert found["overland"].startswith("overland://setup?")
    assert query(found["overland"]) == {
        "url": f"{INGEST}/overland",
        "token": TOKEN,
        "device_id": "ann",
        "unique_id": "yes",
    }
    assert found["gpslogger"] == f"gpslogger://properties/{INGEST}/gpslogger/profile.properties"
    assert found["osmand"] == (
        f"{INGEST}/osmand?lat={{0}}&lon={{1}}&timestamp={{2}}&accuracy={{3}}&altitude={{4}}&speed={{5}}&bearing={{6}}"
    )
    assert found["browser"] == f"{ADDRESS}share#t={TOKEN}"


def test_an_open_invite_leaves_the_name_to_the_phone() -> None:
    found = links(None)
    assert "id" not in query(found["traccar"])
    assert "device_id" not in query(found["overland"])
    settings = json.loads(base64.b64decode(query(found["owntracks"])["inline"]))
    assert settings.keys().isdisjoint({"deviceId", "tid"})


def test_no_way_in_is_shown_by_accident() -> None:
    assert all(TOKEN not in repr(one) for one in setups(ADDRESS, TOKEN, "ann"))


@pytest.mark.parametrize("member", ["ann", None])
def test_a_camera_reads_the_codes(member: str | None) -> None:
    for one in setups(ADDRESS, TOKEN, member):
        if one.is_scannable:
            assert scanned(*qr_path(one.link)) == one.link


def scanned(path: str, width: int) -> str:
    """Paint a code as a browser would, and read it as a camera does."""
    image = np.full((width, width), 255, dtype=np.uint8)
    for left, top, dark in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path):
        image[int(top), int(left) : int(left) + int(dark)] = 0
    (found,) = zxingcpp.read_barcodes(np.kron(image, np.ones((4, 4), np.uint8)))
    return str(found.text)


def test_a_sheet_has_a_card_for_each(tmp_path: Path) -> None:
    people = [ANN, replace(ANN, id="abd", member="<b>bo</b>"), replace(ANN, id="abe", member=None)]
    ways = [f"{ADDRESS}share#t=lsi_{one.id}_x" for one in people]
    text = sheet(people, ways, "Ann's <i>walk</i>", "ko")
    codes = re.findall(r'viewBox="0 0 (\d+) .*? d="([^"]+)"', text)
    assert [scanned(path, int(width)) for width, path in codes] == ways
    assert "<b>bo" not in text
    assert "&lt;b&gt;bo" in text
    assert "<i>walk" not in text
    assert "가진 사람 누구나" in text

    target = tmp_path / "cards.html"
    target.write_text("old")
    target.chmod(0o644)
    assert write_sheet(target, text) == target
    assert target.read_text("utf-8") == text
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_sheet_wants_a_language_that_it_has() -> None:
    with pytest.raises(InvalidInput, match="'fr' is unknown"):
        sheet([ANN], ["x"], "walk", "fr")
