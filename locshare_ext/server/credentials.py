"""Which credential a request carries, and whom it names."""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import hmac
import math
import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from locshare_ext.broker.access import Principal
from locshare_ext.errors import AccessDenied, NotAuthenticated, TooFast
from locshare_ext.model.credentials import INVITE, PREFIXES, PROBE

if TYPE_CHECKING:
    from locshare_ext.services.invites import Invites

__all__ = ["Credentials", "check_carrier", "new_secret", "sent_credential"]

_LETTERS = string.ascii_letters + string.digits  # some apps take nothing else
_WINDOW = 60.0  # s
_REMEMBERED = 10_000  # addresses, and token ids
_ID = 16  # characters of a token that was wrong by which it is known again


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
    scheme, value = _authorization(headers)
    if scheme == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    elif scheme != "bearer":
        return None
    return value if value.startswith(PREFIXES) else None


def check_carrier(headers: Mapping[str, str], token_arguments: list[bytes]) -> None:
    """Raise NotAuthenticated if a credential of ours came where Jupyter's token belongs.

    There it would be shown to the identity provider, under a Hub to the Hub, and a query
    stands in logs. token_arguments: the values of `?token=`.
    """
    scheme, value = _authorization(headers)
    sent = [value] if scheme == "token" else []
    sent += [value.decode(errors="replace").strip() for value in token_arguments]
    if any(value.startswith(PREFIXES) for value in sent):
        raise NotAuthenticated(
            "an invite is no token of Jupyter's: send it in the header X-Locshare-Token",
            code="credential_misplaced",
        )


def _authorization(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the scheme, in small letters, and the value; between them any white space, as for Jupyter."""
    words = headers.get("Authorization", "").strip().split(None, 1)
    return (words[0].lower(), words[1]) if len(words) == 2 else ("", "")


class Credentials:
    """Whom each credential names; counts who guesses.

    invites: those of this server, None for none. failures: wrong ones a minute from one
    address before the answer is 429; token_failures: for one token. A right one is never
    limited, as behind a proxy all share one address.
    """

    def __init__(
        self,
        invites: Invites | None = None,
        *,
        failures: int = 100,
        token_failures: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._principals: list[tuple[bytes, Principal]] = []
        self._probes: list[tuple[bytes, Principal]] = []
        self._invites = invites
        self._by_token = _Failures(token_failures, "for one token", clock)
        self._by_address = _Failures(failures, "from one address", clock)

    def add(self, secret: str, principal: Principal) -> None:
        """Accept `secret` from now on."""
        self._principals.append((secret.encode(), principal))

    def invites_only(self) -> Credentials:
        """Return these credentials without those of host and kernels; guesses are counted together."""
        only = copy.copy(self)
        only._principals = []
        return only

    @contextlib.contextmanager
    def probe(self) -> Iterator[str]:
        """Give a token that may do nothing, for as long as this lasts: who takes it is this server."""
        token = new_secret(PROBE)
        known = (token.encode(), Principal(id="probe", kind="host", group="", roles=frozenset()))
        self._probes.append(known)
        try:
            yield token
        finally:
            self._probes.remove(known)

    async def check(self, token: str, address: str, *, late: bool = False) -> Principal:
        """Return whom a credential names.

        late: take an invite that expired not long ago too. Raises AccessDenied, Gone for one
        that was right, TooFast after many wrong ones, StoreError.
        """
        sent = token.encode(errors="replace")
        found: Principal | None = None
        for secret, principal in (*self._principals, *self._probes):  # all of them: the time says nothing
            if hmac.compare_digest(secret, sent):
                found = principal
        if found is not None:
            return found
        try:
            if self._invites is not None and token.startswith(INVITE):
                return await self._invites.check(token, late=late)
        except AccessDenied as error:
            if error.code != "credential_invalid":
                raise
        # first by the token: what one broken phone sends all day is not held against its network
        invite_id = token[len(INVITE) :].partition("_")[0] if token.count("_") == 2 else ""
        if invite_id:
            self._by_token.count(invite_id[:_ID])
        self._by_address.count(address)
        raise AccessDenied("the credential is not valid here", code="credential_invalid")

    def check_still(self, principal: Principal, *, late: bool = False) -> Principal:
        """Return whom a credential that was checked before names now; late: as in `check`.

        Raises Gone if it has ended since.
        """
        return principal if self._invites is None else self._invites.check_still(principal, late=late)


class _Failures:
    """Counts failures a minute by a key; the memory has a bound."""

    def __init__(self, most: int, whose: str, clock: Callable[[], float]) -> None:
        self._most = most
        self._whose = whose
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}  # key -> start of its minute, count; by start

    def count(self, key: str) -> None:
        """Count one; raises TooFast, with `retry_after` in its details, when there were too many."""
        now = self._clock()
        start, count = self._counts.get(key, (now, 0))
        if now - start >= _WINDOW:
            start, count = now, 0
        if count == 0:
            self._counts.pop(key, None)  # to the end
            while len(self._counts) >= _REMEMBERED:
                del self._counts[next(iter(self._counts))]  # the oldest
        if count < self._most:
            self._counts[key] = (start, count + 1)
            return
        seconds = math.ceil(start + _WINDOW - now)
        raise TooFast(
            f"more than {self._most} wrong credentials a minute {self._whose}; try again in {seconds} s",
            code="too_many_failures",
            details={"retry_after": seconds},
        )
