"""`clearing clear` from outside: files in, facts out, exit codes."""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from services.cli import cli
from services.embedded.memory import MemoryRun
from tests.services.reports.small_market import SMALL_MARKET
from tests.test_scenarios import SCENARIOS, SHARED, lines_of

CLEARING: Final = (sys.executable, "-m", "services.cli")
ROOT: Final = Path(__file__).parents[3]
# Each costs a database: the shared ones, and of ours every eighth.
CASES: Final = [path for path in SCENARIOS if path.parent == SHARED] + SCENARIOS[::8]
ONE: Final = next(path for path in SCENARIOS if path.stem == "postings_and_day_closed")


def clearing(*arguments: str, sent: bytes | None = None) -> Result:
    """The command line, in this process."""
    stream = None if sent is None else io.BufferedReader(io.BytesIO(sent))
    return CliRunner().invoke(cli, arguments, input=stream)


def stream_of(case: Path) -> bytes:
    """A case as a file of commands."""
    return b"".join(line + b"\n" for line in lines_of(json.loads(case.read_text("utf-8"))))


def facts_of(stream: bytes) -> list[bytes]:
    """The facts that the shards in memory give."""
    run = MemoryRun()
    for line in stream.split(b"\n"):
        run.decide(line)
    return run.fact_lines()


def written(folder: Path, stream: bytes, *, name: str = "day.jsonl") -> str:
    """The stream as a file."""
    path = folder / name
    path.write_bytes(stream)
    return str(path)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_facts_are_those_of_the_shards_in_memory(case: Path, url: str, tmp_path: Path) -> None:
    stream, facts = stream_of(case), tmp_path / "facts.jsonl"
    source = written(tmp_path, stream)
    result = clearing("clear", "--commands", source, "--facts", str(facts), "--database", url)
    assert result.exit_code == 0, result.output
    assert facts.read_bytes().splitlines() == facts_of(stream)


def test_a_second_run_changes_nothing_and_writes_the_same_facts(
    database: str, tmp_path: Path
) -> None:
    source = written(tmp_path, stream_of(ONE))
    command = ("clear", "--commands", source, "--facts", "-", "--database", database)
    first, before = clearing(*command), clearing("replay", "--database", database).stdout
    second, after = clearing(*command), clearing("replay", "--database", database).stdout
    assert "was cleared before" in second.stderr
    assert (second.exit_code, second.stdout_bytes) == (0, first.stdout_bytes)
    assert after == before != ""


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_and_packed_files_are_cleared_alike(
    database: str, tmp_path: Path, *, packed: bool
) -> None:
    stream = stream_of(ONE)
    place = ("--facts", "-", "--database", database)
    if packed:
        source = written(tmp_path, gzip.compress(stream), name="day.jsonl.gz")
        result = clearing("clear", "--commands", source, *place)
    else:
        result = clearing("clear", "--commands", "-", *place, sent=stream)
    assert result.stdout_bytes.splitlines() == facts_of(stream)


def test_refusals_do_not_change_the_exit_code(database: str, tmp_path: Path) -> None:
    source = written(tmp_path, b"{nonsense\n{}\n")
    result = clearing("clear", "--commands", source, "--database", database)
    assert result.exit_code == 0
    assert "malformed" in result.stderr


def test_the_same_file_that_has_grown_goes_on_from_where_it_had_ended(
    database: str, tmp_path: Path
) -> None:
    source = written(tmp_path, b"{}\n")
    clearing("clear", "--commands", source, "--database", database)
    written(tmp_path, b"{}\n[]\n")
    command = ("clear", "--commands", source, "--facts", "-", "--database", database)
    result = clearing(*command)
    assert (result.exit_code, "read 1 lines" in result.stderr) == (0, True), result.stderr
    assert result.stdout_bytes.splitlines() == facts_of(b"{}\n[]\n")


@pytest.mark.parametrize("other", [b"[]\n", b"", b"{}", b"[]\n{}\n"])
def test_another_file_under_the_same_name_is_an_error_that_says_so(
    database: str, tmp_path: Path, other: bytes
) -> None:
    source = written(tmp_path, b"{}\n")
    clearing("clear", "--commands", source, "--database", database)
    written(tmp_path, other)
    result = clearing("clear", "--commands", source, "--database", database)
    assert result.exit_code == 2
    assert "another file" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--commands", "/no/such/file"), "cannot open /no/such/file"),
        (("--commands", "/usr"), "cannot open /usr"),
        ((), "Missing option '--commands'"),
        (("--commands", "-", "--data", "a"), "found both"),
        (("--commands", "-", "--facts", "/no/such/place/facts"), "no directory /no/such/place"),
        (("--commands", "-", "--facts", "/"), "it is a directory"),
    ],
)
def test_what_cannot_be_opened_is_named_with_exit_code_2(
    database: str, arguments: tuple[str, ...], said: str
) -> None:
    result = clearing("clear", *arguments, "--database", database)
    assert result.exit_code == 2
    assert said in result.stderr


