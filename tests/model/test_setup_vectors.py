"""Links that the card and the share page make alike; tests/js/apps.test.js holds the page to the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.model.setups import setups

VECTORS = json.loads((Path(__file__).parent.parent / "support" / "setups.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["member"])
def test_links_are_those_of_the_page(vector: dict[str, Any]) -> None:
    made = setups(vector["address"], vector["token"], vector["member"])
    assert {one.app: one.link for one in made} == vector["links"]
