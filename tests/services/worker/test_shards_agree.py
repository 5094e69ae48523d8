"""The same commands leave the same day hashes, shard by shard, embedded and from inboxes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.embedded.memory import MemoryRun
from services.journal.reader import Reader
from tests.streams import Streams, day_hashes
from tests.test_scenarios import SCENARIOS, lines_of
from tests.twin.generate import written

# With those of tests/published/books.csv, at which tests/services/audit/test_replay.py looks.
SEEDS = (0, 4, 5, 6)
DAYS = 4
SOME = sorted({*SCENARIOS[::4], *(path for path in SCENARIOS if "spread" in path.stem)})


def embedded_hashes(lines: list[bytes]) -> dict[tuple[str, str], tuple[str, str]]:
    """The day hashes of the clearinghouse in one process."""
    run = MemoryRun()
    for line in lines:
        run.decide(line)
    return {
        (day.shard, day.business_date.isoformat()): (day.state_hash.hex(), day.history_hash.hex())
        for shard in run.clearinghouse.in_order()
        for day in shard.log.pending.days
    }


@pytest.mark.parametrize("path", SOME, ids=[path.stem for path in SOME])
def test_scenarios_leave_the_same_day_hashes(url: str, path: Path) -> None:
    lines = [line for line in lines_of(json.loads(path.read_text("utf-8"))) if line.strip()]
    with Streams(url) as streams:
        streams.feed(lines)
    assert day_hashes(url) == embedded_hashes(lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_seeded_markets_leave_the_same_day_hashes(url: str, seed: int) -> None:
    lines = written(seed, DAYS).lines
    with Streams(url, seed=seed) as streams:
        streams.feed(lines)
    expected = embedded_hashes(lines)
    assert len(expected) >= DAYS
    assert day_hashes(url) == expected


def test_shards_that_are_loaded_anew_go_on_as_if_nothing_had_happened(url: str) -> None:
    lines = written(3, DAYS).lines
    with Streams(url) as streams:
        for first in range(0, len(lines), 37):
            streams.feed(lines[first : first + 37])
            for shard in [*streams.runs]:
                streams.stop(shard)
                streams.start(shard)
    assert day_hashes(url) == embedded_hashes(lines)


def test_each_shard_knows_how_far_it_followed(url: str) -> None:
    with Streams(url) as streams:
        streams.feed(written(1, 2).lines)
    with Reader(url) as reader:
        numbers = {head.control_number for head in reader.heads().values()}
        assert numbers == {reader.last_number()}
