"""The order of a frame's rows: by time, member and seq, however that is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.formats.trips import sort_order

MOMENT = st.integers(-5, 5) | st.sampled_from([-(2**62), 2**62, 1_763_806_275_000])
ROWS = st.lists(st.tuples(MOMENT, st.integers(-1, 3)), max_size=40)


@given(ROWS, st.booleans(), st.randoms(use_true_random=False))
def test_rows_are_sorted_by_time_member_and_seq(
    rows: list[tuple[int, int]], by_arrival: bool, chance: np.random.Generator
) -> None:
    seqs = list(range(len(rows)))
    if not by_arrival:
        chance.shuffle(seqs)
    time = np.array([row[0] for row in rows], dtype=np.int64)
    member = np.array([row[1] for row in rows], dtype=np.int16)
    seq = np.array(seqs, dtype=np.int64)
    found = sort_order(time, member, seq)
    expected = sorted(range(len(rows)), key=lambda row: (*rows[row], seqs[row]))
    assert (list(range(len(rows))) if found is None else found.tolist()) == expected
