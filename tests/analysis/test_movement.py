"""Trail frames in the libraries of movement research, each the real one."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext import analysis
from locshare_ext.analysis.libraries import load
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.formats.csv import read_csv
from tests.formats.helpers import BUSES

from .helpers import empty, frame, joined, seconds, way


@pytest.fixture(scope="module")
def buses(data: Path) -> pd.DataFrame:
    """Eight buses of one line, 16 trips."""
    return read_csv(data / "liverpool_bus_route14.csv", BUSES, tz="UTC").frame()


@contextmanager
def their_warnings() -> Iterator[None]:
    """Let a library warn of its own doings; what we make of frames is outside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


WALK: list[dict[str, Any]] = [
    *({"at": 10 * n, "lat": 1 + n / 1000, "speed": 2.0} for n in range(6)),
    {"at": 20, "lat": 7.0, "seq": 2},  # the same moment, but it came first
    {"at": 9000, "lat": 1.5},  # a trip of one fix
    *({"at": 10 * n, "member": "bo", "lon": 3 + n / 1000} for n in range(3)),
]


# MovingPandas


def test_movingpandas_gets_every_trip(buses: pd.DataFrame) -> None:
    collection = analysis.to_movingpandas(buses)
    assert len(collection) == buses["trip"].nunique() == 16
    assert sum(len(trajectory.df) for trajectory in collection) == len(buses)
    lengths = analysis.summary(buses)["length"].sum()
    with their_warnings():
        assert sum(trajectory.get_length() for trajectory in collection) == pytest.approx(lengths, rel=5e-3)
    first = collection.trajectories[0]
    assert first.obj_id == "4716"
    assert first.get_start_time() == buses["time"][buses["trip"] == "4716-1"].iloc[0].tz_localize(None)
    assert str(first.df.index.dtype) == "datetime64[ns]"


def test_movingpandas_works_on_what_it_gets(buses: pd.DataFrame) -> None:
    collection = analysis.to_movingpandas(buses)
    with their_warnings():
        collection.add_speed(name="moved")
        movingpandas = load("movingpandas", "movement")
        simpler = movingpandas.DouglasPeuckerGeneralizer(collection).generalize(tolerance=0.001)
        stops = movingpandas.TrajectoryStopDetector(collection).get_stop_points(
            min_duration=pd.Timedelta("2min"), max_diameter=60
        )
    speeds = np.concatenate([trajectory.df["moved"].to_numpy() for trajectory in collection])
    assert speeds.max() == pytest.approx(analysis.summary(buses)["max_speed"].max(), rel=5e-3)
    assert sum(len(one.df) for one in simpler) < len(buses) / 3
    assert len(stops) > 5


def test_what_movingpandas_cannot_have_is_counted_and_told() -> None:
    walk = frame(*WALK)
    said = (
        "MovingPandas cannot have 2 of 11 fixes: "
        "1 of a moment of which another arrived after it; 1 alone in its trip"
    )
    with pytest.warns(UserWarning, match=said):
        collection = analysis.to_movingpandas(walk)
    lost = analysis.not_in_movingpandas(walk)
    assert lost["lat"].tolist() == [7.0, 1.5]
    assert lost["reason"].tolist() == ["of a moment of which another arrived after it", "alone in its trip"]
    assert sum(len(trajectory.df) for trajectory in collection) + len(lost) == len(walk)
    assert walk.equals(frame(*WALK))  # and nothing is done to the frame


def test_what_we_do_not_leave_out_movingpandas_would_without_a_word() -> None:
    movingpandas = load("movingpandas", "movement")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bare = movingpandas.TrajectoryCollection(
            frame(*WALK), "trip", obj_id_col="member", t="time", x="lon", y="lat"
        )
    assert sum(len(trajectory.df) for trajectory in bare) == 9  # of 11
    words = " ".join(str(one.message) for one in told)
    assert not any(word in words for word in ("duplicate", "fixes", "rows", "short"))


def test_one_trajectory_a_member_if_asked() -> None:
    walk = frame(*(row for row in WALK if row.get("lat") != 7.0))
    collection = analysis.to_movingpandas(walk, by="member")
    assert sorted(trajectory.id for trajectory in collection) == ["ann", "bo"]
    assert len(analysis.to_movingpandas(empty())) == 0
    with pytest.raises(InvalidInput, match="no column 'outing'"):
        analysis.to_movingpandas(walk, by="outing")


