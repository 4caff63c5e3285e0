"""Files that a command reads: asking for a CSV's columns, and showing how far reading is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.cli.progress import measured
from locshare_ext.errors import InvalidFile, InvalidInput

if TYPE_CHECKING:
    from locshare_ext.formats.loaded import Loaded

__all__ = ["read_file"]


def read_file(options: argparse.Namespace, *, on_disk: bool = False) -> Loaded:
    """Return the fixes of the file that the options name, with a progress bar if it takes long.

    A table whose columns are not told is asked for on a terminal, with a guess to confirm;
    elsewhere that is an InvalidInput that holds the guess. on_disk: see `formats.load`.
    """
    from locshare_ext.formats import load

    path = options.file
    file = Path(path)
    if not file.is_file():
        raise InvalidFile(
            f"{path} does not exist" if not file.exists() else f"{path} is no file", field="file"
        )
    columns, tz, encoding = options.columns, options.tz, options.encoding
    if columns is None and sys.stdin.isatty():
        columns, tz = _ask(file, tz, encoding)
    with measured(file.name, file.stat().st_size, "B", scale=True) as progress:
        loaded = load(
            file,
            format=getattr(options, "format", None),
            columns=columns,
            tz=tz,
            member=getattr(options, "member", None),
            encoding=encoding,
            on_disk=on_disk,
            progress=progress,
        )
    for remark in loaded.remarks:
        print(f"{file.name}: {remark}", file=sys.stderr)
    for row in loaded.set_aside[:3]:
        print(f"{file.name}, line {row.line} set aside: {row.reason}", file=sys.stderr)
    if loaded.set_aside_count > 3:
        print(f"{file.name}: {loaded.set_aside_count} lines set aside in all", file=sys.stderr)
    return loaded


def _ask(file: Path, tz: str | None, encoding: str | None) -> tuple[str | None, str | None]:
    """Return the columns and the zone that a person confirms or types; None if not needed."""
    from locshare_ext.formats.csv import guess_file
    from locshare_ext.formats.sniffing import format_of

    if format_of(file).name != "csv":
        return None, tz

    guess = guess_file(file, encoding=encoding)
    if guess is None:
        return None, tz
    print(f"Which columns of {file.name} are which? It looks like\n  {guess.columns}", file=sys.stderr)
    for doubt in guess.doubts:
        print(f"  but {doubt}", file=sys.stderr)
    if guess.missing:
        print(f"  and nothing looks like {' or '.join(guess.missing)}", file=sys.stderr)
    typed = input("Press Enter if that is right, or type FIELD=COLUMN,...: ").strip()
    if not typed and guess.missing:
        raise InvalidInput(f"{file.name}: no column is {' or '.join(guess.missing)}", field="columns")
    if guess.needs_zone and tz is None:
        tz = input("Its times have no zone; which is theirs (such as UTC or Asia/Seoul)? ").strip() or None
    return typed or str(guess.columns), tz
