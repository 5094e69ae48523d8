"""`clearing` explains itself: at once, without what it does not need, and to who mistypes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from services.cli import COMMAND_TARGETS, cli

ROOT: Final = Path(__file__).parents[3]
# What no help needs; of these packages' time `--help` once took three seconds.
HEAVY: Final = (
    "psycopg", "numpy", "pydantic", "faust", "kafka", "aiokafka", "rich", "matplotlib", "holidays",
    "asyncio",
)  # fmt: skip
IMPORTED: Final = f"""
import json, sys
from services.cli import cli
cli.main(sys.argv[1:], prog_name="clearing", standalone_mode=False)
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
# Those that speak to Kafka have flags made of the settings, which pydantic reads.
LIGHT: Final = ("clear", "verify", "replay", "schema", "calendar")


def imported(*arguments: str) -> list[str]:
    """What of the heavy packages a command line imports."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


@pytest.mark.parametrize("arguments", [(), *[(name,) for name in LIGHT]])
def test_help_imports_nothing_that_it_does_not_need(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments, "--help") == []


@pytest.mark.parametrize("name", ["worker", "feed", "send", "tail", "topics", "doctor"])
def test_the_help_of_what_speaks_to_kafka_imports_no_client(name: str) -> None:
    assert not {"kafka", "aiokafka", "faust", "psycopg", "numpy"} & {*imported(name, "--help")}


@pytest.mark.parametrize("name", COMMAND_TARGETS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert COMMAND_TARGETS[name].tells == command.get_short_help_str(200)


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_that_of_program_and_rules(flag: str) -> None:
    from services.shards.shard import RULES_VERSION  # noqa: PLC0415 - only here

    result = CliRunner().invoke(cli, [flag])
    expected = f"clearing {version('token-clearinghouse')}, rules version {RULES_VERSION}\n"
    assert (result.exit_code, result.output) == (0, expected)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("clera", "there is no command 'clera'; did you mean clear or calendar?"),
        ("verfy", "there is no command 'verfy'; did you mean verify?"),
        ("zzz", "there is no command 'zzz'; see clearing --help"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_one_meant(typed: str, said: str) -> None:
    result = CliRunner().invoke(cli, [typed])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_shell_completes_commands_as_the_help_tells() -> None:
    assert "_CLEARING_COMPLETE=bash_source clearing" in CliRunner().invoke(cli, ["-h"]).output
    asked = {
        "_CLEARING_COMPLETE": "bash_complete",
        "COMP_WORDS": "clearing re",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.cli"],
        cwd=ROOT, env=os.environ | asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["plain,replay", "plain,report"]
