"""The route to pages that load no lab extension."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import ipyleaflet
import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.widget import beside
from locshare_ext.widget.layer import TrailLayer


def test_the_route_is_what_was_said_else_what_the_front_end_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCSHARE_ROUTE", raising=False)
    assert beside.chosen_route() == "extension"
    assert beside.chosen_route("anywidget") == "anywidget"
    monkeypatch.setenv("LOCSHARE_ROUTE", "anywidget")
    assert beside.chosen_route() == "anywidget"
    assert beside.chosen_route("extension") == "extension"
    monkeypatch.setenv("LOCSHARE_ROUTE", "somehow")
    with pytest.raises(InvalidInput, match="LOCSHARE_ROUTE is 'somehow', expected one of auto"):
        beside.chosen_route()


def test_vs_code_is_known_by_what_it_sets_in_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(user_ns={"__vsc_ipynb_file__": "/home/ann/walk.ipynb"})
    monkeypatch.delenv("LOCSHARE_ROUTE", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert beside.chosen_route() == "anywidget"


def test_a_layer_beside_is_a_stock_group_with_our_painter() -> None:
    layer = TrailLayer(route="anywidget", trail=60)
    try:
        state = layer.get_state()
        assert state["_model_module"] == state["_view_module"] == "jupyter-leaflet"
        assert state["_view_name"] == "LeafletLayerGroupView"
        (painter,) = layer.subitems
        assert painter.layer == f"IPY_MODEL_{layer.model_id}"
        assert ipyleaflet.Map(layers=(layer,)).layers == (layer,)
    finally:
        layer.close()


def test_the_bundle_holds_every_module_that_is_imported_and_no_circle() -> None:
    found = re.search(r"^const SOURCES = (.*);$", beside.bundle(), re.MULTILINE)
    assert found is not None
    sources = json.loads(found[1])
    assert {"worker.js", "probe.js", "style.css", "beside.js"} <= sources.keys()

    def follow(name: str, above: tuple[str, ...]) -> None:
        assert name in sources, f"{name} is missing, which {above[-1]} imports"
        assert name not in above, f"{' -> '.join(above)} -> {name}"
        for other in re.findall(r"from '\./([^']+)'", sources[name]):
            follow(other, (*above, name))

    for name in sources:
        if name.endswith(".js"):
            follow(name, ("bundle",))
    # what is found by its own place would be lost: that goes by assets.js
    assert [name for name, text in sources.items() if "import.meta" in text] == ["assets.js"]
