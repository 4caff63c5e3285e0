"""What a request's body may be: its media type, its encoding, its JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from tornado.httputil import HTTPServerRequest

from locshare_ext.errors import InvalidInput, UnsupportedMedia

__all__ = [
    "JSON_TYPES",
    "body_length",
    "check_encoding",
    "check_media_type",
    "has_body",
    "media_type",
    "read_object",
]

# what clients call JSON that do not think about it: curl's -d among them
JSON_TYPES = ("", "application/json", "text/plain", "application/x-www-form-urlencoded")
_LONGEST_LENGTH = 18  # digits; Python refuses to read thousands of them
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)


def has_body(request: HTTPServerRequest) -> bool:
    """Whether a request says that a body comes."""
    headers = request.headers
    return "Transfer-Encoding" in headers or bool(headers.get("Content-Length", "").strip(" 0"))


def body_length(request: HTTPServerRequest) -> int:
    """Return how many bytes a request says that come; 0 if it does not, as in pieces."""
    length = request.headers.get("Content-Length", "").strip()
    if not (length.isascii() and length.isdigit()):  # tornado refuses what is none
        return 0
    return int(length) if len(length) <= _LONGEST_LENGTH else 10**_LONGEST_LENGTH


def media_type(request: HTTPServerRequest) -> str:
    """Return what a request calls its body, in small letters and without parameters; "" if it does not."""
    return str(request.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def check_media_type(request: HTTPServerRequest, taken: Sequence[str]) -> None:
    """Raise UnsupportedMedia for a body that is none of the types `taken`, or text that is not UTF-8."""
    sent = request.headers.get("Content-Type", "")
    if media_type(request) not in taken:
        expected = " or ".join(
            name for name in taken if name.startswith("application/") and "form" not in name
        )
        raise UnsupportedMedia(
            f"content-type {sent[:80]!r} is not taken; expected {expected}", field="content-type"
        )
    charset = _CHARSET.search(sent)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(
            f"charset {charset[1][:40]!r} is not taken; expected UTF-8", field="content-type"
        )


def check_encoding(request: HTTPServerRequest) -> None:
    """Raise UnsupportedMedia for a body that is compressed: a small one could become a huge one."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMedia(
            f"content-encoding {encoding[:40]!r} is not taken; expected a body as it is",
            field="content-encoding",
        )


def read_object(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object, an empty one of no body; raises InvalidInput."""
    try:
        sent = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"body is not JSON: {error}", code="invalid_json", field="body") from None
    if not isinstance(sent, dict):
        raise InvalidInput("body is not a JSON object", code="invalid_json", field="body")
    return sent
