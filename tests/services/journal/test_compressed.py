"""Parts as the table holds them: what went in comes out, and what is damaged is seen to differ."""

import zlib
from collections.abc import Callable

import psycopg
import pytest

from services.journal.batch import Batch
from services.journal.compressed import decompressed, packed
from services.journal.reader import Reader
from services.journal.writer import Journal
from services.shards.rows import PartRow
from tests.services.journal.journal_rows import SIT, move, row

PACKERS = [packed, zlib.compress]
FACTS = b'{"type":"variation_settled/1","amount_cents":-7}\n' * 5_000


@pytest.mark.parametrize("facts", [b"", b"x", b"{}", FACTS, bytes(range(256))])
def test_what_was_packed_comes_out_as_it_was(facts: bytes) -> None:
    assert decompressed(packed(facts)) == facts


def test_parts_of_a_close_shrink_to_less_than_a_tenth() -> None:
    assert 10 * len(packed(FACTS)) < len(FACTS)


def test_parts_from_before_they_were_packed_are_read_as_they_stand() -> None:
    assert decompressed(FACTS) == FACTS


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_parts_that_earlier_programs_packed_come_out(level: int) -> None:
    assert decompressed(zlib.compress(FACTS, level)) == FACTS


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("end", [-1, -4, 1, 2, 40])
def test_a_stream_cut_short_is_not_what_it_was(pack: Callable[[bytes], bytes], end: int) -> None:
    stored = pack(FACTS)[:end]
    assert decompressed(stored) == stored


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("behind", [b"!", bytes(8)])
def test_bytes_behind_a_stream_are_not_overlooked(
    pack: Callable[[bytes], bytes], behind: bytes
) -> None:
    stored = pack(FACTS) + behind
    assert decompressed(stored) == stored


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("at", [1, 2, 12, 30, 40, 100, -1])
def test_a_changed_byte_is_not_overlooked(pack: Callable[[bytes], bytes], at: int) -> None:
    damaged = bytearray(pack(FACTS))
    damaged[at % len(damaged)] ^= 1
    assert decompressed(bytes(damaged)) != FACTS


def test_the_table_holds_parts_packed_and_the_reader_gives_them_plain(
    journal: Journal, reader: Reader
) -> None:
    whole = row(SIT, 0, facts=b"first")._replace(parts=2)
    parts = [PartRow(SIT, 0, 1, FACTS)]
    journal.commit(Batch(rows=[whole], parts=parts, heads=[move(SIT, None, 0)]))
    with psycopg.connect(reader.url) as connection:
        ((length,),) = connection.execute("SELECT length(facts) FROM clearing.journal_part")
    assert 10 * length < len(FACTS)
    assert list(reader.parts(SIT, 0)) == [FACTS]
    ((_, part),) = reader.facts()
    assert part.facts == FACTS
