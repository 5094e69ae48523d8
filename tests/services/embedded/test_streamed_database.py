"""`clear` keeps its hands off a journal that workers write from Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedded.clear import clear
from services.journal.inboxes import record_inboxes
from services.journal.reader import Inbox, Reader
from services.journal.trouble import FedOtherwise


def test_clear_refuses_a_database_that_belongs_to_topics(url: str, tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("nonsense\n", encoding="utf-8")
    record_inboxes(url, [Inbox("control/0", "clearing.control", 0, "id")])
    with pytest.raises(FedOtherwise, match=r"clearing.control of Kafka.*clearing feed"):
        clear(url, str(tmp_path / "day.jsonl"))
    with Reader(url) as reader:
        assert reader.heads() == {}
