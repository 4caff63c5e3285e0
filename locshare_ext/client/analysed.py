"""What a group and a recording can be asked beyond their trails; the work is done in `analysis`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

if TYPE_CHECKING:
    import os

    import geopandas
    import pandas as pd
    import pyarrow as pa
    from movingpandas import TrajectoryCollection
    from traja import TrajaDataFrame

    from locshare_ext.alerts import Rule

__all__ = ["Analysed", "Selection"]

Span = str | timedelta


class Selection(TypedDict, total=False):
    """Which fixes, as `trails` takes it."""

    last: str | timedelta | None
    since: Any
    until: Any
    clock: str
    members: str | Sequence[str] | None
    trip_gap: str | timedelta | None
    extra: Sequence[str]


class Analysed:
    """Helpers on the trails that a selection chooses, such as `last="2h"`; see `trails` for these.

    Each asks for the trails anew; with a frame at hand, the functions of `locshare_ext.analysis`
    of the same names do the same. Any thread may call them.
    """

    @abstractmethod
    def trails(self, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return the trail frame."""

    def _received_known(self) -> bool:
        return True

    def _beside(self) -> Mapping[str, Any]:
        """Return what a file says besides the fixes, as fields of `formats.trail.Trail`."""
        return {}

    def set_aside(self) -> pd.DataFrame:
        """Return what was refused, one row each, in order of arrival: why, and what was sent.

        id; received (datetime64[ns, UTC]); member; credential: who sent it; code, message, field;
        raw: its first 1024 bytes. Only the newest are kept, and the same sent again once. Needs
        the role manage. What is not known, as much of a file's is not, is missing.
        """
        from locshare_ext.client.asides import asides_frame

        return asides_frame(self._asides())

    def _asides(self) -> Sequence[Mapping[str, Any]]:
        """Return what was refused as the API gives it; raises AccessDenied."""
        return ()

    def _set_aside(self) -> Mapping[str, int] | None:
        """Return how many fixes of each member were refused; None where that is not known."""
        from locshare_ext.client.asides import counts_of

        return counts_of(self._asides)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        precision: float | None = None,
        pseudonyms: str | os.PathLike[str] | None = None,
        fences: Iterable[Rule] | None = None,
        overwrite: bool = True,
        **selection: Unpack[Selection],
    ) -> Path | str:
        """Write the trails as one web page that replays them; returns the path, without one the text.

        The page holds all it needs: any browser from 2023 on shows it, with no server and no
        network. `clock` chooses as in `trails`, and is the one that the page begins by. title:
        above the map. Alerts are ticks: those of its server, and those that rules held here have
        told. fences: the geofences to be drawn; by default those that are held, here or on the
        server, but none with precision or pseudonyms, as an area may tell what these hide.
        precision, pseudonyms, overwrite: as in `to_file`. Raises InvalidInput.
        """
        from locshare_ext.client.pages import page_of, write_page

        options: dict[str, Any] = {
            "title": title,
            "precision": precision,
            "pseudonyms": pseudonyms,
            "fences": fences,
        }
        if path is None:
            return page_of(self, selection, **options)
        target = Path(path)
        write_page(self, target, selection, overwrite=overwrite, **options)
        return target

    def summary(self, *, moving: float = 0.5, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return one row per member: fixes, trips, times, length in metres, moving time and speeds.

        moving: m/s from which on a member is not at rest. See `analysis.summary`.
        """
        from locshare_ext.analysis import summary

        return summary(self.trails(**selection), moving=moving)

    def gaps(self, *, max_gap: Span | None = None, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return one row per silence of a member longer than `max_gap`: begin, end, how far apart.

        max_gap: None is five times the member's median interval, 2 min at least. See
        `analysis.gaps`.
        """
        from locshare_ext.analysis import gaps

        return gaps(self.trails(**selection), max_gap=max_gap)

    def quality(
        self, *, max_gap: Span | None = None, max_speed: float = 100.0, **selection: Unpack[Selection]
    ) -> pd.DataFrame:
        """Return one row per member: rate, gaps, late share and delay, duplicates, accuracy, speeds, clocks.

        max_speed: m/s above which a step is a jump. See `analysis.quality`.
        """
        from locshare_ext.analysis import quality

        return quality(
            self.trails(**selection),
            max_gap=max_gap,
            max_speed=max_speed,
            received_known=self._received_known(),
            set_aside=self._set_aside(),
        )

    def resample(
        self, every: Span = "1s", *, max_gap: Span | None = None, **selection: Unpack[Selection]
    ) -> pd.DataFrame:
        """Return the trails at the multiples of `every`, none in gaps. See `analysis.resample`."""
        from locshare_ext.analysis import resample

        return resample(self.trails(**selection), every, max_gap=max_gap)

    def distances(
        self, every: Span = "10s", *, max_gap: Span | None = None, **selection: Unpack[Selection]
    ) -> pd.DataFrame:
        """Return the distance of each two members at the multiples of `every`. See `analysis.distances`."""
        from locshare_ext.analysis import distances

        return distances(self.trails(**selection), every, max_gap=max_gap)

    def encounters(
        self,
        *,
        within: float,
        lasting: Span = "0s",
        max_gap: Span | None = None,
        **selection: Unpack[Selection],
    ) -> pd.DataFrame:
        """Return each time that two members were at most `within` metres apart, and how near they came.

        lasting: the shortest to be told. See `analysis.encounters`.
        """
        from locshare_ext.analysis import encounters

        return encounters(self.trails(**selection), within=within, lasting=lasting, max_gap=max_gap)

    def spread(
        self, every: Span = "10s", *, max_gap: Span | None = None, **selection: Unpack[Selection]
    ) -> pd.DataFrame:
        """Return the group's centre and extent at the multiples of `every`. See `analysis.spread`."""
        from locshare_ext.analysis import spread

        return spread(self.trails(**selection), every, max_gap=max_gap)

    def alone(
        self,
        *,
        beyond: float,
        lasting: Span = "0s",
        max_gap: Span | None = None,
        **selection: Unpack[Selection],
    ) -> pd.DataFrame:
        """Return each time that a member was farther than `beyond` metres from everybody.

        lasting: the shortest to be told. See `analysis.alone`.
        """
        from locshare_ext.analysis import alone

        return alone(self.trails(**selection), beyond=beyond, lasting=lasting, max_gap=max_gap)

    def stops(
        self,
        *,
        radius: float = 30.0,
        lasting: Span = "2min",
        max_gap: Span | None = None,
        **selection: Unpack[Selection],
    ) -> pd.DataFrame:
        """Return each time that a member stayed within `radius` metres for `lasting`.

        See `analysis.stops`.
        """
        from locshare_ext.analysis import stops

        return stops(self.trails(**selection), radius=radius, lasting=lasting, max_gap=max_gap)

    def speeds(self, *, moving: float = 0.5, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return one row per member: time moving, mean speeds and their percentiles. See `analysis.speeds`.

        moving: m/s from which on a member is not at rest.
        """
        from locshare_ext.analysis import speeds

        return speeds(self.trails(**selection), moving=moving)

    def coverage(self, cell: float = 100.0, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return each cell, `cell` metres wide, that a member came to, and the area so far.

        See `analysis.coverage`.
        """
        from locshare_ext.analysis import coverage

        return coverage(self.trails(**selection), cell)

    # other libraries

    def to_geodataframe(self, **selection: Unpack[Selection]) -> geopandas.GeoDataFrame:
        """Return the trails as points in EPSG:4326, every column kept. See `analysis.to_geodataframe`."""
        from locshare_ext.analysis import to_geodataframe

        return to_geodataframe(self.trails(**selection))

    def to_movingpandas(self, *, by: str = "trip", **selection: Unpack[Selection]) -> TrajectoryCollection:
        """Return the trails as a MovingPandas collection; what it cannot have is told by a warning.

        by: the column whose values are trajectories. See `analysis.to_movingpandas`.
        """
        from locshare_ext.analysis import to_movingpandas

        return to_movingpandas(self.trails(**selection), by=by)

    def to_traja(self, member: str, **selection: Unpack[Selection]) -> TrajaDataFrame:
        """Return one member's trail as a TrajaDataFrame, in metres and seconds. See `analysis.to_traja`."""
        from locshare_ext.analysis import to_traja

        return to_traja(self.trails(**selection), member)

    def to_arrow(self, **selection: Unpack[Selection]) -> pa.Table:
        """Return the trails as an Arrow table; `to_pandas()` gives the frame back."""
        from locshare_ext.analysis import to_arrow

        return to_arrow(self.trails(**selection))

    def to_movebank(self, **selection: Unpack[Selection]) -> pd.DataFrame:
        """Return the trails with Movebank's column names. See `analysis.to_movebank`."""
        from locshare_ext.analysis import to_movebank

        return to_movebank(self.trails(**selection))
