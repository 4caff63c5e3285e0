"""One feed per group and kernel, however often a cell makes its `Group`."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from locshare_ext.client.discovery import Server
from locshare_ext.client.feed import Feed
from locshare_ext.client.http import Api
from locshare_ext.client.ladder import AUTO, TRANSPORT, check_transport
from locshare_ext.client.replayfeed import ReplayFeed
from locshare_ext.model.names import replay_of

__all__ = ["Feed", "Key", "api", "close", "close_all", "existing", "feed", "hold", "keep_to", "renew"]

Key = tuple[str, ...]  # the group's name, then what tells its server from others

# re-entrant: a Group may be collected, and so come here, while this thread holds it
_lock = threading.RLock()
_feeds: dict[tuple[int, Key], Feed] = {}
_apis: weakref.WeakValueDictionary[tuple[int, Key], Api] = weakref.WeakValueDictionary()
_wishes: dict[tuple[int, Key], str] = {}  # the transport that was asked for
_holders: dict[tuple[int, Key], weakref.WeakSet[Any]] = {}


def api(server_key: Key, locate: Callable[[], Server]) -> Api:
    """Return what talks to a server, shared by all groups of it; looks for the server now.

    Raises ServerNotFound.
    """
    place = (os.getpid(), server_key)
    with _lock:
        found = _apis.get(place)
    if found is not None:
        found.relocate()
        return found
    made = Api(locate)
    with _lock:
        return _apis.setdefault(place, made)


def feed(key: Key, group: str, api: Api) -> Feed:
    """Return the feed of a group, made now if there is none; it is not started."""
    place = (os.getpid(), key)  # a forked process has no thread of its parent's
    with _lock:
        found = _feeds.get(place)
        if found is None or found.is_closed:
            wish = _wishes.get(place) or check_transport(os.environ.get(TRANSPORT), field=TRANSPORT)
            kind = Feed if replay_of(group) is None else ReplayFeed
            found = _feeds[place] = kind(group, api, transport=wish or AUTO)
        return found


def keep_to(key: Key, transport: str) -> None:
    """Have a group's feed use a transport, now and when it is made anew; `auto`: choose itself."""
    place = (os.getpid(), key)
    with _lock:
        _wishes[place] = transport
        found = _feeds.get(place)
    if found is not None:
        found.keep_to(transport)


def renew(key: Key) -> None:
    """Let go of a group's feed if the server refused it: who makes the group anew tries anew."""
    place = (os.getpid(), key)
    with _lock:
        found = _feeds.get(place)
        if found is not None and found.is_refused:
            del _feeds[place]


def existing(key: Key) -> Feed | None:
    """Return the feed of a group if there is one."""
    return _feeds.get((os.getpid(), key))


def hold(holder: Any, key: Key) -> None:
    """Remember that `holder` uses this feed; when the last is collected, an idle feed ends."""
    place = (os.getpid(), key)
    with _lock:
        _holders.setdefault(place, weakref.WeakSet()).add(holder)
    weakref.finalize(holder, _release, place).atexit = False


def close(key: Key) -> None:
    """End a group's feed."""
    with _lock:
        found = _feeds.pop((os.getpid(), key), None)
    if found is not None:
        found.close()


@atexit.register
def close_all() -> None:
    """End every feed of this process."""
    with _lock:
        mine = [place for place in _feeds if place[0] == os.getpid()]
        found = [_feeds.pop(place) for place in mine]
    for one in found:
        with contextlib.suppress(Exception):  # the interpreter is ending; nobody could read it
            one.close(timeout=1.0)


def _release(place: tuple[int, Key]) -> None:
    """End a feed that nobody holds and that calls nobody; runs whenever a Group is collected."""
    with _lock:
        if any(True for _ in _holders.get(place, ())):  # its len() may count who is just going
            return
        _holders.pop(place, None)
        found = _feeds.get(place)
        if found is None or not found.is_idle:
            return
        del _feeds[place]
    found.close(timeout=0)  # collecting must not wait for a thread
