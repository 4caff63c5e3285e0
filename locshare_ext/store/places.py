"""Where durable subscriptions stand, as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from locshare_ext.model.store import PlaceInfo
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk

__all__ = ["list_places", "put_places"]


def list_places(conn: sqlite3.Connection, log: str, identity: str) -> list[PlaceInfo]:
    """Return the places of one identity in a log, by name."""
    rows = conn.execute(
        "SELECT logs.name, logs.epoch, identity, places.name, upto, at FROM places "
        "JOIN logs ON logs.id = places.log WHERE logs.name = ? AND identity = ? ORDER BY places.name",
        (log, identity),
    )
    return [PlaceInfo(*row) for row in rows]


def put_places(desk: Desk, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
    """Make or replace places; returns those whose log, in that life, is not there."""
    absent: list[PlaceInfo] = []
    with transaction(desk.conn):
        for place in places:
            put = desk.conn.execute(
                "INSERT OR REPLACE INTO places (identity, name, log, upto, at) "
                "SELECT ?, ?, id, ?, ? FROM logs WHERE name = ? AND epoch = ?",
                (place.identity, place.name, place.upto, place.at, place.log, place.epoch),
            )
            if put.rowcount == 0:
                absent.append(place)
    return absent
