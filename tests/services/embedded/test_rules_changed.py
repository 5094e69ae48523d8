"""A journal goes on under the rules it was begun under, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import cli
from services.embedded.clear import clear
from services.hosting import restore
from services.hosting.restore import load_from_journal
from services.journal.reader import Reader
from services.journal.trouble import RulesChanged


def test_a_program_with_other_rules_does_not_go_on(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.jsonl").write_text("nonsense\n", encoding="utf-8")
    clear(url, str(tmp_path / "day.jsonl"))
    with Reader(url) as reader:
        heads = reader.heads()
        with monkeypatch.context() as patched:
            patched.setattr(restore, "parameter_defaults", lambda: {"margin_model": "paper"})
            with pytest.raises(RulesChanged, match=r"member/0 .* other parameters.*margin_model"):
                load_from_journal(reader, "member/0")
        monkeypatch.setattr(restore, "RULES_VERSION", 99)
        with pytest.raises(RulesChanged, match=r"market/SIT was begun under rules \d+.*rules 99"):
            load_from_journal(reader, "market/SIT")
        with pytest.raises(RulesChanged):
            clear(url, str(tmp_path / "day.jsonl"), name="again")
        assert reader.heads() == heads


def test_the_commands_of_a_journal_of_other_rules_can_be_taken_elsewhere(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.jsonl").write_text("nonsense\n", encoding="utf-8")
    clear(url, str(tmp_path / "day.jsonl"))
    monkeypatch.setattr(restore, "RULES_VERSION", 99)
    with pytest.raises(RulesChanged, match="`clearing export` writes"):
        clear(url, str(tmp_path / "day.jsonl"), name="again")
    exported = CliRunner().invoke(cli, ["export", "--database", url])
    assert (exported.exit_code, exported.stdout) == (0, "nonsense\n")
    assert exported.stderr == "1 lines: control/0 1\n"
