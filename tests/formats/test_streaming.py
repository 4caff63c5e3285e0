"""Fixes kept on disk: the same answer as in memory, in order, with little memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput, StoreError
from locshare_ext.formats import load, rows, runs, save
from locshare_ext.formats.frame import frame_from_arrow
from locshare_ext.formats.registry import by_name, readable
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.runs import Runs
from locshare_ext.formats.trail import trail_of_frame

from .helpers import random_table

MAP = "member=who,time=when,lat=lat,lon=lon"


@given(
    keys=st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=30), max_size=6),
    block=st.integers(1, 7),
)
def test_runs_are_merged_in_order(keys: list[list[tuple[int, int]]], block: int) -> None:
    whole = sorted(key for run in keys for key in run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "BLOCK_ROWS", block)
        for on_disk in (True, False):
            kept = Runs(on_disk=on_disk)
            for run in keys:
                columns = {"received": [one for one, _ in run], "seq": [two for _, two in run]}
                schema = pa.schema([("received", pa.int64()), ("seq", pa.int64())])
                kept.add(pa.RecordBatch.from_pydict(columns, schema=schema))
            for _ in range(2):  # it may be read again, as when a server moved
                found = [
                    key for part in kept.blocks() for key in zip(*part.to_pydict().values(), strict=True)
                ]
                assert found == whole
            kept.close()


@pytest.mark.parametrize("name", [one.name for one in readable() if one.writer and one.name != "movebank"])
def test_on_disk_is_as_in_memory(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "RUN_ROWS", 700)
    monkeypatch.setattr(runs, "BLOCK_ROWS", 64)
    frame = frame_from_arrow(random_table(5000), group="hikers", recording="walk")
    path = tmp_path / f"walk{by_name(name).suffixes[0]}"
    save(path, trail_of_frame(frame))
    loaded = load(path, on_disk=True)
    try:
        found = pa.Table.from_batches(list(loaded.fixes.batches()))
        assert found.unify_dictionaries().to_pylist() == load(path).table.to_pylist()
        assert len(loaded.fixes) == 5000
    finally:
        loaded.close()


@settings(max_examples=30)
@given(delays=st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_what_is_late_is_found_over_blocks(delays: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "RUN_ROWS", 6)
        patch.setattr(runs, "BLOCK_ROWS", 2)
        found = FixRows(on_disk=True)
        for number, delay in enumerate(delays):
            found.add(number, "ab"[number % 2], 1000 + delay, 1, 2, {}, received=1100 + number)
        found.finish(received_known=True)
        late = [flag for batch in found.batches() for flag in batch.column("late").to_pylist()]
        found.close()
    newest: dict[str, int] = {}
    for number, (delay, is_late) in enumerate(zip(delays, late, strict=True)):
        member = "ab"[number % 2]
        assert is_late == (1000 + delay < newest.get(member, 0))
        newest[member] = max(newest.get(member, 0), 1000 + delay)


def test_nothing_is_left_of_a_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(rows, "RUN_ROWS", 100)
    path = tmp_path / "late.csv"
    good = "ann,2026-01-26T15:57:02Z,1,2\n"
    path.write_text("who,when,lat,lon\n" + good * 1000 + "ann,2026-01-26T15:57:02,1,2\n")
    with pytest.raises(InvalidInput, match="line 1002"):
        load(path, columns=MAP, on_disk=True)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(path, columns=MAP, tz="UTC", on_disk=True, progress=interrupt)
    assert [one.name for one in tmp_path.iterdir()] == ["late.csv"]


def test_no_room_for_temporary_files_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("locshare_ext.formats.runs.tempfile.TemporaryFile", full)
    path = tmp_path / "a.csv"
    path.write_text("who,when,lat,lon\nann,2026-01-26T15:57:02Z,1,2\n")
    with pytest.raises(StoreError, match=r"no room for temporary files in .*TMPDIR"):
        load(path, columns=MAP, on_disk=True)


SCRIPT = """
import resource, sys
from locshare_ext.formats import load
loaded = load(sys.argv[1], columns={map!r}, on_disk=True)
count = sum(batch.num_rows for batch in loaded.fixes.batches())
loaded.close()
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.process
def test_a_file_four_times_as_large_takes_hardly_more_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (600_000, 2_400_000):
        path = tmp_path / f"{count}.csv"
        rng = np.random.default_rng(1)
        with path.open("w") as file:
            file.write("who,when,lat,lon\n")
            for start in range(0, count, 200_000):
                times = 1_700_000_000_000 + rng.permutation(200_000) + start
                file.writelines(
                    f"bus {n % 40},{time},53.{n % 9973},-2.{n % 9967}\n" for n, time in enumerate(times)
                )
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(map=MAP.replace("time=", "time_ms=")), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        found, peak = map(int, done.stdout.split())
        assert found == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 60_000, peaks  # KiB; the rows alone would be 170 MB more
