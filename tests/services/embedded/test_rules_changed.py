"""A journal goes on under the rules it was begun under, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

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
