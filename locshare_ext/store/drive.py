"""What kind of drive a file lies on: SQLite's write-ahead log does not work over a network."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["drive_of", "is_remote"]

MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_COMMANDS = ("/sbin/mount", "/usr/sbin/mount")  # macOS and BSD have no mountinfo
_REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afpfs|afs|openafs|webdav|davfs|coda|ncpfs|ceph|lustre|glusterfs|beegfs|gpfs|"
    r"orangefs|pvfs2|panfs|ocfs2|gfs2?|9p|drvfs|virtiofs|vboxsf|prl_fs|vmhgfs"
)
# of FUSE the server's name comes behind the dot; these give files of other machines
_REMOTE_FUSE = re.compile(
    r"fuse\.(sshfs|rclone|s3fs|s3backer|gcsfuse|glusterfs|cephfs|davfs2?|curlftpfs|smbnetfs|juicefs|seaweedfs|"
    r"goofys|blobfuse2?|mount-s3|mountpoint-s3|ceph-fuse|vmhgfs-fuse|onedriver|google-drive-ocamlfuse|moosefs|mfs)"
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def is_remote(kind: str) -> bool:
    """Whether a file system of this kind keeps its files on another machine."""
    return _REMOTE.fullmatch(kind) is not None or _REMOTE_FUSE.fullmatch(kind) is not None


def drive_of(path: Path) -> str | None:
    """Return the kind of file system that a path lies on, such as `ext4` or `nfs4`; None if unknown.

    Links are followed; the path need not exist. Reads a file of the system, or runs `mount`.
    """
    real = os.path.realpath(path)
    found: tuple[int, str] | None = None
    for place, kind in _mounts():
        # of two at one place the later one hides the other
        if _is_below(real, place) and (found is None or len(place) >= found[0]):
            found = len(place), kind
    return None if found is None else found[1]


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def _mounts() -> Iterator[tuple[str, str]]:
    """Give where file systems are mounted and of which kind, in the order that they were."""
    try:
        text = MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        yield from _told_by_mount()
        return
    for line in text.splitlines():
        # proc(5): id parent major:minor root place options [tags] - kind source options
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) >= 5 and kind:
            yield _unescaped(fields[4]), kind


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _told_by_mount() -> Iterator[tuple[str, str]]:
    command = next((one for one in _MOUNT_COMMANDS if os.path.exists(one)), None)
    if command is None:
        return
    try:
        told = subprocess.run([command], capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return
    for line in told.stdout.splitlines():  # server:/home on /Volumes/home (nfs, nodev, nosuid)
        found = re.fullmatch(r".+? on (/.*) \(([\w.]+).*\)", line)
        if found:
            yield found[1], found[2]
