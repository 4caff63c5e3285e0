"""What need not be quick gives way to others, and what somebody waits for does not."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from locshare_ext.model.store import Selection
from locshare_ext.store import SQLiteStore
from locshare_ext.store import file as file_module
from locshare_ext.store import work as work_module
from tests.store.helpers import a_fix, put


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows a priority of threads")
def test_patient_work_gives_way_on_a_thread_of_its_own() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert work_module._patiently(priority) == max(before, work_module.NICENESS)
    assert priority() == before


def test_an_error_of_patient_work_is_raised() -> None:
    def fail() -> Callable[[], None]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work_module._patiently(fail)


async def test_after_sealing_an_export_has_the_priority_of_the_server(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "IN_THREAD", 0)
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await put(store, *(a_fix("ann", n) for n in range(260)))
    await store.seal("hikers")
    process = store._file.process_id
    assert process is not None
    assert psutil.Process(process).nice() == psutil.Process().nice()
    assert (await store.trails("hikers", Selection())).num_rows == 260
    assert store._file.process_id == process
    await store.close()
