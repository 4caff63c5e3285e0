"""The panel with a group's roster."""

from __future__ import annotations

import math
from typing import Any

import pytest

from locshare_ext.client.roster import STATES, Person
from locshare_ext.errors import InvalidInput
from locshare_ext.widget import Roster
from locshare_ext.widget.roster_page import EN, KO, roster_page

NOW = 1_763_806_275_000


def person(member: str, state: str = "here", **fields: Any) -> Person:
    values = {
        "time": None,
        "age": None,
        "heard_age": None,
        "battery": math.nan,
        "accuracy": math.nan,
        "invite": None,
        "expires": None,
    }
    return Person(member=member, state=state, **{**values, **fields})


def test_who_is_where_and_what_keeps_the_others_away() -> None:
    people = [
        person("cy", "lost", age=7_300_000, heard_age=3_700_000),
        person("ann", "not joined", expires=NOW + 90_000_000),
        person("bo", age=1_900, heard_age=1_200, battery=0.15, accuracy=7.6),
    ]
    told = roster_page("hikers", people, NOW)
    for said in ("1 of 3 here", "1 lost: no network, or off?", "1 not joined", "1 low battery", "2 h ago"):
        assert said in told
    for said in ("1 h ago", "in 1 d", "1 s ago", "15%", "8 m"):
        assert f">{said}<" in told
    korean = roster_page("hikers", people, NOW, language="ko")
    assert 'lang="ko"' in korean
    assert "3명 중 1명 있음" in korean
    assert ">2시간 전<" in korean
    assert "not joined" not in korean


def test_what_people_named_is_escaped() -> None:
    told = roster_page("<script>", [person("<b>bo")], NOW, problem="<i>")
    for tag in ("<script", "<b>", "<i>"):
        assert tag not in told
    assert "&lt;b&gt;bo" in told


def test_nobody_and_very_many() -> None:
    assert EN["none"] in roster_page("hikers", [], NOW)
    told = roster_page("hikers", [person(f"m{n:03}") for n in range(130)], NOW)
    assert told.count("<tr") == 101
    assert "and 30 more members" in told


def test_what_keeps_news_away_is_told_with_what_is_known() -> None:
    told = roster_page("hikers", [person("bo")], NOW, problem="no server at http://x/")
    assert "No news: no server at http://x/" in told
    assert ">bo<" in told
    assert EN["none"] not in roster_page("hikers", [], NOW, problem="no server")


def test_every_word_is_there_in_both_languages() -> None:
    assert EN.keys() == KO.keys()
    assert EN.keys() >= set(STATES)
    for key, words in EN.items():
        assert words.count("{") == KO[key].count("{")


@pytest.mark.parametrize(("group", "language", "said"), [(42, "en", "Roster wants"), ("x", "fr", "language")])
def test_what_is_refused(group: Any, language: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Roster(group, language=language)
