"""Trails in bulk, as Arrow or CSV; the work is done in threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from locshare_ext.broker.access import WATCH
from locshare_ext.errors import InvalidInput
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.store import LogInfo
from locshare_ext.server.api.parameters import TRAIL_PARAMETERS, selection
from locshare_ext.server.base import Handler

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ARROW", "TrailsHandler", "send_table"]

ARROW = "application/vnd.apache.arrow.stream"
FORMATS = ("arrow", "csv")
ROWS = 20_000  # rows written at a time


class TrailsHandler(Handler):
    """`api/groups/{g}/trails`."""

    async def get(self, name: str) -> None:
        """Give the fixes that the query selects."""
        query = self.query(*TRAIL_PARAMETERS)
        group = await self.find_group(name, WATCH)
        log = group.log

        def place(text: str, field: str) -> int:
            if text not in ("start", "now"):
                Cursor.parse(text, field=field)  # `place` would name another field
            return log.place(text, "start").offset

        chosen = selection(query, place)
        wanted = format_of(query)
        if "recording" in query:
            info = await self.site.recordings.get(query["recording"], group)
            table = await self.site.recordings.trails(info, chosen)
        else:
            table = await self.site.store.trails(group.slug, chosen)
        await send_table(self, table, wanted, group.slug, log.info)


def format_of(query: dict[str, str]) -> str:
    """Return the format asked for; raises InvalidInput for one that there is not."""
    wanted = query.get("format", "arrow")
    if wanted not in FORMATS:
        raise InvalidInput(
            f"format {wanted[:40]!r} is not supported; expected {' or '.join(FORMATS)}", field="format"
        )
    return wanted


async def send_table(handler: Handler, table: pa.Table, wanted: str, group: str | None, log: LogInfo) -> None:
    """Finish a request with a table, piece by piece; the pieces are made in a thread."""
    said = {"group": group, "epoch": log.epoch, "head": log.head, "generated": handler.site.clock()}
    if wanted == "csv":
        handler.set_header("Content-Type", "text/csv; charset=utf-8")
        handler.set_header("Content-Disposition", f'attachment; filename="{_ascii(group or log.name)}.csv"')
        pieces = _csv(table)
    else:
        handler.set_header("Content-Type", ARROW)
        pieces = _arrow(table, said)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        handler.write(piece)
        await handler.flush()
    await handler.finish()


def _arrow(table: pa.Table, said: dict[str, Any]) -> Iterator[bytes]:
    import pyarrow as pa

    schema = table.schema.with_metadata({"locshare": json.dumps(said)})
    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        for start in range(0, table.num_rows, ROWS):
            writer.write_table(table.slice(start, ROWS).replace_schema_metadata(schema.metadata))
            yield sink.taken()
    yield sink.taken()


def _csv(table: pa.Table) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.csv

    for start in range(0, max(table.num_rows, 1), ROWS):
        piece = table.slice(start, ROWS)
        for index, field in enumerate(piece.schema):
            if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
                piece = piece.set_column(index, field.name, _harmless(piece.column(index)))
        sink = _Sink()
        pyarrow.csv.write_csv(
            piece, sink, pyarrow.csv.WriteOptions(include_header=start == 0, quoting_style="needed")
        )
        yield sink.taken()


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text that no spreadsheet takes for a formula: a quote before = + - @."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.utf8())
    return pc.replace_substring_regex(text, r"^([=+\-@\t\r])", r"'\1")


class _Sink:
    """A file that hands out what was written to it."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace("?", "_")
