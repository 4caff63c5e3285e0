"""What a file is, by how it begins: its name may say anything."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.registry import Format, by_name, readable

__all__ = ["format_of"]

_HEAD = 64 * 1024  # bytes that tell what a file is
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"FEA1", "Feather of before 2020"),
)
_XML = re.compile(r"<\s*(?:[\w.-]+:)?([A-Za-z][\w.-]*)")


def format_of(path: Path) -> Format:
    """Return what a file can be read as; raises InvalidFile when it is nothing of ours."""
    head = _head(path)
    if head.startswith(b"SQLite format 3\0"):
        return by_name("gpkg")
    if head.startswith(b"PAR1"):
        return by_name("parquet")
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return by_name("arrow")
    text = _text(head)
    if text.startswith("<"):
        return _xml(path, text)
    if text[:1] in ("{", "["):
        return _json(path, head)
    return _lines(head)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder, expected a file", field="path")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist", code="file_not_found", field="path") from None
    except OSError as error:
        raise InvalidFile(f"{path} cannot be read: {error.strerror}", field="path") from None
    if not head.strip(b"\0 \t\r\n"):
        raise InvalidFile(f"{path.name} is empty; expected {_known()}")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise InvalidFile(f"{path.name} is {what}; expected {_known()} (unpack it first)")
    return head


def _known() -> str:
    titles = [one.title for one in readable()]
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


def _text(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head.decode("utf-16", "ignore")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    return text.lstrip("\ufeff \t\r\n")


def _xml(path: Path, text: str) -> Format:
    """Return GPX, also for XML that turns out to be none; KML can only be written."""
    match = _XML.search(re.sub(r"<\?.*?\?>|<!--.*?-->|<!.*?>", "", text, flags=re.DOTALL))
    if match is not None and match[1].lower() in ("kml", "html"):
        raise InvalidFile(f"{path.name} is {match[1].upper()}; expected {_known()}")
    return by_name("gpx")


def _json(path: Path, head: bytes) -> Format:
    from locshare_ext.formats.geojson import is_geojson
    from locshare_ext.formats.google import is_google

    if is_geojson(head):
        return by_name("geojson")
    if is_google(head):
        return by_name("google")
    raise InvalidFile(f"{path.name} is JSON, but neither GeoJSON nor of Google; expected {_known()}")


def _lines(head: bytes) -> Format:
    from locshare_ext.formats.plt import is_plt
    from locshare_ext.formats.rec import is_rec

    if is_plt(head):
        return by_name("plt")
    return by_name("owntracks") if is_rec(head) else by_name("csv")
