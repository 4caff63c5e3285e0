"""What a server's refusals become, and which of them are for good."""

from __future__ import annotations

import json

import pytest

from locshare_ext.errors import (
    AccessDenied,
    Gone,
    InvalidCursor,
    InvalidFix,
    InvalidInput,
    LocShareError,
    ServerUnreachable,
    TooFast,
    Unavailable,
)
from locshare_ext.transports.refusals import error_of_frame, error_of_http, is_final


@pytest.mark.parametrize(
    ("code", "is_accepted", "kind", "final"),
    [
        ("invite_expired", True, Gone, True),
        ("invite_revoked", False, Gone, True),
        ("credential_invalid", False, AccessDenied, True),
        ("role_missing", True, AccessDenied, True),
        ("too_many_connections", False, Unavailable, False),
        ("frame_too_large", True, LocShareError, False),
        (None, True, ServerUnreachable, False),  # such as a server that stops
        (None, False, AccessDenied, False),  # another broker's
    ],
)
def test_error_frames(code: str | None, is_accepted: bool, kind: type[LocShareError], final: bool) -> None:
    headers = {"message": "said so", **({} if code is None else {"code": code})}
    error = error_of_frame(headers, is_accepted=is_accepted)
    assert type(error) is kind
    assert error.message.endswith("said so")
    assert is_final(error) is final


@pytest.mark.parametrize(
    ("status", "code", "field", "kind"),
    [
        (410, "invite_expired", None, Gone),
        (403, "role_missing", None, AccessDenied),
        (400, "lat_out_of_range", "lat", InvalidFix),
        (400, "invalid_cursor", "after", InvalidCursor),
        (400, "roles_unknown", "roles", InvalidInput),
        (429, "too_fast", None, TooFast),
        (418, "teapot", None, LocShareError),
    ],
)
def test_answers_in_our_shape(status: int, code: str, field: str | None, kind: type[LocShareError]) -> None:
    shape = {"code": code, "message": "said so", "field": field, "near": ["a"]}
    error = error_of_http(status, json.dumps({"error": shape}).encode())
    assert type(error) is kind
    assert (error.code, error.message, error.field, error.details) == (
        code,
        "said so",
        field,
        {"near": ["a"]},
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[]", b'{"error": "no"}', b'{"error": {"code": 1}}', b"\xff"]
)
def test_other_answers_are_not_taken_for_ours(body: bytes) -> None:
    assert error_of_http(403, body) is None
