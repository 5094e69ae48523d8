"""Facts as they come: the same that `clear` writes, in order for each shard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.console.clear_command import fact_pieces
from services.embedded.clear import clear
from services.feed.fact_tail import FactTail
from services.journal.reader import Reader
from tests.test_scenarios import HERE, lines_of

CASE: Final = HERE / "cycle_names.json"


@pytest.fixture
def reader(database: str, tmp_path: Path) -> Iterator[Reader]:
    """A journal of a small market, of more rows than are read at once."""
    lines = lines_of(json.loads(CASE.read_text("utf-8")))
    source = tmp_path / "day.jsonl"
    source.write_bytes(b"\n".join([*lines, *[b"{}"] * 500]))
    clear(database, str(source))
    with Reader(database) as opened:
        yield opened


def by_shard(facts: Iterator[bytes]) -> dict[str, list[bytes]]:
    """Facts of each shard, in their order."""
    shards: dict[str, list[bytes]] = {}
    for fact in facts:
        shards.setdefault(json.loads(fact)["shard"], []).append(fact)
    return shards


def cleared(reader: Reader) -> dict[str, list[bytes]]:
    """What `clear --facts` writes."""
    return by_shard(fact for piece in fact_pieces(reader) for fact in piece.splitlines())


def test_from_the_start_all_facts_come_in_order(reader: Reader) -> None:
    tail = FactTail(reader, is_from_start=True)
    assert by_shard(tail.facts()) == cleared(reader)
    assert list(tail.facts()) == []


def test_one_shard_can_be_followed_alone(reader: Reader) -> None:
    control = by_shard(FactTail(reader, shards=["control/0"], is_from_start=True).facts())
    assert control == {"control/0": cleared(reader)["control/0"]}


def test_otherwise_only_what_comes_after_now(reader: Reader, tmp_path: Path) -> None:
    tail = FactTail(reader)
    assert list(tail.facts()) == []
    source = tmp_path / "more.jsonl"
    source.write_bytes(b"{}\n")
    clear(reader.url, str(source))
    (fact,) = tail.facts()
    assert json.loads(fact)["reason"] == "malformed"
