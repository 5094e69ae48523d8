"""Written rows are read back in order, whole, in blocks."""

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest

from services.journal import reader as reading
from services.journal.batch import Batch, HeadMove
from services.journal.connecting import Connection
from services.journal.reader import BLOCK_BYTES, Facts, Reader, Snapshot
from services.journal.writer import Journal
from services.shards.rows import DayRow, JournalRow, LinkRow, PartRow, SnapshotRow
from tests.services.journal.journal_rows import DAY, SIT, batch_of, chain, move, row, rows

SCU = "market/SCU"
HASH = b"\x07" * 32


def seqs_of(reader: Reader, shard: str, *, after: int = -1, until: int = 2**62) -> list[int]:
    """The seqs of the rows read."""
    return [row[1] for block in reader.rows(shard, after=after, until=until) for row in block]


def test_rows_of_a_shard_come_in_order_after_one_seq_up_to_another(
    journal: Journal, reader: Reader
) -> None:
    journal.commit(batch_of(SCU, None, 9))
    journal.commit(batch_of(SIT, None, 9999))
    assert seqs_of(reader, SIT) == list(range(10_000))
    assert seqs_of(reader, SIT, after=4, until=7) == [5, 6, 7]
    assert seqs_of(reader, SIT, after=9999) == []
    assert seqs_of(reader, "market/NON") == []


def test_rows_come_back_as_tuples_of_the_journal(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 2))
    assert list(reader.rows(SIT, after=0)) == [rows(SIT, [1, 2])]


def test_rows_cross_months_in_order_of_seq(journal: Journal, reader: Reader) -> None:
    days = [DAY, DAY.replace(month=4), DAY.replace(month=3, day=9), DAY.replace(year=2025)]
    made = [row(SIT, seq, day=day) for seq, day in enumerate(days)]
    journal.commit(Batch(rows=made, heads=[move(SIT, None, 3)]))
    assert seqs_of(reader, SIT) == [0, 1, 2, 3]


def test_long_rows_come_in_short_blocks(journal: Journal, reader: Reader) -> None:
    made = [row(SIT, seq, facts=bytes(1 << 20)) for seq in range(40)]
    journal.commit(Batch(rows=made, heads=[move(SIT, None, 39)]))
    blocks = [len(block) for block in reader.rows(SIT)]
    assert sum(blocks) == 40
    assert max(blocks[1:]) <= BLOCK_BYTES >> 20


def test_a_reading_sees_what_was_there_when_it_began(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 999))
    blocks = reader.rows(SIT)
    first = next(blocks)
    journal.commit(batch_of(SIT, 999, 1999))
    assert len(first) + sum(len(block) for block in blocks) == 1000


def test_a_reading_may_be_broken_off(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 999))
    for blocks in (reader.rows(SIT), reader.facts()):
        assert next(iter(blocks))
        del blocks
    assert reader.heads()[SIT].seq == 999


def test_rows_at_seqs(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 9))
    assert reader.rows_at(SIT, [7, 2, 99]) == rows(SIT, [2, 7])


def test_facts_of_all_shards_come_in_the_order_decided(journal: Journal, reader: Reader) -> None:
    made: list[JournalRow] = []
    for decided in range(3000):
        # SCU is rare, and it speaks first and last.
        rare = decided % 500 in (0, 499)
        seq = len([before for before in made if before.shard == SCU]) if rare else decided
        made.append(row(SCU if rare else SIT, seq, time=decided, facts=b"%d" % decided))
    journal.commit(Batch(rows=made, heads=[move(SCU, None, 11), move(SIT, None, 2998)]))
    assert [int(facts.facts) for block in reader.facts() for facts in block] == list(range(3000))


def test_facts_written_while_they_are_read_leave_no_gap(
    journal: Journal, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit(Batch(rows=[row(SCU, 0), row(SIT, 0, time=1)], heads=both_at(None, 0)))

    def blocks_late(
        connection: Connection, name: str, *, query: LiteralString, values: list[Any]
    ) -> Iterator[list[Any]]:
        if name.endswith(SIT):  # SCU is being read already.
            later = [row(SCU, 1, time=2), row(SIT, 1, time=3)]
            journal.commit(Batch(rows=later, heads=both_at(0, 1)))
        yield from blocks(connection, name, query=query, values=values)

    blocks = reading._blocks  # noqa: SLF001
    monkeypatch.setattr(reading, "_blocks", blocks_late)
    assert sum([len(block) for block in reader.facts()]) == 2


def both_at(before: int | None, after: int) -> list[HeadMove]:
    """The heads of both shards move."""
    return [move(SCU, before, after), move(SIT, before, after)]


def test_the_parts_of_a_row_follow_it(journal: Journal, reader: Reader) -> None:
    made = [*rows(SIT, [0]), row(SIT, 1, facts=b"zero")._replace(parts=3), *rows(SIT, [2])]
    batch = Batch(rows=made, heads=[move(SIT, None, 2)])
    batch.parts = [PartRow(SIT, 1, 1, b"one"), PartRow(SIT, 1, 2, b"two")]
    journal.commit(batch)
    expected = [(0, 0, b"facts"), (1, 0, b"zero"), (1, 1, b"one"), (1, 2, b"two"), (2, 0, b"facts")]
    assert [facts for block in reader.facts() for facts in block] == [
        Facts(SIT, *columns) for columns in expected
    ]
    assert list(reader.parts(SIT, 1)) == [b"one", b"two"]


def test_no_rows_no_facts(reader: Reader) -> None:
    assert list(reader.facts()) == []
    assert reader.heads() == {}


def test_links_of_a_barrier_come_by_source_and_number(journal: Journal, reader: Reader) -> None:
    journal.commit(
        Batch(
            links=[
                LinkRow(SIT, "member/0", 1, 7, 5, is_last=True, payload=b"b", hash=HASH),
                LinkRow(SIT, "member/0", 0, 7, 5, is_last=False, payload=b"a", hash=HASH),
                LinkRow(SCU, "member/0", 0, 7, 2, is_last=False, payload=b"c", hash=HASH),
                LinkRow(SIT, "member/0", 2, 8, 6, is_last=True, payload=b"d", hash=HASH),
            ]
        )
    )
    links = [(link.source, link.number, link.payload) for link in reader.links("member/0", 7)]
    assert links == [(SCU, 0, b"c"), (SIT, 0, b"a"), (SIT, 1, b"b")]
    assert reader.sources_answered("member/0", 7) == [SIT]


def test_the_last_snapshot_at_or_before_a_row(journal: Journal, reader: Reader) -> None:
    states = [(4, b"early"), (9, b"late")]
    halves = [
        SnapshotRow(
            SIT, seq, part, 2, chain(seq), DAY, state[part * 2 : part * 2 + 2 + 2 * part], HASH
        )
        for seq, state in states
        for part in (0, 1)
    ]
    journal.commit(Batch(snapshots=halves))
    assert reader.snapshot(SIT) == Snapshot(SIT, 9, chain(9), HASH, DAY, b"late")
    assert reader.snapshot(SIT, seq=8) == Snapshot(SIT, 4, chain(4), HASH, DAY, b"early"[:6])
    assert reader.snapshot(SIT, seq=3) is None


def test_day_hashes_come_in_order_of_days(journal: Journal, reader: Reader) -> None:
    days = [DayRow(SIT, DAY.replace(day=day), day, HASH, HASH) for day in (2, 3, 4)]
    journal.commit(Batch(days=days[::-1]))
    assert reader.days(SIT) == days
