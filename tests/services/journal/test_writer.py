"""One batch, one transaction, one writer."""

import threading
from datetime import date

import psycopg
import pytest

from services.journal.batch import Batch, ReceiptRow, Seal, SourceMove
from services.journal.reader import Head, Reader, Source
from services.journal.tables import APPEND_ONLY
from services.journal.trouble import DatabaseGone, FencedOff, JournalTrouble, StatementRefused
from services.journal.writer import Journal
from services.shards.rows import (
    DayRow,
    LinkRow,
    NumberRow,
    PartRow,
    PriceRow,
    SnapshotRow,
    StatementRow,
)
from tests.services.journal.journal_rows import (
    DAY,
    SIT,
    batch_of,
    chain,
    move,
    partitions_of_rows,
    row,
    rows,
)

HASH = b"\x07" * 32


def full_batch() -> Batch:
    """A batch with something for every table."""
    batch = batch_of(SIT, None, 1)
    batch.parts = [PartRow(SIT, 1, 1, b"more")]
    batch.links = [LinkRow(SIT, "member/0", 0, 3, 1, is_last=True, payload=b"payload", hash=HASH)]
    batch.identities = []
    batch.seals = [Seal(SIT, 0, [(SIT, 0, 5, b"keys", b"seqs")], b"words")]
    batch.source = SourceMove("feed", None, 10, HASH, 2, ended=False)
    batch.snapshots = [SnapshotRow(SIT, 1, 0, 1, chain(1), DAY, b"state", HASH)]
    batch.days = [DayRow(SIT, DAY, 1, HASH, HASH)]
    batch.prices = [PriceRow(SIT, 1, "SIT", "SITH26", DAY, "close", 207, 1, "settlement")]
    money = 100, -5, 30, 20, 95
    batch.numbers = [NumberRow("control/0", 1, 1, DAY)]
    batch.receipts = [ReceiptRow(SIT, 0, 1_772_445_600, "broker")]
    batch.statements = [
        StatementRow(SIT, 1, "a-1", "m-1", "house", DAY, "close", *money, "SITH26:3")
    ]
    return batch


def counts(reader: Reader) -> dict[str, int]:
    """Rows of every table that has any."""
    found = {}
    for name in [*[table.name for table in APPEND_ONLY], "shard_head", "source"]:
        rows_held = reader.connection.execute(f"TABLE clearing.{name}".encode()).fetchall()
        found[name] = len(rows_held)
    return {name: count for name, count in found.items() if count}


def test_a_batch_fills_all_its_tables(journal: Journal, reader: Reader) -> None:
    journal.commit(full_batch())
    elsewhere = ("identity", "inbox")
    expected = dict.fromkeys([one.name for one in APPEND_ONLY if one.name not in elsewhere], 1)
    assert counts(reader) == {**expected, "journal": 2, "shard_head": 1, "source": 1}


def test_an_empty_batch_changes_nothing(journal: Journal, reader: Reader) -> None:
    journal.commit(Batch())
    assert counts(reader) == {}


def test_heads_move_with_their_rows(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 4))
    journal.commit(batch_of(SIT, 4, 9))
    assert reader.heads() == {SIT: Head(SIT, 9, chain(9), 10)}


def test_several_shards_move_in_one_batch(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of("control/0", None, 0))
    both = Batch(
        rows=[*rows("control/0", [1]), *rows(SIT, [0])],
        heads=[move("control/0", 0, 1), move(SIT, None, 0)],
    )
    journal.commit(both)
    assert {name: head.seq for name, head in reader.heads().items()} == {"control/0": 1, SIT: 0}


@pytest.mark.parametrize(
    ("before", "names"), [(None, "is not new"), (3, "at seq 3"), (5, "at seq 5")]
)
def test_a_head_that_stands_elsewhere_fences_off(
    journal: Journal, reader: Reader, before: int | None, names: str
) -> None:
    journal.commit(batch_of(SIT, None, 4))
    with pytest.raises(FencedOff, match=f"{SIT} .*{names}"):
        journal.commit(batch_of(SIT, before, 9))
    assert counts(reader) == {"journal": 5, "shard_head": 1}


def test_a_fenced_writer_writes_on_once_it_knows_the_head(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 4))
    with pytest.raises(FencedOff):
        journal.commit(batch_of(SIT, None, 4))
    journal.commit(batch_of(SIT, reader.heads()[SIT].seq, 6))
    assert reader.heads()[SIT].seq == 6


def test_of_two_writers_at_once_one_is_fenced_off(url: str, reader: Reader) -> None:
    fenced: list[FencedOff] = []

    def write() -> None:
        with Journal(url) as journal:
            barrier.wait(timeout=10)
            try:
                journal.commit(batch_of(SIT, None, 5000))
            except FencedOff as error:
                fenced.append(error)

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fenced) == 1
    assert counts(reader) == {"journal": 5001, "shard_head": 1}


