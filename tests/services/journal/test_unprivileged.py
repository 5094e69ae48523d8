"""Who runs Postgres: nobody special, or a user that root changes to."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from services.journal.cluster import server_binaries
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.unprivileged import Account, account_for_server, is_passable


def test_an_ordinary_user_runs_it_himself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    account = account_for_server(tmp_path, needs=[tmp_path])
    assert account.uid is None
    assert account.launcher(daemon=False) == []
    assert account.launcher(daemon=True)[:2] == [sys.executable, "-I"]


def test_root_leaves_it_to_the_owner_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owner = os.stat_result((0o40700, 1, 1, 1, 1234, 567, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda _path: owner)
    account = account_for_server(tmp_path, needs=[])
    assert (account.uid, account.gid, account.lent) == (1234, 567, False)


def test_root_takes_an_ordinary_user_for_a_new_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert account_for_server(tmp_path / "new", needs=[]).uid not in (None, 0)


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "passes"),
    [
        (0o700, 1, 1, False),
        (0o711, 1, 1, True),
        (0o100, os.getuid(), 1, True),
        (0o011, os.getuid(), 1, False),
        (0o010, 12345, os.getgid(), True),
        (0o001, 12345, os.getgid(), False),
    ],
)
def test_a_directory_is_passed_by_its_owner_group_or_all(
    tmp_path: Path, mode: int, uid: int, gid: int, *, passes: bool
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(mode)
    assert is_passable(place, uid, gid=gid) is passes
    place.chmod(0o700)


def test_the_launcher_names_user_and_loan() -> None:
    line = Account(uid=7, gid=8, lent=True).launcher(daemon=True)
    assert line[4:] == ["--uid", "7", "--gid", "8", "--lend", "--daemon", "--"]


def test_programs_below_a_private_directory_start(tmp_path: Path) -> None:
    """As in a virtual environment below /root: whoever runs Postgres cannot pass there."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = server_binaries().parents[1]
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(part, private / part.name)
    binaries = private / server_binaries().relative_to(wheel.parent)
    with EmbeddedServer(tmp_path / "data", binaries=binaries) as server:
        assert migrate(server.url) > 0
