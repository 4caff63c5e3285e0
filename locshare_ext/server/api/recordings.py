"""Recordings: start, stop, list, change, delete, read, import."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from locshare_ext.broker.access import MANAGE, WATCH
from locshare_ext.errors import InvalidInput, StoreError
from locshare_ext.model.store import RecordingInfo
from locshare_ext.server.api.imports import (
    FILE_TYPES,
    OPTIONS,
    UPLOAD,
    asides_of,
    opened_stream,
    read_upload,
    tables_of,
)
from locshare_ext.server.api.parameters import moment
from locshare_ext.server.api.trails import ARROW
from locshare_ext.server.base import Handler
from locshare_ext.server.bodies import JSON_TYPES, media_type
from locshare_ext.services.recordings import recording_json

__all__ = ["RecordingHandler", "RecordingsHandler", "find_recording"]

_IN_MEMORY = 4 << 20  # bytes of an import that need no file
_MOST_AT_ONCE = 1 << 20  # bytes written to it at a time


class RecordingsHandler(Handler):
    """`api/recordings`: POST with JSON starts one, POST with Arrow or another file imports one."""

    body_types = (*JSON_TYPES, ARROW, *FILE_TYPES)
    file: IO[bytes] | None = None
    folder: tempfile.TemporaryDirectory[str] | None = None  # that it is in, unless it is Arrow
    importing: asyncio.Future[tuple[RecordingInfo, list[str]]] | None = None

    @property
    def is_import(self) -> bool:
        """Whether the body is a file."""
        return self.request.method == "POST" and media_type(self.request) in (ARROW, *FILE_TYPES)

    @property
    def body_limit(self) -> int:
        """Imports go to disk and may be large."""
        return self.site.limits.imported if self.is_import else self.site.limits.body

    @property
    def drain_limit(self) -> int:
        """All of an import is read."""
        return max(self.body_limit, self.site.limits.drain) if self._may_import() else self.site.limits.drain

    def _may_import(self) -> bool:
        return self.is_import and self.current_principal is not None

    async def prepare(self) -> None:
        """Open the gates for a large body only for who may import."""
        await super().prepare()
        if self.refusal is None and self.is_import:
            connection: Any = self.request.connection
            connection.set_max_body_size(self.body_limit + (1 << 20))
            connection.set_body_timeout(24 * 3600.0)
            try:
                self.require(None, MANAGE)
                with _room():
                    self._new_file()
            except Exception as error:
                self.refusal = error

    def _new_file(self) -> None:
        if media_type(self.request) == ARROW:
            self.file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- on_finish closes
        else:
            self.folder = tempfile.TemporaryDirectory(prefix="locshare-")
            self.file = Path(self.folder.name, UPLOAD).open("w+b")  # noqa: SIM115 -- as above

    async def take(self, chunk: bytes) -> None:
        """Keep a piece: of an import on disk."""
        self.body += chunk
        if self.file is not None and len(self.body) >= _MOST_AT_ONCE:
            try:
                await self._write_out()
            except StoreError as error:
                self.refusal = error  # what still comes is read and dropped
                self._drop_file()

    async def _write_out(self) -> None:
        assert self.file is not None  # noqa: S101
        data, self.body = bytes(self.body), bytearray()
        with _room():
            await asyncio.to_thread(self.file.write, data)
            await asyncio.to_thread(self.file.flush)

    def on_finish(self) -> None:
        """Let go of the file."""
        super().on_finish()
        self._drop_file()

    def on_connection_close(self) -> None:
        """Let go of an upload that was cut off, or of an import that nobody waits for any more."""
        super().on_connection_close()
        if self.importing is not None:
            self.importing.cancel()  # the file is let go of when that has come to its end
        else:
            self._drop_file()

    def _drop_file(self) -> None:
        if self.file is not None:
            with contextlib.suppress(OSError):  # what there was no room for is written again
                self.file.close()
            self.file = None
        if self.folder is not None:
            self.folder.cleanup()
            self.folder = None

    async def get(self) -> None:
        """List recordings: {"recordings": [...]}."""
        query = self.query("group")
        if "group" in query:
            group = await self.find_group(query["group"], WATCH)
            found = await self.site.recordings.all(group)
        else:
            self.require(None, WATCH)
            found = await self.site.recordings.all()
        await answer_recordings(self, found)

    async def post(self) -> None:
        """Start a recording of a group, or import a file."""
        if self.is_import:
            await self._import()
            return
        self.query()
        sent = self.json_body()
        known = ("group", "name", "since", "until", "description")
        for name in sent:
            if name not in known:
                raise InvalidInput(
                    f"field {name[:64]!r} is unknown; expected {', '.join(known)}",
                    code="unknown_field",
                    field=name[:64],
                )
        if not isinstance(sent.get("group"), str):
            raise InvalidInput("group is missing", code="group_missing", field="group")
        slug = self.require(sent["group"], MANAGE)
        group = await self.site.groups.find(slug)
        since, until = (
            None if sent.get(name) is None else moment(sent[name], name) for name in ("since", "until")
        )
        text = sent.get("description")
        info = await self.site.recordings.start(
            group, sent.get("name", ""), since=since, until=until, description="" if text is None else text
        )
        self.audit("recording_started", group=group.slug, target=info.id)
        self.answer(recording_json(info, self.site.clock()), 201)

    async def _import(self) -> None:
        await self._write_out()
        making = self._of_arrow() if self.folder is None else self._of_file(Path(self.folder.name, UPLOAD))
        self.importing = asyncio.ensure_future(making)
        await asyncio.wait([self.importing])
        if self.importing.cancelled():
            self._drop_file()
            return  # who sent it is gone, and nothing of it is kept
        with _room():
            info, remarks = self.importing.result()
        self.audit("recording_imported", target=info.id)
        told = recording_json(info, self.site.clock())
        self.answer({**told, "remarks": remarks} if remarks else told, 201)

    async def _of_file(self, path: Path) -> tuple[RecordingInfo, list[str]]:
        """Import a file of any format; also returns what was left out of it, in words."""
        query = self.query("name", "description", *OPTIONS)
        name, description = query.pop("name", ""), query.pop("description", "")
        loaded = await read_upload(path, name, query)
        with contextlib.closing(loaded):
            info = await self.site.recordings.import_(
                name,
                tables_of(loaded),
                received_known=loaded.received_known,
                description=description,
                events=loaded.events,
                set_aside=asides_of(loaded.set_aside, self.site.clock()),
            )
        return info, list(loaded.remarks)

    async def _of_arrow(self) -> tuple[RecordingInfo, list[str]]:
        query = self.query("name", "received_known", "description")
        received_known = query.get("received_known", "1")
        if received_known not in ("0", "1"):
            raise InvalidInput(
                f"received_known {received_known[:40]!r} is not 1 or 0", field="received_known"
            )
        assert self.file is not None  # noqa: S101
        self.file.seek(0)
        tables, beside = await opened_stream(self.file)
        info = await self.site.recordings.import_(
            query.get("name", ""),
            tables,
            received_known=received_known == "1",
            description=query.get("description", ""),
            events=beside.events,
            set_aside=asides_of(beside.rows(), self.site.clock()),
        )
        return info, []


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Say in words that a file which comes in cannot be written: mostly the disk is full."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the file could not be imported, nothing of it is kept: {error.strerror or error}",
            code="no_room",
        ) from error


class RecordingHandler(Handler):
    """`api/recordings/{id}`."""

    async def get(self, recording_id: str) -> None:
        """Give one."""
        self.query()
        info = await find_recording(self, recording_id, WATCH)
        await answer_recording(self, info)

    async def patch(self, recording_id: str) -> None:
        """Stop it, close it, or change its name or description."""
        self.query()
        info = await find_recording(self, recording_id, MANAGE)
        sent = self.json_body()
        known = ("stop", "close", "name", "description")
        for name, value in sent.items():
            if name not in known:
                raise InvalidInput(
                    f"field {name[:64]!r} is unknown; expected {', '.join(known)}",
                    code="unknown_field",
                    field=name[:64],
                )
            if name in ("stop", "close") and value is not True:
                raise InvalidInput(f"{name} {value!r} is not true", field=name)
        recordings = self.site.recordings
        if "name" in sent or "description" in sent:
            info = await recordings.describe(info, name=sent.get("name"), description=sent.get("description"))
        if "stop" in sent:
            info = await recordings.stop(info)
        if "close" in sent:
            info = await recordings.close(info)
        await answer_recording(self, info)

    async def delete(self, recording_id: str) -> None:
        """Remove it."""
        self.query()
        info = await find_recording(self, recording_id, MANAGE)
        await self.site.recordings.delete(info)
        self.site.replays.recording_deleted(info.id)
        self.audit("recording_deleted", group=info.log if info.kind == "group" else None, target=info.id)
        self.answer({"deleted": info.id})


async def answer_recordings(handler: Handler, infos: Sequence[RecordingInfo]) -> None:
    """Answer with recordings, and when the server was away while they ran."""
    now, away = handler.site.clock(), await handler.site.recordings.interruptions(infos)
    handler.answer({"recordings": [recording_json(info, now, away[info.id]) for info in infos]})


async def answer_recording(handler: Handler, info: RecordingInfo) -> None:
    """Answer with one."""
    away = await handler.site.recordings.interruptions([info])
    handler.answer(recording_json(info, handler.site.clock(), away[info.id]))


async def find_recording(handler: Handler, recording_id: str, role: Any) -> RecordingInfo:
    """Return a recording that the principal may touch; others get the same answer for all."""
    if handler.principal.is_limited:
        # whether there is one in another group is not told
        own = await handler.site.recordings.all()
        if not any(one.id == recording_id and handler.principal.covers(one.log) for one in own):
            handler.require(None, role)
    info = await handler.site.recordings.get(recording_id)
    handler.require(info.log if info.kind == "group" else None, role)
    return info