@pytest.mark.parametrize("name", ["feed", "a'b\\c%d;--", "E'\\x00' %s %b %%", "\\", '"ü\n;'])
def test_a_source_moves_with_the_batch(journal: Journal, reader: Reader, name: str) -> None:
    journal.commit(Batch(source=SourceMove(name, None, 10, HASH, 1, ended=False)))
    journal.commit(Batch(source=SourceMove(name, 10, 20, HASH, 3, ended=True)))
    assert reader.source(name) == Source(name, 20, HASH, 3, ended=True)
    assert reader.source("other") is None


def test_a_source_with_a_shards_name_moves_no_shard(journal: Journal) -> None:
    journal.commit(batch_of(SIT, None, 9))
    batch = batch_of(SIT, 4, 14)
    batch.source = SourceMove(SIT, None, 10, HASH, 1, ended=False)
    with pytest.raises(FencedOff, match=f"shard {SIT}"):
        journal.commit(batch)


def test_a_source_that_had_ended_goes_on_from_there(journal: Journal, reader: Reader) -> None:
    journal.commit(Batch(source=SourceMove("feed", None, 20, HASH, 3, ended=True)))
    journal.commit(Batch(source=SourceMove("feed", 20, 30, HASH, 4, ended=False)))
    assert reader.source("feed") == Source("feed", 30, HASH, 4, ended=False)


@pytest.mark.parametrize("before", [None, 7])
def test_a_source_that_stands_elsewhere_fences_off(journal: Journal, before: int | None) -> None:
    journal.commit(Batch(source=SourceMove("feed", None, 10, HASH, 1, ended=False)))
    journal.commit(Batch(source=SourceMove("feed", 10, 20, HASH, 3, ended=True)))
    with pytest.raises(FencedOff, match="source feed"):
        journal.commit(Batch(source=SourceMove("feed", before, 30, HASH, 4, ended=False)))


def test_a_refused_row_takes_the_whole_batch_with_it(journal: Journal, reader: Reader) -> None:
    batch = full_batch()
    batch.days.append(batch.days[0])
    with pytest.raises(StatementRefused, match="duplicate key"):
        journal.commit(batch)
    assert counts(reader) == {}


def test_an_error_while_packing_takes_the_whole_batch_with_it(
    journal: Journal, reader: Reader
) -> None:
    batch = full_batch()
    batch.statements.append(("too short",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not enough values"):
        journal.commit(batch)
    assert counts(reader) == {}
    journal.commit(full_batch())


def test_a_batch_whose_backend_is_killed_leaves_nothing(url: str, reader: Reader) -> None:
    def parts_then_kill() -> object:
        yield SIT, 1, 1, b"x" * 3_000_000
        kill_backends(reader)
        yield SIT, 1, 2, b"x" * 3_000_000

    journal, batch = Journal(url), full_batch()
    batch.parts = parts_then_kill()  # type: ignore[assignment]
    with pytest.raises(DatabaseGone):
        journal.commit(batch)
    assert counts(reader) == {}
    with pytest.raises(JournalTrouble):
        journal.commit(full_batch())


def kill_backends(reader: Reader) -> None:
    """End all connections to this database but the reader's."""
    with psycopg.connect(reader.url, autocommit=True) as administrator:
        query = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> %s"
        )
        administrator.execute(query, [reader.connection.info.backend_pid])


def test_each_shard_gets_its_partition_of_each_month(journal: Journal, url: str) -> None:
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 1), date(1, 1, 1)]
    made = [row(SIT, seq, day=day) for seq, day in enumerate(days)]
    made.append(row("member/0", 4, day=days[0]))
    journal.commit(Batch(rows=made, heads=[move(SIT, None, 3), move("member/0", None, 4)]))
    assert partitions_of_rows(url) == [
        "journal_2026_03_market_sit",
        "journal_2026_04_market_sit",
        "journal_2027_03_market_sit",
        "journal_0001_01",
        "journal_2026_03_member_0",
    ]


def test_a_link_wakes_whoever_listens_for_its_target(journal: Journal, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN clearing_link")
        journal.commit(full_batch())
        woken = [notice.payload for notice in connection.notifies(timeout=5, stop_after=1)]
    assert woken == ["member/0"]


def test_the_first_batch_in_a_partition_tells_all_sessions_of_it_as_it_commits(url: str) -> None:
    # By which transactions the tables above the partition were changed last.
    changed = """
        SELECT DISTINCT xmin::text FROM pg_attribute WHERE attname = 'shard'
        AND attrelid = ANY('{clearing.journal, clearing.journal_2026_03}'::regclass[])
    """
    written = "SELECT xmin::text FROM clearing.journal WHERE shard = %s AND seq = %s"
    with Journal(url) as journal, psycopg.connect(url, autocommit=True) as looking:
        for shard, before, after in ((SIT, None, 0), (SIT, 0, 1), ("member/0", None, 0)):
            journal.commit(batch_of(shard, before, after))
            first = looking.execute(written, [shard, 0]).fetchall()
            assert looking.execute(changed).fetchall() == first, (shard, after)
