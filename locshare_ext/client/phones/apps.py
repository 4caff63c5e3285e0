"""All apps that are emulated: what each sends, and by which rules its queue lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import cycle, islice

from locshare_ext.client.phones import gpslogger, osmand, overland, owntracks, traccar
from locshare_ext.client.phones.shapes import Encode, Reply
from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import near_names

__all__ = ["APPS", "FAMILIES", "App", "Rules", "chosen", "dealt"]


def _is_success(reply: Reply) -> bool:
    return reply.is_success


def _no_interval(_: Reply) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Rules:
    """How an app's queue lives; seconds.

    batch, least: fixes of a request, at most and at least. every: between two requests.
    pause: after a failure, doubled by each until `longest`; None: until the next fix comes.
    tries: of one request, before its fixes are let go; None: for ever. deletes: whether an answer
    makes it let go what it has sent. oldest: fixes of more than that age are let go unsent.
    capacity: the oldest go first when more are queued. is_patient: it waits until there is a
    network, where others fail by trying. one_a_second: a fix takes the place of another of its
    second. is_taken: whether an answer means delivered. interval: a new `every` in an answer.
    """

    batch: int = 1
    least: int = 1
    every: float = 0.0
    pause: float | None = 1.0
    longest: float = 120.0
    tries: int | None = None
    deletes: Callable[[Reply], bool] = field(default=lambda reply: False)
    oldest: float | None = None
    capacity: int = 100_000
    is_patient: bool = False
    one_a_second: bool = False
    is_taken: Callable[[Reply], bool] = _is_success
    interval: Callable[[Reply], float | None] = _no_interval


@dataclass(frozen=True, slots=True)
class App:
    """One version of one app. source: what its fixes say they come from."""

    name: str
    source: str
    encode: Encode
    rules: Rules


def _is_refusal(reply: Reply) -> bool:
    return 400 <= reply.status < 500


# OwnTracks on Android queues a failed message at the head again (MessageProcessor.kt); on iOS any
# 4xx deletes it (Connection.m). Traccar's SDK tries the same fix again after 5 s to 5 min
# (TrackerEngine.kt); version 8 after 30 s (TrackingController.kt), both at once when there is a
# network again. What version 9 is made with sends when the next fix comes. GPSLogger hands each fix
# to Android's WorkManager, which waits for a network and gives up after three more tries; its
# Dawarich target keeps what failed for the next fix. OsmAnd's sender goes on with the next fix, older
# versions tried at once again, and both let go what is older than 15 min.
_ANDROID = Rules(pause=1.0, longest=120.0)
_IOS = Rules(pause=1.0, longest=64.0, deletes=_is_refusal)
_SDK = Rules(pause=5.0, longest=300.0, is_patient=True)
_BEFORE = Rules(pause=30.0, longest=30.0, is_patient=True)
_OVERLAND = Rules(
    batch=overland.BATCH,
    every=10.0,
    pause=10.0,
    longest=10.0,
    one_a_second=True,
    is_taken=overland.is_ok,
    interval=overland.interval_from,
)
_CUSTOM_URL = Rules(pause=30.0, longest=18_000.0, tries=4, is_patient=True)
_DAWARICH = Rules(batch=1000, least=3, pause=None, is_patient=True)
_OSMAND = Rules(pause=None, oldest=900.0)
_SPINNING = Rules(pause=0.01, longest=0.01, oldest=900.0)

APPS = {
    app.name: app
    for app in (
        App("owntracks-android", "owntracks", owntracks.android, _ANDROID),
        App("owntracks-ios", "owntracks", owntracks.ios, _IOS),
        App("owntracks-ios-basic", "owntracks", owntracks.ios_basic, _IOS),
        App("traccar-v10", "traccar", traccar.v10, _SDK),
        App(
            "traccar-v10-json",
            "traccar",
            traccar.v10_json,
            Rules(batch=100, pause=5.0, longest=300.0, is_patient=True),
        ),
        App("traccar-v9", "traccar", traccar.v9, Rules(pause=None, is_patient=True)),
        App("traccar-v8", "traccar", traccar.v8, _BEFORE),
        App("traccar-v5", "traccar", traccar.v5, _BEFORE),
        App("overland", "overland", overland.ios, _OVERLAND),
        App("gpslogger-url", "gpslogger", gpslogger.url, _CUSTOM_URL),
        App("gpslogger-body", "gpslogger", gpslogger.body, _CUSTOM_URL),
        App("gpslogger-json", "gpslogger", gpslogger.json, _CUSTOM_URL),
        App("gpslogger-dawarich", "gpslogger", overland.dawarich, _DAWARICH),
        App("gpslogger-dawarich-fraction", "gpslogger", overland.dawarich_fraction, _DAWARICH),
        App("osmand", "osmand", osmand.new, _OSMAND),
        App("osmand-old", "osmand", osmand.old, _SPINNING),
    )
}

FAMILIES = {
    "owntracks": ("owntracks-android", "owntracks-ios"),
    "traccar": ("traccar-v10", "traccar-v9", "traccar-v8"),
    "traccar-old": ("traccar-v8", "traccar-v5"),
    "gpslogger": ("gpslogger-url", "gpslogger-json", "gpslogger-dawarich"),
    "mixed": ("owntracks-android", "traccar-v10", "overland", "gpslogger-url", "osmand", "owntracks-ios"),
    "all": tuple(APPS),
}


def chosen(text: str) -> list[App]:
    """Return the apps that a list with commas names: apps, families, `mixed` or `all`.

    Raises InvalidInput that tells near names.
    """
    names: list[str] = []
    for word in text.split(","):
        name = word.strip().lower()
        if name in APPS:
            names.append(name)
        elif name in FAMILIES:
            names.extend(FAMILIES[name])
        else:
            raise _unknown(name)
    return [APPS[name] for name in dict.fromkeys(names)]


def dealt(apps: Iterable[App], count: int) -> list[App]:
    """Return an app for each of `count` phones, in turn."""
    return list(islice(cycle(apps), count))


def _unknown(name: str) -> InvalidInput:
    known = [*FAMILIES, *APPS]
    near = near_names(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"expected some of {', '.join(known)}"
    return InvalidInput(f"no app is called {name[:40]!r}; {hint}", code="unknown_app", field="as")
