"""Progress bars of commands that take long."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locshare_ext.client.playback import Played

__all__ = ["watched"]


@contextlib.contextmanager
def watched(unit: str, total: int | None = None) -> Iterator[Callable[[Played], None]]:
    """Show how many fixes a playback has published, on a terminal; gives its `progress`."""
    from tqdm import tqdm

    with tqdm(total=total, unit=f" {unit}", disable=None) as bar:
        yield lambda played: _show(bar, played)


def _show(bar: tqdm[None], played: Played) -> None:
    bar.update(played.fixes - bar.n)
    if played.failures:
        bar.set_postfix_str(f"{played.failures} times not sent at once", refresh=False)


if TYPE_CHECKING:
    from tqdm import tqdm
