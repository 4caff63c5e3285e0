"""Which credential a request carries, and whom it names."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import string
import time
from collections.abc import Callable, Mapping

from locshare_ext.broker.access import Principal
from locshare_ext.errors import AccessDenied, TooFast

__all__ = ["HOST", "KERNEL", "Credentials", "new_secret", "sent_credential"]

KERNEL = "lsk_"  # the kernel's: in the runtime file
HOST = "lsh_"  # the host's of a server without notebooks
PREFIXES = (KERNEL, HOST, "lsi_")

_LETTERS = string.ascii_letters + string.digits  # some apps take nothing else
_WINDOW = 60.0  # s
_ADDRESSES = 10_000  # remembered at most


def new_secret(prefix: str) -> str:
    """Return a new credential: the prefix and 256 random bits in letters and digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(43))


def sent_credential(headers: Mapping[str, str]) -> str | None:
    """Return the credential of ours that a request carries, None if it carries none.

    `X-Locshare-Token`, `Authorization: Bearer` or the password of Basic; the last two only
    if they look like ours, as they may be meant for a proxy or for Jupyter.
    """
    token = headers.get("X-Locshare-Token")
    if token is not None:
        return token.strip()
    scheme, _, value = headers.get("Authorization", "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    elif scheme.lower() != "bearer":
        return None
    return value if value.startswith(PREFIXES) else None


class Credentials:
    """The secrets of this server and whom they name; counts who guesses.

    failures: wrong ones a minute from one address before the answer is 429; a right one
    is never limited.
    """

    def __init__(self, *, failures: int = 100, clock: Callable[[], float] = time.monotonic) -> None:
        self._principals: list[tuple[bytes, Principal]] = []
        self._limit = failures
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}  # address -> start of its minute, count

    def add(self, secret: str, principal: Principal) -> None:
        """Accept `secret` from now on."""
        self._principals.append((secret.encode(), principal))

    def check(self, token: str, address: str) -> Principal:
        """Return whom a credential names; raises AccessDenied, or TooFast after many wrong ones."""
        sent = token.encode(errors="replace")
        found: Principal | None = None
        for secret, principal in self._principals:  # all of them: the time says nothing
            if hmac.compare_digest(secret, sent):
                found = principal
        if found is not None:
            return found
        self._count_failure(address)
        raise AccessDenied("the credential is not valid here", code="credential_invalid")

    def _count_failure(self, address: str) -> None:
        now = self._clock()
        start, count = self._failures.get(address, (now, 0))
        if now - start >= _WINDOW:
            start, count = now, 0
        if address not in self._failures and len(self._failures) >= _ADDRESSES:
            self._failures.clear()  # a flood from everywhere: forget rather than grow
        self._failures[address] = (start, count + 1)
        if count >= self._limit:
            raise TooFast(
                f"more than {self._limit} wrong credentials a minute from one address",
                code="too_many_failures",
            )
