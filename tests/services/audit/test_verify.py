"""A journal that nobody touched is what its input makes of it, from a snapshot on too."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from services.audit import id_tables as remembered
from services.audit.verify import verify
from services.embedded.clear import clear
from services.journal import id_index as identities
from services.shards import emission
from tests.bench.market import closing, opening, trades
from tests.services.audit.tampering import place, tamper
from tests.twin.generate import market


def cleared(url: str, path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"\n".join(lines))
    clear(url, str(path), lines_a_block=61)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_journal_has_no_findings(database: str, tmp_path: Path, seed: int) -> None:
    cleared(database, tmp_path / "market.jsonl", market(seed, days=3))
    assert verify(database) == []
    assert verify(database, from_snapshot=True) == []


def test_sources_cleared_one_after_the_other_have_no_findings(
    database: str, tmp_path: Path
) -> None:
    lines = market(5, days=3)
    cleared(database, tmp_path / "first.jsonl", lines[:200])
    cleared(database, tmp_path / "second.jsonl", lines[200:-40])
    assert verify(database) == []
    assert verify(database, from_snapshot=True) == []


def test_an_empty_journal_has_no_findings(database: str, tmp_path: Path) -> None:
    cleared(database, tmp_path / "nothing.jsonl", [])
    assert verify(database) == []


def test_progress_tells_every_row_once(journal: str) -> None:
    told: list[tuple[int, int]] = []
    verify(journal, progress=lambda done, total: told.append((done, total)))
    with psycopg.connect(journal) as connection:
        found = connection.execute("SELECT count(*) FROM clearing.journal").fetchone()
    assert found is not None
    assert told[-1] == (found[0], found[0])


def test_from_a_snapshot_what_follows_is_looked_at_and_nothing_before(journal: str) -> None:
    tamper(journal, "UPDATE journal SET input = '' WHERE shard = 'member/0' AND seq = 3")
    assert verify(journal, from_snapshot=True) == []
    last = place(journal, "last")
    assert last > place(journal, "close")
    tamper(journal, "UPDATE journal SET facts = '' @last")
    (finding,) = verify(journal, from_snapshot=True)
    assert finding.startswith(f"market/SIT seq {last} facts: expected")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("SET state = set_byte(state, 9, 65)", "snapshot state: expected"),
        ("SET state = state || '12345678'", "snapshot state: expected"),
        ("SET chain = sha256(chain)", "chain of the snapshot: expected"),
        ("SET part = 1", "snapshot: expected"),
    ],
)
def test_a_snapshot_that_was_changed_is_no_place_to_start_from(
    journal: str, change: str, said: str
) -> None:
    tamper(journal, f"UPDATE snapshot {change} @member")
    (finding,) = verify(journal, from_snapshot=True)
    assert finding.startswith(f"member/0 seq {place(journal, 'member')} {said}")


def test_facts_in_many_parts_are_looked_at_to_the_last(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emission, "PART_BYTES_MAX", 2_000)
    cleared(database, tmp_path / "market.jsonl", market(1, days=2))
    assert verify(database) == []
    statement = "UPDATE journal_part SET facts = set_byte(facts, 30, 65) @member AND part = 2"
    tamper(database, statement)
    (finding,) = verify(database)
    assert finding.startswith(f"member/0 seq {place(database, 'member')} journal_part")


@pytest.mark.parametrize(
    "statement",
    [
        "",
        """UPDATE identity_page SET keys = set_byte(keys, 0, get_byte(keys, 0) # 1)
        WHERE shard = 'market/SIT' AND span = 1 AND page = 2""",
        """UPDATE identity_filter SET words = set_byte(words, 0, get_byte(words, 0) # 1)
        WHERE shard = 'market/SIT' AND span = 1""",
        """UPDATE identity SET seqs = set_byte(seqs, 0, get_byte(seqs, 0) # 1)
        WHERE shard = 'market/SIT' AND span = 0""",
    ],
    ids=["honest", "page", "filter", "run"],
)
def test_sealed_spans_of_ids_are_held_against_the_decisions(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    for module in (identities, remembered):
        monkeypatch.setattr(module, "SPAN_BITS", 9)
    monkeypatch.setattr(identities, "PAGE_BITS", 6)
    some = list(trades(1_500, 8))
    lines = [*opening(8), *some, *some[:40], closing(), *some[40:60], *some[-20:]]
    cleared(database, tmp_path / "market.jsonl", lines)
    if not statement:
        assert verify(database) == []
        assert verify(database, from_snapshot=True) == []
        return
    tamper(database, statement)
    (finding,) = verify(database)
    assert finding.startswith("market/SIT seq ")


@pytest.mark.parametrize("lines_a_block", [1, 1_000])
def test_trades_of_products_nobody_uses_are_decided_in_their_order(
    database: str, tmp_path: Path, lines_a_block: int
) -> None:
    products = (b'"XAA', b'"SIT', b'"YBB')
    some = [
        line.replace(b'"SIT', products[number % 3]) for number, line in enumerate(trades(12, 4))
    ]
    path = tmp_path / "market.jsonl"
    path.write_bytes(b"\n".join([*opening(4), *some]))
    clear(database, str(path), lines_a_block=lines_a_block)
    assert verify(database) == []
