"""Servers without notebooks in one process of their own, each with its own limits or faults."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from locshare_ext.broker.access import Principal
from locshare_ext.server.limits import Limits
from locshare_ext.server.phones import PhoneOptions, Phones
from locshare_ext.server.serve import make_application
from locshare_ext.server.site import Site
from locshare_ext.server.stores import open_store
from locshare_ext.services.groups import GroupOptions

__all__ = ["BODY", "TOKEN", "Sites"]

TOKEN = "lsh_" + "t" * 43
BODY = 4000  # bytes of a body that `plain` takes


def made(folder: Path) -> dict[str, Site]:
    """Return a site for each name.

    plain: nothing fails, bodies are small, and it may listen for phones. strict: no guess of a
    credential is free, and the key of the invites cannot be read. full: one group with one
    member is all there may be. open: as a user has it, but for what slows guesses of credentials.
    """
    options = {
        "open": {"limits": Limits(failures_per_address=1_000_000)},
        "plain": {"limits": Limits(body=BODY, drain=4 * BODY)},
        "strict": {"limits": Limits(failures_per_address=0)},
        "full": {"options": GroupOptions(groups=1, members=1)},
    }
    (folder / "strict.sqlite3.key").mkdir()
    sites = {}
    for name, chosen in options.items():
        store, path = open_store(str(folder / f"{name}.sqlite3"))
        site = Site(store, store_path=path, log=logging.getLogger(name), **chosen)
        site.credentials.add(TOKEN, Principal(id="host", kind="host"))
        sites[name] = site
    sites["plain"].phones = Phones(sites["plain"], PhoneOptions(host="127.0.0.1", port=0))
    return sites


async def serve(folder: Path) -> None:
    """Serve until nobody holds the other end of standard input."""
    sites = made(folder)
    ports = {}
    servers = []
    for name, site in sites.items():
        server = HTTPServer(make_application(site), max_body_size=site.limits.drain)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        site.start()
        servers.append(server)
        ports[name] = sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.stop()
    for site in sites.values():
        await site.close()
    for server in servers:
        await server.close_all_connections()


class Sites:
    """The process; `urls` has the address of each server by its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "sites.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.sites", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).parents[2],
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the servers ended: {self.log.read_text()[-2000:]}")
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in json.loads(line).items()}

    def stop(self) -> None:
        """End it in order."""
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(Path(sys.argv[1])))
