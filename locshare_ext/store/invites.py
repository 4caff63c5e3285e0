"""Invites as rows; their secrets are nowhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from locshare_ext.errors import NotFound
from locshare_ext.model.names import fold
from locshare_ext.model.store import InviteInfo
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.selecting import find_log

__all__ = [
    "delete_invites",
    "exchange_invite",
    "forget_invites",
    "list_invites",
    "put_invite",
    "rename_invites",
]

_COLUMNS = (
    "invites.id, logs.name, roles, member, invites.created, expires, uses, used, invites.revoked, origin, "
    "precision, consent, consented"
)


def list_invites(conn: sqlite3.Connection, log: str | None) -> list[InviteInfo]:
    """Return invites, of one log or of all, by time of creation."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM invites JOIN logs ON logs.id = log "
        "WHERE ?1 IS NULL OR logs.name = ?1 ORDER BY invites.created, invites.id",
        (log,),
    )
    return [InviteInfo(row[0], row[1], tuple(row[2].split()), *row[3:]) for row in rows]


def put_invite(desk: Desk, invite: InviteInfo) -> None:
    """Make or replace an invite."""
    with transaction(desk.conn):
        _put(desk.conn, invite)


def exchange_invite(desk: Desk, opened: str, made: InviteInfo) -> bool:
    """Count one use of an open invite and make another, if there is a use left."""
    with transaction(desk.conn):
        counted = desk.conn.execute(
            "UPDATE invites SET used = used + 1 "
            "WHERE id = ? AND revoked IS NULL AND (uses IS NULL OR used < uses)",
            (opened,),
        )
        if counted.rowcount == 0:
            return False
        _put(desk.conn, made)
    return True


def delete_invites(desk: Desk, ids: Sequence[str]) -> None:
    """Remove invites by their ids, and where their subscriptions stood."""
    these = (json.dumps(list(ids)),)
    with transaction(desk.conn):
        desk.conn.execute("DELETE FROM invites WHERE id IN (SELECT value FROM json_each(?))", these)
        desk.conn.execute("DELETE FROM places WHERE identity IN (SELECT value FROM json_each(?))", these)


def forget_invites(conn: sqlite3.Connection, log_id: int, member: str) -> None:
    """Remove a member's invites, and where their subscriptions stood; within a transaction."""
    for invite_id in _of_member(conn, log_id, member):
        conn.execute("DELETE FROM invites WHERE id = ?", (invite_id,))
        conn.execute("DELETE FROM places WHERE identity = ? AND log = ?", (invite_id, log_id))


def rename_invites(conn: sqlite3.Connection, log_id: int, member: str, name: str) -> None:
    """Give a member's invites another name; within a transaction."""
    for invite_id in _of_member(conn, log_id, member):
        conn.execute("UPDATE invites SET member = ? WHERE id = ?", (name, invite_id))


def _of_member(conn: sqlite3.Connection, log_id: int, member: str) -> list[str]:
    """Return the ids of a member's invites, however its name is written."""
    rows = conn.execute("SELECT id, member FROM invites WHERE log = ? AND member IS NOT NULL", (log_id,))
    return [row[0] for row in rows if fold(row[1]) == fold(member)]


def _put(conn: sqlite3.Connection, invite: InviteInfo) -> None:
    found = find_log(conn, invite.log)
    if found is None:
        raise NotFound(f"there is no log {invite.log!r}", code="log_not_found")
    values = (
        invite.id,
        found[0],
        " ".join(invite.roles),
        invite.member,
        invite.created,
        invite.expires,
        invite.uses,
        invite.used,
        invite.revoked,
        invite.origin,
        invite.precision,
        invite.consent,
        invite.consented,
    )
    conn.execute(f"INSERT OR REPLACE INTO invites VALUES ({', '.join('?' * len(values))})", values)
