"""Names of groups and members, and the destinations made of them."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from locshare_ext.errors import InvalidName

__all__ = [
    "events_topic",
    "fold",
    "group_slug",
    "group_topic",
    "join_names",
    "looks",
    "member_name",
    "near_names",
    "replay_of",
    "split_names",
    "topic_of",
]

MAX_LENGTH = 64
RESERVED_MEMBERS = frozenset({"me"})
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Printable characters that show nothing: Unicode's Default_Ignorable_Code_Point, and a blank of braille.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def group_slug(title: str) -> str:
    """Return a group's name in destinations and URLs: NFKC, casefold, spaces to `-`.

    Titles are 1-64 letters, digits, spaces, `-` and `_` in any script (combining marks
    of such scripts included). Raises InvalidName otherwise.
    """
    if not isinstance(title, str):
        raise InvalidName(f"group name {title!r} is not text", field="group")
    text = unicodedata.normalize("NFKC", title).strip()
    if not 1 <= len(text) <= MAX_LENGTH:
        raise InvalidName(
            f"group name {_short(title)} has {len(text)} characters, expected 1-{MAX_LENGTH}",
            field="group",
        )
    for char in text:
        if char not in " -_" and unicodedata.category(char)[0] not in "LNM":
            raise InvalidName(
                f"group name {_short(title)} contains {char!r}; "
                "expected letters, digits, spaces, `-` and `_`",
                field="group",
            )
    slug = "-".join(unicodedata.normalize("NFKC", text.casefold()).split())
    if not any(unicodedata.category(char)[0] in "LN" for char in slug):
        raise InvalidName(f"group name {_short(title)} has no letter or digit", field="group")
    return slug


def member_name(name: str) -> str:
    """Return `name` in NFC if a member can have it, else raise InvalidName.

    1-64 printable characters, no control or bidi characters, no `/`, no space at
    either end; `me` is reserved.
    """
    if not isinstance(name, str):
        raise InvalidName(f"member {name!r} is not text", field="member")
    text = unicodedata.normalize("NFC", name)
    if not 1 <= len(text) <= MAX_LENGTH:
        raise InvalidName(
            f"member {_short(name)} has {len(text)} characters, expected 1-{MAX_LENGTH}", field="member"
        )
    if text != text.strip():
        raise InvalidName(f"member {_short(name)} begins or ends with a space", field="member")
    for char in text:
        if char == "/" or char in BIDI_CONTROLS or not char.isprintable():
            raise InvalidName(
                f"member {_short(name)} contains {char!r}; expected printable characters without `/`",
                field="member",
            )
    if fold(text) in RESERVED_MEMBERS:
        raise InvalidName(f"member {text!r} is a reserved name", field="member")
    if not text.isascii() and not looks(text):
        raise InvalidName(f"member {_short(name)} shows nothing", field="member")
    return text


@lru_cache(maxsize=4096)  # asked several times for every fix
def fold(name: str) -> str:
    """Return the form in which two member names are the same name."""
    return unicodedata.normalize("NFC", name.casefold())


@lru_cache(maxsize=16_384)  # those of a whole group are compared with one
def looks(name: str) -> str:
    """Return the form in which names are the same that nobody can tell apart by their characters.

    Their case, their width, ligatures, and characters that show nothing do not count; letters
    of two scripts that look alike do.
    """
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", name)).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def split_names(text: str) -> list[str]:
    """Return the names in a list: separated by commas, or a JSON array, which may name ones with commas."""
    names = text.split(",")
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None  # a name may begin with a bracket
        if isinstance(found, list) and all(isinstance(name, str) for name in found):
            names = found
    return [name.strip() for name in names if name.strip()]


def join_names(names: Iterable[str]) -> str:
    """Return a list of names that `split_names` reads."""
    given = list(names)
    plain = ",".join(given)
    return plain if split_names(plain) == given else json.dumps(given, ensure_ascii=False)


def near_names(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` of `known` that look like `name`, the nearest first."""
    folded = {fold(other): other for other in known}
    return [folded[near] for near in difflib.get_close_matches(fold(name), folded, n=count, cutoff=0.5)]


def group_topic(slug: str) -> str:
    """Return the STOMP destination of a group's fixes."""
    return f"/topic/group.{slug}"


def events_topic(slug: str) -> str:
    """Return the STOMP destination of a group's events."""
    return f"/topic/group.{slug}.events"


def replay_of(name: str) -> str | None:
    """Return the id of the replay that `replay.ID` names; None for any other name, which is a group's."""
    first, dot, rest = name.partition(".")
    return rest if dot and rest and first.casefold() == "replay" else None


def topic_of(name: str) -> str:
    """Return the STOMP destination of the fixes of a group, or of a replay's `replay.ID`."""
    replay = replay_of(name)
    return group_topic(name) if replay is None else f"/topic/replay.{replay}"


def _short(name: str) -> str:
    return repr(name) if len(name) <= MAX_LENGTH else repr(name[:MAX_LENGTH] + "…")
