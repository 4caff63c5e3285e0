"""A recording: a kept part of a group's past, on a server or in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.client.analysed import Analysed
from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import batch_from_table
from locshare_ext.client.files import check_target
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.origin import (
    Choice,
    Origin,
    ServerOrigin,
    TableOrigin,
    ages_of,
    choose,
    end_of,
    frame_at,
    frame_of,
    members_frame,
)
from locshare_ext.client.playhead import Watchers
from locshare_ext.client.replayable import Replayable
from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.client.times import GroupZone, check_zone, ms_from, now_ms
from locshare_ext.errors import Conflict, InvalidInput, NotFound
from locshare_ext.model.clock import check_clock

if TYPE_CHECKING:
    import os

    import pandas as pd
    import pyarrow as pa

    from locshare_ext.formats.loaded import Loaded
    from locshare_ext.formats.rows import SetAside
    from locshare_ext.model.event import Event

__all__ = ["Recording"]


class Recording(Replayable, Analysed):
    """A recording, from `Group.record`, `Group.recordings` or `open_recording`.

    Made by these; any thread may use it. One on a server is asked for its fixes each time,
    as late ones may join it until it is closed; one from a file needs no server.
    """

    def __init__(
        self,
        origin: Origin,
        info: Mapping[str, Any],
        *,
        api: Api | None = None,
        loaded: Loaded | None = None,
        tz: tzinfo | None = None,
    ) -> None:
        self._origin = origin
        self._info = dict(info)
        self._api = api
        self._loaded = loaded
        self._tz = tz
        self._calls = Callbacks()
        self._watchers = Watchers()

    @classmethod
    def of_server(cls, api: Api, info: Mapping[str, Any], *, tz: tzinfo | None = None) -> Recording:
        """Return the recording that a server described."""
        origin = ServerOrigin(
            api, info.get("group") or "", recording=str(info["name"]), recording_id=str(info["id"])
        )
        return cls(origin, info, api=api, tz=tz)

    @classmethod
    def begin(cls, api: Api, body: Mapping[str, Any], *, tz: tzinfo | None = None) -> Recording:
        """Start one on a server; makes its group if nobody has shared in it yet."""
        try:
            info = api.send("POST", path_of("recordings"), dict(body))
        except NotFound as error:
            if error.code != "group_not_found":
                raise
            with suppress(Conflict):  # somebody was quicker
                api.send("POST", path_of("groups"), {"title": body["group"]})
            info = api.send("POST", path_of("recordings"), dict(body))
        return cls.of_server(api, info, tz=tz)

    @classmethod
    def of_file(cls, loaded: Loaded, *, tz: tzinfo | None = None) -> Recording:
        """Return the recording that a file held."""
        origin = TableOrigin(loaded.table, group=loaded.group, recording=loaded.name)
        info = {"id": None, "received_known": loaded.received_known, "state": "closed", **loaded.info}
        return cls(origin, info, loaded=loaded, tz=tz)

    # what it is

    @property
    def name(self) -> str:
        """Its name."""
        return self._origin.recording

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name

    @property
    def group(self) -> str:
        """The name of the group that it is of; empty for an import that names none."""
        return self._origin.group

    @property
    def id(self) -> str | None:
        """Its id on the server, None for a file."""
        return self._info.get("id")

    @property
    def info(self) -> dict[str, Any]:
        """What else is known of it, as plain values; times in ms."""
        return dict(self._info)

    @property
    def received_known(self) -> bool:
        """Whether it tells when a server received each fix; else `received` equals `time`."""
        return bool(self._info.get("received_known", True))

    @property
    def state(self) -> str:
        """`running`, `stopped` (late fixes still join it) or `closed`; asks the server."""
        if self._api is not None and self.id is not None and self._info.get("state") != "closed":
            self._info.update(self._api.get(self._path()))
        return str(self._info.get("state", "closed"))

    @property
    def tz(self) -> tzinfo | None:
        """The zone of times that have none; None refuses them."""
        return None if isinstance(self._tz, GroupZone) else self._tz

    @tz.setter
    def tz(self, tz: str | tzinfo | None) -> None:
        self._tz = check_zone(tz)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the group that it is of, see `Group.settings`; empty for a file."""
        if self._api is None or not self.group:
            return {}
        try:
            return dict(self._api.get(path_of("groups", self.group))["settings"])
        except NotFound:  # the group was deleted; its recordings are kept
            return {}

    def __repr__(self) -> str:
        place = f", id={self.id!r}" if self.id else ""
        return f"Recording({self.name!r}, group={self.group!r}{place}, {self._info.get('state', 'closed')})"

    # frames

    def trails(
        self,
        *,
        last: str | timedelta | None = None,
        since: Any = None,
        until: Any = None,
        clock: str = "time",
        members: str | Sequence[str] | None = None,
        trip_gap: str | timedelta | None = None,
        extra: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return the trail frame, as `Group.trails`; `last` is a span until its end."""
        end = None if last is None else end_of(self._table())
        choice = choose(
            last=last, since=since, until=until, clock=clock, members=members, tz=self._tz, end=end
        )
        if self._loaded is not None and choice == Choice(clock=choice.clock):
            return self._loaded.frame(trip_gap=trip_gap, extra=extra)
        return frame_of(self._origin, choice, trip_gap=trip_gap, extra=extra)

    def at(self, t: Any, *, clock: str = "time", members: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return where everyone was at `t`, as it was or as it was known; as `Group.at`."""
        moment = ms_from(t, tz=self._tz, field="t")
        wanted = choose(members=members).members
        return frame_at(self._origin, moment, check_clock(clock), wanted, ages_of(self.settings()))

    def latest(self) -> pd.DataFrame:
        """Return where everyone was at the end; ages are as of then."""
        from locshare_ext.formats.latest import latest_frame

        table = self._table()
        frame = frame_of(TableOrigin(table, group=self.group, recording=self.name), Choice())
        return latest_frame(frame, end_of(table), heard=None, **ages_of(self.settings()))

    def members(self) -> pd.DataFrame:
        """Return one row per member: how many fixes, the last one, how old it was at the end."""
        counts = self._table().column("member").value_counts().to_pylist()
        return members_frame(self.latest(), {one["values"]: one["counts"] for one in counts})

    def events(self) -> pd.DataFrame:
        """Return what it has besides fixes, as `Group.events`; in one of a file seq is 0."""
        from locshare_ext.client.events import events_frame

        return events_frame(self._events())

    # what a map reads

    @property
    def is_live(self) -> bool:
        """Always false: a recording is looked at from its start."""
        return False

    @property
    def status(self) -> SourceStatus:
        """That it is a recording, and its name."""
        text = f"Recording {self.name!r}" + (f" of {self.group}." if self.group else ".")
        created = self._info.get("created")  # ms; a file has its own manifest's text instead
        return SourceStatus("closed", created if isinstance(created, int) else now_ms(), text)

    def history(self) -> FixBatch:
        """Return all its fixes, in order of arrival."""
        return batch_from_table(self._table())

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Do nothing, as nothing comes; see `TrailSource.listen`."""
        return _nothing

    # keeping it

    def stop(self) -> Recording:
        """End it now; fixes of its time that arrive later join it for 24 h more, or until `close()`."""
        return self._change({"stop": True})

    def close(self) -> Recording:
        """Take no late fixes any more; it stays, and does not change."""
        return self._change({"close": True})

    def rename(self, name: str) -> Recording:
        """Give it another name."""
        self._change({"name": name})
        self._origin.recording = self.name_on_server()
        return self

    @property
    def description(self) -> str:
        """What it is about, as was said; see `describe`."""
        return str(self._info.get("description") or "")

    def describe(self, text: str) -> Recording:
        """Say what it is about; its file says so, too."""
        return self._change({"description": text})

    def name_on_server(self) -> str:
        """Return the name as the server has it."""
        return str(self._info["name"])

    def delete(self) -> None:
        """Remove it from the server for good; the group's own log keeps what its retention keeps."""
        self._need_api("delete").send("DELETE", self._path())
        self._info["state"] = "deleted"

    def to_file(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002 -- as pandas and GDAL call it
        overwrite: bool = True,
        precision: float | None = None,
        pseudonyms: str | os.PathLike[str] | None = None,
    ) -> Path:
        """Write it as a GeoPackage, which QGIS and R open too, or as the ending says; returns the path.

        Other endings: .csv, .parquet, .geoparquet, .arrow, .geojson, .gpx, .kml, .movebank.csv;
        what each leaves out, the README says. format: its name, whatever the ending. A file of
        that name is replaced, as running a cell again is normal; overwrite=False raises
        InvalidInput instead.

        precision: places on a grid of so many metres, without altitude and `extra`. pseudonyms:
        members under other names; who they are is written to this file, for your eyes only, and
        it gives the same pseudonyms next time. `extra` and texts of notes are left out then.
        """
        from locshare_ext.client.files import write_file

        target = Path(path)
        found = check_target(target, overwrite=overwrite, format=format)
        write_file(
            target,
            self.trails(),
            format=found.name,
            precision=precision,
            pseudonyms=pseudonyms,
            **self._beside(),
        )
        return target

    # behind it

    def _received_known(self) -> bool:
        return self.received_known

    def _beside(self) -> Mapping[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "received_known": self.received_known,
            "events": tuple(self._events()),
            "set_aside": self._set_aside_rows(),
        }

    def _name_of(self) -> str:
        return self.name

    def _epoch(self) -> str | None:
        return self._origin.epoch

    def _table(self) -> pa.Table:
        return self._origin.table(Choice())

    def _events(self) -> Sequence[Event]:
        if self._loaded is not None:
            return self._loaded.events
        from locshare_ext.client.events import read_recording_events

        return read_recording_events(self._need_api("read events of"), self._info)

    def events_after(self, cursor: str | None) -> tuple[list[Event], str]:
        """Return its events the first time (cursor None), then none; as `Group.events_after`."""
        return (list(self._events()) if cursor is None else []), ""

    def _asides(self) -> Sequence[Mapping[str, Any]]:
        from locshare_ext.client.asides import read_recording_asides
        from locshare_ext.formats.asides import asides_of_rows

        if self._loaded is not None:
            return asides_of_rows(self._loaded.set_aside)
        return read_recording_asides(self._need_api("read what was refused of"), self._info)

    def _set_aside_rows(self) -> Sequence[SetAside]:
        """Return what was refused for a file's table, as far as it may be known."""
        from locshare_ext.client.asides import asides_for_file

        return asides_for_file(self._asides) if self._loaded is None else self._loaded.set_aside

    def _begin(self) -> int:
        import pyarrow.compute as pc

        since = self._info.get("since")
        if isinstance(since, int):
            return since
        table = self._table()
        return int(pc.min(table.column("time")).as_py()) if table.num_rows else now_ms()

    def _path(self) -> str:
        return path_of("recordings", str(self.id))

    def _need_api(self, what: str) -> Api:
        if self._api is None:
            raise InvalidInput(
                f"{what}() is for recordings on a server; this one was opened from a file", code="is_a_file"
            )
        return self._api

    def _change(self, change: dict[str, Any]) -> Recording:
        answer = self._need_api(next(iter(change))).send("PATCH", self._path(), change)
        self._info.update(answer)
        return self


def _nothing() -> None:
    """Stop what was never begun."""
