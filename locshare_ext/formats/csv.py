"""CSV in: any table of fixes by an explicit column map, or by that of a program that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.columns import ColumnMap, Guess, guess_columns, parse_columns
from locshare_ext.formats.csvplan import Plan, add_row, check_units, make_plan, unquoted
from locshare_ext.formats.csvtable import CsvTable, open_table
from locshare_ext.formats.loaded import Loaded, Progress, name_of
from locshare_ext.formats.presets import preset_of
from locshare_ext.formats.reading import reading
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import zone_of
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["guess_file", "is_trail_csv", "read_csv", "unquoted"]

COLUMNS_NEEDED = "columns_needed"  # the code of the error for a CSV without a map
_TOLD_EVERY = 4096  # rows between two calls of `progress`


def read_csv(
    path: str | Path,
    columns: str | ColumnMap | None = None,
    *,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    encoding: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read a CSV (comma, semicolon, tab or bar) of fixes.

    columns: as `parse_columns` reads it; a CSV that this package, Traccar or Movebank wrote
    needs none. tz: the zone of times that have none, needed if there are such. member: all rows
    are of this one; without a member column it is the file's stem. encoding: UTF-8 or what a
    byte order mark says, unless given. on_disk: see `rows.FixRows`.

    Rows that cannot be used are set aside with the reason. Raises InvalidFile when the
    file is no table or not one row is good; InvalidInput for a wrong map (with code
    `columns_needed` and a guess in its words when there is none) or a missing zone.
    """
    path = Path(path)
    with path.open("rb") as raw, reading(on_disk=on_disk) as rows:
        table = open_table(path, raw, encoding)
        preset = preset_of(table.header) if columns is None else None
        if columns is None:
            if preset is None:
                raise _columns_needed(path, guess_columns(table.header, table.peek(50), table.number))
            columns = preset.columns
        chosen = parse_columns(columns) if isinstance(columns, str) else columns
        zone = zone_of(tz if tz is not None or preset is None else preset.tz)
        plan = make_plan(
            path,
            table.header,
            chosen,
            zone=zone,
            number=table.number,
            delimiter=table.delimiter,
            preset=preset,
            member=member,
            otherwise=member if member is not None else name_of(path),
        )
        check_units(plan, table.peek(50))
        _read(table, plan, rows, path.stat().st_size, progress)
        rows.check(path, "rows")
        known = plan.received is not None and (not plan.is_own or rows.has_received)
        rows.keeps_seq = plan.is_own
        rows.finish(received_known=known)
        recording, group = _named_alike(table) if plan.is_own else ("", "")
    remark = [preset.remark] if preset is not None and preset.remark and tz is None else []
    return Loaded(
        path=path,
        format="csv" if preset is None else preset.name,
        name=recording or name_of(path),
        group=group,
        fixes=rows,
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=(*remark, *rows.remarks()),
        info={"columns": str(chosen)},
    )


def guess_file(path: str | Path, *, encoding: str | None = None) -> Guess | None:
    """Return a guess of a CSV's columns for a person to confirm; None if they are known."""
    path = Path(path)
    with path.open("rb") as raw:
        table = open_table(path, raw, encoding)
        if preset_of(table.header) is not None:
            return None
        return guess_columns(table.header, table.peek(50), table.number)


def is_trail_csv(header: Sequence[str]) -> bool:
    """Return whether a header is that of a trail frame's CSV."""
    return tuple(header[: len(FRAME_COLUMNS)]) == FRAME_COLUMNS


def _read(table: CsvTable, plan: Plan, rows: FixRows, size: int, progress: Progress | None) -> None:
    """Add all rows, by blocks as far as that goes."""

    def tell(done: int) -> None:
        if progress is not None:
            progress(min(done, size), size)

    for count, (line, cells) in enumerate(_read_blocks(table, plan, rows, tell)):
        add_row(rows, plan, line, cells)
        if count % _TOLD_EVERY == 0:
            tell(table.done)
    tell(size)


def _read_blocks(
    table: CsvTable, plan: Plan, rows: FixRows, tell: Callable[[int], None]
) -> Iterator[tuple[int, list[str]]]:
    """Add the rows of all blocks; returns those that are left when one cannot be read by itself."""
    blocks = table.blocks()
    if blocks is None:
        return table.rows()
    from locshare_ext.formats.csvfast import BlockReader

    reader = BlockReader(rows, plan, table)
    for block in blocks:
        if not reader.add(block):
            if block.has_quotes or block.has_bare_returns:
                return table.rows(block)  # where its rows end is only known by reading on
            for line, cells in table.rows_of(block):
                add_row(rows, plan, line, cells)
        tell(table.done)
    return iter(())


def _named_alike(table: CsvTable) -> tuple[str, str]:
    """Return the recording and the group that the first and other rows of a trail's CSV name."""
    if not is_trail_csv(table.header):
        return "", ""
    seen = {(cells[0], cells[1]) for cells in table.peek(1000) if len(cells) > 1}
    if len(seen) != 1:
        return "", ""
    recording, group = next(iter(seen))
    return unquoted(recording), unquoted(group)


def _columns_needed(path: Path, guess: Guess) -> InvalidInput:
    text = f"{path.name}: say which column is which"
    if not guess.missing:
        text += f'; it looks like columns="{guess.columns}"'
    else:
        text += f"; none looks like {' or '.join(guess.missing)}"
    if guess.needs_zone:
        text += ", and tz= for its times, which have no zone"
    if guess.doubts:
        text += f" ({'; '.join(guess.doubts)})"
    return InvalidInput(text, code=COLUMNS_NEEDED, field="columns")
