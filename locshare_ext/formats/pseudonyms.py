"""Members under other names, and the key that tells who they are, in a file of its own."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.trail import Trail, dictionary_array
from locshare_ext.formats.trips import dictionary_of, sort_order
from locshare_ext.model.event import Event
from locshare_ext.model.names import fold
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["KeyFile", "key_file", "pseudonymised"]

FORMAT = "locshare_ext pseudonyms"
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that looks like another
_LENGTH = 6
_MOST = 10 << 20  # bytes of a key file


class KeyFile:
    """Which member has which pseudonym. The same key gives the same pseudonyms again."""

    def __init__(self, members: Mapping[str, str] | None = None) -> None:
        self.members = dict(members or {})  # as they were called -> pseudonym
        self._folded = {fold(name): pseudonym for name, pseudonym in self.members.items()}

    def pseudonym(self, member: str) -> str:
        """Return a member's pseudonym, a new one if it has none: drawn by lot, it tells nothing."""
        known = self._folded.get(fold(member))
        if known is not None:
            return known
        taken = set(self._folded.values())
        while (drawn := "m-" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))) in taken:
            pass
        self.members[member] = self._folded[fold(member)] = drawn
        return drawn


@dataclass(frozen=True)
class _Stored:
    format: str
    version: int
    members: dict[str, str]


@contextlib.contextmanager
def key_file(path: Path, *, beside: Path | None = None) -> Iterator[KeyFile]:
    """Give the key of a file, a new one if it is not there; it is written when the body went well.

    Only its owner may read it (0600). beside: the file that the pseudonyms are for, which it must
    not be. Raises InvalidInput for a key that others can read, InvalidFile for what is no key.
    """
    if beside is not None and path.absolute() == beside.absolute():
        raise InvalidInput("the key must be kept apart: name another file for it", field="pseudonyms")
    key = KeyFile(_read(path))
    before = dict(key.members)
    _check_folder(path)
    yield key
    if key.members != before or not path.exists():
        _write(path, key)


def pseudonymised(trail: Trail, key: KeyFile) -> Trail:
    """Return a trail whose members have pseudonyms, without what may tell who they are.

    `extra`, columns of one's own, texts of notes and rows set aside are left out; in names and the
    description members are replaced. Places and times stay, and may tell by themselves.
    """
    names, codes = dictionary_of(trail.table.column("member"))
    pseudonyms = [key.pseudonym(name) for name in names]
    order = np.argsort(pseudonyms)  # else the places in the list would tell the alphabet's order
    turned = np.append(np.argsort(order), -1)
    table = trail.table.select(FRAME_COLUMNS).replace_schema_metadata(None)  # pandas' has attrs, with names
    table = _with(table, "member", dictionary_array(turned[codes], sorted(pseudonyms)))
    table = _with(table, "trip", _trips(trail.table, dict(zip(names, pseudonyms, strict=True))))
    table = _with(table, "extra", pa.nulls(len(table), pa.large_utf8()))
    cover = _Cover(key, names)
    for column in ("recording", "group"):
        table = _with(table, column, _changed(table.column(column), cover.text))
    return replace(
        trail,
        table=_in_order(table),
        name=cover.text(trail.name),
        group=cover.text(trail.group),
        description=cover.text(trail.description),
        events=tuple(_covered(event, key) for event in trail.events),
        set_aside=(),
        info={**trail.info, "pseudonymised": True},
    )


def _in_order(table: pa.Table) -> pa.Table:
    """Return the rows sorted by the new names: among those of one moment, the old order told of the old."""
    _, codes = dictionary_of(table.column("member"))
    time = table.column("time").cast(pa.int64()).to_numpy()
    order = sort_order(time, codes, table.column("seq").to_numpy())
    return table if order is None else table.take(pa.array(order))


class _Cover:
    """Replaces members in texts."""

    def __init__(self, key: KeyFile, names: list[str]) -> None:
        self._key = key
        longest_first = sorted((re.escape(name) for name in names if len(name) > 1), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)
        self._is_empty = not longest_first

    def text(self, text: str) -> str:
        """Return the text with pseudonyms for the names in it."""
        return (
            text if self._is_empty else self._pattern.sub(lambda found: self._key.pseudonym(found[0]), text)
        )


def _covered(event: Event, key: KeyFile) -> Event:
    member = None if event.member is None else key.pseudonym(event.member)
    return msgspec.structs.replace(event, member=member, text=None, data=None, cursor=None)


def _trips(table: pa.Table, pseudonyms: Mapping[str, str]) -> Any:
    """Return the trips under the members' new names; a trip is called MEMBER-NUMBER."""
    trips, codes = dictionary_of(table.column("trip"))
    members, owners = dictionary_of(table.column("member"))
    used, rows = np.unique(codes, return_index=True)
    renamed = list(trips)
    for code, row in zip(used.tolist(), rows.tolist(), strict=True):
        if code >= 0:
            number = trips[code].rpartition("-")[2]
            renamed[code] = f"{pseudonyms[members[owners[row]]]}-{number if number.isdigit() else code + 1}"
    return dictionary_array(codes, renamed)


def _changed(column: Any, change: Any) -> Any:
    names, codes = dictionary_of(column)
    return dictionary_array(codes, [change(name) for name in names])


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MOST)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidInput(f"the key {path} cannot be read: {error.strerror}", field="pseudonyms") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise InvalidInput(
            f"the key {path} can be read by others (mode {stat.S_IMODE(mode):04o}): chmod 600 it first",
            field="pseudonyms",
        )
    try:
        stored = msgspec.json.decode(data, type=_Stored)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidFile(f"{path} is no key of pseudonyms ({error})", field="pseudonyms") from None
    if stored.format != FORMAT or stored.version != 1:
        raise InvalidFile(f"{path} is no key of pseudonyms", field="pseudonyms")
    if len(set(stored.members.values())) < len(stored.members):
        raise InvalidFile(f"{path} gives two members one pseudonym", field="pseudonyms")
    return stored.members


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise InvalidInput(f"{path.parent} is no folder to write to", code="no_folder", field="pseudonyms")


def _write(path: Path, key: KeyFile) -> None:
    stored = _Stored(FORMAT, 1, dict(sorted(key.members.items())))
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(stored), indent=1))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
