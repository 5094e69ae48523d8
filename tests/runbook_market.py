"""The runbook of a default, run as the committee types it, on the market that its examples are of.

In: services/DEFAULT.md and a database. Out: what its shell prints; an error where one of its
commands fails or is refused.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from services.cli import cli
from services.console.docs_command import DOCUMENTS
from tests.services.reports.default_market import DEFAULT_MARKET

RUNBOOK: Final = DOCUMENTS["default"].text
_BLOCKS: Final = re.compile(r"```sh\n(.*?)```", re.DOTALL)
# The lines that are added to the file of the default, and what stands between them.
_STEPS: Final = re.compile(r"^cat >> default\.jsonl <<'EOF'\n|^EOF\n", re.MULTILINE)


def lines_before_the_default() -> list[bytes]:
    """The market up to the declaration."""
    declared = [b"declare_default" in line for line in DEFAULT_MARKET]
    return DEFAULT_MARKET[: declared.index(True)]


def typed_commands() -> list[str]:
    """The command lines of the runbook's shell."""
    blocks = "".join(_BLOCKS.findall(RUNBOOK))
    return [line for line in blocks.splitlines() if line.startswith("clearing ")]


def wire_lines() -> list[str]:
    """The commands that the runbook adds to its file, as they stand."""
    return re.findall(r"^\{.+\}$", RUNBOOK, re.MULTILINE)


def run_runbook(database: str) -> str:
    """What its commands print, in the folder that one is in; each must exit with 0.

    As a shell does it, in one process: a program started for each would cost a minute.
    """
    market = Path("market.jsonl")
    market.write_bytes(b"".join(line + b"\n" for line in lines_before_the_default()))
    printed = _typed("clearing clear --commands market.jsonl", database)
    for text in _STEPS.split("".join(_BLOCKS.findall(RUNBOOK))):
        if text.startswith("{"):
            with Path("default.jsonl").open("a", encoding="utf-8") as lines:
                lines.write(text)
            continue
        for line in text.splitlines():
            printed += _typed(line, database)
    return printed


def _typed(line: str, database: str) -> str:
    program, *words = shlex.split(line, comments=True)
    assert program == "clearing", line
    done = CliRunner().invoke(cli, words, env={"CLEARING_DATABASE": database})
    assert done.exit_code == 0, f"{line}: {done.output}"
    return done.stdout
