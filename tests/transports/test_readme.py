"""The README's lines for Python do what they say."""

from __future__ import annotations

import asyncio
import re
import textwrap
from typing import Any

from tests.conftest import ROOT
from tests.transports.bench import LIMIT, Bench, fix

FENCE = re.compile(r"```python\n(from locshare_ext\.transports.*?)```", re.DOTALL)


async def test_the_lines_print_each_fix_and_its_place(bench: Bench, name: str):
    (lines,) = FENCE.findall((ROOT / "README.md").read_text())
    code = lines.replace('"sse", link', f"{name!r}, link").replace('"lon"', '"member": "ann", "lon"')
    printed: list[tuple[Any, str]] = []
    is_printed = asyncio.Event()

    def show(fixes: Any, cursor: str) -> None:
        printed.append((fixes, cursor))
        is_printed.set()

    await bench.publish(fix(0, "bo"))
    link = f"http://127.0.0.1:{bench.server.port}/locshare/#t={bench.server.token}&g={bench.group}"
    space: dict[str, Any] = {"link": link, "print": show}
    exec(f"async def run():\n{textwrap.indent(code, '    ')}", space)
    task = asyncio.ensure_future(space["run"]())
    async with asyncio.timeout(LIMIT):
        await is_printed.wait()
    task.cancel()
    await asyncio.wait([task])
    ((fixes, cursor),) = printed
    assert [(one.member, one.lat, one.cursor) for one in fixes] == [("ann", 37.5665, cursor)]
