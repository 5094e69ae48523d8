"""Remembered ids are found however old; ids not seen are never found."""

from collections.abc import Callable

import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from services.journal import id_index as identities
from services.journal.batch import Batch, Int64s
from services.journal.id_index import IdFilter, IdIndex, bits, identity_keys
from services.journal.reader import Reader
from services.journal.writer import Journal
from tests.services.journal.journal_rows import SIT

Remember = Callable[[IdIndex, list[str], range], None]


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans of 4,096 seqs, so that tests see many."""
    monkeypatch.setattr(identities, "SPAN_BITS", 12)


@pytest.fixture
def remember(journal: Journal) -> Remember:
    """Makes ids known and durable, as the runner does."""

    def remembering(index: IdIndex, names: list[str], rows: range) -> None:
        keys, seqs = identity_keys("trade", names), np.array(rows, np.int64)
        seals = index.add(keys, seqs)
        journal.commit(Batch(identities=[(index.shard, keys, seqs)], seals=seals))

    return remembering


def names_of(seqs: range) -> list[str]:
    return [f"T{seq}" for seq in seqs]


def seqs_found(index: IdIndex, names: list[str]) -> dict[str, list[int]]:
    """The look-up, by name."""
    keys = identity_keys("trade", names)
    named = dict(zip(keys.tolist(), names, strict=True))
    return {named[key]: seqs for key, seqs in index.lookup(keys).items()}


def test_keys_are_xxh3_of_id_seeded_by_namespace() -> None:
    # XXH3 of nothing, as xxHash's own test vectors have it.
    assert xxh3_64_intdigest(b"") == 0x2D06800538D394C2
    trades, transfers = identity_keys("trade", ["a", "b"]), identity_keys("transfer", ["a", "b"])
    assert len({*trades.tolist(), *transfers.tolist()}) == 4
    assert trades.dtype == np.int64


def test_ids_are_found_in_open_and_sealed_spans_and_after_a_restart(
    reader: Reader, remember: Remember
) -> None:
    index = IdIndex(SIT, reader.connection)
    for first in range(0, 20_000, 1000):
        remember(index, names_of(range(first, first + 1000)), range(first, first + 1000))
    sample = range(0, 40_000, 7)
    expected = {f"T{seq}": [seq] for seq in sample if seq < 20_000}
    assert seqs_found(index, names_of(sample)) == expected
    assert seqs_found(IdIndex(SIT, reader.connection), names_of(sample)) == expected


def test_ids_are_known_before_they_are_durable(reader: Reader) -> None:
    index = IdIndex(SIT, reader.connection)
    for first in (0, 4000, 8000, 12_000):
        seqs = np.arange(first, first + 4000, dtype=np.int64)
        index.add(identity_keys("trade", names_of(range(first, first + 4000))), seqs)
    assert seqs_found(index, ["T0", "T5000", "T15999", "T16000"]) == {
        "T0": [0],
        "T5000": [5000],
        "T15999": [15_999],
    }


def test_an_id_met_often_has_all_its_rows_in_order(reader: Reader, remember: Remember) -> None:
    index = IdIndex(SIT, reader.connection)
    for first in range(0, 10_000, 2000):
        remember(index, ["A", "B", "A"], range(first, first + 3))
    expected = [seq for first in range(0, 10_000, 2000) for seq in (first, first + 2)]
    assert seqs_found(index, ["A"]) == {"A": expected}
    assert seqs_found(IdIndex(SIT, reader.connection), ["A"]) == {"A": expected}


def test_a_batch_across_spans_is_cut_at_their_bounds(reader: Reader, remember: Remember) -> None:
    index = IdIndex(SIT, reader.connection)
    remember(index, names_of(range(9000)), range(9000))
    query = "SELECT span, seq_first FROM clearing.identity ORDER BY span"
    assert reader.connection.execute(query).fetchall() == [(0, 0), (1, 4096), (2, 8192)]
    assert len(seqs_found(index, names_of(range(9000)))) == 9000


def test_spans_without_ids_are_passed_over(reader: Reader, remember: Remember) -> None:
    index = IdIndex(SIT, reader.connection)
    remember(index, ["A"], range(1))
    remember(index, ["B"], range(50_000, 50_001))
    restarted = IdIndex(SIT, reader.connection)
    assert seqs_found(restarted, ["A", "B", "C"]) == {"A": [0], "B": [50_000]}


def test_each_shard_has_ids_of_its_own(reader: Reader, remember: Remember) -> None:
    remember(IdIndex(SIT, reader.connection), ["A"], range(1))
    assert seqs_found(IdIndex("market/SCU", reader.connection), ["A"]) == {}


def test_a_filter_that_hits_for_nothing_costs_a_look_up_and_finds_nothing(
    reader: Reader, remember: Remember, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = IdIndex(SIT, reader.connection)
    remember(index, names_of(range(5000)), range(5000))
    monkeypatch.setattr(IdFilter, "perhaps", lambda _self, keys, *_positional, **_named: keys)
    assert seqs_found(index, names_of(range(4990, 5010))) == {
        f"T{seq}": [seq] for seq in range(4990, 5000)
    }


def test_a_full_filter_lets_few_new_ids_through_and_all_known_ones() -> None:
    full, ids = IdFilter(1 << 16), 1 << 16
    keys = identity_keys("trade", names_of(range(ids + 500_000))).view(np.uint64)
    full.add(keys[:ids])
    for id_filter in (full, IdFilter.from_bytes(ids, full.to_bytes())):
        through = id_filter.perhaps(keys, id_filter.block(keys), pattern=bits(keys))
        assert np.array_equal(through[:ids], keys[:ids])
        assert len(through) - ids < 0.0011 * 500_000


def test_memory_is_two_bytes_for_an_id_in_a_sealed_span(reader: Reader, remember: Remember) -> None:
    index = IdIndex(SIT, reader.connection)
    for first in range(0, 40_960, 4096):
        remember(index, names_of(range(first, first + 4096)), range(first, first + 4096))
    restarted = IdIndex(SIT, reader.connection)
    open_span = 4096 * 12
    assert restarted.bytes_held == 40_960 * 2 + open_span
    remember(index, [], range(0))
    assert index.bytes_held == restarted.bytes_held


def test_pages_hold_the_naive_answer(reader: Reader, remember: Remember) -> None:
    random = np.random.default_rng(7)
    index, naive = IdIndex(SIT, reader.connection), dict[int, list[int]]()
    for first in range(0, 30_000, 1500):
        names = [f"T{number}" for number in random.integers(0, 9000, 1500)]
        remember(index, names, range(first, first + 1500))
        for seq, key in enumerate(identity_keys("trade", names).tolist(), start=first):
            naive.setdefault(key, []).append(seq)
    keys = identity_keys("trade", names_of(range(9500)))
    assert index.lookup(keys) == {key: naive[key] for key in keys.tolist() if key in naive}


def test_no_keys_no_answer(reader: Reader) -> None:
    nothing: Int64s = np.zeros(0, np.int64)
    index = IdIndex(SIT, reader.connection)
    assert index.lookup(nothing) == {}
    assert index.add(nothing, nothing) == []
