"""The user that runs Postgres: our own, or one that root changes to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.journal.cluster import server_binaries
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.trouble import ServerNotStarted
from services.journal.unprivileged import ServerAccount, account_for_server, is_passable


def test_an_ordinary_user_runs_it_himself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    account = account_for_server(tmp_path, needs=[tmp_path])
    assert (account.uid, account.lent) == (None, False)


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
    directory = tmp_path / "directory"
    directory.mkdir()
    directory.chmod(mode)
    assert is_passable(directory, uid, gid=gid) is passes
    directory.chmod(0o700)


def program(account: ServerAccount, script: str) -> str:
    """What a shell script prints that runs in this account."""
    ended = account.run(["/bin/sh", "-c", script], stdout=subprocess.PIPE, env={}, pass_fds=())
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_a_program_runs_as_the_account_and_never_as_root(tmp_path: Path) -> None:
    for needs in ([], [tmp_path]):
        account = account_for_server(tmp_path / "new", needs=needs)
        expected = os.geteuid() if account.uid is None else account.uid
        assert program(account, "id -u; umask").split() == [str(expected), "0077"]
        assert expected != 0


def test_a_program_reaches_what_it_needs_below_a_private_directory(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    account = account_for_server(tmp_path / "new", needs=[private])
    assert account.lent is (os.geteuid() == 0)
    program(account, f"test -e {private}/.")


def test_the_user_keeps_no_groups_and_gets_one_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/setpriv")
    status = "CapInh:\t0000000000000000\nCapPrm:\t0000000000000102\n"
    monkeypatch.setattr(Path, "read_text", lambda _path: status)
    assert ServerAccount(uid=7, gid=8, lent=True).lending() == [
        *["/bin/setpriv", "--reuid=7", "--regid=8", "--clear-groups"],
        *["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"],
        *["--securebits=+no_setuid_fixup", "--"],
    ]


def test_root_without_capabilities_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/setpriv")
    monkeypatch.setattr(Path, "read_text", lambda _path: "CapPrm:\t0000000000000100\n")
    with pytest.raises(ServerNotStarted, match="root may not pass this directory on"):
        ServerAccount(uid=7, gid=8, lent=True).lending()


def test_a_missing_setpriv_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServerNotStarted, match=r"user 7, .* setpriv \(util-linux\)"):
        program(ServerAccount(uid=7, gid=8, lent=True), "true")


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
