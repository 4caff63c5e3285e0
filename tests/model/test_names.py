"""Group and member names: any script in, no trick through."""

from __future__ import annotations

import pytest

from locshare_ext.errors import InvalidCursor, InvalidName
from locshare_ext.model.cursor import Cursor, new_epoch
from locshare_ext.model.names import fold, group_slug, join_names, member_name, near_names, split_names


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("hikers", "hikers"),
        ("Hikers", "hikers"),
        ("3학년 2반", "3학년-2반"),
        ("Straße", "strasse"),
        ("ＡＢＣ １", "abc-1"),
        ("a  b", "a-b"),
        (" a ", "a"),
        ("école_2-b", "école_2-b"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_slug(title, slug):
    assert group_slug(title) == slug
    assert group_slug(slug) == slug


@pytest.mark.parametrize(
    "title",
    ["", " ", "-", "_ -", "a/b", "a.b", "a*", "a#", "..", "a\nb", "a\0b", "x" * 65, "<b>", "a\u202eb", "%2e"],
)
def test_titles_that_no_group_has(title):
    with pytest.raises(InvalidName, match="group name"):
        group_slug(title)


@pytest.mark.parametrize("name", ["ann", "Ann B.", "<script>", "=1+1", "조 민", "a:b", "😀", "x" * 64])
def test_member_names(name):
    assert member_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ann",
        "ann ",
        "a/b",
        "a\nb",
        "a\tb",
        "a\u202eb",
        "a\u200fb",
        "me",
        "ME",
        "x" * 65,
        "\x7f",
        "a\u2028b",
    ],
)
def test_names_that_no_member_has(name):
    with pytest.raises(InvalidName, match="member"):
        member_name(name)


def test_one_name_in_two_spellings():
    assert member_name("e\u0301") == "\u00e9"
    assert fold("ANN") == fold("ann")
    assert fold("Straße") == fold("STRASSE")


def test_near_names():
    assert near_names("hiker", ["bus", "Hikers"]) == ["Hikers"]
    assert near_names("zzz", ["bus"]) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        (" ann , bob,", ["ann", "bob"]),
        ('["Doe, Ann", "bob"]', ["Doe, Ann", "bob"]),
        ("[x], y", ["[x]", "y"]),
        ("[1]", ["[1]"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("[]", []),
    ],
)
def test_lists_of_names(text, names):
    assert split_names(text) == names


@pytest.mark.parametrize("names", [[], ["ann", "bob"], ["Doe, Ann"], ['["a"]'], ["[x]", "y"], ["a,", "b"]])
def test_lists_of_names_round_trip(names):
    assert split_names(join_names(names)) == names
    assert "[" in join_names(names) or all("," not in name for name in names)


def test_cursor_round_trip():
    cursor = Cursor(new_epoch(), 1042)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4k7q",
        "4k7q-",
        "-1",
        "4k7q-01",
        "4k7q--1",
        "4K7Q-1",
        "4k7q-1 ",
        "4k7q-1\n",
        "4k7q-" + "9" * 30,
        "٤٤٤٤-1",
    ],
)
def test_what_is_no_cursor(text):
    with pytest.raises(InvalidCursor, match="after"):
        Cursor.parse(text)
