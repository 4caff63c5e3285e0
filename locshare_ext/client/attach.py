"""What the arguments of `Group` mean: which server, which group, who is speaking."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import replace

from locshare_ext.client.discovery import (
    Server,
    find_server,
    holds_secret,
    is_link,
    parse_link,
    server_from_url,
)
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.joining import identity, join
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.names import group_slug, member_name, replay_of

__all__ = ["group_name", "only_group", "os_user", "where"]


def where(
    name_or_link: str, server: str | None, token: str | None, me: str | None = None
) -> tuple[Callable[[], Server], tuple[str, ...], str | None]:
    """Return how to find the server, what tells it from others, and the group's name if known.

    me: for whom an open invite is exchanged, see `join`.
    """
    name_or_link = name_or_link.strip()
    if is_link(name_or_link):
        if server is not None:
            raise InvalidInput("a link names its server; server= cannot be given too", field="server")
        given, name = parse_link(name_or_link)
        if token is not None:
            given = replace(given, token=token)
    elif holds_secret(name_or_link):  # other errors would show it
        raise InvalidInput(
            "this holds a secret, so it is no group's name: a link begins with http:// or https://, and a "
            "token goes into Group(name, server=url, token=...)",
            field="link",
        )
    elif server is not None:
        given, name = server_from_url(server, token), name_or_link
    else:
        if token is not None:
            raise InvalidInput("token= needs server=, the address that it is for", field="token")
        group_name(name_or_link)  # a wrong name is told before a missing server
        given, name = find_server(), name_or_link
        if me is None or not given.is_by_invite:  # by LOCSHARE_URL it may be
            return find_server, (), name
    if me is not None and given.is_by_invite:
        given = join(given, me)
    return (lambda: given), (given.url, given.token or ""), name


def group_name(title: str) -> str:
    """Return the slug of a group's title; raises InvalidName, and InvalidInput for the name of a replay."""
    if (replay := replay_of(title.strip().removeprefix("/topic/"))) is not None:
        raise InvalidInput(
            f"replay.{replay[:64]} is a replay and no group: follow_replay({replay[:64]!r}) follows it, and "
            "GroupMap shows that",
            code="is_a_replay",
            field="group",
        )
    return group_slug(title)


def only_group(api: Api) -> str:
    """Return the group of a link that names none: the only one that its token sees."""
    if api.server.is_by_invite:
        return str(identity(api).group)
    groups = [str(one["group"]) for one in api.get(path_of("groups"))["groups"]]
    if len(groups) == 1:
        return groups[0]
    said = f"there are {len(groups)}: {', '.join(groups[:20])}" if groups else "there is none yet"
    raise InvalidInput(
        f"the link names no group, and {said}; add &g=NAME to the link, or use "
        f"Group(NAME, server={api.server.url!r}, token=...)",
        field="group",
    )


def os_user() -> str:
    """Return the OS user if a member can have that name, else `kernel`."""
    try:
        return member_name(getpass.getuser())
    except (LocShareError, OSError, KeyError, ImportError):  # no such user in a container
        return "kernel"
