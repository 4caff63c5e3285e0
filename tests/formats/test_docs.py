"""The README tells of every format what the registry does."""

from __future__ import annotations

from pathlib import Path

import pytest

from locshare_ext.formats.registry import API_FORMATS, FORMATS, Format, by_name

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_each_format_has_its_row(one: Format) -> None:
    endings = " ".join(f"`{suffix}`" for suffix in one.suffixes)
    cells = [one.title, endings, "yes" if one.reader else "", "yes" if one.writer else "", one.loses]
    assert f"| {' | '.join(cells)} |" in README


def test_formats_of_the_api_can_be_written() -> None:
    for name in API_FORMATS:
        assert by_name(name).writer
