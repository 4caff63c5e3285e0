"""`jupyter locshare invite`: make, list and revoke invites."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from locshare_ext.client.invites import Invite
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from locshare_ext.client.group import Group

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Invite, list or revoke, as the options say."""
    from locshare_ext.client.group import Group

    if options.list and (options.members or options.revoke):
        raise InvalidInput("--list goes with no members and no --revoke", field="list")
    if options.revoke and options.members:
        raise InvalidInput("--revoke takes ids or members itself: --revoke ann --revoke bob", field="revoke")
    where = {name: value for name in ("server", "token") if (value := getattr(options, name))}
    group = Group(options.group, **where)
    if options.list:
        return _list(group)
    if options.revoke:
        for which in options.revoke:
            count = group.revoke(which)
            print(f"{which}: {count} invite{'' if count == 1 else 's'} revoked", file=sys.stderr)
        return 0
    wish = {"roles": options.roles, "expires": options.expires, "address": options.address}
    if options.members:
        made = group.invite(options.members, **wish)
    else:
        made = [group.invite(uses=options.uses, **wish)]
    _show(made)
    return 0


def _show(invites: list[Invite]) -> None:
    """Print the links alone to stdout, so that they can be piped; what they are, to stderr."""
    for invite in invites:
        print(repr(invite).strip("<>"), file=sys.stderr)
        print(invite.link, flush=True)
    if any(invite.is_local for invite in invites):
        print(
            "These links name this machine as itself, so they work here only; "
            "--address https://HOST/ makes them for others.",
            file=sys.stderr,
        )


def _list(group: Group) -> int:
    frame = group.invites()
    if frame.empty:
        print(f"no invites to {group.name!r}", file=sys.stderr)
        return 0
    for row in frame.to_dict("records"):
        whom = row["member"] if isinstance(row["member"], str) else f"(open, {row['used']} joined)"
        until = f"{row['expires']:%Y-%m-%d %H:%M} UTC"
        print(f"{row['id']}  {row['state']:8} until {until}  {row['roles']:22}  {whom}")
    return 0
