"""Trails as a web page that replays them, written from a group or a recording."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.alerts import Geofence, Rule, rule_from_json
from locshare_ext.client.alerted import rules_of
from locshare_ext.client.files import check_target, kept_beside, write_file
from locshare_ext.client.origin import choose
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.clock import check_clock
from locshare_ext.model.event import Event

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
    fences: Iterable[Rule] | None = None,
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
    said = kept_beside(source, chosen, lambda events: _told_here(source, events))
    if fences is None and precision is None and pseudonyms is None:
        fences = _held_fences(source)
    areas = [[fence.name, fence.area.to_json()] for fence in _fences_of(fences or ())]
    write_file(
        path,
        frame,
        format="html",
        precision=precision,
        pseudonyms=pseudonyms,
        **{
            **said,
            "name": title or said.get("name") or "",
            "info": {"clock": clock, "ages": _ages(source), "fences": areas},
        },
    )


def page_of(source: Analysed, selection: Selection, **options: Any) -> str:
    """Return the page as text."""
    with tempfile.TemporaryDirectory(prefix="locshare-") as folder:  # nobody else may read it
        path = Path(folder) / "page.html"
        write_page(source, path, selection, **options)
        return path.read_text("utf-8")


def _fences_of(fences: Iterable[Rule]) -> list[Geofence]:
    """Return the geofences among rules; raises InvalidInput for what is no rule."""
    return [rule for rule in rules_of(fences) if isinstance(rule, Geofence)]


def _held_fences(source: Any) -> list[Geofence]:
    """Return the geofences that are held of a source, here and on its server; of one name that here."""
    rules = list(source.rules()) if hasattr(source, "rules") else []
    try:
        kept = source.settings().get("alerts") or ()
    except (AttributeError, LocShareError):  # a frame has none, and a server may be away
        kept = ()
    names = {rule.name for rule in rules}
    rules += [rule_from_json(said) for said in kept if said["name"] not in names]
    return _fences_of(rules)


def _told_here(source: Any, events: Sequence[Event]) -> list[Event]:
    """Return what the rules held here have told and the source's own events do not say."""
    if not hasattr(source, "_callbacks"):
        return []
    known = {(event.time, event.text) for event in events}
    return [
        Event(kind="alert", time=one.time, received=one.received, member=one.member, text=one.text)
        for one in source._callbacks().watching.told()
        if (one.time, one.text) not in known
    ]


def _ages(source: Any) -> dict[str, float]:
    """Return when the group's members count as old or lost, and what is a gap, as far as that is known."""
    try:
        settings = source.settings()
    except LocShareError:  # the page has defaults
        return {}
    return {name: float(settings[name]) for name in ("stale", "lost", "gap") if settings.get(name)}
