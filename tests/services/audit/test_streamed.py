"""A journal that workers wrote is what its inboxes make of it, with all that is refused in them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import psycopg
import pytest

from services.audit import journal_rows as recorded
from services.audit.replay import replay
from services.audit.verify import verify
from services.broker.topics import shard_partitions
from services.journal.inboxes import record_inboxes
from services.journal.reader import Inbox, Reader
from services.shards import emission
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from tests import streams
from tests.services.audit.streamed import embedded, restart, send, streamed
from tests.services.audit.tampering import place, tamper
from tests.services.reports.small_market import SMALL_MARKET
from tests.streams import Streams
from tests.test_scenarios import SCENARIOS, lines_of
from tests.twin.generate import written

SOME = SCENARIOS[::9]


def verified(url: str) -> list[str]:
    """What is found from the first row on, and from the last snapshots."""
    return verify(url) + verify(url, from_snapshot=True)


def state_hashes(url: str) -> dict[str, str]:
    """By shard the hash of its books as folded."""
    return {line.split()[0]: line.split()[3] for line in replay(url)}


@pytest.mark.parametrize("path", SOME, ids=[path.stem for path in SOME])
def test_a_scenario_has_no_findings(database: str, path: Path) -> None:
    streamed(database, lines_of(json.loads(path.read_text("utf-8"))))
    assert verified(database) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_market_has_no_findings_and_the_books_of_one_process(
    database: str, other: str, tmp_path: Path, seed: int
) -> None:
    lines = written(seed, 3).lines
    streamed(database, lines, seed=seed)
    assert verified(database) == []
    embedded(other, tmp_path / "market.jsonl", lines)
    assert state_hashes(database) == state_hashes(other)


def test_books_at_a_close_are_those_of_one_process(
    database: str, other: str, tmp_path: Path
) -> None:
    lines = written(2, 3).lines
    streamed(database, lines)
    embedded(other, tmp_path / "market.jsonl", lines)
    with Reader(other) as reader:
        days = [day for _, day, *_ in reader.days(MEMBER_SHARD)]
    assert len(days) == 3
    for day in days:
        found, expected = replay(database, until=day), replay(other, until=day)
        assert [line.split()[::3] for line in found] == [line.split()[::3] for line in expected]


@pytest.mark.parametrize("prefix", ["clearing", "of.others"])
def test_recorded_inboxes_have_no_findings(
    database: str, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setattr(streams, "shard_partitions", partial(shard_partitions, prefix))
    inboxes = [Inbox(one.shard, one.topic, one.number, "id") for one in shard_partitions(prefix)]
    record_inboxes(database, inboxes)
    streamed(database, written(1, 2).lines, seed=1)
    assert verified(database) == []


def test_small_chunks_are_decided_as_one(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed(database, written(6, 2).lines)
    monkeypatch.setattr(recorded, "CHUNK_ROWS", 7)
    assert verified(database) == []


def test_facts_in_many_parts_are_looked_at(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emission, "PART_BYTES_MAX", 2_000)
    streamed(database, written(1, 2).lines)
    assert verify(database) == []
    tamper(database, "UPDATE journal_part SET facts = '' @member AND part = 2")
    (finding,) = verify(database)
    assert finding.startswith(f"member/0 seq {place(database, 'member')} journal_part")


def test_journals_without_sessions_have_no_findings(database: str) -> None:
    assert verified(database) == []
    with Streams(database) as shards:
        assert verified(database) == []
        shards.put(MEMBER_SHARD, b"?")
        shards.run_all()
    assert verified(database) == []


def test_shards_that_lag_by_a_session_start_from_what_all_have_closed(database: str) -> None:
    lines = written(3, 3).lines
    closes = [place for place, line in enumerate(lines) if b"close_session" in line]
    with Streams(database) as shards:
        shards.feed(lines[: closes[-2] + 1])
        for line in lines[closes[-2] + 1 :]:
            shards.put(CONTROL_SHARD, line)
        shards.run_shard(CONTROL_SHARD)
        shards.copy()
        assert verified(database) == []
        shards.run_shard("market/SIT")
        assert verified(database) == []
    with psycopg.connect(database) as connection:
        days = connection.execute("SELECT max(business_date) FROM clearing.day GROUP BY shard")
        assert len({day for (day,) in days}) == 2
    tamper(database, "UPDATE journal SET facts = facts || ' ' @last")
    (finding,) = verify(database, from_snapshot=True)
    assert finding.startswith(f"market/SIT seq {place(database, 'last')} facts: expected")


def test_a_product_configured_later_has_a_shard_from_then_on(database: str) -> None:
    streamed(database, written(6, 3).lines)
    with Reader(database) as reader:
        assert len(reader.heads()) > 3
    assert verified(database) == []


def test_a_cycle_whose_envelope_was_refused_may_still_be_ordered(database: str) -> None:
    lines = SMALL_MARKET
    noon = next(line for line in lines if b"run_cycle" in line)
    with Streams(database) as shards:
        shards.feed(lines[:-3])
        send(shards, CONTROL_SHARD, noon.replace(b"noon", b"late"), key=None)
        shards.run_all()
        before = state_hashes(database)[CONTROL_SHARD]
        restart(shards, CONTROL_SHARD)
        assert state_hashes(database)[CONTROL_SHARD] == before
        shards.feed(lines[-3:])
    assert verified(database) == []


def test_facts_come_in_the_order_of_time_and_shard(database: str) -> None:
    streamed(database, written(4, 2).lines)
    with Reader(database) as reader:
        found = [(one.shard, one.seq) for block in reader.facts() for one in block if not one.part]
        rows = reader.connection.execute(
            "SELECT shard, seq FROM clearing.journal ORDER BY decided, shard"
        ).fetchall()
    assert found == rows
