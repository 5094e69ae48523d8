"""Lock files: `flock`s that the kernel drops with the processes that hold them.

A lock lives as long as any process has the opened file, also one that inherited it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock; waits for the process that holds it."""
    handle = open_lock_file(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def share(handle: int) -> None:
    """Share the lock of an opened file with other processes; waits for one that holds it alone."""
    fcntl.flock(handle, fcntl.LOCK_SH)


def try_exclusive(handle: int) -> bool:
    """Lock an opened file alone; False if another process holds the lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def try_lock(path: Path) -> int | None:
    """An opened file that holds the lock; None if another process holds it."""
    handle = open_lock_file(path)
    if try_exclusive(handle):
        return handle
    os.close(handle)
    return None


def open_lock_file(path: Path) -> int:
    """The lock file, opened and not yet locked."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
