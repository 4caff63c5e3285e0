"""The code of our maps as one script, for a file that stands by itself."""

from __future__ import annotations

import functools
import posixpath
import re
from importlib.resources import files

__all__ = ["script_of", "style"]

_STATIC = files("locshare_ext").joinpath("widget", "labextension", "static")
_ELSEWHERE = {"assets.js": "page/files.js"}  # where files beside the modules are: here they are texts
_IMPORT = re.compile(r"^import (?:\{([^}]*)\}|\* as (\w+)) from '(\.[^']+)';[^\n]*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function\*?|function\*?|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b|\bimport(?:\(|\.meta)", re.MULTILINE)
_ENDS = re.compile(r"</script|<!--", re.IGNORECASE)  # would end a script's element, or change what does


@functools.cache
def script_of(entry: str) -> str:
    """Return a module of the page, such as `worker.js`, and all that it imports, as one script.

    Each module is a function called once, after those that it imports. Raises AssertionError for
    modules that import one another, or in a way that is not known here.
    """
    order: list[str] = []
    texts: dict[str, str] = {}
    _visit(entry, order, texts, ())
    script = "'use strict';\n" + "".join(texts[name] for name in order)
    if _ENDS.search(script):
        raise AssertionError(f"{entry} cannot lie in a page")
    return script


@functools.cache
def style() -> str:
    """Return the style sheets of the page."""
    text = "".join(_STATIC.joinpath(name).read_text("utf-8") for name in ("style.css", "page/page.css"))
    if "</style" in text.lower():
        raise AssertionError("the style sheet cannot lie in a page")
    return text


def _visit(name: str, order: list[str], texts: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise AssertionError(f"modules import one another: {', '.join((*above, name))}")
    if name in texts:
        return
    text = _STATIC.joinpath(*name.split("/")).read_text("utf-8")

    def imported(found: re.Match[str]) -> str:
        names, whole, path = found.groups()
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        other = _ELSEWHERE.get(other, other)
        _visit(other, order, texts, (*above, name))
        return f"const {whole or '{' + names.replace(' as ', ': ') + '}'} = {_called(other)};\n"

    body = _IMPORT.sub(imported, text)
    exported = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    if left := _LEFT.search(body):
        raise AssertionError(f"{name} has {left[0]!r} in a way that is not known here")
    texts[name] = f"const {_called(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"
    order.append(name)


def _called(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))
