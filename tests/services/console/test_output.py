"""Where output goes: closed, full, read in part, files, pipes, devices."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.console.exit_codes import Stopped
from services.console.output import check_target, open_stdout, say, write_all

PIECES = [b"one\n", b"two\n"]


def test_full_standard_output_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(
            Stopped, match=r"^cannot write standard output: No space left on device$"
        ):
            say(["one"])


def test_facts_on_full_standard_output_leave_what_was_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(Stopped, match="No space left on device; what was cleared is durable"):
            write_all("-", PIECES)


def test_closed_standard_output_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(Stopped, match=r"^cannot write standard output: it is closed$"):
        say(["one"])
    with pytest.raises(Stopped, match="it is closed"):
        check_target("-", source="-")
    with pytest.raises(Stopped, match="it is closed; what was cleared is durable"):
        write_all("-", PIECES)


def test_output_may_be_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(given))
    with open_stdout() as stream:
        stream.writelines(PIECES)
    assert given.getvalue() == b"one\ntwo\n"


def test_a_pipe_that_has_no_name_is_written_by_the_name_it_was_given() -> None:
    reading, writing = os.pipe()
    target = f"/dev/fd/{writing}"
    check_target(target, source="-")
    write_all(target, PIECES)
    os.close(writing)
    with os.fdopen(reading, "rb") as found:
        assert found.read() == b"one\ntwo\n"


def test_a_pipe_that_is_closed_early_has_read_enough() -> None:
    reading, writing = os.pipe()

    def pieces() -> Iterator[bytes]:
        os.close(reading)
        yield from PIECES

    write_all(f"/dev/fd/{writing}", pieces())
    os.close(writing)


def test_a_full_device_is_told_plainly() -> None:
    check_target("/dev/full", source="-")
    with pytest.raises(
        Stopped, match=r"^cannot write /dev/full: No space left on device; what was"
    ):
        write_all("/dev/full", PIECES)


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    for pieces in (PIECES, PIECES[:1]):
        check_target(str(link), source="-")
        write_all(str(link), pieces)
        assert (link.is_symlink(), file.read_bytes()) == (True, b"".join(pieces))
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_a_pipe_may_be_source_and_target_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_target("/dev/null", source="/dev/null")
    with pytest.raises(Stopped, match="is the source itself"):
        check_target(str(tmp_path / "file"), source=str(tmp_path / "file"))
