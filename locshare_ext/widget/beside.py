"""The map where our lab extension is not: VS Code, Colab, or a Jupyter server elsewhere."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from ipywidgets import Widget
from traitlets import Unicode

from locshare_ext.errors import InvalidInput

__all__ = ["ROUTES", "bundle", "chosen_route", "new_painter", "stock_names"]

ROUTES = ("auto", "extension", "anywidget")
SWITCH = "LOCSHARE_ROUTE"
STATIC = Path(__file__).parent / "labextension" / "static"
ONLY_EXTENSION = {"remoteEntry.js", "extension.js", "widgets.js"}  # nothing of these is wanted here

# Modules become addresses that the page makes of texts, in the order of their imports.
LOADER = """
const SOURCES = %s;
const urls = {};
const address = (text, type) => URL.createObjectURL(new Blob([text], { type }));
function link(name) {
  if (urls[name]) return urls[name];
  if (name === 'assets.js') {
    const known = { 'style.css': address(SOURCES['style.css'], 'text/css') };
    for (const one of ['worker.js', 'probe.js']) known[one] = link(one);
    return urls[name] = address(`const known = ${JSON.stringify(known)};
export const WORKER = 'module';
export const urlOf = name => known[name];`, 'text/javascript');
  }
  const text = SOURCES[name].replace(/from '\\.\\/([^']+)'/g, (_, other) => `from '${link(other)}'`);
  return urls[name] = address(text, 'text/javascript');
}
const KEY = Symbol.for('locshare-ext %s');
globalThis[KEY] ??= import(link('%s')).then(module => module.createBeside());
export default {
  async initialize(context) { return (await globalThis[KEY]).initialize?.(context); },
  async render(context) { return (await globalThis[KEY]).render(context); },
};
"""


def chosen_route(route: str = "auto") -> str:
    """Return by which route the page gets our code: `extension` or `anywidget`.

    `auto` asks the environment variable LOCSHARE_ROUTE, then whether this is VS Code or Colab,
    which load no lab extension. A browser whose Jupyter server is another environment than the
    kernel's cannot be told from here: there the route has to be said. Raises InvalidInput.
    """
    for name, value in (("route", route), (SWITCH, os.environ.get(SWITCH, "auto"))):
        if value not in ROUTES:
            raise InvalidInput(f"{name} is {value!r}, expected one of {', '.join(ROUTES)}", field=name)
        if value != "auto":
            return value
    return "anywidget" if _is_vscode() or "google.colab" in sys.modules else "extension"


def _is_vscode() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return "__vsc_ipynb_file__" in getattr(get_ipython(), "user_ns", {})  # set by it in each notebook


def stock_names(stock: type[Widget]) -> dict[str, str]:
    """Return the names by which the page knows one of ipyleaflet's own widgets, as traits."""
    traits = ("_model_name", "_view_name", "_model_module", "_view_module")
    versions = ("_model_module_version", "_view_module_version")
    return {name: getattr(stock, name).default_value for name in (*traits, *versions)}


def new_painter() -> Any:
    """Return a widget that draws a layer, named by its `layer`, in the views of a stock layer group.

    It wants to be among the group's sub-items. Raises InvalidInput when anywidget is missing.
    """
    return _painter_class()()


@functools.cache
def _painter_class() -> Any:
    try:
        import anywidget
    except ImportError:
        raise InvalidInput(
            "this front end loads no lab extension, and anywidget is missing: pip install anywidget",
            field="route",
        ) from None

    class Painter(anywidget.AnyWidget):
        """Brings our page code to where no lab extension is loaded."""

        _esm = bundle()
        layer = Unicode(help="The layer that is drawn, as a reference to its model.").tag(sync=True)

    return Painter


def bundle(main: str = "beside.js") -> str:
    """Return all modules of the page as one, with the style sheet; main: the one to begin with."""
    sources = {
        path.name: path.read_text("utf-8")
        for path in sorted(STATIC.iterdir())
        if path.suffix in (".js", ".css") and path.name not in ONLY_EXTENSION
    }
    if wrong := [name for name, text in sources.items() if re.search(r"import\(", text)]:
        raise AssertionError(f"{wrong} load modules in a way that the bundle does not know")
    return LOADER % (json.dumps(sources, ensure_ascii=False), main, main)
