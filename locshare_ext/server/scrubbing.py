"""What of a URI may stand in logs and answers."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

__all__ = ["scrubbed"]

_SECRETS = re.compile(r"ls[a-z]_[0-9a-z_%-]*|(?<=/in/)[^/?]+", re.IGNORECASE)


def scrubbed(uri: str) -> str:
    """Return the path of a URI as logs may have it: without its query and without secrets.

    Those are found also where they were percent-encoded, as often as it was done.
    """
    path = uri.partition("?")[0]
    while (plain := unquote(path)) != path:
        path = plain
    return quote(_SECRETS.sub("[secret]", path), safe="/[]~@:+,;=!$&'()*")
