"""What runs in the kernel while maps are measured: walking members, and the ways to draw them.

The text of this module is run there (see render.py), so it imports nothing of this folder.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipyleaflet
import numpy as np

__all__ = ["WAYS", "Run", "busy", "start"]

ZOOM = 12
PIXEL = 360 / (256 * 2**ZOOM)  # degrees of longitude
PROBE = "#ff00fe"  # of what holds the first member, by which the page tells how far it is
PROBE_START = -500  # px beside the map's middle

Places = np.ndarray[Any, np.dtype[np.float64]]
Show = Callable[[int, Places, Places], None]


class Walk:
    """Members who wander about a town; the first goes east, a pixel with each step."""

    def __init__(self, members: int, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.lat = self.rng.uniform(-0.08, 0.08, members)
        self.lon = self.rng.uniform(-0.22, 0.22, members)
        self.turn = self.rng.uniform(0, 2 * np.pi, members)
        self.steps = 0

    def step(self) -> tuple[Places, Places]:
        self.turn += self.rng.uniform(-0.3, 0.3, len(self.turn))
        self.lat = self.lat + np.sin(self.turn) * PIXEL / 2
        self.lon = self.lon + np.cos(self.turn) * PIXEL / 2
        self.lat[0], self.lon[0] = 0.0, (PROBE_START + self.steps) * PIXEL
        self.steps += 1
        return self.lat, self.lon


class Run:
    """Show members' steps, `hz` a second; `history` steps of each are there before."""

    def __init__(self, way: str, members: int, hz: float, history: int, folder: str) -> None:
        self.walk = Walk(members)
        self.hz, self.folder = hz, Path(folder)
        self.names = [f"m{number}" for number in range(members)]
        self.map = ipyleaflet.Map(center=(0, 0), zoom=ZOOM, layers=(), layout={"height": "560px"})
        past = np.empty((2, history, members))
        for step in range(history):
            past[:, step] = self.walk.step()
        self.walk.steps = 0  # what is live begins where the page can tell the steps
        self.show = WAYS[way](self, past)

    def go(self, seconds: float) -> None:
        """Begin to show, in a thread; the moments are in a file when it is over."""
        threading.Thread(target=self._go, args=(seconds,), daemon=True).start()

    def _go(self, seconds: float) -> None:
        begin, shown = time.monotonic(), []
        for number in range(round(seconds * self.hz)):
            if (wait := begin + number / self.hz - time.monotonic()) > 0:
                time.sleep(wait)
            elif -wait > 2 * seconds:
                break  # it will never keep up
            places = self.walk.step()
            shown.append(round(time.time() * 1000))
            self.show(shown[-1], *places)
        (self.folder / "shown.json").write_text(json.dumps(shown))


def ours(run: Run, past: Any) -> Show:
    from locshare_ext import TrailLayer

    # no gliding: what is measured is when a head is where its fix is
    layer = TrailLayer(trail=3600, labels=False, interpolate=False)
    steps, members = past.shape[1:]
    now = round(time.time() * 1000)
    for first in range(0, steps, 10):
        some = past[:, first : first + 10]
        count = some.shape[1]
        moments = now - ((steps - first - np.arange(count)) * (1000 / run.hz)).astype(np.int64)
        layer.push(run.names * count, np.repeat(moments, members), some[0].ravel(), some[1].ravel())
    run.map.add(layer)
    return lambda at, lat, lon: layer.push(run.names, at, lat, lon)


def markers(run: Run, past: Any) -> Show:
    """What one writes first: a marker and a polyline for each member."""
    made = []
    for member in range(len(run.names)):
        trail = past[:, :, member].T.tolist()
        line = ipyleaflet.Polyline(
            locations=trail, color=PROBE if member == 0 else "#0072b2", fill=False, weight=2
        )
        marker = ipyleaflet.Marker(
            location=(run.walk.lat[member], run.walk.lon[member]), draggable=False, opacity=0.01
        )
        run.map.add(line)
        run.map.add(marker)
        made.append((marker, line, trail))

    def show(at: int, lat: Places, lon: Places) -> None:
        for (marker, line, trail), north, east in zip(made, lat.tolist(), lon.tolist(), strict=True):
            trail.append([north, east])
            del trail[: -max(60, past.shape[1])]
            marker.location = (north, east)
            line.locations = list(trail)

    return show


def geojson(run: Run, past: Any) -> Show:
    """One GeoJSON of all trails, replaced at each step."""
    trails = [past[::-1, :, member].T.tolist() for member in range(len(run.names))]
    layer = ipyleaflet.GeoJSON(data={"type": "FeatureCollection", "features": []})
    run.map.add(layer)

    def show(at: int, lat: Places, lon: Places) -> None:
        features = []
        for member, (north, east) in enumerate(zip(lat.tolist(), lon.tolist(), strict=True)):
            trails[member].append([east, north])
            del trails[member][: -max(60, past.shape[1])]
            style = {"color": PROBE if member == 0 else "#0072b2", "weight": 2, "fill": False}
            line = {"type": "LineString", "coordinates": list(trails[member])}
            features.append({"type": "Feature", "geometry": line, "properties": {"style": style}})
        layer.data = {"type": "FeatureCollection", "features": features}

    return show


def chunks(run: Run, past: Any) -> Show:
    """One polyline of all members for each step, added; the oldest goes when there are 600."""
    last = [past[:, -1] if past.shape[1] else np.array([run.walk.lat, run.walk.lon])]
    if past.shape[1]:
        run.map.add(
            ipyleaflet.Polyline(locations=past.transpose(2, 1, 0).tolist(), color="#0072b2", fill=False)
        )

    def show(at: int, lat: Places, lon: Places) -> None:
        places = np.array([lat, lon])
        pieces = np.stack([last[0], places]).transpose(2, 0, 1)  # member, end, lat and lon
        last[0] = places.copy()
        run.map.add(ipyleaflet.Polyline(locations=pieces[1:].tolist(), color="#0072b2", weight=2, fill=False))
        run.map.add(ipyleaflet.Polyline(locations=pieces[0].tolist(), color=PROBE, weight=2, fill=False))
        if len(run.map.layers) > 1200:
            for layer in run.map.layers[:2]:
                run.map.remove(layer)

    return show


WAYS: dict[str, Callable[[Run, Any], Show]] = {
    "ours": ours,
    "Marker + Polyline": markers,
    "GeoJSON replaced": geojson,
    "append-only chunks": chunks,
}


def start(way: str, members: int, hz: float, history: int, folder: str) -> Run:
    return Run(way, members, hz, history, folder)


def busy(kind: str, seconds: float) -> None:
    """Keep the kernel's main thread occupied as cells do."""
    end = time.monotonic() + seconds
    if kind == "time.sleep":
        time.sleep(seconds)
    elif kind == "a Python loop":
        count = 0
        while time.monotonic() < end:
            count += 1
    elif kind == "a pandas groupby":
        import pandas as pd

        rng = np.random.default_rng(2)
        frame = pd.DataFrame({"key": rng.integers(0, 1000, 200_000), "value": rng.random(200_000)})
        while time.monotonic() < end:
            frame.groupby("key")["value"].mean()
