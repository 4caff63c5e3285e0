"""Addresses of phones that were written in a wrong way, and so lead to Jupyter's own routes."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "{base}/locshare/in/{token}",  # two slashes
        "{base}LOCSHARE/in/{token}/owntracks",
        "{base}locshare%2fin%2f{token}",
        "{base}locshare./in/{token}/traccar",
        "{base}in/{token}",
        "/{token}",
        "{base}lab/tree/{token}/",
        "{base}api/contents/{token}",
        "//elsewhere{base}locshare/in/{token}/osmand",
    ],
)
async def test_an_invite_is_in_no_log_wherever_it_is_sent(
    path: str, http_server_client: Any, invite: Any, jp_base_url: str, caplog: pytest.LogCaptureFixture
):
    token = (await invite("ann"))["token"]
    caplog.set_level(logging.INFO)
    for method, body in (("GET", None), ("POST", b"lat=1&lon=2")):
        answer = await http_server_client.fetch(
            path.format(base=jp_base_url, token=token),
            method=method,
            body=body,
            raise_error=False,
            follow_redirects=False,
        )
        assert answer.code == 404
        assert json.loads(answer.body)["error"]["code"] == "not_found"
        assert token not in answer.body.decode()
    secret = token.rpartition("_")[2]
    said = [record.getMessage() for record in caplog.records if record.name != "tornado.access.client"]
    assert not [text for text in said if secret in text]
