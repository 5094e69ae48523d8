"""Folding the recorded facts gives the books that deciding gave, at the end and at every close."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from services.audit.replay import replay
from services.embedded.clear import clear
from services.embedded.memory import MemoryRun
from tests.bench.market import opening, trades
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.simulation.one_market import DAYS, DAYS_LONG, LONG_EVERY
from tests.simulation.restarts import hashes
from tests.streams import Streams, day_hashes
from tests.twin.generate import market, written

PUBLISHED = Path(__file__).parents[2] / "published"


def live_hashes(lines: list[bytes]) -> dict[str, str]:
    """The hashes of the books of a house that decided these lines in memory."""
    run = MemoryRun()
    for number, line in enumerate(lines):
        run.decide(line if number else line.removeprefix(b"\xef\xbb\xbf"))
    return hashes(run.clearinghouse)


@pytest.mark.parametrize(
    "written_lines",
    [
        lambda: market(1),
        lambda: market(6)[:-30],
        lambda: [*opening(30), *trades(3_000, 30)],
    ],
    ids=["four days", "within a session", "many trades"],
)
def test_replayed_books_are_those_that_decided(
    database: str, tmp_path: Path, written_lines: Callable[[], list[bytes]]
) -> None:
    path, lines = tmp_path / "market.jsonl", written_lines()
    path.write_bytes(b"\n".join(lines))
    clear(database, str(path), lines_a_block=500)
    replayed = {line.split()[0]: line.split()[3] for line in replay(database)}
    assert replayed == live_hashes(lines)


def published() -> dict[tuple[str, int], list[str]]:
    """By arrangement and seed what `replay` must say."""
    lines = (PUBLISHED / "books.csv").read_text(encoding="utf-8").splitlines()
    markets: dict[tuple[str, int], list[str]] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        said = " ".join(row[name] for name in ("shard", "seq", "chain", "state_hash"))
        markets.setdefault((row["arrangement"], int(row["seed"])), []).append(said)
    return markets


@pytest.mark.parametrize(("arrangement", "seed"), published())
def test_books_and_chains_are_those_published(
    database: str, tmp_path: Path, arrangement: str, seed: int
) -> None:
    lines = written(seed, DAYS if seed % LONG_EVERY else DAYS_LONG).lines
    if arrangement == "embedded":
        path = tmp_path / f"seed{seed}.jsonl"
        path.write_bytes(b"\n".join(lines))
        clear(database, str(path))
    else:
        with Streams(database, seed=seed) as streams:
            streams.feed(lines)
        assert day_hashes(database) == embedded_hashes(lines)
    assert replay(database) == published()[arrangement, seed]


def test_a_line_names_the_last_row_and_its_chain(journal: str) -> None:
    with psycopg.connect(journal) as connection:
        heads = connection.execute(
            "SELECT shard, seq, encode(chain, 'hex') FROM clearing.shard_head ORDER BY shard"
        ).fetchall()
    found = [line.rsplit(" ", 1)[0] for line in replay(journal)]
    assert found == [f"{shard} {seq} {chain}" for shard, seq, chain in heads]


def test_up_to_a_session_the_books_have_the_hash_stated_at_its_close(journal: str) -> None:
    with psycopg.connect(journal) as connection:
        days = connection.execute(
            "SELECT business_date, array_agg(encode(state_hash, 'hex') ORDER BY shard) "
            "FROM clearing.day GROUP BY 1"
        ).fetchall()
    assert len(days) > 2
    for day, stated in days:
        assert [line.split()[3] for line in replay(journal, until=day)] == stated
