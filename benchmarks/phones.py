"""Phone apps over HTTP: an hour's backlog fix by fix, a batch of 1,000, 200 phones at once."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from http.client import HTTPConnection
from typing import Any

from benchmarks.processes import LOAD_CPU, SERVER_CPU, cpu_seconds, pin
from benchmarks.report import Report
from benchmarks.serving import Served, serve

__all__ = ["run"]

BACKLOG = 360  # fixes: an hour, one in ten seconds
BATCH = 1000
PHONES = 200
FORM = "application/x-www-form-urlencoded"
# how the apps are dealt among the phones that send at once: Overland's batches would ask for less
APPS = ("traccar", "owntracks", "osmand", "gpslogger")


def run(report: Report) -> None:
    """Measure a server in a process of its own; its CPU time is what counts where others take some."""
    pin(LOAD_CPU)
    for app in APPS:
        with serve(SERVER_CPU) as served:
            wall, cpu = _backlog(served, app)
        report.note(
            "phones", f"{app}, {BACKLOG} fixes", f"{wall:.2f} s, server {1000 * cpu:.0f} ms", wall=wall
        )
        report.judge("phones", f"s, a backlog of {BACKLOG} by {app}, one request each", wall, most=10)
    with serve(SERVER_CPU) as served:
        wall, cpu = _batch(served)
    report.note("phones", f"overland, {BATCH} fixes", f"{wall:.3f} s, server {1000 * cpu:.0f} ms", wall=wall)
    report.judge("phones", f"s, a batch of {BATCH} by overland", wall, most=0.5)
    with serve(SERVER_CPU) as served:
        cores, answered = asyncio.run(_crowd(served, max(report.options.seconds, 6.0)))
    report.judge("phones", f"cores, {PHONES} phones x 1 Hz", cores, most=0.5)
    report.judge_faults("phones", "" if not answered else f"{answered} requests were refused")


def invite(served: Served, member: str, roles: str = "publish watch") -> str:
    """Return the token of a new invite, of the roles that one has who is not asked."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/locshare/api/groups/phones/invites",
        json.dumps({"member": member, "roles": roles}).encode(),
        {"Content-Type": "application/json", "X-Locshare-Token": served.token},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


def request_of(app: str, token: str, number: int, now: float) -> tuple[str, str, bytes, str]:
    """Return method, path, body and its type of a fix; each number is another place."""
    path, lat, lon = f"/locshare/in/{token}/{app}", 37.5 + number * 1e-5, 127.0
    if app == "traccar":
        form = (
            f"id=1&lat={lat:.6f}&lon={lon}&timestamp={now:.0f}&accuracy=5.0&speed=2.72&bearing=90.0&batt=83"
        )
        return "POST", path, form.encode(), FORM
    if app == "owntracks":
        message: dict[str, Any] = {"_type": "location", "lat": lat, "lon": lon, "tst": int(now), "acc": 5}
        message |= {"vel": 5, "cog": 90, "alt": 31, "vac": 3, "batt": 83, "bs": 1, "conn": "m", "tid": "an"}
        return "POST", path, json.dumps(message).encode(), "application/json"
    query = f"lat={lat:.6f}&lon={lon}&timestamp={now * (1000 if app == 'osmand' else 1):.0f}"
    if app == "gpslogger":
        return "POST", f"{path}?{query}&acc=5.0&spd=1.4&dir=90.0&batt=83&sat=7", b"", FORM
    return "GET", f"{path}?{query}&accuracy=5.0&speed=1.4&bearing=90.0", b"", FORM


def _backlog(served: Served, app: str) -> tuple[float, float]:
    """Send one phone's backlog, each fix when the one before is answered; returns s, CPU s of the server."""
    token = invite(served, "ann")
    begin = time.time() - 10 * BACKLOG
    connection = HTTPConnection("127.0.0.1", served.port)
    before, start = cpu_seconds(served.pid), time.perf_counter()
    for number in range(BACKLOG):
        method, path, body, kind = request_of(app, token, number, begin + 10 * number)
        connection.request(method, path, body, {"Content-Type": kind})
        with connection.getresponse() as answer:
            answer.read()
            assert answer.status == 200, answer.status
    wall, cpu = time.perf_counter() - start, cpu_seconds(served.pid) - before
    connection.close()
    assert _count(served) == BACKLOG
    return wall, cpu


def _batch(served: Served) -> tuple[float, float]:
    token = invite(served, "ann")
    begin = time.time() - BATCH
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [127.0, 37.5 + number * 1e-5]},
            "properties": {
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + number)),
                "altitude": 31,
                "speed": 1,
                "course": 90,
                "horizontal_accuracy": 5,
                "vertical_accuracy": 3,
                "speed_accuracy": 0.5,
                "course_accuracy": -1,
                "motion": ["walking"],
                "battery_state": "unplugged",
                "battery_level": 0.83,
                "wifi": "",
                "device_id": "ann",
            },
        }
        for number in range(BATCH)
    ]
    body = json.dumps({"locations": features}).encode()
    connection = HTTPConnection("127.0.0.1", served.port)
    before, start = cpu_seconds(served.pid), time.perf_counter()
    connection.request("POST", f"/locshare/in/{token}/overland", body, {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        assert answer.read() == b'{"result":"ok"}'
    wall, cpu = time.perf_counter() - start, cpu_seconds(served.pid) - before
    connection.close()
    assert _count(served) == BATCH
    return wall, cpu


async def _crowd(served: Served, seconds: float) -> tuple[float, int]:
    """Have phones send once a second, evenly over it; returns the server's cores, and requests refused."""
    tokens = [invite(served, f"m{number}") for number in range(PHONES)]
    refused = 0

    async def phone(number: int, start: float) -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        loop, app = asyncio.get_running_loop(), APPS[number % len(APPS)]
        for turn in range(int(seconds) + 1):
            await asyncio.sleep(max(0.0, start + turn + number / PHONES - loop.time()))
            method, path, body, kind = request_of(app, tokens[number], turn, time.time())
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Type: {kind}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            refused += not answer.startswith(b"HTTP/1.1 200")
        writer.close()

    start = asyncio.get_running_loop().time() + 0.5
    crowd = asyncio.gather(*(phone(number, start) for number in range(PHONES)))
    await asyncio.sleep(1.5)  # the first second opens connections
    before, at = cpu_seconds(served.pid), time.perf_counter()
    await asyncio.sleep(seconds - 1)
    cores = (cpu_seconds(served.pid) - before) / (time.perf_counter() - at)
    await crowd
    return cores, refused


def _count(served: Served) -> int:
    """Return how many fixes are stored."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/locshare/api/groups/phones",
        headers={"X-Locshare-Token": served.token},
    )
    with urllib.request.urlopen(request) as answer:
        return int(sum(json.load(answer)["counts"].values()))
