"""Recordings as files: reading one, writing one, sending one to a server."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.model.names import fold, near_names

if TYPE_CHECKING:
    import os

    import pandas as pd

    from locshare_ext.client.analysed import Analysed
    from locshare_ext.client.origin import Choice
    from locshare_ext.formats.loaded import Loaded
    from locshare_ext.formats.registry import Format
    from locshare_ext.formats.trail import Trail
    from locshare_ext.model.event import Event

__all__ = ["check_target", "kept_beside", "load_file", "upload", "write_file"]

_PER_FIX = 0.0005  # s that a server may take to store one; it takes a tenth of that


def load_file(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002 -- as pandas and GDAL call it
    columns: Mapping[str, str] | str | None = None,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    encoding: str | None = None,
    name: str | None = None,
) -> Loaded:
    """Read a recording's file, whatever its format; raises InvalidFile, InvalidInput."""
    from locshare_ext import formats

    _check_exists(path)
    loaded = formats.load(path, format=format, columns=columns, tz=tz, member=member, encoding=encoding)
    return loaded if name is None else replace(loaded, name=name)


def check_target(
    path: Path,
    *,
    overwrite: bool,
    format: str | None = None,  # noqa: A002
) -> Format:
    """Return the format in which a recording can be written there.

    Raises InvalidInput for an ending that no format has, an absent folder, or a file that is
    there and may not be overwritten.
    """
    from locshare_ext.formats.registry import by_name, by_suffix, writable

    found = by_suffix(path) if format is None else by_name(format, writable())
    if path.exists() and not overwrite:
        raise InvalidInput(
            f"{path} exists; write to another name, or leave overwrite=False out",
            code="file_exists",
            field="path",
        )
    if not path.parent.is_dir():
        raise InvalidInput(f"{path.parent} is no folder to write to", code="no_folder", field="path")
    return found


def write_file(
    path: Path,
    frame: pd.DataFrame,
    *,
    format: str,  # noqa: A002
    precision: float | None = None,
    pseudonyms: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **said: Any,
) -> None:
    """Write a trail frame to a file; see `Recording.to_file`. said: fields of `formats.trail.Trail`."""
    from locshare_ext import formats
    from locshare_ext.formats.trail import trail_of_frame

    trail = trail_of_frame(frame, **said)
    if precision is not None:
        from locshare_ext.formats.coarse import coarsened

        trail = coarsened(trail, precision)
    with _covered(trail, path, pseudonyms) as covered:
        formats.save(path, covered, format=format, progress=progress)


def kept_beside(
    source: Analysed, choice: Choice, told: Callable[[Sequence[Event]], Sequence[Event]] | None = None
) -> dict[str, Any]:
    """Return what a file of a part of a source says besides its fixes: fields of `formats.trail.Trail`.

    What has no moment, as what was refused of a file, goes along. told: returns what has been
    told here as well, besides the source's own events.
    """
    found = dict(source._beside())
    names = None if choice.members is None else {fold(name) for name in choice.members}
    events = [*found.get("events", ())]
    if told is not None:
        events += told(events)

    def has(event: Event) -> bool:
        at = event.received if choice.clock == "received" else event.time
        is_theirs = names is None or event.member is None or fold(event.member) in names
        return is_theirs and (choice.since or -math.inf) <= at <= (choice.until or math.inf)

    return {**found, "events": tuple(event for event in events if has(event))}


def upload(
    api: Api,
    loaded: Loaded,
    *,
    name: str | None = None,
    description: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Keep what a file has as a closed recording on a server; returns what it is there.

    Fixes are sent piece by piece. progress: called with (fixes sent, fixes in all). When this is
    broken off, or the server refuses one, nothing is kept.
    """
    from locshare_ext.formats.asides import Beside

    known = loaded.info.get("description") or ""
    params = {
        "name": (name or loaded.name)[:64],
        "received_known": int(loaded.received_known),
        "description": description or str(known)[:2000],
    }
    if not params["description"]:
        del params["description"]
    count = len(loaded.fixes)

    def batches() -> Iterator[Any]:
        sent = 0
        for batch in loaded.fixes.batches():
            yield batch
            sent += batch.num_rows
            if progress is not None:
                progress(sent, count)

    made = api.upload(
        path_of("recordings"),
        batches,
        params,
        metadata=Beside.of_file(loaded.events, loaded.set_aside).metadata(),
        timeout=60 + count * _PER_FIX,
    )
    return dict(made)


@contextlib.contextmanager
def _covered(trail: Trail, path: Path, pseudonyms: str | os.PathLike[str] | None) -> Iterator[Trail]:
    """Give the trail with pseudonyms if a key is named; a failure leaves no new key behind."""
    if pseudonyms is None:
        yield trail
        return
    from locshare_ext.formats.pseudonyms import key_file, pseudonymised

    key_path = Path(pseudonyms)
    is_new = not key_path.exists()
    with key_file(key_path, beside=path) as key:
        covered = pseudonymised(trail, key)
    try:  # with the key written before: a file whose key was lost would be worth nothing
        yield covered
    except BaseException:
        if is_new:
            key_path.unlink(missing_ok=True)
        raise


def _check_exists(path: Path) -> None:
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder, expected a file", field="path")
    if path.is_file():
        return
    if path.exists():
        raise InvalidFile(f"{path} is a device or a pipe, expected a file", field="path")
    folder = path.parent
    near = near_names(path.name, [one.name for one in folder.iterdir()]) if folder.is_dir() else []
    hint = f"; near names: {', '.join(near)}" if near else ""
    raise InvalidFile(f"{path} does not exist{hint}", code="file_not_found", field="path")
