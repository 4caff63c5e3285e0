"""Whether phones reach the server, and a listener for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locshare_ext.client.attached import Attached
from locshare_ext.model.reach import Verdict

__all__ = ["Phones", "Reachable"]

_PATH = "api/phones"
_HEALTH = "api/health"


@dataclass(frozen=True, slots=True)
class Phones:
    """How phones come to the server: `url` if they can, else `sentence` says what to do.

    is_open: whether a listener for them is open. verdict: what was found, in detail.
    """

    is_open: bool
    verdict: Verdict

    @property
    def url(self) -> str | None:
        """The address by which a phone's browser can share, None if there is none."""
        return self.verdict.usable()

    @property
    def sentence(self) -> str:
        """What is wrong, or to be known, and the one thing to do; empty if all is well."""
        return self.verdict.sentence

    def __repr__(self) -> str:
        way = f"phones come by {self.url}" if self.url else "phones do not reach this server"
        return f"<{way}{'; ' if self.sentence else ''}{self.sentence}>"


class Reachable(Attached):
    """What concerns the way from phones to the server."""

    def open_to_phones(
        self,
        port: int | None = None,
        *,
        host: str | None = None,
        certfile: str | os.PathLike[str] | None = None,
        keyfile: str | os.PathLike[str] | None = None,
        public_url: str | None = None,
    ) -> Phones:
        """Let phones reach the notebook server: participants' endpoints alone, on a port of their own.

        port: 8899 if not given, 0 for a free one. host: the address to listen on, all if not
        given. certfile, keyfile: on the server's machine; with them it is https, which a phone's
        browser needs. public_url: by which phones come if a tunnel or a proxy is before it.
        It is for all groups of the server, with invites only, and ends when it is asked to
        or with the server. Raises AccessDenied where it is switched off, Conflict on a
        server without notebooks, Unavailable if the port is taken.
        """
        asked = {
            "port": port,
            "host": host,
            "certfile": None if certfile is None else os.path.abspath(certfile),
            "keyfile": None if keyfile is None else os.path.abspath(keyfile),
            "public_url": public_url,
        }
        wish = {name: value for name, value in asked.items() if value is not None}
        return _phones(self._api.send("POST", _PATH, wish))

    def close_to_phones(self) -> Phones:
        """Close the listener for phones; what is open by it ends. No error if there is none."""
        return _phones(self._api.send("DELETE", _PATH))

    def phones(self) -> Phones:
        """Return by which address phones come and whether they can; the server tries it."""
        return _phones(self._api.get(_PATH))

    def known_reach(self) -> Verdict | None:
        """Return what is known of the way from phones, without a try; None for who may not know."""
        told = self._api.get(_HEALTH).get("phones")
        return None if told is None else Verdict.from_json(told)


def _phones(told: Mapping[str, Any]) -> Phones:
    return Phones(bool(told["listener"]), Verdict.from_json(told["reach"]))
