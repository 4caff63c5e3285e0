"""Progress bars of commands that take long; on a terminal, and only when it takes long."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locshare_ext.client.playback import Played

__all__ = ["measured", "watched"]


@contextlib.contextmanager
def measured(
    what: str, total: int, unit: str, *, scale: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Show how far work is; gives a function that is called with (done, in all)."""
    from tqdm import tqdm

    bar: Any
    with tqdm(total=total, unit=unit, unit_scale=scale, desc=what, delay=1, disable=None) as bar:

        def advance(done: int, _: int) -> None:
            bar.update(done - bar.n)

        yield advance


@contextlib.contextmanager
def watched(unit: str, total: int | None = None) -> Iterator[Callable[[Played], None]]:
    """Show how many fixes a playback has published; gives its `progress`."""
    from tqdm import tqdm

    bar: Any
    with tqdm(total=total, unit=f" {unit}", disable=None) as bar:

        def show(played: Played) -> None:
            bar.update(played.fixes - bar.n)
            if played.failures:
                bar.set_postfix_str(f"{played.failures} times not sent at once", refresh=False)

        yield show
