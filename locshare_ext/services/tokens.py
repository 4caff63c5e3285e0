"""What an invite's token is made of, and the key from which its secret follows."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import stat
import string
from contextlib import suppress
from pathlib import Path

from locshare_ext.errors import AccessDenied, Gone, Unavailable
from locshare_ext.model.clock import utc_text
from locshare_ext.model.credentials import INVITE

__all__ = [
    "InviteKey",
    "device_invite",
    "expired_error",
    "new_id",
    "revoked_error",
    "split_token",
    "token_of",
    "wrong_error",
]

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase  # some apps take nothing else
_ID_LENGTH = 12  # 71 bits: no two are the same, and none is guessed
_SECRET_BYTES = 16
_SECRET_LENGTH = 22  # 62 ** 22 > 2 ** 128
_KEY_BYTES = 32
_MOST = 64  # characters of an id that may be one


def new_id() -> str:
    """Return a new id of letters and digits."""
    return "".join(secrets.choice(_DIGITS) for _ in range(_ID_LENGTH))


def device_invite(opened: str, device: str) -> str:
    """Return the id of the invite that a device has by an open one: always the same, so it is known again."""
    number = int.from_bytes(hashlib.sha256(f"{opened}\n{device}".encode(errors="replace")).digest(), "big")
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(digits)


def token_of(key: bytes, invite_id: str) -> str:
    """Return the whole token of an invite: it can be shown again, and is stored nowhere."""
    digest = hmac.digest(key, b"locshare invite " + invite_id.encode(), "sha256")
    number = int.from_bytes(digest[:_SECRET_BYTES], "big")
    secret = []
    for _ in range(_SECRET_LENGTH):
        number, digit = divmod(number, 62)
        secret.append(_DIGITS[digit])
    return f"{INVITE}{invite_id}_{''.join(secret)}"


def split_token(token: str) -> str | None:
    """Return the id in what looks like an invite's token, None if it does not."""
    if not token.startswith(INVITE):
        return None
    invite_id, _, secret = token[len(INVITE) :].partition("_")
    is_one = 0 < len(invite_id) <= _MOST and len(secret) == _SECRET_LENGTH
    return invite_id if is_one and (invite_id + secret).isalnum() and token.isascii() else None


class InviteKey:
    """The key of a server's invites: in a file of its owner only, or for this run alone.

    path: of the file, beside the store; None for a random key, as with a store in memory.
    Whoever has the file can make invites that are taken for ours; without it all end.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._key: bytes | None = secrets.token_bytes(_KEY_BYTES) if path is None else None

    @property
    def key(self) -> bytes | None:
        """The key, None as long as nobody loaded it."""
        return self._key

    async def load(self, *, make: bool = False) -> bytes | None:
        """Return the key, read once on another thread; None if there is none and `make` is false.

        Raises Unavailable with a sentence when the file cannot be used as it is.
        """
        if self._key is None:
            assert self.path is not None  # noqa: S101 -- else the key is random
            loop = asyncio.get_running_loop()
            self._key = await loop.run_in_executor(None, _load, self.path, make)
        return self._key


def expired_error(expires: int) -> Gone:
    """Return the error for an invite that expired at `expires` (ms)."""
    return Gone(f"this invite expired at {utc_text(expires)}: ask for a new one", code="invite_expired")


def revoked_error(why: str = "") -> Gone:
    """Return the error for an invite that was revoked; why: a clause about it."""
    because = f" ({why})" if why else ""
    return Gone(f"this invite was revoked{because}: ask for a new one", code="invite_revoked")


def wrong_error() -> AccessDenied:
    """Return the error for what is no credential here: the same for all of them."""
    return AccessDenied("the credential is not valid here", code="credential_invalid")


def _load(path: Path, make: bool) -> bytes | None:
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            if not make:
                return None
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
        return _read(path)  # another process may have been first: its key is the one
    except OSError as error:
        raise Unavailable(
            f"the key of the invites, {path}, cannot be used: {error.strerror or error}",
            code="invite_key_unusable",
        ) from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        text = file.read(1000)
    if os.name == "posix" and (
        found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid not in (os.geteuid(), 0)
    ):
        raise Unavailable(
            f"the key of the invites, {path}, can be read by others: run `chmod 600` on it as its owner, "
            "or remove it, which ends all invites",
            code="invite_key_unsafe",
        )
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise Unavailable(
            f"{path} holds no key of invites; put it back from a copy, or remove it, which ends all invites",
            code="invite_key_unusable",
        )
    return key


def _make(path: Path) -> None:
    """Put a new key there unless there is one: whole or not at all, whoever else does the same."""
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())  # invites that were handed out must not end with a power cut
    try:
        with suppress(FileExistsError):
            _link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)