def test_trips_of_several_recordings_stay_apart() -> None:
    walk = frame({"at": 0}, {"at": 10}, recording="a")
    later = frame({"at": 100}, {"at": 110}, recording="b")
    collection = analysis.to_movingpandas(joined(walk, later))
    assert [trajectory.id for trajectory in collection] == ["ann-1", "ann-2"]


# trackintel


def test_trackintel_finds_staypoints_and_triplegs(buses: pd.DataFrame) -> None:
    trackintel = load("trackintel", "movement")
    points = analysis.to_geodataframe(buses)
    with their_warnings():
        fixes = trackintel.io.read_positionfixes_gpd(points, tracked_at="time", user_id="member")
        fixes, stays = fixes.generate_staypoints(method="sliding", dist_threshold=100, time_threshold=5)
        fixes, legs = fixes.generate_triplegs(stays)
    assert len(fixes) == len(buses)
    assert fixes["user_id"].nunique() == 8
    assert str(fixes["tracked_at"].dtype) == "datetime64[ns, UTC]"
    assert len(stays) > 0
    assert len(legs) >= 16
    with their_warnings():
        again = trackintel.Positionfixes(analysis.renamed(points, "trackintel"))
    assert len(again) == len(buses)


# traja


def test_traja_has_the_same_length_and_speeds(buses: pd.DataFrame) -> None:
    traja = load("traja", "movement")
    one = buses[buses["trip"] == "4716-1"]
    with their_warnings():
        track = analysis.to_traja(one, "4716")
        speeds = traja.get_derivatives(track)["speed"]
        length = traja.trajectory.length(track)
    assert isinstance(track, traja.TrajaDataFrame)
    assert length == pytest.approx(analysis.summary(one)["length"][0], rel=1e-3)
    assert speeds.max() == pytest.approx(analysis.summary(one)["max_speed"][0], rel=1e-3)
    assert track["time"].iloc[-1] == (one["time"].iloc[-1] - one["time"].iloc[0]).total_seconds()
    assert (track.spatial_units, track.time_units) == ("m", "s")


def test_traja_is_given_metres_wherever_that_is() -> None:
    for lat, lon in ((0.0, 179.9999), (-89.9999, 0.0), (60.0, -180.0)):
        walk = frame({"at": 0, "lat": lat, "lon": lon}, {"at": 5, "lat": lat, "lon": -179.999})
        with their_warnings():
            track = analysis.to_traja(walk, "ann")
        apart = np.hypot(*(track[["x", "y"]].iloc[1] - track[["x", "y"]].iloc[0]))
        assert apart == pytest.approx(way(lat, lon, lat, -179.999), rel=1e-6)


def test_traja_gets_one_fix_for_a_moment_of_a_member_who_is_there() -> None:
    with pytest.warns(UserWarning, match=r"traja cannot have 1 of 8 fixes: 1 of a moment"):
        track = analysis.to_traja(frame(*WALK), "ann")
    assert len(track) == 7
    with pytest.raises(NotFound, match="'cy'"):
        analysis.to_traja(frame(*WALK), "cy")


# scikit-mobility, PTRAIL, PyMove: they do not run with pandas 3, so only the names are offered


def test_scikit_mobility_is_offered_its_names() -> None:
    walk = analysis.renamed(frame(*WALK), "scikit-mobility")
    assert {"uid", "tid", "datetime", "lat", "lng"} <= set(walk.columns)
    assert len(walk) == len(WALK)
    assert str(walk["datetime"].dtype) == "datetime64[ns]"
    assert seconds(walk["datetime"].dt.tz_localize("UTC"))[0] == 0
    for library in ("ptrail", "pymove"):
        assert "lat" in analysis.renamed(frame(*WALK), library)
    with pytest.raises(InvalidInput, match=r"'r' is unknown; expected scikit-mobility"):
        analysis.renamed(frame({}), "r")


# what is not installed


def test_what_is_missing_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("locshare_ext.analysis.libraries.import_module", missing)
    walk = frame({"at": 0}, {"at": 1})
    for make, extra in (
        (analysis.to_geodataframe, "geo"),
        (analysis.to_movingpandas, "movement"),
        (lambda one: analysis.to_traja(one, "ann"), "movement"),
    ):
        with pytest.raises(InvalidInput, match=rf'pip install "locshare-ext\[{extra}\]"'):
            make(walk)


def test_a_library_that_lacks_one_of_its_own_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'shapely'", name="shapely")

    monkeypatch.setattr("locshare_ext.analysis.libraries.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="shapely"):
        analysis.to_geodataframe(frame({}))
    assert importlib.import_module("geopandas")
