"""Pictures of a map as a page draws it, for papers."""

from __future__ import annotations

import itertools
import struct
import sys
import threading
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.display import Image

from locshare_ext.errors import InvalidInput, LocShareError

__all__ = ["NOBODY", "Imaging", "MapImage", "NoPicture", "question_for", "with_density"]

SIDES = (16, 8192)  # css px
SCALES = (0.25, 8.0)
MOST_PIXELS = 64_000_000
CSS_DPI = 96.0
PNG_HEAD = 8 + 25  # the signature, and the chunk that tells the size


class NoPicture(LocShareError):
    """No page could make a picture of the map."""

    status = 409
    default_code = "no_picture"


class MapImage(Image):
    """A PNG that notebooks show, `width` css px wide; `bytes(image)` is the file, `save` writes it."""

    def __init__(self, png: bytes, width: int) -> None:
        super().__init__(data=png, format="png", width=width)  # type: ignore[no-untyped-call]

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def save(self, path: str | Path) -> None:
        """Write the PNG to a file."""
        Path(path).write_bytes(bytes(self))


def question_for(
    width: int | None,
    height: int | None,
    scale: float | None,
    dpi: float | None,
    *,
    background: bool,
    legend: bool,
    scale_bar: bool,
) -> dict[str, Any]:
    """Return what a page is asked for. Raises InvalidInput naming the field."""
    if scale is not None and dpi is not None:
        raise InvalidInput("scale and dpi say the same; give one of them", field="dpi")
    if dpi is not None:
        _require("dpi", dpi, SCALES[0] * CSS_DPI, SCALES[1] * CSS_DPI, "per inch")
        scale = dpi / CSS_DPI
    scale = 2.0 if scale is None else scale
    _require("scale", scale, *SCALES, "times")
    for name, side in (("width", width), ("height", height)):
        if side is not None:
            _require(name, side, *SIDES, "px")
    if width and height and width * height * scale**2 > MOST_PIXELS:
        raise InvalidInput(
            f"{width} x {height} px at {scale:g} times are more than {MOST_PIXELS:,} pixels", field="width"
        )
    shown = {"background": background, "legend": legend, "scale_bar": scale_bar}
    return {"width": width, "height": height, "scale": scale, **shown}


def _require(name: str, value: Any, low: float, high: float, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInput(f"{name} is {value!r}, expected {low:g}-{high:g} {unit}", field=name)


def with_density(png: bytes, scale: float) -> bytes:
    """Return a PNG that says how large it is meant: `scale` pixels for each of 96 per inch."""
    per_metre = round(scale * CSS_DPI / 0.0254)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:PNG_HEAD] + chunk + png[PNG_HEAD:]


@dataclass
class _Asked:
    done: threading.Event = field(default_factory=threading.Event)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)  # by page
    refused: dict[str, str] = field(default_factory=dict)
    png: bytes | None = None


class Imaging:
    """Ask the pages of one layer for pictures, and put together what they answer.

    The kernel's main thread waits meanwhile, and so do all messages that are for it; pages
    answer on the control channel, which the kernel reads in a thread of its own.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = weakref.ref(layer)
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def ask(self, send: Callable[[int], None], timeout: float) -> bytes:
        """Return a picture of the first page that has one; `send` puts the question with its number.

        Raises NoPicture when no page shows the layer, or none answers within `timeout` seconds.
        """
        layer = self._layer()
        if layer is not None and layer.comm is not None:
            _listen_on_control(layer.comm.comm_id, layer)
        number, asked = next(self._numbers), _Asked()
        with self._lock:
            self._asked[number] = asked
        try:
            send(number)
            if not asked.done.wait(timeout):
                raise NoPicture(
                    f"no page answered within {timeout:g} s; the map has to be open in a browser, "
                    "in a notebook of this kernel"
                )
            if asked.png is None:
                raise NoPicture(_reason(asked.refused))
            return asked.png
        finally:
            with self._lock:
                del self._asked[number]

    def take(self, page: str, content: Mapping[str, Any], buffers: Sequence[Any], pages: int) -> None:
        """Take what a page says to a question; the main thread or that of the control channel calls it."""
        with self._lock:
            asked = self._asked.get(int(content["ask"]))
            if asked is None:
                return  # another page was quicker
            if "error" in content:
                asked.refused[page] = str(content["error"])
                if len(asked.refused) >= pages:
                    asked.done.set()
                return
            parts = asked.parts.setdefault(page, {})
            parts[int(content["part"])] = bytes(buffers[0])
            if len(parts) == int(content["parts"]) and asked.png is None:
                asked.png = b"".join(parts[part] for part in sorted(parts))
                asked.done.set()


def _reason(refused: Mapping[str, str]) -> str:
    reasons = sorted({reason for reason in refused.values() if reason != "unseen"})
    if reasons:
        return f"the page could not draw the picture: {'; '.join(reasons)}"
    return NOBODY


NOBODY = "no page shows this layer: show its map in a notebook that is open in a browser, then ask again"

_listening: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def _listen_on_control(comm: str, layer: Any) -> None:
    """Have the kernel hand over what pages say on its control channel, which no cell keeps busy."""
    _listening[comm] = layer
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    handlers = getattr(kernel, "control_handlers", None)
    if handlers is not None:
        handlers.setdefault("comm_msg", _hear)


def _hear(stream: Any, ident: Any, message: Mapping[str, Any]) -> None:
    layer = _listening.get(message["content"]["comm_id"])
    if layer is not None:
        layer._receive(None, message["content"]["data"].get("content", {}), message.get("buffers", []))