def test_facts_are_not_written_over_their_own_commands(database: str, tmp_path: Path) -> None:
    source = written(tmp_path, b"{}\n")
    result = clearing("clear", "--commands", source, "--facts", source, "--database", database)
    assert (result.exit_code, Path(source).read_bytes()) == (2, b"{}\n")


def test_facts_go_into_a_pipe_and_do_not_replace_it(database: str, tmp_path: Path) -> None:
    source, pipe = written(tmp_path, b"{}\n"), tmp_path / "pipe"
    os.mkfifo(pipe)
    command = ["clear", "--commands", source, "--facts", str(pipe), "--database", database]
    with subprocess.Popen([*CLEARING, *command], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        facts = pipe.read_bytes()
    assert (process.returncode, pipe.is_fifo()) == (0, True)
    assert facts.splitlines() == facts_of(b"{}\n")


def test_commands_that_are_not_there_are_noticed_before_anything_is_made(tmp_path: Path) -> None:
    books = tmp_path / "books"
    result = clearing("clear", "--commands", str(tmp_path / "none"), "--data", str(books))
    assert (result.exit_code, books.exists()) == (2, False)
    assert result.stderr.startswith("Error: cannot open ")


def test_facts_that_cannot_be_written_leave_what_was_cleared(database: str, tmp_path: Path) -> None:
    command = ["clear", "--commands", written(tmp_path, b"{}\n"), "--database", database]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CLEARING, *command, "--facts", "-"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    *_, said = done.stderr.splitlines()
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert said == (
        "Error: cannot write standard output: No space left on device; what was cleared is durable"
    )
    assert "was cleared before" in clearing(*command).stderr


def test_closed_standard_output_is_noticed_before_anything_is_cleared(
    database: str, tmp_path: Path
) -> None:
    command = ("clear", "--commands", written(tmp_path, b"{}\n"), "--facts", "-")
    words = shlex.join([*CLEARING, *command, "--database", database])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{words} >&-"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = "Error: cannot write standard output: it is closed\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_broken_law_is_a_traceback_that_ends_with_what_to_do(
    database: str, tmp_path: Path
) -> None:
    lines = b"".join(line + b"\n" for line in SMALL_MARKET)
    lines = lines.replace(b'"amount_cents":1000000', b'"amount_cents":9223372036854775807')
    command = ["clear", "--commands", written(tmp_path, lines), "--database", database]
    done = subprocess.run(
        [*CLEARING, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    *_, error, last = done.stderr.splitlines()
    assert (done.returncode, error.split(":")[0]) == (1, "OverflowError")
    assert last.startswith("A law is broken: line ")
    assert last.endswith("run `clearing verify` on the books.")


def test_a_database_that_does_not_answer_is_exit_code_2() -> None:
    command = ("clear", "--commands", "-", "--database", "postgresql://nobody@localhost:1/none")
    result = clearing(*command, sent=b"")
    assert result.exit_code == 2
    assert "clearing doctor" in result.stderr


def test_output_that_is_closed_early_is_no_trouble(database: str, tmp_path: Path) -> None:
    source = written(tmp_path, b"{}\n" * 5_000)
    command = ["clear", "--commands", source, "--facts", "-", "--database", database]
    with subprocess.Popen(
        [*CLEARING, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
    assert (process.returncode, "Traceback" in said, "Error" in said) == (0, False, False)


def test_without_a_database_the_books_are_in_the_data_directory(tmp_path: Path) -> None:
    stream = stream_of(ONE)
    command = ("clear", "--commands", written(tmp_path, stream), "--facts", "-")
    done = subprocess.run(
        [*CLEARING, *command, "--data", str(tmp_path / "books")],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == facts_of(stream)
    assert (tmp_path / "books/postgres").is_dir()


def test_laws_are_never_switched_off() -> None:
    command = [sys.executable, "-O", "-m", "services.cli", "schema"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "without -O" in done.stderr
