"""Trails in bulk: Arrow and CSV are sent piece by piece, as fast as they are taken, others as files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from locshare_ext.broker.access import WATCH
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.formats.registry import API_FORMATS, by_name
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.store import LogInfo, Selection
from locshare_ext.model.trail import STREAM_END, arrow_schema, stream_head, table_from_pieces
from locshare_ext.server.api.exports import attachment, send_file
from locshare_ext.server.api.parameters import AT, TRAIL_PARAMETERS, selection
from locshare_ext.server.base import Handler

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.formats.trail import Trail

__all__ = ["ARROW", "FORMATS", "TrailsHandler", "format_of", "send"]

ARROW = "application/vnd.apache.arrow.stream"
FORMATS = API_FORMATS
AT_ONCE = 256 << 10  # bytes written before the loop may do something else


class TrailsHandler(Handler):
    """`api/groups/{g}/trails`."""

    for_participants = True

    async def get(self, name: str) -> None:
        """Give the fixes that the query selects, or with `at` where everyone was at that moment."""
        query = self.query(*TRAIL_PARAMETERS)
        group = await self.find_group(name, WATCH)
        log = group.log

        def place(text: str, field: str) -> int:
            if text not in ("start", "now"):
                Cursor.parse(text, field=field)  # `place` would name another field
            return log.place(text, "start").offset

        chosen = selection(query, place)
        if "recording" in query:
            info = await self.site.recordings.get(query["recording"], group)
            chosen = self.site.recordings.part(info, chosen)
        await send(self, query, chosen, group.slug, log.info)


def format_of(query: dict[str, str]) -> str:
    """Return the format asked for; raises InvalidInput for one that there is not."""
    wanted = query.get("format", "arrow")
    if wanted not in FORMATS:
        raise InvalidInput(
            f"format {wanted[:40]!r} is not supported; expected {', '.join(FORMATS)}", field="format"
        )
    return wanted


async def send(
    handler: Handler, query: dict[str, str], chosen: Selection, group: str | None, log: LogInfo
) -> None:
    """Finish a request with what is chosen of a log."""
    wanted, store = format_of(query), handler.site.store
    if wanted not in ("arrow", "csv"):
        table = await (store.at(log.name, chosen) if AT in query else store.trails(log.name, chosen))
        made = partial(_trail, table, group or "")
        await send_file(handler, made, by_name(wanted), group or log.name)
        return
    said = {"group": group, "epoch": log.epoch, "head": log.head, "generated": handler.site.clock()}
    if wanted == "csv":
        handler.set_header("Content-Type", "text/csv; charset=utf-8")
        handler.set_header("Content-Disposition", attachment(f"{group or log.name}.csv"))
    else:
        handler.set_header("Content-Type", ARROW)
    if AT in query:
        table = await store.at(log.name, chosen)
        whole = _csv if wanted == "csv" else _stream
        handler.write(await asyncio.to_thread(whole, table, said))
        await handler.finish()
        return
    async with (
        aclosing(store.export(log.name, chosen)) as pieces,
        aclosing(_encoded(pieces, wanted, said)) as encoded,
    ):
        await _send(handler, encoded)


async def _encoded(
    pieces: AsyncGenerator[bytes, None], wanted: str, said: dict[str, Any]
) -> AsyncGenerator[bytes, None]:
    """Give an answer's body. Nothing of it before the first piece is there: it may be an error."""
    piece = await anext(pieces, None)
    if wanted == "arrow":
        yield stream_head({"locshare": json.dumps(said)})
        while piece is not None:
            yield piece
            piece = await anext(pieces, None)
        yield STREAM_END
        return
    is_first = True
    while piece is not None or is_first:
        table = arrow_schema().empty_table() if piece is None else table_from_pieces([piece])
        yield await asyncio.to_thread(_csv, table, said, is_header_in=is_first)
        is_first = False
        piece = None if piece is None else await anext(pieces, None)


async def _send(handler: Handler, encoded: AsyncGenerator[bytes, None]) -> None:
    """Send a body; what comes next is made meanwhile."""
    is_begun = False
    upcoming = asyncio.ensure_future(anext(encoded, None))
    try:
        while (data := await upcoming) is not None:
            upcoming = asyncio.ensure_future(anext(encoded, None))
            is_begun = True
            for start in range(0, len(data), AT_ONCE):
                handler.write(data[start : start + AT_ONCE])
                await handler.flush()
    except LocShareError as error:
        if not is_begun:
            raise
        # The head is sent: only a connection that breaks off tells that this is not all
        handler.site.store_failed(f"an export ended early: {error.message}")
        handler.request.connection.stream.close()  # type: ignore[union-attr]
        return
    finally:
        upcoming.cancel()
        await asyncio.wait([upcoming])
    await handler.finish()


def _trail(table: pa.Table, group: str) -> Trail:
    from locshare_ext.formats.trail import trail_of_table

    return trail_of_table(table, group=group, name=group)


def _stream(table: pa.Table, said: dict[str, Any]) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    schema = table.schema.with_metadata({"locshare": json.dumps(said)})
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table.replace_schema_metadata(schema.metadata))
    return bytes(memoryview(sink.getvalue()))


def _csv(table: pa.Table, said: dict[str, Any], *, is_header_in: bool = True) -> bytes:
    import pyarrow as pa
    import pyarrow.csv

    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            table = table.set_column(index, field.name, _harmless(table.column(index)))
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=is_header_in, quoting_style="needed")
    pyarrow.csv.write_csv(table, sink, options)
    return bytes(memoryview(sink.getvalue()))


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text that no spreadsheet takes for a formula: a quote before = + - @."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.utf8())
    return pc.replace_substring_regex(text, r"^([=+\-@\t\r])", r"'\1")
