"""Running Postgres' programs as a user who is not root.

In: the directory of a cluster, and command lines. Out: their output. Postgres refuses to run as
root. If we are root, its programs run as the owner of the cluster, else as `postgres` if there is
such a user, else as `nobody`; no user is made and no mode of a directory of yours is changed. Where
that user could not even reach the cluster or the programs (below /root, say) it is lent the one
capability that lets it pass directories, by `setpriv` of util-linux.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.journal.trouble import ServerNotStarted

# linux/capability.h. The weaker of the two that pass directories comes first; containers often
# leave root only the stronger.
CAPABILITIES_TO_LEND = {"dac_read_search": 2, "dac_override": 1}
CAP_SETPCAP = 8


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The user that runs Postgres' programs: our own (uid None), or one we change to as root."""

    uid: int | None
    gid: int
    lent: bool

    def run(
        self, command: Sequence[str], *, stdout: int, env: dict[str, str], pass_fds: Sequence[int]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its errors go where its output goes.

        Errors: ServerNotStarted where root cannot lend what the account needs.
        """
        is_changed = self.uid is not None and not self.lent
        return subprocess.run(  # noqa: S603
            [*(self.lending() if self.lent else ()), *command],
            user=self.uid if is_changed else None,
            group=self.gid if is_changed else None,
            extra_groups=[] if is_changed else None,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            env=env,
            pass_fds=pass_fds,
        )

    def lending(self) -> list[str]:
        """The prefix of a command line that runs as this user and may pass directories."""
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            message = (
                f"user {self.uid}, who is to run Postgres, cannot reach its files, and the program "
                f"setpriv (util-linux) that would let it is missing: install it, or use another "
                f"--data, user or --database"
            )
            raise ServerNotStarted(message)
        permitted = _permitted()
        capability = _capability_to_lend(permitted)
        line = [setpriv, f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        line += [f"--{kind}-caps=-all,+{capability}" for kind in ("inh", "ambient")]
        if permitted & 1 << CAP_SETPCAP:
            # access(2) leaves capabilities out for anybody but root unless told so; initdb asks it
            # about its own programs. Where this is not allowed, programs must lie where their user
            # can pass.
            line.append("--securebits=+no_setuid_fixup")
        return [*line, "--"]

    def give(self, path: Path) -> None:
        """Let the account own a file or directory that we made."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid)


def account_for_server(cluster: Path, *, needs: list[Path]) -> ServerAccount:
    """The account for a server in this directory; `needs` are paths it must be able to reach."""
    if os.geteuid() != 0:
        return ServerAccount(uid=None, gid=os.getegid(), lent=False)
    uid, gid = _owner(cluster) or _user("postgres") or _user("nobody") or (65534, 65534)
    lent = not all(_reaches(path, uid, gid=gid) for path in needs)
    return ServerAccount(uid=uid, gid=gid, lent=lent)


def _owner(cluster: Path) -> tuple[int, int] | None:
    try:
        status = cluster.stat()
    except OSError:
        return None
    return (status.st_uid, status.st_gid) if status.st_uid != 0 else None


def _user(name: str) -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def is_passable(directory: Path, uid: int, *, gid: int) -> bool:
    """True if this user may go through a directory."""
    status = directory.stat()
    if status.st_uid == uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _reaches(path: Path, uid: int, *, gid: int) -> bool:
    resolved = path.resolve()
    return all(is_passable(step, uid, gid=gid) for step in [resolved, *resolved.parents])


def _permitted() -> int:
    """The capabilities we may have, as bits."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


def _capability_to_lend(permitted: int) -> str:
    for name, number in CAPABILITIES_TO_LEND.items():
        if permitted & 1 << number:
            return name
    message = (
        "root may not pass this directory on to Postgres: use another --data, user or --database"
    )
    raise ServerNotStarted(message)
