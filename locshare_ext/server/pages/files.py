"""The files of a page, read once, each with its compressed form and its tag."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["WORKER", "PageFile", "host_files", "page_files"]

FOLDER = Path(__file__).parent / "static"
HOST_FOLDER = Path(__file__).parent / "host"  # not below the other: no phone keeps it
WORKER = "worker.js"  # of the service: its files are those of its own version
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """body: as it is. packed: by gzip. tag: another for another body."""

    name: str
    type: str
    body: bytes
    packed: bytes
    tag: str


@lru_cache(maxsize=1)
def page_files() -> dict[str, PageFile]:
    """Return the files by name, those in `vendor` without the folder; reads and packs, so not on a loop.

    The service worker begins with the names of all others and what they are in, together, so that
    a change of one is a change of it: browsers then take all of them anew, and never mix versions.
    """
    found = _read(FOLDER)
    cached = [name for name in found if name != WORKER and not name.endswith(".LICENSE")]
    digest = hashlib.sha256(b"".join(found[name] for name in cached)).hexdigest()[:16]
    told = f"const VERSION = {json.dumps(digest)};\nconst FILES = {json.dumps(cached)};\n"
    found[WORKER] = told.encode() + found[WORKER]
    return {name: _made(name, body) for name, body in found.items()}


@lru_cache(maxsize=1)
def host_files() -> dict[str, PageFile]:
    """Return the files of the host's page by name; as `page_files` not on a loop."""
    return {name: _made(name, body) for name, body in _read(HOST_FOLDER).items()}


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix in _TYPES}


def _made(name: str, body: bytes) -> PageFile:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return PageFile(name, _TYPES[Path(name).suffix], body, gzip.compress(body, 9, mtime=0), tag)
