"""Coming with an invite: whose it is, and getting a name of one's own for an open one."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from locshare_ext.client.discovery import Server
from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import AccessDenied, Gone, InvalidInput
from locshare_ext.model.names import fold, member_name

__all__ = ["Identity", "identity", "join"]

MANAGE = "manage"
_KEPT = 200  # names of one's own that are remembered


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a credential stands for. group: the only one it is for, None: all.

    member: the only one as whom it may publish, None: any, or none yet with an open invite.
    """

    group: str | None
    title: str | None
    member: str | None
    roles: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether it needs a name before it can publish."""
        return self.member is None and self.group is not None and MANAGE not in self.roles

    @property
    def speaks_for(self) -> str | None:
        """The only member whose fixes it may publish; None: anybody's."""
        return None if MANAGE in self.roles else self.member


def identity(api: Api) -> Identity:
    """Ask the server whom our credential stands for; raises Gone when it has ended."""
    said = api.get(path_of("me"))
    return Identity(said["group"], said.get("title"), said["member"], tuple(said["roles"]))


def join(server: Server, me: str) -> Server:
    """Return the server with an invite that is `me`'s: the given one, or one in exchange for it.

    An open invite is exchanged once; what it gave is remembered on this machine, so that a
    cell can be run again. Raises Conflict when somebody else has that name, InvalidInput when
    the invite is another's.
    """
    name = member_name(me)
    kept = _Kept(server, name)
    if (token := kept.read()) is not None:
        own = replace(server, token=token)
        with contextlib.suppress(Gone, AccessDenied):  # it has ended: the open one may still live
            _ask(own)
            return own
    try:
        who = _ask(server)
    except Gone:
        return server  # what was measured before may still be published; the feed says that it ended
    if who.is_open:
        with contextlib.closing(Api(lambda: server)) as api:
            made = api.send("POST", path_of("groups", str(who.group), "invites"), {"member": name})
        kept.write(str(made["token"]))
        return replace(server, token=str(made["token"]))
    if who.speaks_for is not None and fold(who.speaks_for) != fold(name):
        raise InvalidInput(
            f"this invite is for {who.speaks_for!r}, not for {name!r}: leave me= out, or ask for your own",
            field="me",
        )
    return server


def _ask(server: Server) -> Identity:
    with contextlib.closing(Api(lambda: server)) as api:
        return identity(api)


class _Kept:
    """The place of one exchanged invite in a file that only its owner can read.

    Open invites are named there by a digest: the file alone opens nothing more than what
    its owner was given.
    """

    def __init__(self, server: Server, name: str) -> None:
        said = "\n".join((server.url, server.token or "", fold(name)))
        self._key = hashlib.sha256(said.encode()).hexdigest()

    def read(self) -> str | None:
        """Return the token, None if there is none."""
        token = self._all().get(self._key)
        return token if isinstance(token, str) else None

    def write(self, token: str) -> None:
        """Remember a token; without a place to write to, it lasts as long as the kernel."""
        from jupyter_core.paths import secure_write

        kept = {**self._all(), self._key: token}
        for key in list(kept)[:-_KEPT]:
            del kept[key]
        path = _path()
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with secure_write(str(path)) as file:
                json.dump(kept, file)

    def _all(self) -> dict[str, Any]:
        try:
            content = json.loads(_path().read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _path() -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "locshare" / "joined.json"
