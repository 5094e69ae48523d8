"""Ends a broker whose users were all killed before they could: run as a script, beside it.

In: a lock file that every user of the broker holds shared, and the broker's process id. It waits
until nobody holds the lock, however they ended; if the process is then still Kafka, it ends it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path


def guard(lock: Path, pid: int) -> subprocess.Popen[bytes]:
    """The guard of a broker, as a process that outlives us."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(lock), str(pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    """Wait for the users to be gone, then for nothing."""
    lock, pid = Path(sys.argv[1]), int(sys.argv[2])
    handle = os.open(lock, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    asked = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    command = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    if "kafka.Kafka" in command:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
