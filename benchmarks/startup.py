"""What the extension costs a notebook server that does not use it: start, memory, threads; and importing it.

The reference is the same Jupyter server without the extension, started in turn with it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 7

# Start a server in this process up to where it would serve, and say what that took.
PROBE = """
import gc, json, os, sys, threading, time
import psutil
from jupyter_server.serverapp import ServerApp
begin, cpu = time.perf_counter(), time.process_time()
app = ServerApp()
app.initialize(sys.argv[1:], new_httpserver=True)

import asyncio
async def run():
    # what serving does for extensions once the port is known
    await app.extension_manager.start_all_extensions()
    await asyncio.sleep(0)
app.io_loop.asyncio_loop.run_until_complete(run())
took, cpu = time.perf_counter() - begin, time.process_time() - cpu
gc.collect()
memory = psutil.Process().memory_full_info().uss / 2**20
loaded = sorted(name for name, one in app.extension_manager.extensions.items() if one.enabled)
threads = [thread.name for thread in threading.enumerate()]
print(json.dumps({"ms": took * 1e3, "cpu": cpu * 1e3, "mib": memory, "threads": threads, "has": loaded}))
os._exit(0)
"""


def start(folder: Path, *, extension: bool) -> dict[str, object]:
    """Start a server once; returns what the probe printed."""
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    wanted = {"jupyter_lsp": False, "jupyterlab": False, "notebook": False, "locshare_ext": extension}
    printed = subprocess.run(
        [
            *(sys.executable, "-c", PROBE, "--no-browser", "--allow-root", "--ServerApp.port=0"),
            *(f"--ServerApp.jpserver_extensions={name}={is_on}" for name, is_on in wanted.items()),
        ],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result: dict[str, object] = json.loads(printed.splitlines()[-1])
    if ("locshare_ext" in result["has"]) != extension:  # type: ignore[operator]
        raise RuntimeError(f"wrong extensions were loaded: {result['has']}")
    return result


def import_time(statement: str) -> float:
    """Return the ms that a statement takes in a fresh interpreter, the median of some."""
    program = f"import time; t = time.perf_counter(); {statement}; print((time.perf_counter() - t) * 1e3)"
    times = [
        float(
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        )
        for _ in range(RUNS)
    ]
    return statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            (start(Path(folder), extension=True), start(Path(folder), extension=False)) for _ in range(RUNS)
        ]
    for key, unit, limit in (
        ("ms", "ms to start", 100),
        ("cpu", "ms of CPU for it", 100),
        ("mib", "MiB when idle", 5),
    ):
        ours, plain = (statistics.median(float(str(pair[side][key])) for pair in pairs) for side in (0, 1))
        added = statistics.median(float(str(a[key])) - float(str(b[key])) for a, b in pairs)
        print(f"{unit:16} with {ours:8.1f}   without {plain:8.1f}   {ours / plain:.3f}x", end="   ")
        print(f"added {added:.1f} (limit {limit})")
    ours_last, plain_last = (set(map(str, side["threads"])) for side in pairs[-1])  # type: ignore[call-overload]
    print(f"threads added    {sorted(ours_last - plain_last) or 'none'} (limit none)")
    mine, tornado, pandas = (
        import_time(f"import {name}") for name in ("locshare_ext", "tornado.web", "pandas")
    )
    print(f"import           locshare_ext {mine:.1f} ms (limit 50)", end=", ")
    print(f"{mine / tornado:.3f}x tornado.web, {mine / pandas:.4f}x pandas")


if __name__ == "__main__":
    main()
