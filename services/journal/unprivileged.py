"""Running Postgres as somebody who is not root, and as a process of its own.

Postgres refuses to run as root. If we are root, its programs run as the owner of the cluster, else
as `postgres` if there is such a user, else as `nobody`; no user is made and no mode of a directory
of yours is changed. Where that user could not even reach the cluster or the programs (below /root,
say) it is lent the one capability that lets it pass directories; Linux only.

This file is also the launcher: run as a script it changes the user, detaches if asked to, and
becomes the program. A process of its own, because doing so in a fork of a program with threads is
not safe.
"""

import argparse
import ctypes
import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

# linux/capability.h and linux/prctl.h
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs Postgres' programs: nobody special (uid None), or a user we change to as root."""

    uid: int | None
    gid: int
    lent: bool

    def launcher(self, *, daemon: bool) -> list[str]:
        """What to put before a command line."""
        if self.uid is None and not daemon:
            return []
        line = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        if self.uid is not None:
            line += ["--uid", str(self.uid), "--gid", str(self.gid)]
        return [*line, *["--lend"] * self.lent, *["--daemon"] * daemon, "--"]

    def give(self, path: Path) -> None:
        """Let the account own a file or directory that we made."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid)


def account_for_server(cluster: Path, *, needs: list[Path]) -> Account:
    """The account for a server in this directory; `needs` are places it must be able to reach."""
    if os.geteuid() != 0:
        return Account(uid=None, gid=os.getegid(), lent=False)
    uid, gid = _owner(cluster) or _user("postgres") or _user("nobody") or (65534, 65534)
    lent = not all(_reaches(place, uid, gid=gid) for place in needs)
    return Account(uid=uid, gid=gid, lent=lent)


def _owner(cluster: Path) -> tuple[int, int] | None:
    try:
        found = cluster.stat()
    except OSError:
        return None
    return (found.st_uid, found.st_gid) if found.st_uid != 0 else None


def _user(name: str) -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def is_passable(directory: Path, uid: int, *, gid: int) -> bool:
    """Whether this user may go through a directory."""
    found = directory.stat()
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _reaches(place: Path, uid: int, *, gid: int) -> bool:
    resolved = place.resolve()
    return all(is_passable(passed, uid, gid=gid) for passed in [resolved, *resolved.parents])


def main() -> None:
    """Become the user, detach if asked to, become the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--lend", action="store_true")
    parser.add_argument("--daemon", action="store_true")
    parser.add_argument("command", nargs="+")
    wanted = parser.parse_args()
    if wanted.uid is not None:
        _become(wanted.uid, wanted.gid, lend=wanted.lend)
    os.umask(0o077)
    if wanted.daemon:
        # The first process ends at once, so that the server is nobody's child and never a zombie of
        # ours.
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
    os.execv(wanted.command[0], wanted.command)  # noqa: S606


def _become(uid: int, gid: int, *, lend: bool) -> None:
    os.setgroups([])
    if not lend:
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    capability = _capability_to_lend()
    _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    # access(2) leaves capabilities out for anybody but root unless told so; initdb asks it about
    # its own programs. Where this is not allowed, programs must lie where their user can pass.
    libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable: the low words, then the high ones.
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(libc.capset(header, sets))
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _capability_to_lend() -> int:
    """The weaker of the two that pass directories; containers often leave us only the stronger."""
    permitted = 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            permitted = int(line.split()[1], 16)
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if permitted & 1 << capability:
            return capability
    sys.exit(
        "root may not pass this directory on to Postgres: use another --data, user or --database"
    )


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
