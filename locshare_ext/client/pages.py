"""Trails as a web page that replays them, written from a group or a recording."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.client.files import check_target, kept_beside, write_file
from locshare_ext.client.origin import choose
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.clock import check_clock

if TYPE_CHECKING:
    import os

    from locshare_ext.client.analysed import Analysed, Selection

__all__ = ["page_of", "write_page"]

LONGEST_TITLE = 200  # characters


def write_page(
    source: Analysed,
    path: Path,
    selection: Selection,
    *,
    title: str | None = None,
    precision: float | None = None,
    pseudonyms: str | os.PathLike[str] | None = None,
    overwrite: bool = True,
) -> None:
    """Write the chosen fixes of a source as a page; see `Analysed.to_html`."""
    clock = check_clock(selection.get("clock", "time"))
    check_target(path, overwrite=overwrite, format="html")
    if title is not None and not (isinstance(title, str) and 0 < len(title) <= LONGEST_TITLE):
        raise InvalidInput(f"title is {title!r}, expected 1-{LONGEST_TITLE} characters", field="title")
    frame = source.trails(**selection)
    asked: dict[str, Any] = {name: selection.get(name) for name in ("last", "since", "until", "members")}
    newest = None if frame.empty else int(frame["time"].iloc[-1].value // 1_000_000)
    end = None if getattr(source, "is_live", False) else newest
    chosen = choose(**asked, clock=clock, tz=getattr(source, "_tz", None), end=end)
    said = kept_beside(source, chosen)
    write_file(
        path,
        frame,
        format="html",
        precision=precision,
        pseudonyms=pseudonyms,
        **{**said, "name": title or said.get("name") or "", "info": {"clock": clock, "ages": _ages(source)}},
    )


def page_of(source: Analysed, selection: Selection, **options: Any) -> str:
    """Return the page as text."""
    with tempfile.TemporaryDirectory(prefix="locshare-") as folder:  # nobody else may read it
        path = Path(folder) / "page.html"
        write_page(source, path, selection, **options)
        return path.read_text("utf-8")


def _ages(source: Any) -> dict[str, float]:
    """Return when the group's members count as old or lost, and what is a gap, as far as that is known."""
    try:
        settings = source.settings()
    except LocShareError:  # the page has defaults
        return {}
    return {name: float(settings[name]) for name in ("stale", "lost", "gap") if settings.get(name)}
