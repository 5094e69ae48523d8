"""What services/DEFAULT.md tells the default committee to type, typed.

Its commands are given in order on the market of its examples; its words are those of the wire.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from events.codec import decode_command
from events.command import Malformed
from events.refusals import Reason
from services.journal.embedded import EmbeddedServer
from tests.command_line import check_command
from tests.conftest import fresh_database
from tests.runbook_market import RUNBOOK, run_runbook, typed_commands, wire_lines
from tests.services.reports.default_market import DEFAULT_MARKET


@pytest.mark.parametrize("line", typed_commands())
def test_a_command_of_the_runbook_can_be_given(line: str) -> None:
    check_command(shlex.split(line, comments=True))


def test_the_lines_of_the_runbook_are_those_of_its_market() -> None:
    decoded = [decode_command(line.encode()) for line in wire_lines()]
    kinds = {line.TYPE for line in decoded if not isinstance(line, Malformed)}
    market = [decode_command(line) for line in DEFAULT_MARKET]
    assert [line for line in market if line in decoded] == decoded
    assert kinds >= {
        "declare_default/1", "port_account/1", "auction_account/1", "liquidate_asset/1",
        "settle_default/1",
    }  # fmt: skip


def test_the_reasons_of_the_runbook_are_reasons() -> None:
    lists = re.findall(r"^Refused: (.+?)\n\n", RUNBOOK, re.MULTILINE | re.DOTALL)
    named = {word for text in lists for word in re.findall(r"`(\w+)`", text)}
    assert len(lists) == 5
    assert named <= {reason.value for reason in Reason}


def test_the_runbook_takes_a_default_to_its_end(
    postgres: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in fresh_database(postgres):
        printed = run_runbook(url)
        assert re.search(r"^A +settled ", printed, re.MULTILINE)
        assert "$293.92" in printed  # what C lacks to the fund at the close
        assert "The journal is what its input makes of it: no difference." in printed
