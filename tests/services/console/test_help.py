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

from risk.margin_models import MODELS
from services.cli import COMMAND_TARGETS, cli
from services.console.margin_command import MODEL_NAMES

ROOT: Final = Path(__file__).parents[3]
# What no help needs; of these packages' time `--help` once took three seconds.
HEAVY: Final = (
    "psycopg", "numpy", "pydantic", "faust", "kafka", "aiokafka", "rich", "matplotlib", "holidays",
    "asyncio",
)  # fmt: skip
IMPORTED: Final = f"""
import json, sys
from services.cli import cli
imported = {{}}
for arguments in json.loads(sys.argv[1]):
    cli.main(arguments, prog_name="clearing", standalone_mode=False)
    imported[" ".join(arguments)] = [name for name in {HEAVY} if name in sys.modules]
print(json.dumps(imported))
"""
# Those that speak to Kafka have flags made of the settings, which pydantic reads.
KAFKAS: Final = ("worker", "feed", "send", "tail", "topics", "publish", "doctor")


def imported(*lines: tuple[str, ...]) -> dict[str, list[str]]:
    """What of the heavy packages is there after each of these command lines, one after another."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(lines)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return names


def test_help_imports_nothing_that_it_does_not_need() -> None:
    light = [(name, "--help") for name in COMMAND_TARGETS if name not in KAFKAS]
    helps = [("--help",), *light, ("margin", "what-if", "--help")]
    assert imported(*helps) == {" ".join(arguments): [] for arguments in helps}


def test_the_help_of_what_speaks_to_kafka_imports_no_client() -> None:
    clients = {"kafka", "aiokafka", "faust", "psycopg", "numpy"}
    for line, names in imported(*((name, "--help") for name in KAFKAS)).items():
        assert not clients & {*names}, line


def test_the_models_that_help_lists_are_those_there_are() -> None:
    assert tuple(MODELS) == MODEL_NAMES


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
