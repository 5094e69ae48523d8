"""A data directory that can be made full and empty again.

A small disk of its own where we may mount one; anywhere else a limit on the size of files, which
the server inherits from the process that starts it.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20
# Postgres needs 16 for a piece of its log.
ROOM_FOR_A_CLUSTER = 17 * MIB


@contextmanager
def small_disk(directory: Path, *, size: str = "200m") -> Iterator[Path]:
    """A directory on a small disk."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    subprocess.run(mount, check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)  # noqa: S607


def may_mount() -> bool:
    """Whether this process may mount a disk; root may not in most containers."""
    capabilities = Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0]
    return os.geteuid() == 0 and bool(int(capabilities, 16) >> 21 & 1)


@contextmanager
def filled(disk: Path, *, but: int) -> Iterator[None]:
    """Leave so many bytes of a disk free."""
    filler = disk / "filler"
    try:
        with filler.open("wb") as stream:
            _take(stream.fileno(), disk, but=but)
        yield
    finally:
        filler.unlink()


def _take(file: int, disk: Path, *, but: int) -> None:
    """Make a file as long as there is room; others may write at the same time."""
    while (room := shutil.disk_usage(disk).free - but) > 0:
        try:
            os.posix_fallocate(file, 0, room)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        else:
            return


@contextmanager
def files_limited(size: int) -> Iterator[None]:
    """No process started from here may make a longer file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
