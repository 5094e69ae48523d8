"""Where the books are: a flag, the environment or the settings file; what reads them as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import cli


def clearing(*arguments: str, sent: bytes = b"", **environment: str) -> Result:
    """The command line, in this process."""
    stream = io.BufferedReader(io.BytesIO(sent))
    return CliRunner(env=environment).invoke(cli, arguments, input=stream)


@pytest.mark.parametrize("command", [("replay",), ("verify",), ("report", "trades"), ("clear",)])
@pytest.mark.parametrize("way", ["environment", "file", "file of the environment"])
def test_a_database_that_is_configured_counts_for_every_command(
    tmp_path: Path, command: tuple[str, ...], way: str
) -> None:
    url, file = "postgresql://nobody@localhost:1/configured", tmp_path / "clearing.toml"
    file.write_text(f'database = "{url}"\n', "utf-8")
    further = ["--commands", "-"] if command == ("clear",) else []
    if way == "environment":
        result = clearing(*command, *further, CLEARING_DATABASE=url)
    elif way == "file":
        result = clearing(*command, *further, "--settings", str(file))
    else:
        result = clearing(*command, *further, CLEARING_SETTINGS=str(file))
    assert result.exit_code == 2
    assert "see that the database runs" in result.stderr


def test_a_flag_is_stronger_than_the_environment(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path / "none"))
    result = clearing("replay", *place, CLEARING_DATABASE="postgresql://nobody@localhost:1/none")
    assert (result.exit_code, "there are no books in" in result.stderr) == (2, True)


def test_a_settings_file_that_is_not_there_is_named() -> None:
    result = clearing("replay", "--settings", "/no/such/file")
    assert (result.exit_code, "no settings file /no/such/file" in result.stderr) == (2, True)


def test_replay_as_json_says_what_its_lines_say(database: str) -> None:
    clearing("clear", "--commands", "-", "--database", database, sent=b"{}\n")
    lines = clearing("replay", "--database", database).stdout.splitlines()
    shards = json.loads(clearing("replay", "--json", "--database", database).stdout)
    fields = ("shard", "seq", "chain", "state_hash")
    assert [" ".join(str(shard[name]) for name in fields) for shard in shards] == lines
    assert [type(shard["seq"]) for shard in shards] == [int] * len(lines) != []


def test_the_doctor_as_json_says_what_its_lines_say(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path / "none"))
    lines = clearing("doctor", *place).stdout.splitlines()
    result = clearing("doctor", "--json", *place)
    findings = json.loads(result.stdout)
    assert [finding["verdict"] for finding in findings] == [line.split()[0] for line in lines]
    assert all(finding["what"] in line for finding, line in zip(findings, lines, strict=True))
