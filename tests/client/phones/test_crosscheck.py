"""What each emulated app sends, read by the server's decoders: the same fix, within the app's rounding."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from locshare_ext.client.phones.apps import APPS
from locshare_ext.client.phones.shapes import Handset, Measured, Request, Sending
from locshare_ext.formats.phones import Sent, decode, detect
from locshare_ext.model.report import Report
from locshare_ext.model.wire import FixInput

HANDSET = Handset("anns-phone", "ann", "an")


@dataclass(frozen=True)
class Grain:
    """How exact an app sends: ms, degrees, m, m/s, degrees, m, 0-1.

    zeros: fields for which 0 says unknown, too, so that nobody can tell these apart. absent: fields
    that the app does not send at all.
    """

    time: int = 1000
    place: float = 1e-12
    altitude: float = 1e-9
    accuracy: float = 1e-9
    speed: float = 1e-9
    heading: float = 1e-9
    battery: float = 0.0051
    zeros: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


ALL_ZERO = ("altitude", "accuracy", "speed", "heading")
KMH = 1 / 3.6
FLOAT = {"altitude": 1e-3, "accuracy": 5e-4, "speed": 2e-5, "heading": 5e-5}
GRAINS = {
    "owntracks-android": Grain(altitude=1, accuracy=0.5, speed=KMH, heading=1, zeros=ALL_ZERO),
    "owntracks-ios": Grain(
        place=5.1e-7, altitude=0.5, accuracy=0.5, speed=KMH / 2, heading=0.5, zeros=("speed", "heading")
    ),
    "owntracks-ios-basic": Grain(place=5.1e-7, accuracy=0.5, absent=("altitude", "speed", "heading")),
    "traccar-v10": Grain(speed=0.003),
    "traccar-v10-json": Grain(speed=0.003),
    "traccar-v9": Grain(time=1, battery=1e-9, zeros=("altitude",)),
    "traccar-v8": Grain(speed=1e-3, battery=1e-9, zeros=ALL_ZERO),
    "traccar-v5": Grain(speed=1e-3, battery=1e-9, zeros=ALL_ZERO),
    "overland": Grain(altitude=0.5, accuracy=0.5, speed=0.5, heading=0.5, battery=1e-9),
    "gpslogger-url": Grain(zeros=ALL_ZERO),
    "gpslogger-body": Grain(zeros=ALL_ZERO),
    "gpslogger-json": Grain(zeros=ALL_ZERO),
    "gpslogger-dawarich": Grain(time=1, zeros=("altitude", "accuracy", "speed"), absent=("heading",)),
    "gpslogger-dawarich-fraction": Grain(
        time=1, zeros=("altitude", "accuracy", "speed"), absent=("heading",)
    ),
    "osmand": Grain(time=1, place=5.1e-8, **FLOAT, zeros=ALL_ZERO, absent=("battery",)),
    "osmand-old": Grain(time=1, place=1.6e-5, **FLOAT, zeros=ALL_ZERO, absent=("battery",)),
}


def some(least: float, most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(least, most)


measured = st.builds(
    Measured,
    time=st.integers(1_500_000_000_000, 2_100_000_000_000),
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    altitude=some(-400, 8800),
    accuracy=some(0, 5000),
    speed=some(0, 90),
    heading=some(0, 359.9),
    battery=some(0.02, 1),  # of one per cent in GPSLogger's batch nobody can tell whether it is all
    is_offline=st.booleans(),
)


def read(made: Request, now: int) -> Report:
    headers = made.headers
    user, device = headers.get("X-Limit-U", ""), headers.get("X-Limit-D", "")
    sent = Sent(made.query, made.body, user, device, now)
    app = "gpslogger" if "batches" in made.path else made.path.strip("/") or detect(sent)
    return decode(app, sent)


def check(app: str, sent: Measured, got: FixInput) -> None:
    grain = GRAINS[app]
    assert 0 <= sent.time - got.time < grain.time
    assert got.lat == pytest.approx(sent.lat, abs=grain.place, rel=0)
    assert got.lon == pytest.approx(sent.lon, abs=grain.place, rel=0)
    assert got.source == APPS[app].source
    for name in ("altitude", "accuracy", "speed", "heading", "battery"):
        was, is_now, exact = getattr(sent, name), getattr(got, name), getattr(grain, name)
        if name in grain.absent:
            assert is_now is None, name
        elif was is None:
            assert is_now is None or (name in grain.zeros and is_now == 0), name
        elif is_now is None:  # only what may as well be unknown
            size = min(was, 360 - was) if name == "heading" else abs(was)
            is_zero = size <= exact and (name in grain.zeros or name == "accuracy")
            assert is_zero, (name, was)
        elif name == "heading":
            assert abs((was - is_now + 180) % 360 - 180) <= exact, (was, is_now)
        else:
            assert is_now == pytest.approx(was, abs=exact, rel=1e-9), name


@pytest.mark.parametrize("app", sorted(APPS))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(fix=measured, later=st.integers(0, 7_200_000))
@example(fix=Measured(1_795_343_525_678, 37.5, 127.0, 30.6, 4.9, 27.9, 359.7, 0.83), later=0)
@example(fix=Measured(1_795_343_525_678, -33.5, -70.25), later=3_600_000)
@example(fix=Measured(1_795_343_525_000, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), later=0)
def test_what_is_sent_is_what_is_read(app: str, fix: Measured, later: int):
    now = fix.time + later
    report = read(APPS[app].encode(Sending(HANDSET, [fix], now, 1, fix)), now)
    assert not report.refused
    ((_, got),) = report.fixes
    check(app, fix, got)
    if not app.startswith("osmand"):  # which tells nobody's name
        assert "ann" in report.name


@pytest.mark.parametrize("app", ["overland", "traccar-v10-json", "gpslogger-dawarich"])
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(fixes=st.lists(measured, min_size=1, max_size=30))
def test_batches_are_read_whole_and_in_order(app: str, fixes: list[Measured]):
    report = read(APPS[app].encode(Sending(HANDSET, fixes, 0, len(fixes), fixes[-1])), 0)
    assert [place for place, _ in report.fixes] == list(range(len(fixes)))
    for fix, (_, got) in zip(fixes, report.fixes, strict=True):
        check(app, fix, got)


def test_every_app_has_its_grain():
    assert GRAINS.keys() == APPS.keys()
