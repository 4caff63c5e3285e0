"""Group logs in memory, their readers, and who may do what."""

from __future__ import annotations

from locshare_ext.broker.access import ALL_ROLES, MANAGE, PUBLISH, WATCH, Principal, Role, require
from locshare_ext.broker.log import GroupLog, LogEntry, Place, Reader
from locshare_ext.broker.memory import MemoryStore

__all__ = [
    "ALL_ROLES",
    "MANAGE",
    "PUBLISH",
    "WATCH",
    "GroupLog",
    "LogEntry",
    "MemoryStore",
    "Place",
    "Principal",
    "Reader",
    "Role",
    "require",
]
