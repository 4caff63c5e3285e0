"""A server to be measured: `jupyter locshare serve` with an empty store of its own."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from locshare_ext.comparison.processes import Child, Probe, server_cpus
from locshare_ext.errors import ServerUnreachable

__all__ = ["Served", "serving"]

_COMMAND = ("serve", "--port", "0")
_LINK = re.compile(r'(http://[^\s"]+)#t=(\w+)')


@dataclass(frozen=True, slots=True)
class Served:
    """A running server. base: ends with `/locshare/`. token: its host's. folder: all that it writes."""

    child: Child
    probe: Probe
    base: str
    token: str
    folder: Path

    def link(self, group: str) -> str:
        """Return the link that opens a group as the host."""
        return f"{self.base}#t={self.token}&g={group}"

    def store_size(self) -> int:
        """Return the bytes of the log's files."""
        return sum(file.stat().st_size for file in self.folder.glob("log.sqlite3*"))


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    """Start a server on a free port; it has ended, and its folder is gone, when the context ends.

    Raises ServerUnreachable when it does not start, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="locshare-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        # its host token, too, is this server's alone: nothing of the user's is read or changed
        homes = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
        child = stack.enter_context(
            Child(
                "the measured server",
                "locshare_ext.cli.main",
                *(*_COMMAND, "--store", str(folder / "log.sqlite3")),
                log=folder / "server.log",
                cpus=server_cpus(),
                environment={home: str(folder / home.lower()) for home in homes},
            )
        )
        said = child.next_line()
        found = _LINK.search(said)
        if found is None:
            raise ServerUnreachable(f"the measured server printed no link, but {said!r}")
        yield Served(child, Probe(child.pid), found[1], found[2], folder)
