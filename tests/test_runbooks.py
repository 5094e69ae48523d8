"""What services/RUNBOOKS.md tells the operator to type: each command can be given.

Its dump is taken, restored and compared on a real Postgres; its unit files start what they say;
each alert has its row.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from services.cli import cli
from services.console.docs_command import DOCUMENTS
from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.alert_rules import ALERTS
from tests.command_line import check_command
from tests.conftest import fresh_database
from tests.house_rules import ROOT
from tests.services.reports.small_market import SMALL_MARKET

RUNBOOKS: Final = DOCUMENTS["runbooks"].text
AGAIN: Final = "clearing clear --commands market.jsonl --database $RESTORED"
UNITS: Final = sorted((ROOT / "services/worker").glob("*.service"))


def typed(section: str = ".*") -> list[str]:
    """The lines of the shell in the sections whose heads match."""
    parts = re.split(r"^## (.+)\n", RUNBOOKS, flags=re.MULTILINE)
    chosen = [
        text
        for head, text in zip(parts[1::2], parts[2::2], strict=True)
        if re.fullmatch(section, head)
    ]
    blocks = [block for text in chosen for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    return "".join(blocks).splitlines()


@pytest.mark.parametrize(
    "line", dict.fromkeys(line for line in typed() if line.startswith("clearing "))
)
def test_a_command_of_the_runbooks_can_be_given(line: str) -> None:
    check_command(shlex.split(line.partition(" > ")[0]))


def test_a_dump_is_restored_to_the_same_books(
    machine_postgres: EmbeddedServer,
    machine_binaries: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(machine_binaries), prepend=":")
    Path("market.jsonl").write_bytes(b"".join(line + b"\n" for line in SMALL_MARKET))
    for url in fresh_database(machine_postgres):
        for restored in fresh_database(machine_postgres):
            clear(url, "market.jsonl")
            names = {"CLEARING_DATABASE": url, "RESTORED": restored}
            printed = [run_typed(line, names) for line in typed("Dump and restore")]
            assert "no difference" in printed[-1]
            assert "3 days were compared with the list" in printed[-1]
            assert "was cleared before" in run_typed(AGAIN, names)


def run_typed(line: str, names: dict[str, str]) -> str:
    """What a line of the shell prints; one of our own in this process. It must exit with 0."""
    if not line.startswith("clearing "):
        ended = subprocess.run(  # noqa: S602 - a line of our own document
            line,
            shell=True,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **names},
        )
        said = [text for text in ended.stderr.splitlines() if "already exists" not in text]
        assert (ended.returncode, said) == (0, []), line
        return ended.stdout
    line, _, file = line.partition(" > ")
    words = [names.get(word.removeprefix("$"), word) for word in shlex.split(line)]
    done = CliRunner().invoke(cli, words[1:], env=names)
    assert done.exit_code == 0, f"{line}: {done.output}"
    if file:
        Path(file).write_text(done.stdout, "utf-8")
    return done.output


def test_every_alert_has_a_row_that_says_what_to_do() -> None:
    rows = re.findall(r"^\| `(Clearing\w+)` \| .+ \| .+ \|$", RUNBOOKS, flags=re.MULTILINE)
    assert rows == [rule["alert"] for rule in ALERTS]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_program_that_may_finish_what_it_does(path: Path) -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text("utf-8"))
    service = unit["Service"]
    program, *words = shlex.split(service["ExecStart"].replace("%i", "6066"))
    assert Path(program).name == "clearing"
    check_command(["clearing", *words])
    assert service["KillSignal"] == "SIGTERM"
    assert service["Restart"] == "on-failure"
    assert f"worker/{path.name}" in RUNBOOKS
