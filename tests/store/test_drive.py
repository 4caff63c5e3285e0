"""On which drive the file lies decides how it commits; whose it is, a lock."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from locshare_ext.store import SQLiteStore, drive
from locshare_ext.store.drive import drive_of, is_remote
from tests.store.helpers import a_fix, everything, put

LINE = "{number} 25 0:{number} / {place} rw,relatime {tags}- {kind} {source} rw,size=100k"


def mountinfo(*mounts: tuple[str, str], tags: str = "shared:1 ") -> str:
    """Text as Linux gives it, of mounts as place and kind, in the order that they were made."""
    return "".join(
        LINE.format(number=40 + number, place=place, kind=kind, source="server:/x", tags=tags) + "\n"
        for number, (place, kind) in enumerate(mounts)
    )


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    told = tmp_path / "mountinfo"
    monkeypatch.setattr(drive, "MOUNTS", told)
    return told


@pytest.mark.parametrize(
    ("told", "path", "kind"),
    [
        ([("/", "ext4")], "/home/ann/log.sqlite3", "ext4"),
        ([("/", "ext4"), ("/home", "nfs4")], "/home/ann/log.sqlite3", "nfs4"),
        ([("/", "ext4"), ("/home", "nfs4")], "/homes/ann/log.sqlite3", "ext4"),
        ([("/home/ann", "nfs"), ("/", "ext4"), ("/home", "xfs")], "/home/ann/x/log.sqlite3", "nfs"),
        ([("/", "overlay"), ("/home", "autofs"), ("/home", "nfs4")], "/home/log.sqlite3", "nfs4"),
        ([("/", "ext4"), ("/my\\040drive", "fuse.sshfs")], "/my drive/log.sqlite3", "fuse.sshfs"),
        ([], "/log.sqlite3", None),
    ],
)
def test_the_innermost_and_latest_mount_counts(
    mounts: Path, told: list[tuple[str, str]], path: str, kind: str | None
) -> None:
    for tags in ("", "shared:1 ", "shared:1 master:2 "):
        mounts.write_text(mountinfo(*told, tags=tags) + "a line that says nothing\n")
        assert drive_of(Path(path)) == kind


def test_links_are_followed(mounts: Path, tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (tmp_path / "near").symlink_to(far)
    mounts.write_text(mountinfo(("/", "ext4"), (str(far), "nfs4")))
    assert drive_of(tmp_path / "near" / "log.sqlite3") == "nfs4"


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "ceph", "fuse.sshfs", "virtiofs"]
)
def test_drives_of_other_machines(kind: str) -> None:
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "apfs", "zfs", "fuse.ntfs-3g"])
def test_drives_of_this_machine(kind: str) -> None:
    assert not is_remote(kind)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no tmpfs is known here")
async def test_on_tmpfs_it_is_wal() -> None:
    path = Path("/dev/shm") / f"locshare-{os.getpid()}" / "log.sqlite3"
    assert drive_of(path) == "tmpfs"
    store = SQLiteStore(path)
    await put(store, a_fix())
    assert (store.place.journal, store.place.notes) == ("wal", ())
    await store.close()
    path.unlink()
    path.parent.rmdir()


async def test_on_a_network_drive_there_is_no_shared_memory(path: Path, mounts: Path) -> None:
    mounts.write_text(mountinfo(("/", "ext4")))
    store = SQLiteStore(path)
    await put(store, *(a_fix("ann", n) for n in range(5)))
    assert store.place.journal == "wal"
    await store._file.writer.close(lambda: None)  # as if killed: a write-ahead log may be left
    mounts.write_text(mountinfo(("/", "ext4"), (str(path.parent), "nfs4")))
    again = SQLiteStore(path)
    await put(again, *(a_fix("ann", n) for n in range(5, 9)))
    assert again.place.journal == "delete"
    assert "network drive (nfs4)" in again.place.notes[0]
    assert len(await everything(again)) == 9
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    futures = [asyncio.ensure_future(put(again, a_fix("bob", n))) for n in range(50)]
    reads = [asyncio.ensure_future(everything(again)) for _ in range(50)]
    await asyncio.gather(*futures, *reads)
    assert len(await everything(again)) == 59
    await again.forget("hikers", "ann")
    assert b"ann" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    await again.close()
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    mounts.write_text(mountinfo(("/", "ext4")))
    back = SQLiteStore(path)
    await put(back, a_fix("carl"))
    assert back.place.journal == "wal"
    await back.close()


async def test_servers_beside_each_other_have_files_of_their_own(path: Path) -> None:
    stores = [SQLiteStore(path, is_shared=False) for _ in range(3)]
    assert not stores[0].is_taken
    for number, store in enumerate(stores):
        await put(store, a_fix("ann", number))
    assert [store.path.name for store in stores] == ["store.db", "store-2.db", "store-3.db"]
    assert SQLiteStore(path, is_shared=False).is_taken
    assert [len(await everything(store)) for store in stores] == [1, 1, 1]
    for store in stores:
        await store.close()
    again = SQLiteStore(path, is_shared=False)
    assert not again.is_taken
    assert (await put(again, a_fix("ann", 5))).head == 2
    await again.close()
    assert not list(path.parent.glob("*.lock"))


async def test_the_lock_of_a_killed_program_holds_nobody_up(path: Path) -> None:
    code = (
        "import asyncio, sys, os, signal\n"
        "from locshare_ext.store import SQLiteStore\n"
        "async def main():\n"
        "    store = SQLiteStore(sys.argv[1], is_shared=False)\n"
        "    await store.create_log('hikers', kind='group', epoch='abcdefgh', settings={})\n"
        "    print('made', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert (told, process.returncode) == (b"made\n", -9)
    assert path.with_name("store.db.lock").exists()
    store = SQLiteStore(path, is_shared=False)
    await put(store, a_fix())
    assert store.path == path
    await store.close()
