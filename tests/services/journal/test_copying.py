"""Rows in the binary format of COPY: bytes go in and out as they are."""

import struct
from datetime import date

import numpy as np
import pytest

from events.texts import Texts
from services.journal.batch import Batch
from services.journal.copying import pack, pack_columns, pack_journal, pack_statements
from services.journal.reader import Reader
from services.journal.tables import APPEND_ONLY, DAY, JOURNAL, SETTLEMENT_PRICE, STATEMENT
from services.journal.writer import Journal
from services.shards.rows import JournalRow, RowColumns, StatementRow
from tests.services.journal.journal_rows import SIT, chain, move, row

AWKWARD = [b"", b"\x00", b"\xff\xff", b"\\.\n", bytes(range(256)), b"x" * 300_000]


def awkward_rows() -> list[JournalRow]:
    """Rows that differ in shard, origin, date and awkward bytes."""
    made = []
    for seq, content in enumerate(AWKWARD):
        day = date(2026, 1 + seq % 3, 1)
        shard, origin = f"market/P{seq % 2}", f"Börse {seq // 2}"
        numbers = -seq, 2**62 + seq
        columns = (shard, seq, day, origin, *numbers, content, 1, content[::-1], chain(seq))
        made.append(JournalRow._make(columns))
    return made


def test_a_row_of_days_is_laid_out_as_postgres_documents_it() -> None:
    packed = pack(DAY, [("a", date(2000, 1, 3), 7, b"\xff", b"\xfe")])
    by_hand = b"\x00\x05" + b"\x00\x00\x00\x01a" + b"\x00\x00\x00\x04\x00\x00\x00\x02"
    hashes = b"\x00\x00\x00\x01\xff" + b"\x00\x00\x00\x01\xfe"
    assert packed == by_hand + struct.pack(">iq", 8, 7) + hashes


def test_null_has_length_minus_one() -> None:
    packed = pack(SETTLEMENT_PRICE, [("s", 0, "p", "c", date(2000, 1, 1), "x", 1, None, "k")])
    assert packed.endswith(b"\xff\xff\xff\xff" + b"\x00\x00\x00\x01k")


def test_journal_rows_are_packed_fast_as_they_are_packed_plainly() -> None:
    assert pack_journal(awkward_rows()) == pack(JOURNAL, awkward_rows())


@pytest.mark.parametrize("seq", [0, 2**40])
def test_rows_that_stand_as_columns_are_packed_as_each_row(seq: int) -> None:
    contents = Texts.of(AWKWARD)
    count = len(AWKWARD)
    rows = RowColumns(
        "market/SIT", seq, date(1, 1, 1), "Börse", np.arange(count) - 3, np.arange(count) + 2**62,
        contents, contents[::-1], b"".join(map(chain, range(count))),
    )  # fmt: skip
    assert [row.seq for row in rows] == [*range(seq, seq + count)]
    assert [row.facts for row in rows] == AWKWARD[::-1]
    assert pack_columns(rows) == pack(JOURNAL, [*rows])


def test_statements_are_packed_fast_as_they_are_packed_plainly() -> None:
    amounts = 10**15, -7, 0, 2**62, -(2**63)
    made: list[StatementRow] = [
        StatementRow(
            shard,
            seq,
            f"Konto-{seq}-ß",
            member,
            origin,
            date(2026, 1, seq),
            cycle,
            *amounts,
            "[]" * seq,
        )
        for seq in (1, 2, 3)
        for shard in ("member/0", "member/1")
        for member in ("M1", "Börse")
        for origin in ("house", "customer")
        for cycle in ("close", "noon")
    ]
    made += made[:3]
    assert pack_statements(made) == pack(STATEMENT, made)


def test_a_row_of_wrong_width_is_not_packed() -> None:
    with pytest.raises(ValueError, match="shorter"):
        pack(DAY, [("a", date(2000, 1, 3), 7)])


def test_awkward_bytes_come_back_as_they_went_in(journal: Journal, reader: Reader) -> None:
    made = awkward_rows()
    journal.commit(Batch(rows=made, heads=[move("market/P0", None, 4), move("market/P1", None, 5)]))
    shards = ("market/P0", "market/P1")
    back = [held for shard in shards for block in reader.rows(shard) for held in block]
    assert sorted(back, key=lambda held: held[1]) == made


def test_rows_before_the_first_session_are_kept(journal: Journal, reader: Reader) -> None:
    early = row(SIT, 0, day=date(1, 1, 1))
    journal.commit(Batch(rows=[early], heads=[move(SIT, None, 0)]))
    assert list(reader.rows(SIT)) == [[early]]


def test_every_table_has_the_columns_of_its_migration(reader: Reader) -> None:
    query = (
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    )
    for table in APPEND_ONLY:
        found = reader.connection.execute(query, [f"clearing.{table.name}"]).fetchall()
        assert [name for (name,) in found] == list(table.columns), table.name
