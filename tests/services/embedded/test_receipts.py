"""When lines were received stands beside the books and changes nothing in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time

import psycopg
import pytest

from services.audit.verify import audit
from services.embedded.clear import clear
from services.embedded.run import EmbeddedRun
from services.journal.reader import Reader
from services.sources.source_reader import SourceReader
from tests.journal_contents import assert_equal, contents
from tests.twin.generate import market


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A market's file."""
    written = tmp_path / "market.jsonl"
    written.write_bytes(b"\n".join(market(1, days=2)) + b"\n")
    return written


def run_blocks(url: str, path: Path, *, clock: Callable[[], float], lines: int = 50) -> int:
    """Clear a file in blocks, by a clock. Returns the number of blocks with lines."""
    count, position = 0, None
    with path.open("rb") as stream, EmbeddedRun(url, clock=clock) as embedded:
        for block in SourceReader(stream, name="feed", lines_a_block=lines).blocks():
            embedded.run_block(block, source="feed", position_before=position)
            count, position = count + bool(block.lines), block.end
    return count


def receipts(url: str) -> list[tuple[str, int, int, str]]:
    """All recorded runs."""
    query = (
        "SELECT shard, seq_first, extract(epoch FROM received_at)::bigint, clock "
        "FROM clearing.receipt ORDER BY 3, 1"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_the_same_lines_at_other_times_give_the_same_books(
    new_journal: Callable[[], str], path: Path
) -> None:
    early, late = new_journal(), new_journal()
    run_blocks(early, path, clock=lambda: 7.9)
    ticking = iter(range(4_000_000_000, 5_000_000_000))
    count = run_blocks(late, path, clock=lambda: next(ticking))
    assert_equal(contents(late), contents(early))
    with Reader(early) as reader:
        heads = reader.heads()
    assert receipts(early) == [(shard, 0, 7, "run") for shard in sorted(heads)]
    written = receipts(late)
    assert {second for _, _, second, _ in written} == {*range(4_000_000_000, 4_000_000_000 + count)}
    assert len(written) > count
    for url in (early, late):
        verdict = audit(url)
        assert verdict.differences == []
        assert "every row has one" in "\n".join(verdict.scope(program="9"))


def test_a_file_is_received_by_the_clock_of_the_run(url: str, path: Path) -> None:
    before = int(time())
    clear(url, str(path))
    found = receipts(url)
    assert found
    assert all(before <= second <= time() for _, _, second, _ in found)


def test_rows_of_an_earlier_program_are_said_to_have_no_time(url: str, path: Path) -> None:
    run_blocks(url, path, clock=lambda: 7)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE clearing.receipt DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM clearing.receipt WHERE shard <> 'control/0'")
        connection.execute("UPDATE clearing.receipt SET seq_first = 5")
        connection.execute("ALTER TABLE clearing.receipt ENABLE ALWAYS TRIGGER append_only")
    verdict, (members,) = audit(url), [s for s in audit(url).shards if s.shard == "member/0"]
    said = "\n".join(verdict.scope(program="9"))
    assert verdict.agrees
    assert "these rows have none: control/0 0 to 4, " in said
    assert f"member/0 0 to {members.head}." in said
    assert verdict.tree(program="9")["shards"][0]["without_receipt"] == 5
