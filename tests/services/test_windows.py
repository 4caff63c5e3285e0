"""Windows over a store whose pieces are small: whatever lies in one moment, memory has a bound."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Selection
from locshare_ext.model.trail import stream_piece
from locshare_ext.services import windows
from locshare_ext.services.windows import Windows, span_of


class Small(MemoryStore):
    """Gives two rows at a time."""

    async def export(self, log: str, selection: Selection) -> AsyncGenerator[bytes, None]:
        table = await self.trails(log, selection)
        for start in range(0, table.num_rows, 2):
            yield stream_piece(table.slice(start, 2))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from([1, 1000, 86_400_000])), min_size=1, max_size=40),
    st.sampled_from(["time", "received"]),
)
async def test_each_once_in_the_order_of_the_clock(moments: list[tuple[int, int]], clock: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WANTED", 4)
        patch.setattr(windows, "MOST", 6)
        store = Small()
        times = [1_700_000_000_000 + number * unit for number, unit in moments]
        received = sorted(times)
        fixes = [
            Fix(member="ann", time=time, received=late, lat=float(n), lon=0.0, flags=())
            for n, (time, late) in enumerate(zip(times, received, strict=True))
        ]
        await store.append("hikers", fixes, epoch="aaaa")
        part = Selection(clock="time" if clock == "time" else "received", after=0, upto=len(fixes))
        span = await span_of(store, "hikers", part)
        assert span == (min(times), max(times))
        reader = Windows(store, "hikers", part, *span, len(fixes))
        seen: list[tuple[int, int]] = []
        while (table := await reader.next()) is not None:
            assert 0 < table.num_rows <= 8
            seen += zip(table.column(clock).to_pylist(), table.column("seq").to_pylist(), strict=True)
        expected = times if clock == "time" else received
        assert seen == sorted((moment, seq) for seq, moment in enumerate(expected, 1))
