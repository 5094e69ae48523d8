"""A close whose facts fill many parts is written while it is decided: the same journal, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.verify import verify
from services.embedded.clear import clear
from services.embedded.memory import clear_in_memory
from services.journal.batch import Batch
from services.journal.pipeline import PipelinedWriter
from services.shards import clearinghouse, emission
from tests.journal_contents import assert_equal, contents
from tests.services.embedded.facts_in import facts_in
from tests.twin.generate import market

LINES = [line.removeprefix(b"\xef\xbb\xbf") for line in market(3, days=2)]
NewJournal = Callable[[], str]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A market in a world where parts are small."""
    monkeypatch.setattr(emission, "PART_BYTES_MAX", 600)
    path = tmp_path / "market.jsonl"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return path


def test_closes_in_many_parts_hold_the_facts_and_stand_before_an_audit(
    url: str, source: Path
) -> None:
    clear(url, str(source))
    assert facts_in(url) == clear_in_memory(LINES)
    assert verify(url) == []


def test_in_blocks_of_any_size_the_journal_is_the_same(
    new_journal: NewJournal, source: Path
) -> None:
    whole, apart = new_journal(), new_journal()
    clear(whole, str(source), name="one")
    clear(apart, str(source), name="one", lines_a_block=7)
    assert_equal(contents(apart), contents(whole))


def test_of_a_close_that_broke_in_the_middle_nothing_is_durable(
    new_journal: NewJournal, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, undisturbed = new_journal(), new_journal()
    clear(undisturbed, str(source), name="one")
    begun = count_begun(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(clearinghouse, "member_hash", break_down)
        with pytest.raises(RuntimeError, match="in the middle of a close"):
            clear(url, str(source), name="one")
    assert begun
    assert contents(url)["day"] == []
    assert verify(url) == []
    clear(url, str(source), name="one")
    assert_equal(contents(url), contents(undisturbed))


def count_begun(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The batches that were begun from here on."""
    begun: list[object] = []
    begin = PipelinedWriter.begin

    def counted(self: PipelinedWriter, batch: Batch) -> None:
        begun.append(batch)
        begin(self, batch)

    monkeypatch.setattr(PipelinedWriter, "begin", counted)
    return begun


def break_down(_: object) -> str:
    """What should not happen."""
    message = "in the middle of a close"
    raise RuntimeError(message)
